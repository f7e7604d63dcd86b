#include "services/cognito/tokens.h"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "apis/cognito_idp/errors.h"
#include "codec/base64.h"
#include "services/cognito/digest.h"

namespace wellhead::services::cognito {

namespace json = boost::json;

namespace {

constexpr int64_t kDay = 24 * 3600;

int64_t UnitSeconds(const std::optional<std::string>& unit, int64_t otherwise) {
    if (!unit) return otherwise;
    if (*unit == "seconds") return 1;
    if (*unit == "minutes") return 60;
    if (*unit == "hours") return 3600;
    return kDay;
}

int64_t IdValidity(const Client& client) {
    const auto& c = client.description;
    if (!c.IdTokenValidity || *c.IdTokenValidity == 0) return 3600;
    return *c.IdTokenValidity * UnitSeconds(c.TokenValidityUnits ? c.TokenValidityUnits->IdToken : std::nullopt, 3600);
}

int64_t RefreshValidity(const Client& client) {
    const auto& c = client.description;
    if (!c.RefreshTokenValidity || *c.RefreshTokenValidity == 0) return 30 * kDay;
    return *c.RefreshTokenValidity *
           UnitSeconds(c.TokenValidityUnits ? c.TokenValidityUnits->RefreshToken : std::nullopt, kDay);
}

bool HasScope(std::string_view scopes, std::string_view scope) {
    while (!scopes.empty()) {
        size_t end = std::min(scopes.find(' '), scopes.size());
        if (scopes.substr(0, end) == scope) return true;
        scopes.remove_prefix(std::min(end + 1, scopes.size()));
    }
    return false;
}

// OpenID Connect Core, 5.4, as Cognito reads it: "openid" alone gives all attributes, further scopes give theirs.
bool ScopeGives(const SignInFacts& facts, const std::string& attribute) {
    if (!facts.hosted || HasScope(facts.scope, "profile")) return true;
    bool email = HasScope(facts.scope, "email");
    bool phone = HasScope(facts.scope, "phone");
    if (!email && !phone) return true;
    if (attribute.starts_with("email")) return email;
    if (attribute.starts_with("phone_number")) return phone;
    return attribute == "sub";
}

bool MayRead(const Client& client, const std::string& attribute) {
    const auto& readable = client.description.ReadAttributes;
    return attribute == "sub" || !readable || readable->empty() ||
           std::find(readable->begin(), readable->end(), attribute) != readable->end();
}

void AddAttributes(json::object& claims, const Client& client, const User& user, const SignInFacts& facts) {
    for (const auto& [name, value] : user.attributes) {
        if (!MayRead(client, name) || !ScopeGives(facts, name)) continue;
        if (name == "email_verified" || name == "phone_number_verified") {
            claims[name] = value == "true";
        } else {
            claims[name] = value;
        }
    }
}

struct RefreshParts {
    std::string pool_id;
    std::string username;
    std::string origin_jti;
    std::string secret;
};

std::string WriteRefreshToken(const RefreshParts& parts) {
    return codec::EncodeBase64Url(JoinKey(parts.pool_id, parts.username, parts.origin_jti, parts.secret));
}

std::optional<RefreshParts> ReadRefreshToken(const std::string& token) {
    if (token.size() > 4096) return std::nullopt;
    auto bytes = codec::DecodeBase64Url(token);
    if (!bytes) return std::nullopt;
    std::vector<std::string> parts;
    size_t from = 0;
    for (size_t at = bytes->find('\0'); at != std::string::npos; at = bytes->find('\0', from)) {
        parts.push_back(bytes->substr(from, at - from));
        from = at + 1;
    }
    parts.push_back(bytes->substr(from));
    if (parts.size() != 4) return std::nullopt;
    return RefreshParts{parts[0], parts[1], parts[2], parts[3]};
}

int64_t Seconds(base::Instant t) { return base::ToUnixMs(t) / 1000; }

api::ServiceError InvalidRefreshToken() { return idp::NotAuthorizedException("Invalid Refresh Token"); }

std::string Claim(const json::object& claims, std::string_view name) {
    const json::value* value = claims.if_contains(name);
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

// The pool a token claims to be of, before its signature was looked at.
std::string ClaimedPool(std::string_view token) {
    size_t first = token.find('.');
    size_t second = first == token.npos ? token.npos : token.find('.', first + 1);
    if (second == token.npos || token.size() > 16 * 1024) return {};
    auto text = codec::DecodeBase64Url(token.substr(first + 1, second - first - 1));
    if (!text) return {};
    boost::system::error_code error;
    json::value claims = json::parse(*text, error);
    if (error || !claims.is_object()) return {};
    std::string issuer = Claim(claims.get_object(), "iss");
    return issuer.substr(issuer.rfind('/') + 1);
}

}  // namespace

int64_t Tokens::AccessValidity(const Client& client) {
    const auto& c = client.description;
    if (!c.AccessTokenValidity || *c.AccessTokenValidity == 0) return 3600;
    return *c.AccessTokenValidity *
           UnitSeconds(c.TokenValidityUnits ? c.TokenValidityUnits->AccessToken : std::nullopt, 3600);
}

std::string Tokens::Issuer(const std::string& pool_id) const { return settings_.issuer_base + "/" + pool_id; }

std::string Tokens::UsernameOf(const std::string& refresh_token) {
    auto parts = ReadRefreshToken(refresh_token);
    return parts ? parts->username : std::string();
}

env::Task<api::Outcome<idp::AuthenticationResultType>> Tokens::Sign(const Pool& pool, const Client& client,
                                                                    const User& user, const Session& session,
                                                                    const SignInFacts& facts) {
    auto key = store_.SigningKey(pool);
    if (!key) co_return std::unexpected(key.error());
    int64_t now = Seconds(deps_.clock.Now());
    std::string event_id = env::RandomUuid(deps_.random);
    json::object access{{"sub", user.sub()},
                        {"iss", Issuer(pool.id())},
                        {"client_id", client.id()},
                        {"origin_jti", session.origin_jti},
                        {"event_id", event_id},
                        {"token_use", "access"},
                        {"scope", facts.scope},
                        {"auth_time", Seconds(session.signed_in)},
                        {"exp", now + AccessValidity(client)},
                        {"iat", now},
                        {"jti", env::RandomUuid(deps_.random)},
                        {"username", user.username}};
    if (facts.hosted) access["version"] = 2;
    json::object id{{"sub", user.sub()},
                    {"iss", Issuer(pool.id())},
                    {"cognito:username", user.username},
                    {"origin_jti", session.origin_jti},
                    {"aud", client.id()},
                    {"event_id", event_id},
                    {"token_use", "id"},
                    {"auth_time", Seconds(session.signed_in)},
                    {"exp", now + IdValidity(client)},
                    {"iat", now},
                    {"jti", env::RandomUuid(deps_.random)}};
    if (!user.groups.empty()) {
        json::array groups;
        for (const std::string& group : user.groups) groups.emplace_back(group);
        access["cognito:groups"] = groups;
        id["cognito:groups"] = std::move(groups);
    }
    if (!facts.nonce.empty()) id["nonce"] = facts.nonce;
    AddAttributes(id, client, user, facts);

    idp::AuthenticationResultType result;
    auto signer = *key;
    bool with_id = !facts.hosted || HasScope(facts.scope, "openid");
    bool hosted = facts.hosted;
    auto sign = [signer, &access, &id, &result, with_id, hosted] {
        result.AccessToken = signer->Sign(access);
        if (!with_id) return;
        // OpenID Connect Core, 3.1.3.6: the left half of the access token's hash.
        if (hosted) id["at_hash"] = codec::EncodeBase64Url(Sha256(*result.AccessToken).substr(0, 16));
        result.IdToken = signer->Sign(id);
    };
    co_await env::RunBlocking(deps_.pool, sign);
    result.ExpiresIn = static_cast<int32_t>(AccessValidity(client));
    result.TokenType = "Bearer";
    co_return result;
}

env::Task<api::Outcome<idp::AuthenticationResultType>> Tokens::SignIn(const Pool& pool, const Client& client,
                                                                      const User& user, SignInFacts facts) {
    base::Instant now = deps_.clock.Now();
    RefreshParts parts{pool.id(), user.username, env::RandomUuid(deps_.random), env::RandomHex(deps_.random, 32)};
    Session session{.pool_id = pool.id(),
                    .username = user.username,
                    .client_id = client.id(),
                    .origin_jti = parts.origin_jti,
                    .token_hash = codec::EncodeHex(Sha256(parts.secret)),
                    .previous_hash = {},
                    .previous_until = {},
                    .signed_in = now,
                    .expires = now + std::chrono::seconds(RefreshValidity(client)),
                    .scope = facts.scope};
    auto kept = co_await store_.PutSession(session);
    if (!kept) co_return std::unexpected(kept.error());
    auto result = co_await Sign(pool, client, user, session, facts);
    if (result) result->RefreshToken = WriteRefreshToken(parts);
    co_return result;
}

env::Task<api::Outcome<Session>> Tokens::SessionOf(const Client& client, const std::string& refresh_token) {
    auto parts = ReadRefreshToken(refresh_token);
    if (!parts || parts->pool_id != client.pool_id()) co_return std::unexpected(InvalidRefreshToken());
    auto session = co_await store_.FindSession(parts->pool_id, parts->username, parts->origin_jti);
    if (!session) co_return std::unexpected(session.error());
    // A revoked session's record is gone.
    if (!*session) co_return std::unexpected(idp::NotAuthorizedException("Refresh Token has been revoked"));
    std::string hash = codec::EncodeHex(Sha256(parts->secret));
    base::Instant now = deps_.clock.Now();
    bool current = EqualInConstantTime(hash, (*session)->token_hash);
    bool previous = EqualInConstantTime(hash, (*session)->previous_hash) && now < (*session)->previous_until;
    if ((!current && !previous) || (*session)->client_id != client.id()) {
        co_return std::unexpected(InvalidRefreshToken());
    }
    if ((*session)->expires <= now) {
        co_return std::unexpected(idp::NotAuthorizedException("Refresh Token has expired"));
    }
    co_return std::move(**session);
}

env::Task<api::Outcome<idp::AuthenticationResultType>> Tokens::Refresh(const Client& client,
                                                                       std::string refresh_token) {
    auto session = co_await SessionOf(client, refresh_token);
    if (!session) co_return std::unexpected(session.error());
    auto pool = co_await store_.FindPool(client.pool_id());
    if (!pool) co_return std::unexpected(pool.error());
    auto user = co_await store_.FindUser(*pool, session->username);
    if (!user) co_return std::unexpected(user.error());
    if (!*user) co_return std::unexpected(InvalidRefreshToken());
    if (!(*user)->enabled) co_return std::unexpected(idp::NotAuthorizedException("User is disabled."));
    SignInFacts facts{.scope = session->scope,
                      .nonce = {},
                      .hosted = session->scope != "aws.cognito.signin.user.admin"};
    std::string renewed;
    const auto& rotation = client.description.RefreshTokenRotation;
    if (rotation && rotation->Feature == "ENABLED") {
        RefreshParts parts{session->pool_id, session->username, session->origin_jti,
                           env::RandomHex(deps_.random, 32)};
        session->previous_hash = session->token_hash;
        session->previous_until =
            deps_.clock.Now() + std::chrono::seconds(rotation->RetryGracePeriodSeconds.value_or(0));
        session->token_hash = codec::EncodeHex(Sha256(parts.secret));
        auto kept = co_await store_.PutSession(*session);
        if (!kept) co_return std::unexpected(kept.error());
        renewed = WriteRefreshToken(parts);
    }
    auto result = co_await Sign(*pool, client, **user, *session, facts);
    if (result && !renewed.empty()) result->RefreshToken = renewed;
    co_return result;
}

env::Task<api::Outcome<std::string>> Tokens::ForMachine(const Pool& pool, const Client& client, std::string scope) {
    auto key = store_.SigningKey(pool);
    if (!key) co_return std::unexpected(key.error());
    int64_t now = Seconds(deps_.clock.Now());
    json::object claims{{"sub", client.id()},       {"token_use", "access"},
                        {"scope", scope},           {"auth_time", now},
                        {"iss", Issuer(pool.id())}, {"exp", now + AccessValidity(client)},
                        {"iat", now},               {"version", 2},
                        {"jti", env::RandomUuid(deps_.random)}, {"client_id", client.id()}};
    auto signer = *key;
    auto sign = [signer, &claims] { return signer->Sign(claims); };
    co_return co_await env::RunBlocking(deps_.pool, sign);
}

env::Task<api::Outcome<TokenBearer>> Tokens::Authenticate(std::string access_token) {
    auto invalid = [] { return std::unexpected(idp::NotAuthorizedException("Invalid Access Token")); };
    std::string pool_id = ClaimedPool(access_token);
    if (pool_id.empty()) co_return invalid();
    auto pool = co_await store_.FindPool(pool_id);
    if (!pool) {
        if (pool.error().code == "ResourceNotFoundException") co_return invalid();
        co_return std::unexpected(pool.error());
    }
    auto key = store_.SigningKey(*pool);
    if (!key) co_return std::unexpected(key.error());
    json::object jwks{{"keys", json::array{(*key)->PublicJwk()}}};
    auto keys = api::JwtKeySet::FromJwks(json::serialize(jwks));
    if (!keys) co_return std::unexpected(InternalError(keys.error()));
    auto claims = keys->Verify(access_token, {Issuer(pool_id), "access", {}, deps_.clock.Now()});
    if (!claims) {
        if (claims.error().message == "the token has expired") {
            co_return std::unexpected(idp::NotAuthorizedException("Access Token has expired"));
        }
        co_return invalid();
    }
    std::string username = Claim(*claims, "username");
    std::string origin_jti = Claim(*claims, "origin_jti");
    if (username.empty()) co_return invalid();
    auto session = co_await store_.FindSession(pool_id, username, origin_jti);
    if (!session) co_return std::unexpected(session.error());
    if (!*session) co_return std::unexpected(idp::NotAuthorizedException("Access Token has been revoked"));
    auto user = co_await store_.FindUser(*pool, username);
    if (!user) co_return std::unexpected(user.error());
    if (!*user) co_return std::unexpected(idp::UserNotFoundException("User does not exist."));
    if (!(*user)->enabled) co_return std::unexpected(idp::NotAuthorizedException("User is disabled."));
    co_return TokenBearer{std::move(*pool), std::move(**user), Claim(*claims, "client_id"), origin_jti,
                          Claim(*claims, "scope")};
}

env::Task<api::Outcome<void>> Tokens::Revoke(const Client& client, std::string refresh_token) {
    auto session = co_await SessionOf(client, refresh_token);
    if (!session) {
        if (session.error().code == "NotAuthorizedException") co_return api::Outcome<void>();
        co_return std::unexpected(session.error());
    }
    co_return co_await store_.DeleteSession(*session);
}

}  // namespace wellhead::services::cognito
