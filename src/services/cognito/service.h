#pragma once
// The operations of the API. One file a subject: pools.cc, clients.cc, groups.cc, users.cc (what an administrator does),
// accounts.cc (what a user does for himself), sign_in_operations.cc.

#include "apis/cognito_idp/api.h"
#include "services/cognito/cognito.h"
#include "services/cognito/sign_in.h"

namespace wellhead::services::cognito {

class CognitoService final : public idp::CognitoIdpApi {
  public:
    CognitoService(Dependencies dependencies, const Settings& settings, Store& store, Tokens& tokens, SignIn& sign_in)
        : deps_(dependencies), settings_(settings), store_(store), tokens_(tokens), sign_in_(sign_in) {}

    template <class T>
    using Answer = env::Task<api::Outcome<T>>;

    // pools.cc
    Answer<idp::CreateUserPoolResponse> CreateUserPool(const api::CallContext&, idp::CreateUserPoolRequest) override;
    Answer<idp::DescribeUserPoolResponse> DescribeUserPool(const api::CallContext&, idp::DescribeUserPoolRequest) override;
    Answer<idp::UpdateUserPoolResponse> UpdateUserPool(const api::CallContext&, idp::UpdateUserPoolRequest) override;
    Answer<idp::DeleteUserPoolOutput> DeleteUserPool(const api::CallContext&, idp::DeleteUserPoolRequest) override;
    Answer<idp::ListUserPoolsResponse> ListUserPools(const api::CallContext&, idp::ListUserPoolsRequest) override;
    Answer<idp::CreateUserPoolDomainResponse> CreateUserPoolDomain(const api::CallContext&, idp::CreateUserPoolDomainRequest) override;
    Answer<idp::DescribeUserPoolDomainResponse> DescribeUserPoolDomain(const api::CallContext&, idp::DescribeUserPoolDomainRequest) override;
    Answer<idp::UpdateUserPoolDomainResponse> UpdateUserPoolDomain(const api::CallContext&, idp::UpdateUserPoolDomainRequest) override;
    Answer<idp::DeleteUserPoolDomainResponse> DeleteUserPoolDomain(const api::CallContext&, idp::DeleteUserPoolDomainRequest) override;
    Answer<idp::AddCustomAttributesResponse> AddCustomAttributes(const api::CallContext&, idp::AddCustomAttributesRequest) override;
    Answer<idp::GetUserPoolMfaConfigResponse> GetUserPoolMfaConfig(const api::CallContext&, idp::GetUserPoolMfaConfigRequest) override;
    Answer<idp::SetUserPoolMfaConfigResponse> SetUserPoolMfaConfig(const api::CallContext&, idp::SetUserPoolMfaConfigRequest) override;
    Answer<idp::TagResourceResponse> TagResource(const api::CallContext&, idp::TagResourceRequest) override;
    Answer<idp::UntagResourceResponse> UntagResource(const api::CallContext&, idp::UntagResourceRequest) override;
    Answer<idp::ListTagsForResourceResponse> ListTagsForResource(const api::CallContext&, idp::ListTagsForResourceRequest) override;

    // clients.cc
    Answer<idp::CreateUserPoolClientResponse> CreateUserPoolClient(const api::CallContext&, idp::CreateUserPoolClientRequest) override;
    Answer<idp::DescribeUserPoolClientResponse> DescribeUserPoolClient(const api::CallContext&, idp::DescribeUserPoolClientRequest) override;
    Answer<idp::UpdateUserPoolClientResponse> UpdateUserPoolClient(const api::CallContext&, idp::UpdateUserPoolClientRequest) override;
    Answer<idp::DeleteUserPoolClientOutput> DeleteUserPoolClient(const api::CallContext&, idp::DeleteUserPoolClientRequest) override;
    Answer<idp::ListUserPoolClientsResponse> ListUserPoolClients(const api::CallContext&, idp::ListUserPoolClientsRequest) override;
    Answer<idp::CreateResourceServerResponse> CreateResourceServer(const api::CallContext&, idp::CreateResourceServerRequest) override;
    Answer<idp::DescribeResourceServerResponse> DescribeResourceServer(const api::CallContext&, idp::DescribeResourceServerRequest) override;
    Answer<idp::UpdateResourceServerResponse> UpdateResourceServer(const api::CallContext&, idp::UpdateResourceServerRequest) override;
    Answer<idp::DeleteResourceServerOutput> DeleteResourceServer(const api::CallContext&, idp::DeleteResourceServerRequest) override;
    Answer<idp::ListResourceServersResponse> ListResourceServers(const api::CallContext&, idp::ListResourceServersRequest) override;

