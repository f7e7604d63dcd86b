#include "apis/cognito_idp/errors.h"
#include "services/cognito/digest.h"
#include "services/cognito/service.h"

namespace wellhead::services::cognito {

namespace {

template <class Response>
Response ToResponse(SignInStep step) {
    Response response;
    if (step.result) {
        response.AuthenticationResult = std::move(step.result);
        response.ChallengeParameters.emplace();
        return response;
    }
    response.ChallengeName = std::move(step.challenge);
    response.ChallengeParameters = std::move(step.parameters);
    if (!step.session.empty()) response.Session = std::move(step.session);
    return response;
}

// Clients that name no secret where one is set, and those that name a wrong one.
api::Outcome<void> CheckSecret(const Client& client, const std::optional<std::string>& given) {
    const auto& secret = client.description.ClientSecret;
    if (!secret) return {};
    if (!given || !EqualInConstantTime(*given, *secret)) {
        return std::unexpected(idp::NotAuthorizedException("Client secret does not match."));
    }
    return {};
}

}  // namespace

CognitoService::Answer<idp::InitiateAuthResponse> CognitoService::InitiateAuth(const api::CallContext&,
                                                                               idp::InitiateAuthRequest request) {
    CO_ASSIGN_OR_RETURN(Client client, co_await store_.FindClient(request.ClientId));
    CO_ASSIGN_OR_RETURN(auto step,
                        co_await sign_in_.Start(client, request.AuthFlow,
                                                std::move(request.AuthParameters).value_or(Parameters()), false));
    co_return ToResponse<idp::InitiateAuthResponse>(std::move(step));
}

CognitoService::Answer<idp::AdminInitiateAuthResponse> CognitoService::AdminInitiateAuth(
    const api::CallContext&, idp::AdminInitiateAuthRequest request) {
    CO_ASSIGN_OR_RETURN(Client client, co_await store_.FindClientOfPool(request.UserPoolId, request.ClientId));
    CO_ASSIGN_OR_RETURN(auto step,
                        co_await sign_in_.Start(client, request.AuthFlow,
                                                std::move(request.AuthParameters).value_or(Parameters()), true));
    co_return ToResponse<idp::AdminInitiateAuthResponse>(std::move(step));
}

CognitoService::Answer<idp::RespondToAuthChallengeResponse> CognitoService::RespondToAuthChallenge(
    const api::CallContext&, idp::RespondToAuthChallengeRequest request) {
    CO_ASSIGN_OR_RETURN(Client client, co_await store_.FindClient(request.ClientId));
    CO_ASSIGN_OR_RETURN(auto step,
                        co_await sign_in_.Respond(client, request.ChallengeName, request.Session.value_or(""),
                                                  std::move(request.ChallengeResponses).value_or(Parameters())));
    co_return ToResponse<idp::RespondToAuthChallengeResponse>(std::move(step));
}

CognitoService::Answer<idp::AdminRespondToAuthChallengeResponse> CognitoService::AdminRespondToAuthChallenge(
    const api::CallContext&, idp::AdminRespondToAuthChallengeRequest request) {
    CO_ASSIGN_OR_RETURN(Client client, co_await store_.FindClientOfPool(request.UserPoolId, request.ClientId));
    CO_ASSIGN_OR_RETURN(auto step,
                        co_await sign_in_.Respond(client, request.ChallengeName, request.Session.value_or(""),
                                                  std::move(request.ChallengeResponses).value_or(Parameters())));
    co_return ToResponse<idp::AdminRespondToAuthChallengeResponse>(std::move(step));
}

CognitoService::Answer<idp::GetTokensFromRefreshTokenResponse> CognitoService::GetTokensFromRefreshToken(
    const api::CallContext&, idp::GetTokensFromRefreshTokenRequest request) {
    CO_ASSIGN_OR_RETURN(Client client, co_await store_.FindClient(request.ClientId));
    auto secret = CheckSecret(client, request.ClientSecret);
    if (!secret) co_return std::unexpected(secret.error());
    idp::GetTokensFromRefreshTokenResponse response;
    CO_ASSIGN_OR_RETURN(response.AuthenticationResult, co_await tokens_.Refresh(client, request.RefreshToken));
    co_return response;
}

CognitoService::Answer<idp::RevokeTokenResponse> CognitoService::RevokeToken(const api::CallContext&,
                                                                             idp::RevokeTokenRequest request) {
    CO_ASSIGN_OR_RETURN(Client client, co_await store_.FindClient(request.ClientId));
    auto secret = CheckSecret(client, request.ClientSecret);
    if (!secret) co_return std::unexpected(secret.error());
    if (!client.description.EnableTokenRevocation.value_or(true)) {
        co_return std::unexpected(idp::UnsupportedOperationException("Revocation is not enabled for this client"));
    }
    CO_RETURN_IF_ERROR(co_await tokens_.Revoke(client, request.Token));
    co_return idp::RevokeTokenResponse();
}

CognitoService::Answer<idp::GlobalSignOutResponse> CognitoService::GlobalSignOut(const api::CallContext&,
                                                                                 idp::GlobalSignOutRequest request) {
    CO_ASSIGN_OR_RETURN(TokenBearer bearer, co_await tokens_.Authenticate(request.AccessToken));
    CO_RETURN_IF_ERROR(co_await store_.DeleteSessions(bearer.pool.id(), bearer.user.username));
    co_return idp::GlobalSignOutResponse();
}

}  // namespace wellhead::services::cognito
