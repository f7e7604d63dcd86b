#include "services/cognito/sign_in.h"

#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_to.hpp>

#include "apis/cognito_idp/errors.h"
#include "codec/base64.h"
#include "services/cognito/digest.h"
#include "services/cognito/passwords.h"

namespace wellhead::services::cognito {

namespace json = boost::json;

namespace {

constexpr const char* kProofPurpose = "password proof";
constexpr const char* kNewPasswordPurpose = "new password";

std::optional<std::string> Find(const Parameters& parameters, const std::string& name) {
    auto found = parameters.find(name);
    if (found == parameters.end()) return std::nullopt;
    return found->second;
}

api::ServiceError Missing(const std::string& name) {
    return idp::InvalidParameterException(fmt::format("Missing required parameter {}", name));
}

api::ServiceError WrongPassword() { return idp::NotAuthorizedException("Incorrect username or password."); }

// ExplicitAuthFlows in the new words (ALLOW_...) or the old ones; none at all means Cognito's default.
bool Allows(const Client& client, std::string_view flow) {
    const auto& flows = client.description.ExplicitAuthFlows;
    if (!flows || flows->empty()) return flow == "USER_SRP_AUTH" || flow == "REFRESH_TOKEN_AUTH";
    auto has = [&](std::string_view name) { return std::find(flows->begin(), flows->end(), name) != flows->end(); };
    if (has(fmt::format("ALLOW_{}", flow))) return true;
    if (flow == "ADMIN_USER_PASSWORD_AUTH") return has("ADMIN_NO_SRP_AUTH");
    if (flow == "USER_PASSWORD_AUTH") return has("USER_PASSWORD_AUTH");
    bool old_words = has("ADMIN_NO_SRP_AUTH") || has("USER_PASSWORD_AUTH") || has("CUSTOM_AUTH_FLOW_ONLY");
    return old_words && (flow == "REFRESH_TOKEN_AUTH" || (flow == "USER_SRP_AUTH" && !has("CUSTOM_AUTH_FLOW_ONLY")));
}

base::Duration SessionValidity(const Client& client) {
    return std::chrono::minutes(client.description.AuthSessionValidity.value_or(3));
}

// A sealed JSON object that expires; what Session strings and secret blocks are.
struct Sealed {
    json::object values;
    std::string nonce;
    base::Instant expires;
};

std::string SealObject(const Pool& pool, env::Random& random, const char* purpose, base::Instant expires,
                       json::object values) {
    values["nonce"] = env::RandomHex(random, 16);
    values["expires"] = base::ToUnixMs(expires);
    return codec::EncodeBase64(
        api::Seal(api::DeriveSealKey(pool.secret, "sign-in"), random, purpose, json::serialize(values)));
}

std::optional<Sealed> OpenSealed(const Pool& pool, const char* purpose, const std::string& text) {
    auto bytes = codec::DecodeBase64(text);
    if (!bytes) return std::nullopt;
    auto plain = api::Unseal(api::DeriveSealKey(pool.secret, "sign-in"), purpose, *bytes);
    if (!plain) return std::nullopt;
    json::object values = json::parse(*plain).as_object();
    std::string nonce = json::value_to<std::string>(values.at("nonce"));
    base::Instant expires = base::FromUnixMs(values.at("expires").to_number<int64_t>());
    return Sealed{std::move(values), std::move(nonce), expires};
}

std::string Text(const Sealed& sealed, const char* name) {
    return json::value_to<std::string>(sealed.values.at(name));
}

// Salt and verifier of a user who does not exist: the same each time, so that nobody learns it from them.
SrpVerifier Pretended(const Pool& pool, const std::string& name) {
    std::string salt = codec::EncodeHex(HmacSha256(pool.secret, "salt of " + name).substr(0, 16));
    std::string verifier = codec::EncodeHex(HmacSha256(pool.secret, "verifier of " + name));
    return {salt, verifier};
}

bool HashFitsAnyName(const Client& client, const User& user, const std::optional<std::string>& hash) {
    for (const std::string& name : {user.sub(), user.Attribute("email"), user.Attribute("preferred_username")}) {
        if (!name.empty() && SignIn::CheckSecretHash(client, name, hash)) return true;
    }
    return false;
}

}  // namespace

api::ServiceError SignIn::NoSuchUser(const Client& client) {
    if (client.description.PreventUserExistenceErrors.value_or("LEGACY") == "ENABLED") return WrongPassword();
    return idp::UserNotFoundException("User does not exist.");
}

api::Outcome<void> SignIn::CheckSecretHash(const Client& client, const std::string& name,
                                           const std::optional<std::string>& hash) {
    const auto& secret = client.description.ClientSecret;
    if (!secret) {
        if (!hash || hash->empty()) return {};
        return std::unexpected(idp::NotAuthorizedException(fmt::format(
            "Client {} is not configured for secret but secret hash was received", client.id())));
    }
    if (!hash) {
        return std::unexpected(idp::NotAuthorizedException(
            fmt::format("Client {} is configured with secret but SECRET_HASH was not received", client.id())));
    }
    if (!EqualInConstantTime(codec::EncodeBase64(HmacSha256(*secret, name + client.id())), *hash)) {
        return std::unexpected(
            idp::NotAuthorizedException(fmt::format("SecretHash does not match for the client: {}", client.id())));
    }
    return {};
}

bool SignIn::UsedBefore(const std::string& nonce, base::Instant expires) {
    std::lock_guard lock(mutex_);
    base::Instant now = deps_.clock.Now();
    if (used_.size() > 1000) std::erase_if(used_, [now](const auto& entry) { return entry.second < now; });
    return !used_.emplace(nonce, expires).second;
}

env::Task<bool> SignIn::Matches(const Pool& pool, const User& user, std::string password) {
    if (!user.password) co_return false;
    auto check = [&] {
        return PasswordMatches(*user.password, {pool.short_name(), user.username}, password);
    };
    co_return co_await env::RunBlocking(deps_.pool, check);
}

env::Task<SrpVerifier> SignIn::Verifier(const Pool& pool, std::string username, std::string password) {
    auto make = [&random = deps_.random, &pool, &username, &password] {
        return MakeVerifier(random, pool, username, password);
    };
    co_return co_await env::RunBlocking(deps_.pool, make);
}

env::Task<api::Outcome<User>> SignIn::CheckPassword(const Pool& pool, const Client& client, std::string name,
                                                    std::string password) {
    auto user = co_await store_.FindUser(pool, name);
    if (!user) co_return std::unexpected(user.error());
    std::string counted = JoinKey(pool.id(), *user ? (*user)->username : name);
    if (attempts_.LockedOut(counted, deps_.clock.Ticks())) {
        co_return std::unexpected(idp::NotAuthorizedException("Password attempts exceeded"));
    }
    bool right = false;
    if (*user && (*user)->password && password.size() <= 1024) {
        right = co_await Matches(pool, **user, password);
    } else {
        // The same work as for a user who exists.
        User nobody;
        nobody.username = name;
        nobody.password = Pretended(pool, name);
        co_await Matches(pool, nobody, password.substr(0, 1024));
    }
    if (!right) {
        attempts_.Failed(counted, deps_.clock.Ticks());
        co_return std::unexpected(*user ? WrongPassword() : NoSuchUser(client));
    }
    attempts_.Succeeded(counted);
    if (!(*user)->enabled) co_return std::unexpected(idp::NotAuthorizedException("User is disabled."));
    co_return std::move(**user);
}

api::Outcome<std::string> SignIn::ChallengeAfterPassword(const User& user) {
    if (!user.enabled) return std::unexpected(idp::NotAuthorizedException("User is disabled."));
    if (user.status == "UNCONFIRMED") {
        return std::unexpected(idp::UserNotConfirmedException("User is not confirmed."));
    }
    if (user.status == "RESET_REQUIRED") {
        return std::unexpected(idp::PasswordResetRequiredException("Password reset required for the user"));
    }
    if (user.status == "FORCE_CHANGE_PASSWORD") {
        if (user.temporary_until && *user.temporary_until <= deps_.clock.Now()) {
            return std::unexpected(idp::NotAuthorizedException(
                "Temporary password has expired and must be reset by an administrator."));
        }
        return "NEW_PASSWORD_REQUIRED";
    }
    return std::string();
}

env::Task<api::Outcome<SignInStep>> SignIn::Finish(const Pool& pool, const Client& client, const User& user) {
    auto challenge = ChallengeAfterPassword(user);
    if (!challenge) co_return std::unexpected(challenge.error());
    SignInStep step;
    if (!challenge->empty()) {
        json::object attributes;
        for (const auto& [name, value] : user.attributes) {
            if (name != "sub") attributes[name] = value;
        }
        step.challenge = *challenge;
        step.parameters = {{"USER_ID_FOR_SRP", user.username},
                           {"requiredAttributes", "[]"},
                           {"userAttributes", json::serialize(attributes)}};
        step.session = SealObject(pool, deps_.random, kNewPasswordPurpose,
                                  deps_.clock.Now() + SessionValidity(client),
                                  {{"client", client.id()}, {"username", user.username}});
        co_return step;
    }
    SignInFacts facts;
    auto result = co_await tokens_.SignIn(pool, client, user, facts);
    if (!result) co_return std::unexpected(result.error());
    step.result = std::move(*result);
    co_return step;
}

env::Task<api::Outcome<SignInStep>> SignIn::StartSrp(const Pool& pool, const Client& client, Parameters parameters) {
    auto name = Find(parameters, "USERNAME");
    auto client_public = Find(parameters, "SRP_A");
    if (!name) co_return std::unexpected(Missing("USERNAME"));
    if (!client_public) co_return std::unexpected(Missing("SRP_A"));
    auto hash = CheckSecretHash(client, *name, Find(parameters, "SECRET_HASH"));
    if (!hash) co_return std::unexpected(hash.error());
    if (!IsSrpPublicValue(*client_public)) {
        co_return std::unexpected(idp::InvalidParameterException("SRP_A must be a hexadecimal number between 1 and N"));
    }
    auto user = co_await store_.FindUser(pool, *name);
    if (!user) co_return std::unexpected(user.error());
    bool known = *user && (*user)->password;
    if (!known && client.description.PreventUserExistenceErrors.value_or("LEGACY") != "ENABLED") {
        co_return std::unexpected(*user ? WrongPassword() : NoSuchUser(client));
    }
    SrpVerifier verifier = known ? *(*user)->password : Pretended(pool, *name);
    std::string username = known ? (*user)->username : *name;
    std::string secret(32, '\0');
    deps_.random.Fill(std::span(reinterpret_cast<uint8_t*>(secret.data()), secret.size()));
    auto make = [&verifier, &secret] { return SrpPublicValue(verifier, secret); };
    std::string server_public = co_await env::RunBlocking(deps_.pool, make);
    SignInStep step;
    step.challenge = "PASSWORD_VERIFIER";
    std::string block = SealObject(pool, deps_.random, kProofPurpose, deps_.clock.Now() + SessionValidity(client),
                                   {{"client", client.id()},
                                    {"username", username},
                                    {"known", known},
                                    {"salt", verifier.salt},
                                    {"a", *client_public},
                                    {"b", codec::EncodeHex(secret)},
                                    {"public", server_public}});
    step.parameters = {{"SALT", verifier.salt},
                       {"SRP_B", server_public},
                       {"SECRET_BLOCK", block},
                       {"USERNAME", username},
                       {"USER_ID_FOR_SRP", username}};
    co_return step;
}

env::Task<api::Outcome<SignInStep>> SignIn::VerifyProof(const Pool& pool, const Client& client,
                                                        Parameters responses) {
    auto name = Find(responses, "USERNAME");
    auto block = Find(responses, "PASSWORD_CLAIM_SECRET_BLOCK");
    auto signature = Find(responses, "PASSWORD_CLAIM_SIGNATURE");
    auto timestamp = Find(responses, "TIMESTAMP");
    if (!name) co_return std::unexpected(Missing("USERNAME"));
    if (!block) co_return std::unexpected(Missing("PASSWORD_CLAIM_SECRET_BLOCK"));
    if (!signature) co_return std::unexpected(Missing("PASSWORD_CLAIM_SIGNATURE"));
    if (!timestamp) co_return std::unexpected(Missing("TIMESTAMP"));
    auto hash = CheckSecretHash(client, *name, Find(responses, "SECRET_HASH"));
    if (!hash) co_return std::unexpected(hash.error());
    auto sealed = OpenSealed(pool, kProofPurpose, *block);
    if (!sealed || Text(*sealed, "client") != client.id() || sealed->expires <= deps_.clock.Now() ||
        timestamp->size() > 64 || UsedBefore(sealed->nonce, sealed->expires)) {
        co_return std::unexpected(WrongPassword());
    }
    std::string username = Text(*sealed, "username");
    std::string counted = JoinKey(pool.id(), username);
    if (attempts_.LockedOut(counted, deps_.clock.Ticks())) {
        co_return std::unexpected(idp::NotAuthorizedException("Password attempts exceeded"));
    }
    auto user = co_await store_.FindUser(pool, username);
    if (!user) co_return std::unexpected(user.error());
    bool known = *user && (*user)->password && sealed->values.at("known").as_bool();
    // USERNAME may be any name of the user; the proof is over the username itself.
    if (known && *name != username) {
        auto named = co_await store_.FindUser(pool, *name);
        if (!named) co_return std::unexpected(named.error());
        known = *named && (*named)->username == username;
    }
    SrpVerifier verifier = known ? *(*user)->password : Pretended(pool, username);
    auto block_bytes = codec::DecodeBase64(*block);
    std::string message = std::string(pool.short_name()) + username + *block_bytes + *timestamp;
    auto secret = codec::DecodeHex(Text(*sealed, "b"));
    std::string client_public = Text(*sealed, "a");
    std::string server_public = Text(*sealed, "public");
    auto compute = [&] { return ExpectedSrpProof(verifier, client_public, server_public, *secret, message); };
    auto expected = co_await env::RunBlocking(deps_.pool, compute);
    auto given = codec::DecodeBase64(*signature);
    if (!known || !expected || !given || !EqualInConstantTime(*expected, *given)) {
        attempts_.Failed(counted, deps_.clock.Ticks());
        co_return std::unexpected(WrongPassword());
    }
    attempts_.Succeeded(counted);
    co_return co_await Finish(pool, client, **user);
}

env::Task<api::Outcome<SignInStep>> SignIn::StartPassword(const Pool& pool, const Client& client,
                                                          Parameters parameters) {
    auto name = Find(parameters, "USERNAME");
    auto password = Find(parameters, "PASSWORD");
    if (!name) co_return std::unexpected(Missing("USERNAME"));
    if (!password) co_return std::unexpected(Missing("PASSWORD"));
    auto hash = CheckSecretHash(client, *name, Find(parameters, "SECRET_HASH"));
    if (!hash) co_return std::unexpected(hash.error());
    auto user = co_await CheckPassword(pool, client, *name, *password);
    if (!user) co_return std::unexpected(user.error());
    co_return co_await Finish(pool, client, *user);
}

env::Task<api::Outcome<SignInStep>> SignIn::Start(Client client, std::string flow, Parameters parameters, bool admin) {
    if (flow == "REFRESH_TOKEN") flow = "REFRESH_TOKEN_AUTH";
    if (flow == "ADMIN_NO_SRP_AUTH") flow = "ADMIN_USER_PASSWORD_AUTH";
    if (flow == "CUSTOM_AUTH" || flow == "USER_AUTH") {
        co_return std::unexpected(
            idp::InvalidParameterException(fmt::format("{} is not served by this user pool.", flow)));
    }
    if ((flow == "ADMIN_USER_PASSWORD_AUTH") && !admin) {
        co_return std::unexpected(idp::InvalidParameterException("Initiate Auth method not supported."));
    }
    if (!Allows(client, flow)) {
        co_return std::unexpected(idp::InvalidParameterException(
            admin ? "Auth flow not enabled for this client"
                  : flow == "USER_SRP_AUTH" ? "USER_SRP_AUTH is not enabled for the client."
                                            : fmt::format("{} flow not enabled for this client", flow)));
    }
    auto pool = co_await store_.FindPool(client.pool_id());
    if (!pool) co_return std::unexpected(pool.error());
    if (flow == "USER_SRP_AUTH") co_return co_await StartSrp(*pool, client, std::move(parameters));
    if (flow != "REFRESH_TOKEN_AUTH") co_return co_await StartPassword(*pool, client, std::move(parameters));

    auto token = Find(parameters, "REFRESH_TOKEN");
    if (!token) co_return std::unexpected(Missing("REFRESH_TOKEN"));
    std::string username = Tokens::UsernameOf(*token);
    auto hash = CheckSecretHash(client, username, Find(parameters, "SECRET_HASH"));
    if (!hash) {
        // Clients that know the user by another name than the username hash that one.
        auto user = co_await store_.FindUser(*pool, username);
        bool fits = user && *user && HashFitsAnyName(client, **user, Find(parameters, "SECRET_HASH"));
        if (!fits) co_return std::unexpected(hash.error());
    }
    auto result = co_await tokens_.Refresh(client, *token);
    if (!result) co_return std::unexpected(result.error());
    SignInStep step;
    step.result = std::move(*result);
    co_return step;
}

env::Task<api::Outcome<User>> SignIn::TakeNewPassword(const Pool& pool, std::string username,
                                                      std::string new_password,
                                                      std::map<std::string, std::string> attributes) {
    auto fits = CheckPasswordPolicy(pool, new_password);
    if (!fits) co_return std::unexpected(fits.error());
    SrpVerifier verifier = co_await Verifier(pool, username, new_password);
    base::Instant now = deps_.clock.Now();
    Store::Change change = [&](User& user) -> api::Outcome<void> {
        if (user.status != "FORCE_CHANGE_PASSWORD") {
            return std::unexpected(idp::NotAuthorizedException("Invalid session for the user."));
        }
        user.password = verifier;
        user.status = "CONFIRMED";
        user.temporary_until.reset();
        user.modified = now;
        for (const auto& [name, value] : attributes) {
            if (name != "sub" && !name.ends_with("_verified")) user.attributes[name] = value;
        }
        return {};
    };
    co_return co_await store_.ChangeUser(pool, username, change);
}

env::Task<api::Outcome<SignInStep>> SignIn::AnswerNewPassword(const Pool& pool, const Client& client,
                                                              std::string session, Parameters responses) {
    auto name = Find(responses, "USERNAME");
    auto new_password = Find(responses, "NEW_PASSWORD");
    if (!name) co_return std::unexpected(Missing("USERNAME"));
    if (!new_password) co_return std::unexpected(Missing("NEW_PASSWORD"));
    auto hash = CheckSecretHash(client, *name, Find(responses, "SECRET_HASH"));
    if (!hash) co_return std::unexpected(hash.error());
    auto sealed = OpenSealed(pool, kNewPasswordPurpose, session);
    if (!sealed || Text(*sealed, "client") != client.id()) {
        co_return std::unexpected(idp::NotAuthorizedException("Invalid session for the user."));
    }
    if (sealed->expires <= deps_.clock.Now()) {
        co_return std::unexpected(idp::NotAuthorizedException("Invalid session for the user, session is expired."));
    }
    std::string username = Text(*sealed, "username");
    auto user = co_await store_.FindUser(pool, *name);
    if (!user) co_return std::unexpected(user.error());
    if (!*user || (*user)->username != username) {
        co_return std::unexpected(idp::NotAuthorizedException("Invalid session for the user."));
    }
    std::map<std::string, std::string> attributes;
    constexpr std::string_view kPrefix = "userAttributes.";
    for (const auto& [key, value] : responses) {
        if (key.starts_with(kPrefix)) attributes[key.substr(kPrefix.size())] = value;
    }
    auto changed = co_await TakeNewPassword(pool, username, *new_password, std::move(attributes));
    if (!changed) co_return std::unexpected(changed.error());
    co_return co_await Finish(pool, client, *changed);
}

env::Task<api::Outcome<SignInStep>> SignIn::Respond(Client client, std::string challenge, std::string session,
                                                    Parameters responses) {
    auto pool = co_await store_.FindPool(client.pool_id());
    if (!pool) co_return std::unexpected(pool.error());
    if (challenge == "PASSWORD_VERIFIER") co_return co_await VerifyProof(*pool, client, std::move(responses));
    if (challenge == "NEW_PASSWORD_REQUIRED") {
        co_return co_await AnswerNewPassword(*pool, client, std::move(session), std::move(responses));
    }
    co_return std::unexpected(
        idp::InvalidParameterException(fmt::format("The challenge {} is not served.", challenge)));
}

}  // namespace wellhead::services::cognito