    // groups.cc
    Answer<idp::CreateGroupResponse> CreateGroup(const api::CallContext&, idp::CreateGroupRequest) override;
    Answer<idp::GetGroupResponse> GetGroup(const api::CallContext&, idp::GetGroupRequest) override;
    Answer<idp::UpdateGroupResponse> UpdateGroup(const api::CallContext&, idp::UpdateGroupRequest) override;
    Answer<idp::DeleteGroupOutput> DeleteGroup(const api::CallContext&, idp::DeleteGroupRequest) override;
    Answer<idp::ListGroupsResponse> ListGroups(const api::CallContext&, idp::ListGroupsRequest) override;
    Answer<idp::ListUsersInGroupResponse> ListUsersInGroup(const api::CallContext&, idp::ListUsersInGroupRequest) override;
    Answer<idp::AdminAddUserToGroupOutput> AdminAddUserToGroup(const api::CallContext&, idp::AdminAddUserToGroupRequest) override;
    Answer<idp::AdminRemoveUserFromGroupOutput> AdminRemoveUserFromGroup(const api::CallContext&, idp::AdminRemoveUserFromGroupRequest) override;
    Answer<idp::AdminListGroupsForUserResponse> AdminListGroupsForUser(const api::CallContext&, idp::AdminListGroupsForUserRequest) override;

    // users.cc
    Answer<idp::AdminCreateUserResponse> AdminCreateUser(const api::CallContext&, idp::AdminCreateUserRequest) override;
    Answer<idp::AdminGetUserResponse> AdminGetUser(const api::CallContext&, idp::AdminGetUserRequest) override;
    Answer<idp::AdminDeleteUserOutput> AdminDeleteUser(const api::CallContext&, idp::AdminDeleteUserRequest) override;
    Answer<idp::AdminEnableUserResponse> AdminEnableUser(const api::CallContext&, idp::AdminEnableUserRequest) override;
    Answer<idp::AdminDisableUserResponse> AdminDisableUser(const api::CallContext&, idp::AdminDisableUserRequest) override;
    Answer<idp::AdminSetUserPasswordResponse> AdminSetUserPassword(const api::CallContext&, idp::AdminSetUserPasswordRequest) override;
    Answer<idp::AdminResetUserPasswordResponse> AdminResetUserPassword(const api::CallContext&, idp::AdminResetUserPasswordRequest) override;
    Answer<idp::AdminConfirmSignUpResponse> AdminConfirmSignUp(const api::CallContext&, idp::AdminConfirmSignUpRequest) override;
    Answer<idp::AdminUpdateUserAttributesResponse> AdminUpdateUserAttributes(const api::CallContext&, idp::AdminUpdateUserAttributesRequest) override;
    Answer<idp::AdminDeleteUserAttributesResponse> AdminDeleteUserAttributes(const api::CallContext&, idp::AdminDeleteUserAttributesRequest) override;
    Answer<idp::AdminUserGlobalSignOutResponse> AdminUserGlobalSignOut(const api::CallContext&, idp::AdminUserGlobalSignOutRequest) override;
    Answer<idp::ListUsersResponse> ListUsers(const api::CallContext&, idp::ListUsersRequest) override;

