#include "services/cognito/store.h"

#include <fmt/format.h>

#include "apis/cognito_idp/errors.h"
#include "base/log.h"

namespace wellhead::services::cognito {

namespace {

constexpr const char* kPools = "cognito/pools";
constexpr const char* kClients = "cognito/clients";
constexpr const char* kUsers = "cognito/users";
constexpr const char* kAliases = "cognito/aliases";
constexpr const char* kSessions = "cognito/sessions";
constexpr int kTries = 8;
constexpr const char* kCollectionsOfPool[] = {kUsers, kAliases, kSessions, kGroups, kResourceServers};
constexpr const char* kAliasKinds[] = {"sub", "email", "phone_number", "preferred_username"};

bool SignsInBy(const Pool& pool, const std::string& attribute) {
    auto has = [&](const std::optional<std::vector<std::string>>& list) {
        return list && std::find(list->begin(), list->end(), attribute) != list->end();
    };
    return has(pool.description.AliasAttributes) || has(pool.description.UsernameAttributes);
}

// The names a user answers to beside the username. An address counts once it is verified, but in a pool whose usernames
// are addresses it counts at once: it is all the user has.
std::vector<std::string> AliasesOf(const Pool& pool, const User& user) {
    std::vector<std::string> keys{JoinKey(pool.id(), "sub", user.sub())};
    const auto& by = pool.description.UsernameAttributes;
    for (const char* attribute : {"email", "phone_number", "preferred_username"}) {
        std::string value = user.Attribute(attribute);
        if (value.empty() || !SignsInBy(pool, attribute)) continue;
        bool is_username = by && std::find(by->begin(), by->end(), attribute) != by->end();
        bool verified = std::string_view(attribute) == "preferred_username" ||
                        user.Attribute(std::string(attribute) + "_verified") == "true";
        if (is_username || verified) keys.push_back(JoinKey(pool.id(), attribute, value));
    }
    return keys;
}

template <class T>
api::Outcome<T> FromResult(base::Result<T> result) {
    if (!result) return std::unexpected(InternalError(result.error()));
    return std::move(*result);
}

}  // namespace

std::string JoinKey(std::string_view a, std::string_view b) {
    std::string key(a);
    key += '\0';
    key += b;
    return key;
}
std::string JoinKey(std::string_view a, std::string_view b, std::string_view c) { return JoinKey(JoinKey(a, b), c); }
std::string JoinKey(std::string_view a, std::string_view b, std::string_view c, std::string_view d) {
    return JoinKey(JoinKey(a, b), JoinKey(c, d));
}

api::ServiceError InternalError(const base::Error& error) {
    base::LogError("cognito", "{}: {}", base::ErrorCodeName(error.code), error.message);
    if (error.code == base::ErrorCode::kLimit) return idp::LimitExceededException("The server has no room left.");
    api::ServiceError out = idp::InternalErrorException("An internal error occurred.");
    out.http_status = 500;
    return out;
}

env::Task<api::Outcome<std::optional<std::string>>> Store::Get(std::string collection, std::string key) {
    auto value = co_await table_.Get(std::move(collection), std::move(key));
    if (!value) co_return std::unexpected(InternalError(value.error()));
    co_return std::move(*value);
}

env::Task<api::Outcome<std::vector<storage::TableEntry>>> Store::Scan(std::string collection, std::string prefix) {
    auto entries = co_await table_.Scan(std::move(collection), storage::PrefixRange(prefix));
    if (!entries) co_return std::unexpected(InternalError(entries.error()));
    co_return std::move(*entries);
}

env::Task<api::Outcome<void>> Store::Commit(storage::TableBatch batch) {
    auto done = co_await table_.Commit(std::move(batch));
    if (!done) {
        if (done.error().code == base::ErrorCode::kConflict) {
            co_return std::unexpected(idp::ConcurrentModificationException("Another request changed the resource."));
        }
        co_return std::unexpected(InternalError(done.error()));
    }
    co_return api::Outcome<void>();
}

env::Task<api::Outcome<void>> Store::Put(std::string collection, std::string key, std::string value) {
    storage::TableBatch batch;
    batch.Put(std::move(collection), std::move(key), std::move(value));
    co_return co_await Commit(std::move(batch));
}

env::Task<api::Outcome<void>> Store::Delete(std::string collection, std::string key) {
    storage::TableBatch batch;
    batch.Delete(std::move(collection), std::move(key));
    co_return co_await Commit(std::move(batch));
}

env::Task<api::Outcome<Pool>> Store::FindPool(std::string pool_id) {
    auto value = co_await Get(kPools, pool_id);
    if (!value) co_return std::unexpected(value.error());
    if (!*value) {
        co_return std::unexpected(
            idp::ResourceNotFoundException(fmt::format("User pool {} does not exist.", pool_id)));
    }
    co_return FromResult(DecodePool(**value));
}

env::Task<api::Outcome<Client>> Store::FindClient(std::string client_id) {
    auto value = co_await Get(kClients, client_id);
    if (!value) co_return std::unexpected(value.error());
    if (!*value) {
        co_return std::unexpected(
            idp::ResourceNotFoundException(fmt::format("User pool client {} does not exist.", client_id)));
    }
    co_return FromResult(DecodeClient(**value));
}

env::Task<api::Outcome<Client>> Store::FindClientOfPool(std::string pool_id, std::string client_id) {
    auto client = co_await FindClient(client_id);
    if (client && client->pool_id() != pool_id) {
        co_return std::unexpected(
            idp::ResourceNotFoundException(fmt::format("User pool client {} does not exist.", client_id)));
    }
    co_return client;
}

env::Task<api::Outcome<std::vector<Pool>>> Store::ListPools() {
    auto entries = co_await Scan(kPools, "");
    if (!entries) co_return std::unexpected(entries.error());
    std::vector<Pool> pools;
    for (const auto& entry : *entries) {
        auto pool = FromResult(DecodePool(entry.value));
        if (!pool) co_return std::unexpected(pool.error());
        pools.push_back(std::move(*pool));
    }
    co_return pools;
}

env::Task<api::Outcome<std::vector<Client>>> Store::ListClients(std::string pool_id) {
    auto entries = co_await Scan(kClients, "");
    if (!entries) co_return std::unexpected(entries.error());
    std::vector<Client> clients;
    for (const auto& entry : *entries) {
        auto client = FromResult(DecodeClient(entry.value));
        if (!client) co_return std::unexpected(client.error());
        if (client->pool_id() == pool_id) clients.push_back(std::move(*client));
    }
    co_return clients;
}

env::Task<api::Outcome<void>> Store::PutPool(const Pool& pool) { return Put(kPools, pool.id(), Encode(pool)); }
env::Task<api::Outcome<void>> Store::PutClient(const Client& client) {
    return Put(kClients, client.id(), Encode(client));
}
env::Task<api::Outcome<void>> Store::DeleteClient(std::string client_id) {
    return Delete(kClients, std::move(client_id));
}

env::Task<api::Outcome<void>> Store::DeletePool(std::string pool_id) {
    storage::TableBatch batch;
    batch.Delete(kPools, pool_id);
    for (const char* collection : kCollectionsOfPool) {
        auto entries = co_await Scan(collection, pool_id + '\0');
        if (!entries) co_return std::unexpected(entries.error());
        for (const auto& entry : *entries) batch.Delete(collection, entry.key);
    }
    auto clients = co_await ListClients(pool_id);
    if (!clients) co_return std::unexpected(clients.error());
    for (const Client& client : *clients) batch.Delete(kClients, client.id());
    auto done = co_await Commit(std::move(batch));
    if (done) {
        std::lock_guard lock(mutex_);
        keys_.erase(pool_id);
    }
    co_return done;
}

env::Task<api::Outcome<std::optional<User>>> Store::FindUser(const Pool& pool, std::string name) {
    auto value = co_await Get(kUsers, JoinKey(pool.id(), name));
    if (!value) co_return std::unexpected(value.error());
    if (!*value) {
        std::string username;
        for (const char* kind : kAliasKinds) {
            auto alias = co_await Get(kAliases, JoinKey(pool.id(), kind, name));
            if (!alias) co_return std::unexpected(alias.error());
            if (*alias) {
                username = **alias;
                break;
            }
        }
        if (username.empty()) co_return std::optional<User>();
        value = co_await Get(kUsers, JoinKey(pool.id(), username));
        if (!value) co_return std::unexpected(value.error());
        if (!*value) co_return std::optional<User>();
    }
    auto user = FromResult(DecodeUser(**value));
    if (!user) co_return std::unexpected(user.error());
    co_return std::optional<User>(std::move(*user));
}

env::Task<api::Outcome<std::vector<User>>> Store::ListUsers(std::string pool_id, std::string after, size_t limit) {
    std::string prefix = pool_id + '\0';
    std::string behind = after.empty() ? after : prefix + after;
    auto entries = co_await table_.Scan(kUsers, storage::PrefixRange(prefix, behind, limit));
    if (!entries) co_return std::unexpected(InternalError(entries.error()));
    std::vector<User> users;
    for (const auto& entry : *entries) {
        auto user = FromResult(DecodeUser(entry.value));
        if (!user) co_return std::unexpected(user.error());
        users.push_back(std::move(*user));
    }
    co_return users;
}

env::Task<api::Outcome<void>> Store::AddUser(const Pool& pool, const User& user) {
    storage::TableBatch batch;
    std::string key = JoinKey(pool.id(), user.username);
    for (const std::string& alias : AliasesOf(pool, user)) {
        auto taken = co_await Get(kAliases, alias);
        if (!taken) co_return std::unexpected(taken.error());
        if (*taken) {
            bool by_username = pool.description.UsernameAttributes && !pool.description.UsernameAttributes->empty();
            if (by_username) co_return std::unexpected(idp::UsernameExistsException("User account already exists"));
            co_return std::unexpected(idp::AliasExistsException(
                "An account with the given email already exists."));
        }
        batch.RequireAbsent(kAliases, alias).Put(kAliases, alias, user.username);
    }
    batch.RequireAbsent(kUsers, key).Put(kUsers, key, Encode(user));
    auto done = co_await Commit(std::move(batch));
    if (!done && done.error().code == "ConcurrentModificationException") {
        co_return std::unexpected(idp::UsernameExistsException("User account already exists"));
    }
    co_return done;
}

env::Task<api::Outcome<User>> Store::ChangeUser(const Pool& pool, std::string username, Change change) {
    std::string key = JoinKey(pool.id(), username);
    for (int attempt = 0; attempt < kTries; ++attempt) {
        auto before = co_await Get(kUsers, key);
        if (!before) co_return std::unexpected(before.error());
        if (!*before) co_return std::unexpected(idp::UserNotFoundException("User does not exist."));
        auto user = FromResult(DecodeUser(**before));
        if (!user) co_return std::unexpected(user.error());
        std::vector<std::string> old_aliases = AliasesOf(pool, *user);
        auto changed = change(*user);
        if (!changed) co_return std::unexpected(changed.error());
        std::vector<std::string> new_aliases = AliasesOf(pool, *user);

        storage::TableBatch batch;
        batch.RequireValue(kUsers, key, **before).Put(kUsers, key, Encode(*user));
        for (const std::string& alias : old_aliases) {
            if (std::find(new_aliases.begin(), new_aliases.end(), alias) == new_aliases.end()) {
                batch.Delete(kAliases, alias);
            }
        }
        for (const std::string& alias : new_aliases) {
            if (std::find(old_aliases.begin(), old_aliases.end(), alias) != old_aliases.end()) continue;
            auto taken = co_await Get(kAliases, alias);
            if (!taken) co_return std::unexpected(taken.error());
            if (*taken && **taken != username) {
                co_return std::unexpected(
                    idp::AliasExistsException("An account with the given email already exists."));
            }
            batch.Put(kAliases, alias, username);
        }
        auto done = co_await Commit(std::move(batch));
        if (done) co_return std::move(*user);
        if (done.error().code != "ConcurrentModificationException") co_return std::unexpected(done.error());
    }
    co_return std::unexpected(idp::TooManyRequestsException("Too many requests change this user."));
}

env::Task<api::Outcome<void>> Store::DeleteUser(const Pool& pool, const User& user) {
    storage::TableBatch batch;
    batch.Delete(kUsers, JoinKey(pool.id(), user.username));
    for (const std::string& alias : AliasesOf(pool, user)) batch.Delete(kAliases, alias);
    auto sessions = co_await Scan(kSessions, JoinKey(pool.id(), user.username, ""));
    if (!sessions) co_return std::unexpected(sessions.error());
    for (const auto& entry : *sessions) batch.Delete(kSessions, entry.key);
    co_return co_await Commit(std::move(batch));
}

env::Task<api::Outcome<void>> Store::PutSession(const Session& session) {
    return Put(kSessions, JoinKey(session.pool_id, session.username, session.origin_jti), Encode(session));
}

env::Task<api::Outcome<std::optional<Session>>> Store::FindSession(std::string pool_id, std::string username,
                                                                   std::string origin_jti) {
    auto value = co_await Get(kSessions, JoinKey(pool_id, username, origin_jti));
    if (!value) co_return std::unexpected(value.error());
    if (!*value) co_return std::optional<Session>();
    auto session = FromResult(DecodeSession(**value));
    if (!session) co_return std::unexpected(session.error());
    co_return std::optional<Session>(std::move(*session));
}

env::Task<api::Outcome<void>> Store::DeleteSession(const Session& session) {
    return Delete(kSessions, JoinKey(session.pool_id, session.username, session.origin_jti));
}

env::Task<api::Outcome<void>> Store::DeleteSessions(std::string pool_id, std::string username) {
    auto sessions = co_await Scan(kSessions, JoinKey(pool_id, username, ""));
    if (!sessions) co_return std::unexpected(sessions.error());
    storage::TableBatch batch;
    for (const auto& entry : *sessions) batch.Delete(kSessions, entry.key);
    co_return co_await Commit(std::move(batch));
}

api::Outcome<std::shared_ptr<const api::JwtSigningKey>> Store::SigningKey(const Pool& pool) {
    std::lock_guard lock(mutex_);
    auto& key = keys_[pool.id()];
    if (!key) {
        auto parsed = api::JwtSigningKey::FromPem(pool.signing_key_pem);
        if (!parsed) return std::unexpected(InternalError(parsed.error()));
        key = std::move(*parsed);
    }
    return key;
}

}  // namespace wellhead::services::cognito
