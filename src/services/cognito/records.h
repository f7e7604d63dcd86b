#pragma once
// What a user pool keeps, as values, and their form in the table (docs/formats/cognito.md).

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "apis/cognito_idp/types.h"
#include "base/result.h"
#include "base/time.h"
#include "services/cognito/srp.h"

namespace wellhead::services::cognito {

namespace idp = apis::cognito_idp;

struct Pool {
    idp::UserPoolType description;
    std::string signing_key_pem;
    std::string secret;  // 32 random bytes, hexadecimal: seals sessions, makes the salts of users who do not exist
    const std::string& id() const { return *description.Id; }
    // "AbCdEfGhI" of "eu-central-1_AbCdEfGhI", as SRP wants it.
    std::string_view short_name() const;
};

struct Client {
    idp::UserPoolClientType description;
    const std::string& id() const { return *description.ClientId; }
    const std::string& pool_id() const { return *description.UserPoolId; }
};

// A code sent, or shown, to prove that an address is the user's. Only its hash is kept.
struct Code {
    std::string hash;
    base::Instant expires;
    int wrong = 0;
};

struct User {
    std::string username;
    std::map<std::string, std::string> attributes;  // with "sub"
    std::string status;                              // UNCONFIRMED, CONFIRMED, FORCE_CHANGE_PASSWORD, RESET_REQUIRED
    bool enabled = true;
    std::optional<SrpVerifier> password;
    std::optional<base::Instant> temporary_until;
    base::Instant created;
    base::Instant modified;
    std::set<std::string> groups;
    std::optional<Code> confirmation;
    std::optional<Code> reset;
    std::map<std::string, Code> verifications;  // by attribute

    std::string Attribute(const std::string& name) const;
    const std::string& sub() const { return attributes.at("sub"); }
};

// One sign-in: what its refresh token stands for. Removed when it is revoked.
struct Session {
    std::string pool_id;
    std::string username;
    std::string client_id;
    std::string origin_jti;
    std::string token_hash;     // of the refresh token's secret
    std::string previous_hash;  // with rotation: good until previous_until
    base::Instant previous_until;
    base::Instant signed_in;
    base::Instant expires;
    std::string scope;
};

std::string Encode(const Pool& pool);
std::string Encode(const Client& client);
std::string Encode(const User& user);
std::string Encode(const Session& session);
// kCorrupt.
base::Result<Pool> DecodePool(base::ByteView bytes);
base::Result<Client> DecodeClient(base::ByteView bytes);
base::Result<User> DecodeUser(base::ByteView bytes);
base::Result<Session> DecodeSession(base::ByteView bytes);

}  // namespace wellhead::services::cognito
