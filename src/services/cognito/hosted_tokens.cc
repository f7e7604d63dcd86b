// The endpoints that applications call: token, userInfo, revoke.

#include <boost/json/object.hpp>

#include "codec/base64.h"
#include "services/cognito/digest.h"
#include "services/cognito/hosted_login.h"
#include "services/cognito/hosted_responses.h"

namespace wellhead::services::cognito {

namespace json = boost::json;

namespace {

constexpr size_t kMaxForm = 32 * 1024;

env::Task<std::optional<codec::Form>> ReadForm(net::HttpRequest& request) {
    auto type = request.headers.Find("content-type");
    if (!type || !type->starts_with("application/x-www-form-urlencoded")) co_return std::nullopt;
    auto body = co_await net::ReadAll(*request.body, kMaxForm);
    if (!body) co_return std::nullopt;
    co_return codec::Form::Parse(*body);
}

net::HttpResponse TokenAnswer(const idp::AuthenticationResultType& result) {
    json::object body;
    if (result.IdToken) body["id_token"] = *result.IdToken;
    body["access_token"] = result.AccessToken.value_or("");
    if (result.RefreshToken) body["refresh_token"] = *result.RefreshToken;
    body["expires_in"] = result.ExpiresIn.value_or(0);
    body["token_type"] = "Bearer";
    return JsonAnswer(200, body);
}

bool AllowsFlow(const Client& client, std::string_view flow) {
    const auto& flows = client.description.AllowedOAuthFlows;
    return client.description.AllowedOAuthFlowsUserPoolClient.value_or(false) && flows &&
           std::find(flows->begin(), flows->end(), flow) != flows->end();
}

}  // namespace

// RFC 6749, 2.3.1: Basic, both halves form-encoded (a '+' in them stays a plus), or in the body; a public client by its
// id alone.
env::Task<std::expected<Client, net::HttpResponse>> HostedLogin::AuthenticateClient(net::HttpRequest& request,
                                                                                    const codec::Form& form) {
    std::string id = form.Get("client_id");
    std::optional<std::string> secret = form.Find("client_secret");
    auto header = request.headers.Find("authorization");
    bool basic = header && header->starts_with("Basic ");
    if (basic) {
        auto pair = codec::DecodeBase64(header->substr(6));
        size_t colon = pair ? pair->find(':') : std::string::npos;
        auto user = colon == std::string::npos ? std::nullopt : codec::PercentDecode(pair->substr(0, colon));
        auto password = colon == std::string::npos ? std::nullopt : codec::PercentDecode(pair->substr(colon + 1));
        if (!user || !password || (!id.empty() && id != *user)) co_return std::unexpected(OAuthError(400, "invalid_client"));
        id = *user;
        secret = *password;
    }
    auto refuse = [basic] {
        auto response = OAuthError(basic ? 401 : 400, "invalid_client");
        if (basic) response.headers.Add("www-authenticate", "Basic realm=\"cognito\"");
        return std::unexpected(std::move(response));
    };
    auto client = co_await store_.FindClient(id);
    if (!client) co_return refuse();
    const auto& expected = client->description.ClientSecret;
    if (expected && (!secret || !EqualInConstantTime(*expected, *secret))) co_return refuse();
    if (!expected && secret && !secret->empty()) co_return refuse();
    co_return std::move(*client);
}

env::Task<net::HttpResponse> HostedLogin::ServeToken(net::HttpRequest& request) {
    auto form = co_await ReadForm(request);
    if (!form) co_return OAuthError(400, "invalid_request", "the body is no form");
    auto client = co_await AuthenticateClient(request, *form);
    if (!client) co_return std::move(client.error());
    std::string grant = form->Get("grant_type");
    if (grant == "authorization_code") co_return co_await RedeemCode(*client, *form);
    if (grant == "refresh_token") co_return co_await RedeemRefreshToken(*client, *form);
    if (grant == "client_credentials") co_return co_await GiveToMachine(*client, *form);
    co_return OAuthError(400, "unsupported_grant_type");
}

env::Task<net::HttpResponse> HostedLogin::RedeemCode(const Client& client, const codec::Form& form) {
    std::string key = Sha256(form.Get("code"));
    GrantedCode code;
    std::string revoked;
    {
        std::lock_guard lock(mutex_);
        auto found = codes_.find(key);
        // A code of another client is none, and stays good for its own.
        if (found == codes_.end() || found->second.client_id != client.id()) {
            co_return OAuthError(400, "invalid_grant");
        }
        if (found->second.used) {
            revoked = found->second.refresh_token;
        } else {
            found->second.used = true;
            code = found->second;
        }
    }
    if (code.client_id.empty()) {
        // RFC 6749, 4.1.2: a code that comes twice was stolen; what it gave is taken back.
        if (!revoked.empty()) co_await tokens_.Revoke(client, revoked);
        co_return OAuthError(400, "invalid_grant");
    }
    std::string verifier = form.Get("code_verifier");
    bool proven = code.challenge.empty() ? verifier.empty()
                                         : EqualInConstantTime(codec::EncodeBase64Url(Sha256(verifier)), code.challenge);
    if (code.expires <= deps_.clock.Now() || code.redirect_uri != form.Get("redirect_uri") || !proven) {
        co_return OAuthError(400, "invalid_grant");
    }
    auto pool = co_await store_.FindPool(code.pool_id);
    if (!pool) co_return OAuthError(400, "invalid_grant");
    auto user = co_await store_.FindUser(*pool, code.username);
    if (!user || !*user || !(*user)->enabled) co_return OAuthError(400, "invalid_grant");
    SignInFacts facts{.scope = code.scope, .nonce = code.nonce, .hosted = true};
    auto result = co_await tokens_.SignIn(*pool, client, **user, facts);
    if (!result) co_return OAuthError(500, "server_error");
    {
        std::lock_guard lock(mutex_);
        auto found = codes_.find(key);
        if (found != codes_.end()) found->second.refresh_token = result->RefreshToken.value_or("");
    }
    co_return TokenAnswer(*result);
}

env::Task<net::HttpResponse> HostedLogin::RedeemRefreshToken(const Client& client, const codec::Form& form) {
    auto result = co_await tokens_.Refresh(client, form.Get("refresh_token"));
    if (!result) {
        co_return OAuthError(result.error().http_status >= 500 ? 500 : 400,
                             result.error().http_status >= 500 ? "server_error" : "invalid_grant");
    }
    co_return TokenAnswer(*result);
}

env::Task<net::HttpResponse> HostedLogin::GiveToMachine(const Client& client, const codec::Form& form) {
    if (!AllowsFlow(client, "client_credentials") || !client.description.ClientSecret) {
        co_return OAuthError(400, "unauthorized_client");
    }
    const auto allowed = client.description.AllowedOAuthScopes.value_or(std::vector<std::string>());
    std::string scope;
    std::string asked = form.Get("scope");
    if (asked.empty()) {
        for (const std::string& each : allowed) scope += (scope.empty() ? "" : " ") + each;
    } else {
        size_t from = 0;
        while (from <= asked.size()) {
            size_t end = std::min(asked.find(' ', from), asked.size());
            std::string each = asked.substr(from, end - from);
            from = end + 1;
            if (each.empty()) continue;
            // Scopes of resource servers only: there is no user whose "openid" or "email" it could be.
            if (each.find('/') == std::string::npos ||
                std::find(allowed.begin(), allowed.end(), each) == allowed.end()) {
                co_return OAuthError(400, "invalid_scope");
            }
            scope += (scope.empty() ? "" : " ") + each;
        }
    }
    auto pool = co_await store_.FindPool(client.pool_id());
    if (!pool) co_return OAuthError(400, "invalid_client");
    auto token = co_await tokens_.ForMachine(*pool, client, scope);
    if (!token) co_return OAuthError(500, "server_error");
    json::object body{{"access_token", *token}, {"expires_in", Tokens::AccessValidity(client)}, {"token_type", "Bearer"}};
    co_return JsonAnswer(200, body);
}

env::Task<net::HttpResponse> HostedLogin::ServeUserInfo(net::HttpRequest& request) {
    auto header = request.headers.Find("authorization");
    auto refuse = [](std::string_view description) {
        auto response = OAuthError(401, "invalid_token", description);
        response.headers.Add("www-authenticate", "Bearer error=\"invalid_token\"");
        return response;
    };
    if (!header || !header->starts_with("Bearer ")) co_return refuse("no bearer token");
    auto bearer = co_await tokens_.Authenticate(std::string(header->substr(7)));
    if (!bearer) co_return refuse(bearer.error().message);
    if ((" " + bearer->scope + " ").find(" openid ") == std::string::npos) {
        co_return refuse("the token has no scope openid");
    }
    json::object body{{"sub", bearer->user.sub()}, {"username", bearer->user.username}};
    for (const auto& [name, value] : bearer->user.attributes) body[name] = value;
    co_return JsonAnswer(200, body);
}

env::Task<net::HttpResponse> HostedLogin::ServeRevoke(net::HttpRequest& request) {
    auto form = co_await ReadForm(request);
    if (!form) co_return OAuthError(400, "invalid_request", "the body is no form");
    auto client = co_await AuthenticateClient(request, *form);
    if (!client) co_return std::move(client.error());
    std::string token = form->Get("token");
    if (token.empty()) co_return OAuthError(400, "invalid_request");
    auto done = co_await tokens_.Revoke(*client, token);
    if (!done) co_return OAuthError(500, "server_error");
    co_return JsonAnswer(200, {});
}

}  // namespace wellhead::services::cognito
