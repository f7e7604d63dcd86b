#include "services/cognito/hosted_login.h"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_to.hpp>

#include "codec/base64.h"
#include "services/cognito/digest.h"
#include "services/cognito/hosted_responses.h"
#include "services/cognito/pages.h"

namespace wellhead::services::cognito {

namespace json = boost::json;

namespace {

constexpr std::string_view kPrefix = "/_aws/cognito/";
constexpr const char* kCsrfCookie = "wellhead_csrf";
constexpr const char* kNewPasswordPurpose = "hosted new password";
constexpr size_t kMaxForm = 16 * 1024;
constexpr size_t kMaxCodes = 10'000;

bool Contains(const std::optional<std::vector<std::string>>& list, std::string_view value) {
    return list && std::find(list->begin(), list->end(), value) != list->end();
}

std::vector<std::string> Words(std::string_view text) {
    std::vector<std::string> words;
    while (!text.empty()) {
        size_t end = std::min(text.find(' '), text.size());
        if (end > 0) words.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return words;
}

// "https://host:port" of an address, or "scheme:" of an app's own scheme; for the form-action directive.
std::string OriginOf(const std::string& url) {
    size_t scheme = url.find("://");
    if (scheme == std::string::npos) return {};
    if (!url.starts_with("http")) return url.substr(0, scheme + 1);
    return url.substr(0, std::min(url.find_first_of("/?", scheme + 3), url.size()));
}

std::string WithParameters(const std::string& url, const codec::Form& parameters) {
    return url + (url.find('?') == std::string::npos ? "?" : "&") + parameters.ToString();
}

net::HttpResponse Refused(std::string_view why) {
    return HtmlAnswer(400, RenderMessage("This sign-in cannot begin", std::string(why)), "");
}

std::string Demands(const Pool& pool) {
    std::string text = "It needs at least 8 characters, upper and lower case, a digit and a symbol.";
    if (!pool.description.Policies || !pool.description.Policies->PasswordPolicy) return text;
    const auto& policy = *pool.description.Policies->PasswordPolicy;
    text = fmt::format("It needs at least {} characters", policy.MinimumLength.value_or(8));
    if (policy.RequireUppercase.value_or(false)) text += ", an upper-case letter";
    if (policy.RequireLowercase.value_or(false)) text += ", a lower-case letter";
    if (policy.RequireNumbers.value_or(false)) text += ", a digit";
    if (policy.RequireSymbols.value_or(false)) text += ", a symbol";
    return text + ".";
}

// A form of another site, or one made before the cookie was: not taken.
bool ComesFromOurPage(const net::HttpRequest& request, const codec::Form& form) {
    std::string cookie = CookieOf(request, kCsrfCookie);
    if (cookie.size() != 32 || !EqualInConstantTime(cookie, form.Get("_csrf"))) return false;
    auto origin = request.headers.Find("origin");
    if (!origin || *origin == "null") return true;
    size_t host = origin->find("://");
    return host != origin->npos && origin->substr(host + 3) == request.authority;
}

}  // namespace

HostedLogin::HostedLogin(Dependencies dependencies, const Settings& settings, Store& store, Tokens& tokens,
                         SignIn& sign_in)
    : deps_(dependencies), settings_(settings), store_(store), tokens_(tokens), sign_in_(sign_in) {}

bool HostedLogin::Owns(const net::HttpRequest& request) const {
    std::string_view path = request.path();
    if (path.starts_with(kPrefix)) return true;
    // "<domain>.auth.<region>.amazoncognito.com", or the same under another name.
    if (request.authority.find(".auth.") != std::string::npos) return true;
    size_t slash = path.find('/', 1);
    return slash != path.npos && path.substr(slash).starts_with("/.well-known/") &&
           path.substr(1, slash - 1).find('_') != path.npos;
}

env::Task<net::HttpResponse> HostedLogin::Handle(net::HttpRequest& request) {
    std::string path(request.path());
    std::string domain;
    if (path.starts_with(kPrefix)) {
        size_t slash = path.find('/', kPrefix.size());
        if (slash == std::string::npos) co_return Refused("The address names no page.");
        domain = path.substr(kPrefix.size(), slash - kPrefix.size());
        path = path.substr(slash);
    } else if (size_t at = request.authority.find(".auth."); at != std::string::npos) {
        domain = request.authority.substr(0, at);
    }
    if (request.method == "OPTIONS") co_return JsonAnswer(200, {});
    bool read = request.method == "GET" || request.method == "HEAD";
    bool post = request.method == "POST";
    if (path == "/login" && (read || post)) co_return co_await ServeLogin(request, domain);
    if (path == "/oauth2/authorize" && read) co_return co_await ServeAuthorize(request, domain);
    if (path == "/oauth2/token" && post) co_return co_await ServeToken(request);
    if (path == "/oauth2/userInfo" && (read || post)) co_return co_await ServeUserInfo(request);
    if (path == "/oauth2/revoke" && post) co_return co_await ServeRevoke(request);
    if (path == "/logout" && read) co_return co_await ServeLogout(request);
    size_t slash = path.find('/', 1);
    if (read && slash != std::string::npos) {
        std::string pool_id = path.substr(1, slash - 1);
        if (path.substr(slash) == "/.well-known/jwks.json") co_return co_await ServeKeys(pool_id);
        if (path.substr(slash) == "/.well-known/openid-configuration") co_return co_await ServeDiscovery(pool_id);
    }
    co_return HtmlAnswer(404, RenderMessage("Not found", "The address names no page of the sign-in."), "");
}

env::Task<net::HttpResponse> HostedLogin::ServeKeys(std::string pool_id) {
    auto pool = co_await store_.FindPool(pool_id);
    if (!pool) co_return JsonAnswer(404, {{"message", pool.error().message}});
    auto key = store_.SigningKey(*pool);
    if (!key) co_return JsonAnswer(500, {{"message", key.error().message}});
    json::object keys{{"keys", json::array{(*key)->PublicJwk()}}};
    auto response = JsonAnswer(200, keys);
    response.headers.Set("cache-control", "public, max-age=86400");
    co_return response;
}

env::Task<net::HttpResponse> HostedLogin::ServeDiscovery(std::string pool_id) {
    auto pool = co_await store_.FindPool(pool_id);
    if (!pool) co_return JsonAnswer(404, {{"message", pool.error().message}});
    std::string domain = pool_id;
    auto domains = co_await store_.Scan(kDomains, "");
    if (domains) {
        for (const auto& entry : *domains) {
            if (entry.value == pool_id) domain = entry.key;
        }
    }
    std::string at = settings_.issuer_base + std::string(kPrefix) + domain;
    json::object document{
        {"issuer", tokens_.Issuer(pool_id)},
        {"authorization_endpoint", at + "/oauth2/authorize"},
        {"token_endpoint", at + "/oauth2/token"},
        {"userinfo_endpoint", at + "/oauth2/userInfo"},
        {"revocation_endpoint", at + "/oauth2/revoke"},
        {"end_session_endpoint", at + "/logout"},
        {"jwks_uri", tokens_.Issuer(pool_id) + "/.well-known/jwks.json"},
        {"response_types_supported", json::array{"code"}},
        {"grant_types_supported", json::array{"authorization_code", "refresh_token", "client_credentials"}},
        {"code_challenge_methods_supported", json::array{"S256"}},
        {"subject_types_supported", json::array{"public"}},
        {"id_token_signing_alg_values_supported", json::array{"RS256"}},
        {"token_endpoint_auth_methods_supported", json::array{"client_secret_basic", "client_secret_post", "none"}},
        {"scopes_supported", json::array{"openid", "email", "phone", "profile"}}};
    co_return JsonAnswer(200, document);
}

env::Task<std::expected<HostedLogin::Authorization, net::HttpResponse>> HostedLogin::CheckAuthorization(
    net::HttpRequest& request, std::string domain) {
    auto query = codec::Form::Parse(request.query());
    if (!query) co_return std::unexpected(Refused("The address is malformed."));
    auto client = co_await store_.FindClient(query->Get("client_id"));
    if (!client) co_return std::unexpected(Refused("The application (client_id) is unknown."));
    auto pool = co_await store_.FindPool(client->pool_id());
    if (!pool) co_return std::unexpected(Refused("The user pool of this application is gone."));
    if (!domain.empty() && domain != pool->id()) {
        auto owner = co_await store_.Get(kDomains, domain);
        if (!owner || !*owner || **owner != pool->id()) {
            co_return std::unexpected(Refused("The application does not belong to this sign-in domain."));
        }
    }
    const auto& allowed = client->description;
    std::string redirect_uri = query->Find("redirect_uri").value_or(allowed.DefaultRedirectURI.value_or(""));
    if (!Contains(allowed.CallbackURLs, redirect_uri)) {
        co_return std::unexpected(
            Refused("The address to return to (redirect_uri) is not one of the application's callback URLs."));
    }
    Authorization out{.pool = std::move(*pool),
                      .client = std::move(*client),
                      .redirect_uri = redirect_uri,
                      .scope = query->Get("scope"),
                      .state = query->Get("state"),
                      .nonce = query->Get("nonce"),
                      .challenge = query->Get("code_challenge")};
    // From here on the application hears of what is wrong.
    auto tell = [&](const char* error, const char* description) {
        codec::Form parameters;
        parameters.Add("error", error).Add("error_description", description);
        if (!out.state.empty()) parameters.Add("state", out.state);
        return std::unexpected(Redirect(WithParameters(redirect_uri, parameters)));
    };
    const auto& shown = out.client.description;
    if (!shown.AllowedOAuthFlowsUserPoolClient.value_or(false) || !Contains(shown.AllowedOAuthFlows, "code")) {
        co_return tell("unauthorized_client", "the client may not use the code flow");
    }
    if (query->Get("response_type") != "code") co_return tell("unsupported_response_type", "only code is served");
    std::string method = query->Find("code_challenge_method").value_or(out.challenge.empty() ? "" : "plain");
    if (!out.challenge.empty() && method != "S256") {
        co_return tell("invalid_request", "code_challenge_method must be S256");
    }
    if (out.state.size() > 4096 || out.nonce.size() > 1024 || out.challenge.size() > 128) {
        co_return tell("invalid_request", "a parameter is too long");
    }
    std::vector<std::string> scopes = Words(out.scope);
    if (scopes.empty() && shown.AllowedOAuthScopes) scopes = *shown.AllowedOAuthScopes;
    out.scope.clear();
    for (const std::string& scope : scopes) {
        if (!Contains(shown.AllowedOAuthScopes, scope)) co_return tell("invalid_scope", "a scope is not allowed");
        out.scope += (out.scope.empty() ? "" : " ") + scope;
    }
    co_return out;
}

env::Task<net::HttpResponse> HostedLogin::ServeAuthorize(net::HttpRequest& request, std::string domain) {
    auto authorization = co_await CheckAuthorization(request, domain);
    if (!authorization) co_return std::move(authorization.error());
    auto query = codec::Form::Parse(request.query());
    if (query->Get("prompt") == "none") {
        codec::Form parameters;
        parameters.Add("error", "login_required");
        if (!authorization->state.empty()) parameters.Add("state", authorization->state);
        co_return Redirect(WithParameters(authorization->redirect_uri, parameters));
    }
    // Relative, so that it holds whatever path this handler is served at.
    co_return Redirect("../login?" + std::string(request.query()));
}

net::HttpResponse HostedLogin::LoginPageFor(const Authorization& authorization, const net::HttpRequest& request,
                                            std::string username, std::string error) {
    std::string csrf = env::RandomHex(deps_.random, 16);
    int status = error.empty() ? 200 : 400;
    auto response = HtmlAnswer(
        status,
        RenderLogin({authorization.pool.description.Name.value_or(""), csrf, std::move(username), std::move(error)}),
        OriginOf(authorization.redirect_uri));
    response.headers.Add("set-cookie", fmt::format("{}={}; Path=/; HttpOnly; SameSite=Strict{}", kCsrfCookie, csrf,
                                                   request.tls ? "; Secure" : ""));
    return response;
}

net::HttpResponse HostedLogin::NewPasswordPageFor(const Authorization& authorization, const net::HttpRequest& request,
                                                  const User& user, std::string error) {
    std::string csrf = env::RandomHex(deps_.random, 16);
    json::object values{{"client", authorization.client.id()},
                        {"username", user.username},
                        {"expires", base::ToUnixMs(deps_.clock.Now() + std::chrono::minutes(10))}};
    std::string session =
        codec::EncodeBase64Url(api::Seal(api::DeriveSealKey(authorization.pool.secret, "hosted"), deps_.random,
                                         kNewPasswordPurpose, json::serialize(values)));
    int status = error.empty() ? 200 : 400;
    auto response = HtmlAnswer(status,
                               RenderNewPassword({authorization.pool.description.Name.value_or(""), csrf, user.username,
                                                  session, std::move(error), Demands(authorization.pool)}),
                               OriginOf(authorization.redirect_uri));
    response.headers.Add("set-cookie", fmt::format("{}={}; Path=/; HttpOnly; SameSite=Strict{}", kCsrfCookie, csrf,
                                                   request.tls ? "; Secure" : ""));
    return response;
}

// The user who may have a code; or page, filled in; or an error for the login page.
env::Task<std::expected<User, std::string>> HostedLogin::TakePassword(const Authorization& authorization,
                                                                      const codec::Form& form,
                                                                      net::HttpRequest& request,
                                                                      std::optional<net::HttpResponse>& page) {
    std::string session = form.Get("session");
    if (session.empty()) {
        auto user = co_await sign_in_.CheckPassword(authorization.pool, authorization.client, form.Get("username"),
                                                    form.Get("password"));
        if (!user) co_return std::unexpected(user.error().message);
        auto challenge = sign_in_.ChallengeAfterPassword(*user);
        if (!challenge) co_return std::unexpected(challenge.error().message);
        if (!challenge->empty()) {
            page = NewPasswordPageFor(authorization, request, *user, "");
            co_return std::unexpected("");
        }
        co_return std::move(*user);
    }
    auto bytes = codec::DecodeBase64Url(session);
    auto plain = bytes ? api::Unseal(api::DeriveSealKey(authorization.pool.secret, "hosted"), kNewPasswordPurpose, *bytes)
                       : std::nullopt;
    if (!plain) co_return std::unexpected("That took too long. Sign in again.");
    json::object values = json::parse(*plain).as_object();
    if (json::value_to<std::string>(values.at("client")) != authorization.client.id() ||
        values.at("expires").to_number<int64_t>() < base::ToUnixMs(deps_.clock.Now())) {
        co_return std::unexpected("That took too long. Sign in again.");
    }
    std::string username = json::value_to<std::string>(values.at("username"));
    User shown;
    shown.username = username;
    if (form.Get("new_password") != form.Get("repeated")) {
        page = NewPasswordPageFor(authorization, request, shown, "The two passwords differ.");
        co_return std::unexpected("");
    }
    std::map<std::string, std::string> no_attributes;
    auto changed = co_await sign_in_.TakeNewPassword(authorization.pool, username, form.Get("new_password"),
                                                     std::move(no_attributes));
    if (!changed) {
        if (changed.error().code == "InvalidPasswordException") {
            page = NewPasswordPageFor(authorization, request, shown, changed.error().message);
        }
        co_return std::unexpected(changed.error().message);
    }
    co_return std::move(*changed);
}

net::HttpResponse HostedLogin::Grant(const Authorization& authorization, const User& user) {
    std::string code = env::RandomHex(deps_.random, 24);
    base::Instant now = deps_.clock.Now();
    {
        std::lock_guard lock(mutex_);
        if (codes_.size() >= kMaxCodes) {
            std::erase_if(codes_, [now](const auto& entry) { return entry.second.expires <= now; });
        }
        if (codes_.size() >= kMaxCodes) codes_.erase(codes_.begin());
        codes_[Sha256(code)] = {.pool_id = authorization.pool.id(),
                                .client_id = authorization.client.id(),
                                .username = user.username,
                                .redirect_uri = authorization.redirect_uri,
                                .scope = authorization.scope,
                                .nonce = authorization.nonce,
                                .challenge = authorization.challenge,
                                .expires = now + std::chrono::minutes(5),
                                .used = false,
                                .refresh_token = {}};
    }
    codec::Form parameters;
    parameters.Add("code", code);
    if (!authorization.state.empty()) parameters.Add("state", authorization.state);
    return Redirect(WithParameters(authorization.redirect_uri, parameters));
}

env::Task<net::HttpResponse> HostedLogin::ServeLogin(net::HttpRequest& request, std::string domain) {
    auto authorization = co_await CheckAuthorization(request, domain);
    if (!authorization) co_return std::move(authorization.error());
    if (request.method != "POST") co_return LoginPageFor(*authorization, request, "", "");
    auto body = co_await net::ReadAll(*request.body, kMaxForm);
    if (!body) co_return Refused("The form did not arrive whole.");
    auto form = codec::Form::Parse(*body);
    if (!form) co_return Refused("The form is malformed.");
    if (!ComesFromOurPage(request, *form)) {
        co_return LoginPageFor(*authorization, request, form->Get("username"), "The page was too old. Try again.");
    }
    std::optional<net::HttpResponse> page;
    auto user = co_await TakePassword(*authorization, *form, request, page);
    if (page) co_return std::move(*page);
    if (!user) co_return LoginPageFor(*authorization, request, form->Get("username"), user.error());
    co_return Grant(*authorization, *user);
}

env::Task<net::HttpResponse> HostedLogin::ServeLogout(net::HttpRequest& request) {
    auto query = codec::Form::Parse(request.query());
    if (!query) co_return Refused("The address is malformed.");
    auto client = co_await store_.FindClient(query->Get("client_id"));
    if (!client) co_return Refused("The application (client_id) is unknown.");
    if (auto uri = query->Find("logout_uri"); uri && Contains(client->description.LogoutURLs, *uri)) {
        co_return Redirect(*uri);
    }
    // With the parameters of an authorization: sign out, then in again.
    if (query->Find("redirect_uri")) co_return Redirect("login?" + std::string(request.query()));
    co_return Refused("The address to go to after signing out is not one of the application's.");
}

}  // namespace wellhead::services::cognito
