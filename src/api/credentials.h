#pragma once
// Access keys: whose they are and what they sign with.

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "api/service.h"

namespace wellhead::api {

struct AccessKey {
    std::string secret;
    std::string session_token;  // of temporary keys, which are not accepted without it; empty otherwise
    base::Instant expiry = base::Instant::max();
    Identity identity;
};

class CredentialStore {
  public:
    virtual ~CredentialStore() = default;
    // Null when there is no such key. From memory: called for every request, from any thread.
    virtual std::shared_ptr<const AccessKey> Find(std::string_view access_key_id) const = 0;
};

// A temporary key of the root identity. Nothing of it is kept anywhere: its secret and its token follow from its id, which
// holds the time it ends, and from the root key's secret. Another root key ends all of them.
struct SessionKey {
    std::string access_key_id;  // "ASIA" and sixteen characters: the end in seconds, six random bytes
    std::string secret;
    std::string session_token;
    base::Instant expiry;
};
using SessionSeed = std::array<uint8_t, 6>;
SessionKey MakeSessionKey(std::string_view root_secret, base::Instant expiry, const SessionSeed& seed);

// Knows the account's root key and the session keys made from it.
std::unique_ptr<CredentialStore> MakeRootCredentials(std::string access_key_id, std::string secret,
                                                     const std::string& account_id);

}  // namespace wellhead::api
