#include <fmt/format.h>

#include "apis/cognito_idp/errors.h"
#include "services/cognito/passwords.h"
#include "services/cognito/service.h"

namespace wellhead::services::cognito {

namespace {

bool VerifiesEmail(const Pool& pool) {
    const auto& verified = pool.description.AutoVerifiedAttributes;
    return verified && std::find(verified->begin(), verified->end(), "email") != verified->end();
}

}  // namespace

env::Task<api::Outcome<Client>> CognitoService::ClientWithHash(std::string client_id, std::string name,
                                                               std::optional<std::string> hash) {
    CO_ASSIGN_OR_RETURN(Client client, co_await store_.FindClient(client_id));
    auto fits = SignIn::CheckSecretHash(client, name, hash);
    if (!fits) co_return std::unexpected(fits.error());
    co_return client;
}

CognitoService::Answer<idp::SignUpResponse> CognitoService::SignUp(const api::CallContext&,
                                                                   idp::SignUpRequest request) {
    CO_ASSIGN_OR_RETURN(Client client, co_await ClientWithHash(request.ClientId, request.Username, request.SecretHash));
    CO_ASSIGN_OR_RETURN(Pool pool, co_await store_.FindPool(client.pool_id()));
    const auto& config = pool.description.AdminCreateUserConfig;
    if (config && config->AllowAdminCreateUserOnly.value_or(false)) {
        co_return std::unexpected(idp::NotAuthorizedException("SignUp is not permitted for this user pool"));
    }
    if (!request.Password) {
        co_return std::unexpected(idp::InvalidParameterException("Missing required parameter Password"));
    }
    auto fits = CheckPasswordPolicy(pool, *request.Password);
    if (!fits) co_return std::unexpected(fits.error());
    CO_ASSIGN_OR_RETURN(User user, co_await NewUser(pool, request.Username,
                                                    std::move(request.UserAttributes).value_or(
                                                        std::vector<idp::AttributeType>()),
                                                    false));
    user.status = "UNCONFIRMED";
    user.password = co_await sign_in_.Verifier(pool, user.username, *request.Password);
    std::string code = GenerateCode(deps_.random);
    user.confirmation = Remember(code);
    CO_RETURN_IF_ERROR(co_await store_.AddUser(pool, user));
    idp::SignUpResponse response;
    response.UserConfirmed = false;
    response.UserSub = user.sub();
    if (!user.Attribute("email").empty()) {
        response.CodeDeliveryDetails = Deliver(pool, user, "email", code, "confirm the sign-up");
    } else {
        Deliver(pool, user, "email", code, "confirm the sign-up");
    }
    co_return response;
}

CognitoService::Answer<idp::ConfirmSignUpResponse> CognitoService::ConfirmSignUp(const api::CallContext&,
                                                                                 idp::ConfirmSignUpRequest request) {
    CO_ASSIGN_OR_RETURN(Client client, co_await ClientWithHash(request.ClientId, request.Username, request.SecretHash));
    CO_ASSIGN_OR_RETURN(Pool pool, co_await store_.FindPool(client.pool_id()));
    CO_ASSIGN_OR_RETURN(auto found, co_await store_.FindUser(pool, request.Username));
    if (!found) {
        // Nobody learns from this whether the name is taken.
        co_return std::unexpected(SignIn::NoSuchUser(client).code == "UserNotFoundException"
                                      ? idp::UserNotFoundException("Username/client id combination not found.")
                                      : idp::ExpiredCodeException("Invalid code provided, please request a code again."));
    }
    base::Instant now = deps_.clock.Now();
    api::Outcome<void> checked;
    Store::Change confirm = [&](User& user) -> api::Outcome<void> {
        if (user.status != "UNCONFIRMED") {
            return std::unexpected(idp::NotAuthorizedException(
                fmt::format("User cannot be confirmed. Current status is {}", user.status)));
        }
        // A wrong guess is counted, so the change is written either way.
        checked = CheckCode(user.confirmation, request.ConfirmationCode, now);
        if (!checked) return {};
        user.status = "CONFIRMED";
        if (VerifiesEmail(pool) && !user.Attribute("email").empty()) user.attributes["email_verified"] = "true";
        return {};
    };
    CO_RETURN_IF_ERROR(co_await ChangeNamed(pool, found->username, confirm));
    if (!checked) co_return std::unexpected(checked.error());
    co_return idp::ConfirmSignUpResponse();
}

CognitoService::Answer<idp::ResendConfirmationCodeResponse> CognitoService::ResendConfirmationCode(
    const api::CallContext&, idp::ResendConfirmationCodeRequest request) {
    CO_ASSIGN_OR_RETURN(Client client, co_await ClientWithHash(request.ClientId, request.Username, request.SecretHash));
    CO_ASSIGN_OR_RETURN(Pool pool, co_await store_.FindPool(client.pool_id()));
    std::string code = GenerateCode(deps_.random);
    Store::Change renew = [&](User& user) -> api::Outcome<void> {
        if (user.status != "UNCONFIRMED") {
            return std::unexpected(idp::InvalidParameterException("User is already confirmed."));
        }
        user.confirmation = Remember(code);
        return {};
    };
    idp::ResendConfirmationCodeResponse response;
    CO_ASSIGN_OR_RETURN(User user, co_await ChangeNamed(pool, request.Username, renew));
    response.CodeDeliveryDetails = Deliver(pool, user, "email", code, "confirm the sign-up");
    co_return response;
}

CognitoService::Answer<idp::ForgotPasswordResponse> CognitoService::ForgotPassword(const api::CallContext&,
                                                                                   idp::ForgotPasswordRequest request) {
    CO_ASSIGN_OR_RETURN(Client client, co_await ClientWithHash(request.ClientId, request.Username, request.SecretHash));
    CO_ASSIGN_OR_RETURN(Pool pool, co_await store_.FindPool(client.pool_id()));
    CO_ASSIGN_OR_RETURN(auto found, co_await store_.FindUser(pool, request.Username));
    idp::ForgotPasswordResponse response;
    std::string code = GenerateCode(deps_.random);
    if (!found) {
        if (SignIn::NoSuchUser(client).code == "UserNotFoundException") {
            co_return std::unexpected(idp::UserNotFoundException("User does not exist."));
        }
        auto& details = response.CodeDeliveryDetails.emplace();
        details.AttributeName = "email";
        details.DeliveryMedium = "EMAIL";
        details.Destination = "server log";
        co_return response;
    }
    Store::Change begin = [&](User& user) -> api::Outcome<void> {
        if (user.status == "FORCE_CHANGE_PASSWORD") {
            return std::unexpected(
                idp::NotAuthorizedException("User password cannot be reset in the current state."));
        }
        user.reset = Remember(code);
        return {};
    };
    CO_ASSIGN_OR_RETURN(User user, co_await ChangeNamed(pool, found->username, begin));
    response.CodeDeliveryDetails = Deliver(pool, user, "email", code, "choose a new password");
    co_return response;
}

CognitoService::Answer<idp::ConfirmForgotPasswordResponse> CognitoService::ConfirmForgotPassword(
    const api::CallContext&, idp::ConfirmForgotPasswordRequest request) {
    CO_ASSIGN_OR_RETURN(Client client, co_await ClientWithHash(request.ClientId, request.Username, request.SecretHash));
    CO_ASSIGN_OR_RETURN(Pool pool, co_await store_.FindPool(client.pool_id()));
    auto fits = CheckPasswordPolicy(pool, request.Password);
    if (!fits) co_return std::unexpected(fits.error());
    CO_ASSIGN_OR_RETURN(auto found, co_await store_.FindUser(pool, request.Username));
    if (!found) {
        co_return std::unexpected(SignIn::NoSuchUser(client).code == "UserNotFoundException"
                                      ? idp::UserNotFoundException("User does not exist.")
                                      : idp::ExpiredCodeException("Invalid code provided, please request a code again."));
    }
    SrpVerifier verifier = co_await sign_in_.Verifier(pool, found->username, request.Password);
    base::Instant now = deps_.clock.Now();
    api::Outcome<void> checked;
    Store::Change change = [&](User& user) -> api::Outcome<void> {
        checked = CheckCode(user.reset, request.ConfirmationCode, now);
        if (!checked) return {};
        user.password = verifier;
        user.status = "CONFIRMED";
        user.temporary_until.reset();
        return {};
    };
    CO_ASSIGN_OR_RETURN(User user, co_await ChangeNamed(pool, found->username, change));
    if (!checked) co_return std::unexpected(checked.error());
    sign_in_.attempts().Succeeded(JoinKey(pool.id(), user.username));
    co_return idp::ConfirmForgotPasswordResponse();
}

CognitoService::Answer<idp::GetUserResponse> CognitoService::GetUser(const api::CallContext&,
                                                                     idp::GetUserRequest request) {
    CO_ASSIGN_OR_RETURN(TokenBearer bearer, co_await tokens_.Authenticate(request.AccessToken));
    idp::GetUserResponse response;
    response.Username = bearer.user.username;
    response.UserAttributes = ToAttributes(bearer.user);
    co_return response;
}

CognitoService::Answer<idp::UpdateUserAttributesResponse> CognitoService::UpdateUserAttributes(
    const api::CallContext&, idp::UpdateUserAttributesRequest request) {
    CO_ASSIGN_OR_RETURN(TokenBearer bearer, co_await tokens_.Authenticate(request.AccessToken));
    bool sends = VerifiesEmail(bearer.pool) &&
                 std::any_of(request.UserAttributes.begin(), request.UserAttributes.end(), [&](const auto& attribute) {
                     return attribute.Name == "email" && attribute.Value != bearer.user.Attribute("email");
                 });
    std::string code = GenerateCode(deps_.random);
    Store::Change change = [&](User& user) -> api::Outcome<void> {
        auto set = SetAttributes(bearer.pool, user, request.UserAttributes, false);
        if (set && sends) user.verifications["email"] = Remember(code);
        return set;
    };
    CO_ASSIGN_OR_RETURN(User user, co_await ChangeNamed(bearer.pool, bearer.user.username, change));
    idp::UpdateUserAttributesResponse response;
    auto& list = response.CodeDeliveryDetailsList.emplace();
    if (sends) list.push_back(Deliver(bearer.pool, user, "email", code, "verify the address"));
    co_return response;
}

CognitoService::Answer<idp::DeleteUserAttributesResponse> CognitoService::DeleteUserAttributes(
    const api::CallContext&, idp::DeleteUserAttributesRequest request) {
    CO_ASSIGN_OR_RETURN(TokenBearer bearer, co_await tokens_.Authenticate(request.AccessToken));
    Store::Change change = [&](User& user) { return DeleteAttributes(bearer.pool, user, request.UserAttributeNames); };
    CO_RETURN_IF_ERROR(co_await ChangeNamed(bearer.pool, bearer.user.username, change));
    co_return idp::DeleteUserAttributesResponse();
}

CognitoService::Answer<idp::DeleteUserOutput> CognitoService::DeleteUser(const api::CallContext&,
                                                                         idp::DeleteUserRequest request) {
    CO_ASSIGN_OR_RETURN(TokenBearer bearer, co_await tokens_.Authenticate(request.AccessToken));
    CO_RETURN_IF_ERROR(co_await store_.DeleteUser(bearer.pool, bearer.user));
    co_return idp::DeleteUserOutput();
}

CognitoService::Answer<idp::ChangePasswordResponse> CognitoService::ChangePassword(const api::CallContext&,
                                                                                   idp::ChangePasswordRequest request) {
    CO_ASSIGN_OR_RETURN(TokenBearer bearer, co_await tokens_.Authenticate(request.AccessToken));
    std::string counted = JoinKey(bearer.pool.id(), bearer.user.username);
    if (sign_in_.attempts().LockedOut(counted, deps_.clock.Ticks())) {
        co_return std::unexpected(
            idp::LimitExceededException("Attempt limit exceeded, please try after some time."));
    }
    bool right = co_await sign_in_.Matches(bearer.pool, bearer.user, request.PreviousPassword.value_or(""));
    if (!right) {
        sign_in_.attempts().Failed(counted, deps_.clock.Ticks());
        co_return std::unexpected(idp::NotAuthorizedException("Incorrect username or password."));
    }
    auto fits = CheckPasswordPolicy(bearer.pool, request.ProposedPassword);
    if (!fits) co_return std::unexpected(fits.error());
    SrpVerifier verifier = co_await sign_in_.Verifier(bearer.pool, bearer.user.username, request.ProposedPassword);
    Store::Change change = [&](User& user) -> api::Outcome<void> {
        user.password = verifier;
        return {};
    };
    CO_RETURN_IF_ERROR(co_await ChangeNamed(bearer.pool, bearer.user.username, change));
    co_return idp::ChangePasswordResponse();
}

CognitoService::Answer<idp::GetUserAttributeVerificationCodeResponse> CognitoService::GetUserAttributeVerificationCode(
    const api::CallContext&, idp::GetUserAttributeVerificationCodeRequest request) {
    CO_ASSIGN_OR_RETURN(TokenBearer bearer, co_await tokens_.Authenticate(request.AccessToken));
    if (bearer.user.Attribute(request.AttributeName).empty()) {
        co_return std::unexpected(idp::InvalidParameterException("User does not have the attribute to verify."));
    }
    std::string code = GenerateCode(deps_.random);
    Store::Change change = [&](User& user) -> api::Outcome<void> {
        user.verifications[request.AttributeName] = Remember(code);
        return {};
    };
    CO_ASSIGN_OR_RETURN(User user, co_await ChangeNamed(bearer.pool, bearer.user.username, change));
    idp::GetUserAttributeVerificationCodeResponse response;
    response.CodeDeliveryDetails = Deliver(bearer.pool, user, request.AttributeName, code, "verify the address");
    co_return response;
}

CognitoService::Answer<idp::VerifyUserAttributeResponse> CognitoService::VerifyUserAttribute(
    const api::CallContext&, idp::VerifyUserAttributeRequest request) {
    CO_ASSIGN_OR_RETURN(TokenBearer bearer, co_await tokens_.Authenticate(request.AccessToken));
    if (request.AttributeName != "email" && request.AttributeName != "phone_number") {
        co_return std::unexpected(idp::InvalidParameterException("Only email and phone_number are verified."));
    }
    base::Instant now = deps_.clock.Now();
    api::Outcome<void> checked;
    Store::Change change = [&](User& user) -> api::Outcome<void> {
        std::optional<Code> code;
        auto found = user.verifications.find(request.AttributeName);
        if (found != user.verifications.end()) code = found->second;
        checked = CheckCode(code, request.Code, now);
        if (code) {
            user.verifications[request.AttributeName] = *code;
        } else {
            user.verifications.erase(request.AttributeName);
        }
        if (checked) user.attributes[request.AttributeName + "_verified"] = "true";
        return {};
    };
    CO_RETURN_IF_ERROR(co_await ChangeNamed(bearer.pool, bearer.user.username, change));
    if (!checked) co_return std::unexpected(checked.error());
    co_return idp::VerifyUserAttributeResponse();
}

}  // namespace wellhead::services::cognito
