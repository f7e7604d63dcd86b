#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "apis/cognito_idp/errors.h"
#include "services/cognito/service.h"
#include "services/cognito/shape_json.h"

namespace wellhead::services::cognito {

namespace {

template <class Request>
void CopySettings(Request& request, idp::UserPoolClientType& client) {
    client.RefreshTokenValidity = request.RefreshTokenValidity.value_or(0) == 0 ? 30 : *request.RefreshTokenValidity;
    client.AccessTokenValidity = request.AccessTokenValidity;
    client.IdTokenValidity = request.IdTokenValidity;
    client.TokenValidityUnits = request.TokenValidityUnits;
    client.ReadAttributes = request.ReadAttributes;
    client.WriteAttributes = request.WriteAttributes;
    client.ExplicitAuthFlows = request.ExplicitAuthFlows;
    client.SupportedIdentityProviders = request.SupportedIdentityProviders;
    client.CallbackURLs = request.CallbackURLs;
    client.LogoutURLs = request.LogoutURLs;
    client.DefaultRedirectURI = request.DefaultRedirectURI;
    client.AllowedOAuthFlows = request.AllowedOAuthFlows;
    client.AllowedOAuthScopes = request.AllowedOAuthScopes;
    client.AllowedOAuthFlowsUserPoolClient = request.AllowedOAuthFlowsUserPoolClient.value_or(false);
    client.AnalyticsConfiguration = request.AnalyticsConfiguration;
    client.PreventUserExistenceErrors = request.PreventUserExistenceErrors;
    client.EnableTokenRevocation = request.EnableTokenRevocation.value_or(true);
    client.EnablePropagateAdditionalUserContextData =
        request.EnablePropagateAdditionalUserContextData.value_or(false);
    client.AuthSessionValidity = request.AuthSessionValidity.value_or(3);
    client.RefreshTokenRotation = request.RefreshTokenRotation;
}

api::Outcome<void> CheckFlows(const idp::UserPoolClientType& client) {
    auto refuse = [](std::string why) { return std::unexpected(idp::InvalidParameterException(std::move(why))); };
    bool code = false;
    for (const std::string& flow : client.AllowedOAuthFlows.value_or(std::vector<std::string>())) {
        if (flow == "implicit") return refuse("The implicit flow is not served: use code with PKCE.");
        if (flow == "client_credentials" && !client.ClientSecret) {
            return refuse("client_credentials flow can not be selected if client does not have a client secret.");
        }
        code = code || flow == "code";
    }
    if (code && (!client.CallbackURLs || client.CallbackURLs->empty())) {
        return std::unexpected(idp::InvalidOAuthFlowException("code flow needs at least one callback URL."));
    }
    for (const std::string& url : client.CallbackURLs.value_or(std::vector<std::string>())) {
        bool local = url.starts_with("http://localhost") || url.starts_with("http://127.0.0.1") ||
                     url.starts_with("http://[::1]");
        bool app = !url.starts_with("http://") && url.find("://") != std::string::npos;
        if ((!local && !app) || url.find('#') != std::string::npos) {
            return refuse(fmt::format("{} is no callback URL: https, an app's scheme, or http on the local host", url));
        }
    }
    return {};
}

std::string RandomWord(env::Random& random, size_t length) {
    constexpr std::string_view kAlphabet = "abcdefghijklmnopqrstuvwxyz0123456789";
    std::string word;
    while (word.size() < length) word += kAlphabet[env::RandomUint64(random) % kAlphabet.size()];
    return word;
}

idp::ResourceServerType ToServer(const std::string& stored) {
    idp::ResourceServerType server;
    ShapeFromJson(boost::json::parse(stored), server);
    return server;
}

api::ServiceError NoServer(const std::string& identifier) {
    return idp::ResourceNotFoundException(fmt::format("Resource server {} does not exist.", identifier));
}

}  // namespace

CognitoService::Answer<idp::CreateUserPoolClientResponse> CognitoService::CreateUserPoolClient(
    const api::CallContext&, idp::CreateUserPoolClientRequest request) {
    CO_ASSIGN_OR_RETURN(Pool pool, co_await store_.FindPool(request.UserPoolId));
    Client client;
    idp::UserPoolClientType& shown = client.description;
    shown.UserPoolId = request.UserPoolId;
    shown.ClientName = request.ClientName;
    shown.ClientId = RandomWord(deps_.random, 26);
    if (request.ClientSecret) {
        shown.ClientSecret = request.ClientSecret;
    } else if (request.GenerateSecret.value_or(false)) {
        shown.ClientSecret = RandomWord(deps_.random, 51);
    }
    shown.CreationDate = deps_.clock.Now();
    shown.LastModifiedDate = shown.CreationDate;
    CopySettings(request, shown);
    auto fits = CheckFlows(shown);
    if (!fits) co_return std::unexpected(fits.error());
    CO_RETURN_IF_ERROR(co_await store_.PutClient(client));
    idp::CreateUserPoolClientResponse response;
    response.UserPoolClient = std::move(shown);
    co_return response;
}

CognitoService::Answer<idp::DescribeUserPoolClientResponse> CognitoService::DescribeUserPoolClient(
    const api::CallContext&, idp::DescribeUserPoolClientRequest request) {
    CO_ASSIGN_OR_RETURN(Client client, co_await store_.FindClientOfPool(request.UserPoolId, request.ClientId));
    idp::DescribeUserPoolClientResponse response;
    response.UserPoolClient = std::move(client.description);
    co_return response;
}

CognitoService::Answer<idp::UpdateUserPoolClientResponse> CognitoService::UpdateUserPoolClient(
    const api::CallContext&, idp::UpdateUserPoolClientRequest request) {
    CO_ASSIGN_OR_RETURN(Client client, co_await store_.FindClientOfPool(request.UserPoolId, request.ClientId));
    // As in AWS: what the request leaves out goes back to its default.
    CopySettings(request, client.description);
    if (request.ClientName) client.description.ClientName = request.ClientName;
    client.description.LastModifiedDate = deps_.clock.Now();
    auto fits = CheckFlows(client.description);
    if (!fits) co_return std::unexpected(fits.error());
    CO_RETURN_IF_ERROR(co_await store_.PutClient(client));
    idp::UpdateUserPoolClientResponse response;
    response.UserPoolClient = std::move(client.description);
    co_return response;
}

CognitoService::Answer<idp::DeleteUserPoolClientOutput> CognitoService::DeleteUserPoolClient(
    const api::CallContext&, idp::DeleteUserPoolClientRequest request) {
    CO_ASSIGN_OR_RETURN(Client client, co_await store_.FindClientOfPool(request.UserPoolId, request.ClientId));
    CO_RETURN_IF_ERROR(co_await store_.DeleteClient(client.id()));
    co_return idp::DeleteUserPoolClientOutput();
}

CognitoService::Answer<idp::ListUserPoolClientsResponse> CognitoService::ListUserPoolClients(
    const api::CallContext&, idp::ListUserPoolClientsRequest request) {
    CO_ASSIGN_OR_RETURN(Pool pool, co_await store_.FindPool(request.UserPoolId));
    CO_ASSIGN_OR_RETURN(auto clients, co_await store_.ListClients(request.UserPoolId));
    idp::ListUserPoolClientsResponse response;
    auto& list = response.UserPoolClients.emplace();
    size_t limit = static_cast<size_t>(request.MaxResults.value_or(60));
    for (const Client& client : clients) {
        if (request.NextToken && client.id() <= *request.NextToken) continue;
        if (list.size() == limit) {
            response.NextToken = list.back().ClientId;
            break;
        }
        auto& each = list.emplace_back();
        each.ClientId = client.description.ClientId;
        each.UserPoolId = client.description.UserPoolId;
        each.ClientName = client.description.ClientName;
    }
    co_return response;
}

CognitoService::Answer<idp::CreateResourceServerResponse> CognitoService::CreateResourceServer(
    const api::CallContext&, idp::CreateResourceServerRequest request) {
    CO_ASSIGN_OR_RETURN(Pool pool, co_await store_.FindPool(request.UserPoolId));
    std::string key = JoinKey(pool.id(), request.Identifier);
    CO_ASSIGN_OR_RETURN(auto existing, co_await store_.Get(kResourceServers, key));
    if (existing) {
        co_return std::unexpected(idp::InvalidParameterException(
            fmt::format("{} already exists in user pool {}.", request.Identifier, pool.id())));
    }
    idp::CreateResourceServerResponse response;
    response.ResourceServer.UserPoolId = request.UserPoolId;
    response.ResourceServer.Identifier = request.Identifier;
    response.ResourceServer.Name = request.Name;
    response.ResourceServer.Scopes = request.Scopes;
    std::string stored = boost::json::serialize(ShapeToJson(response.ResourceServer));
    CO_RETURN_IF_ERROR(co_await store_.Put(kResourceServers, key, stored));
    co_return response;
}

CognitoService::Answer<idp::DescribeResourceServerResponse> CognitoService::DescribeResourceServer(
    const api::CallContext&, idp::DescribeResourceServerRequest request) {
    CO_ASSIGN_OR_RETURN(auto stored, co_await store_.Get(kResourceServers, JoinKey(request.UserPoolId, request.Identifier)));
    if (!stored) co_return std::unexpected(NoServer(request.Identifier));
    idp::DescribeResourceServerResponse response;
    response.ResourceServer = ToServer(*stored);
    co_return response;
}

CognitoService::Answer<idp::UpdateResourceServerResponse> CognitoService::UpdateResourceServer(
    const api::CallContext&, idp::UpdateResourceServerRequest request) {
    std::string key = JoinKey(request.UserPoolId, request.Identifier);
    CO_ASSIGN_OR_RETURN(auto stored, co_await store_.Get(kResourceServers, key));
    if (!stored) co_return std::unexpected(NoServer(request.Identifier));
    idp::UpdateResourceServerResponse response;
    response.ResourceServer = ToServer(*stored);
    response.ResourceServer.Name = request.Name;
    response.ResourceServer.Scopes = request.Scopes;
    std::string changed = boost::json::serialize(ShapeToJson(response.ResourceServer));
    CO_RETURN_IF_ERROR(co_await store_.Put(kResourceServers, key, changed));
    co_return response;
}

CognitoService::Answer<idp::DeleteResourceServerOutput> CognitoService::DeleteResourceServer(
    const api::CallContext&, idp::DeleteResourceServerRequest request) {
    std::string key = JoinKey(request.UserPoolId, request.Identifier);
    CO_ASSIGN_OR_RETURN(auto stored, co_await store_.Get(kResourceServers, key));
    if (!stored) co_return std::unexpected(NoServer(request.Identifier));
    CO_RETURN_IF_ERROR(co_await store_.Delete(kResourceServers, key));
    co_return idp::DeleteResourceServerOutput();
}

CognitoService::Answer<idp::ListResourceServersResponse> CognitoService::ListResourceServers(
    const api::CallContext&, idp::ListResourceServersRequest request) {
    CO_ASSIGN_OR_RETURN(Pool pool, co_await store_.FindPool(request.UserPoolId));
    CO_ASSIGN_OR_RETURN(auto entries, co_await store_.Scan(kResourceServers, pool.id() + '\0'));
    idp::ListResourceServersResponse response;
    for (const auto& entry : entries) response.ResourceServers.push_back(ToServer(entry.value));
    co_return response;
}

}  // namespace wellhead::services::cognito
