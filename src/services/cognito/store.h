#pragma once
// The user pools in the table: typed reads and atomic changes. Every read goes to the table, so what one call changed
// the next one sees, whichever thread it runs on.

#include <functional>
#include <memory>
#include <mutex>

#include "api/jwt.h"
#include "api/service.h"
#include "services/cognito/records.h"
#include "storage/table/table.h"

namespace wellhead::services::cognito {

class Store {
  public:
    // table outlives the store.
    explicit Store(storage::Table& table) : table_(table) {}

    // ResourceNotFoundException in Cognito's words.
    env::Task<api::Outcome<Pool>> FindPool(std::string pool_id);
    env::Task<api::Outcome<Client>> FindClient(std::string client_id);
    env::Task<api::Outcome<Client>> FindClientOfPool(std::string pool_id, std::string client_id);
    env::Task<api::Outcome<std::vector<Pool>>> ListPools();
    env::Task<api::Outcome<std::vector<Client>>> ListClients(std::string pool_id);
    env::Task<api::Outcome<void>> PutPool(const Pool& pool);
    env::Task<api::Outcome<void>> PutClient(const Client& client);
    env::Task<api::Outcome<void>> DeleteClient(std::string client_id);
    // With everything in it.
    env::Task<api::Outcome<void>> DeletePool(std::string pool_id);

    // name: the username, the sub, or a value of an attribute that the pool signs in by.
    env::Task<api::Outcome<std::optional<User>>> FindUser(const Pool& pool, std::string name);
    // In order of usernames, those greater than after.
    env::Task<api::Outcome<std::vector<User>>> ListUsers(std::string pool_id, std::string after, size_t limit);
    // UsernameExistsException, AliasExistsException.
    env::Task<api::Outcome<void>> AddUser(const Pool& pool, const User& user);
    // Reads the user, lets change alter it, writes it back; again when another call was faster. An error of change ends
    // it and nothing is written. UserNotFoundException.
    using Change = std::function<api::Outcome<void>(User&)>;
    env::Task<api::Outcome<User>> ChangeUser(const Pool& pool, std::string username, Change change);
    env::Task<api::Outcome<void>> DeleteUser(const Pool& pool, const User& user);

    env::Task<api::Outcome<void>> PutSession(const Session& session);
    // Nothing when it was revoked or has expired long ago.
    env::Task<api::Outcome<std::optional<Session>>> FindSession(std::string pool_id, std::string username,
                                                                std::string origin_jti);
    env::Task<api::Outcome<void>> DeleteSession(const Session& session);
    env::Task<api::Outcome<void>> DeleteSessions(std::string pool_id, std::string username);

    // Small records that the API only keeps and gives back: groups, resource servers, domains. JSON values by key.
    env::Task<api::Outcome<std::optional<std::string>>> Get(std::string collection, std::string key);
    env::Task<api::Outcome<std::vector<storage::TableEntry>>> Scan(std::string collection, std::string prefix);
    env::Task<api::Outcome<void>> Put(std::string collection, std::string key, std::string value);
    env::Task<api::Outcome<void>> Delete(std::string collection, std::string key);

    // The key that signs this pool's tokens, parsed once.
    api::Outcome<std::shared_ptr<const api::JwtSigningKey>> SigningKey(const Pool& pool);

  private:
    env::Task<api::Outcome<void>> Commit(storage::TableBatch batch);

    storage::Table& table_;
    std::mutex mutex_;
    std::map<std::string, std::shared_ptr<const api::JwtSigningKey>> keys_;  // by pool id
};

// Key parts joined so that no part can pass for two. Names hold no zero byte.
std::string JoinKey(std::string_view a, std::string_view b);
std::string JoinKey(std::string_view a, std::string_view b, std::string_view c);
std::string JoinKey(std::string_view a, std::string_view b, std::string_view c, std::string_view d);

api::ServiceError InternalError(const base::Error& error);

inline constexpr const char* kGroups = "cognito/groups";
inline constexpr const char* kDomains = "cognito/domains";
inline constexpr const char* kResourceServers = "cognito/resource_servers";

}  // namespace wellhead::services::cognito
