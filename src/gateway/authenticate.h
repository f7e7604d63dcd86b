#pragma once
// Who calls: the only place that makes an authenticated Identity out of a request.

#include <expected>
#include <optional>
#include <string>

#include "api/credentials.h"
#include "api/sigv2.h"
#include "api/sigv4.h"
#include "env/clock.h"

namespace wellhead::gateway {

struct Authenticated {
    api::Identity identity;
    // For the signatures of chunks; derived when asked for.
    api::Sha256Digest SigningKey(const api::SignatureClaim& claim) const;
    std::shared_ptr<const api::AccessKey> key;
};

class Authenticator {
  public:
    // keys and clock outlive it. region: the scope's that is accepted.
    Authenticator(const api::CredentialStore& keys, env::Clock& clock, std::string region)
        : keys_(keys), clock_(clock), region_(std::move(region)) {}

    // Whether it can hold at all, before a body is read for it: known key, right scope and time.
    std::expected<void, api::SigV4Refusal> Check(const api::SigV4Request& request, const api::SignatureClaim& claim,
                                                 std::string_view service) const;
    // service is the scope's name that this request may carry; payload_hash the last line of its canonical request.
    std::expected<Authenticated, api::SigV4Refusal> Verify(const api::SigV4Request& request,
                                                           const api::SignatureClaim& claim,
                                                           std::string_view service,
                                                           std::string_view payload_hash) const;

    // The same for a presigned address of version 2. bucket: of a virtual-host style request.
    std::expected<api::Identity, api::SigV4Refusal> VerifyV2(const api::SigV4Request& request,
                                                             const api::SigV2Claim& claim,
                                                             std::string_view bucket) const;

  private:
    api::SigV4Rules RulesFor(std::string_view service, const api::SignatureClaim& claim) const;

    const api::CredentialStore& keys_;
    env::Clock& clock_;
    const std::string region_;
};

}  // namespace wellhead::gateway
