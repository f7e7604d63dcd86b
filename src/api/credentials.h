#pragma once
// Access keys: whose they are and what they sign with.

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

// Knows the account's root key alone.
std::unique_ptr<CredentialStore> MakeRootCredentials(std::string access_key_id, std::string secret,
                                                     const std::string& account_id);

}  // namespace wellhead::api