    // sign_in_operations.cc
    Answer<idp::InitiateAuthResponse> InitiateAuth(const api::CallContext&, idp::InitiateAuthRequest) override;
    Answer<idp::AdminInitiateAuthResponse> AdminInitiateAuth(const api::CallContext&, idp::AdminInitiateAuthRequest) override;
    Answer<idp::RespondToAuthChallengeResponse> RespondToAuthChallenge(const api::CallContext&, idp::RespondToAuthChallengeRequest) override;
    Answer<idp::AdminRespondToAuthChallengeResponse> AdminRespondToAuthChallenge(const api::CallContext&, idp::AdminRespondToAuthChallengeRequest) override;
    Answer<idp::GetTokensFromRefreshTokenResponse> GetTokensFromRefreshToken(const api::CallContext&, idp::GetTokensFromRefreshTokenRequest) override;
    Answer<idp::RevokeTokenResponse> RevokeToken(const api::CallContext&, idp::RevokeTokenRequest) override;
    Answer<idp::GlobalSignOutResponse> GlobalSignOut(const api::CallContext&, idp::GlobalSignOutRequest) override;

    // accounts.cc
    Answer<idp::SignUpResponse> SignUp(const api::CallContext&, idp::SignUpRequest) override;
    Answer<idp::ConfirmSignUpResponse> ConfirmSignUp(const api::CallContext&, idp::ConfirmSignUpRequest) override;
    Answer<idp::ResendConfirmationCodeResponse> ResendConfirmationCode(const api::CallContext&, idp::ResendConfirmationCodeRequest) override;
    Answer<idp::ForgotPasswordResponse> ForgotPassword(const api::CallContext&, idp::ForgotPasswordRequest) override;
    Answer<idp::ConfirmForgotPasswordResponse> ConfirmForgotPassword(const api::CallContext&, idp::ConfirmForgotPasswordRequest) override;
    Answer<idp::GetUserResponse> GetUser(const api::CallContext&, idp::GetUserRequest) override;
    Answer<idp::UpdateUserAttributesResponse> UpdateUserAttributes(const api::CallContext&, idp::UpdateUserAttributesRequest) override;
    Answer<idp::DeleteUserAttributesResponse> DeleteUserAttributes(const api::CallContext&, idp::DeleteUserAttributesRequest) override;
    Answer<idp::DeleteUserOutput> DeleteUser(const api::CallContext&, idp::DeleteUserRequest) override;
    Answer<idp::ChangePasswordResponse> ChangePassword(const api::CallContext&, idp::ChangePasswordRequest) override;
    Answer<idp::GetUserAttributeVerificationCodeResponse> GetUserAttributeVerificationCode(const api::CallContext&, idp::GetUserAttributeVerificationCodeRequest) override;
    Answer<idp::VerifyUserAttributeResponse> VerifyUserAttribute(const api::CallContext&, idp::VerifyUserAttributeRequest) override;

  private:
    env::Task<api::Outcome<User>> FindUserOrFail(const Pool& pool, std::string name);
    env::Task<api::Outcome<User>> ChangeNamed(const Pool& pool, std::string name, Store::Change change);
    env::Task<api::Outcome<User>> NewUser(const Pool& pool, std::string name,
                                          std::vector<idp::AttributeType> attributes, bool by_admin);
    // There is no mail server: the code stands in the server's log, for whoever runs it.
    idp::CodeDeliveryDetailsType Deliver(const Pool& pool, const User& user, const std::string& attribute,
                                         const std::string& code, const char* purpose);
    Code Remember(const std::string& code) const;
    env::Task<api::Outcome<Client>> ClientWithHash(std::string client_id, std::string name,
                                                   std::optional<std::string> hash);

    Dependencies deps_;
    const Settings& settings_;
    Store& store_;
    Tokens& tokens_;
    SignIn& sign_in_;
};

// The attributes as the API writes them, "sub" first.
std::vector<idp::AttributeType> ToAttributes(const User& user);
// Sets attributes that the pool's schema has. InvalidParameterException.
api::Outcome<void> SetAttributes(const Pool& pool, User& user, const std::vector<idp::AttributeType>& attributes,
                                 bool by_admin);
api::Outcome<void> DeleteAttributes(const Pool& pool, User& user, const std::vector<std::string>& names);
// The code fits, has not expired, was not guessed at too often; what is counted is changed in code.
api::Outcome<void> CheckCode(std::optional<Code>& code, const std::string& given, base::Instant now);
idp::UserType ToUserType(const User& user);

}  // namespace wellhead::services::cognito
