#pragma once
// AWS STS, as its API.

#include <string>

#include "api/credentials.h"
#include "apis/sts/api.h"
#include "env/clock.h"
#include "env/random.h"

namespace wellhead::services::sts {

namespace wire = apis::sts;

class StsService final : public apis::sts::StsApi {
  public:
    // All but the secret outlive it.
    StsService(const api::CredentialStore& keys, std::string root_secret, env::Clock& clock, env::Random& random)
        : keys_(keys), root_secret_(std::move(root_secret)), clock_(clock), random_(random) {}

    env::Task<api::Outcome<wire::GetCallerIdentityResponse>> GetCallerIdentity(
        const api::CallContext& context, wire::GetCallerIdentityRequest input) override;
    env::Task<api::Outcome<wire::GetSessionTokenResponse>> GetSessionToken(
        const api::CallContext& context, wire::GetSessionTokenRequest input) override;
    env::Task<api::Outcome<wire::GetAccessKeyInfoResponse>> GetAccessKeyInfo(
        const api::CallContext& context, wire::GetAccessKeyInfoRequest input) override;

  private:
    const api::CredentialStore& keys_;
    const std::string root_secret_;
    env::Clock& clock_;
    env::Random& random_;
};

}  // namespace wellhead::services::sts
