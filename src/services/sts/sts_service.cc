#include "services/sts/sts_service.h"

#include <fmt/format.h>

#include <algorithm>

namespace wellhead::services::sts {

using api::CallContext;
using api::Outcome;
using std::unexpected;

namespace {

// (API reference, GetSessionToken: sessions of the root user are at most an hour long.)
constexpr int32_t kLongestRootSession_s = 3600;

api::ServiceError AccessDenied(std::string message) {
    return {.code = "AccessDenied", .message = std::move(message), .http_status = 403, .members = {}};
}

}  // namespace

env::Task<Outcome<wire::GetCallerIdentityResponse>> StsService::GetCallerIdentity(const CallContext& context,
                                                                                  wire::GetCallerIdentityRequest) {
    wire::GetCallerIdentityResponse response;
    response.UserId = context.caller.account_id;
    response.Account = context.caller.account_id;
    response.Arn = context.caller.arn;
    co_return response;
}

env::Task<Outcome<wire::GetSessionTokenResponse>> StsService::GetSessionToken(const CallContext& context,
                                                                              wire::GetSessionTokenRequest input) {
    if (context.caller.access_key_id.starts_with("ASIA")) {
        co_return unexpected(AccessDenied("Cannot call GetSessionToken with session credentials"));
    }
    if (input.SerialNumber || input.TokenCode) {
        co_return unexpected(AccessDenied("MultiFactorAuthentication failed: there is no such MFA device."));
    }
    int32_t seconds = std::min(input.DurationSeconds.value_or(kLongestRootSession_s), kLongestRootSession_s);
    api::SessionSeed seed;
    random_.Fill(seed);
    api::SessionKey key = api::MakeSessionKey(root_secret_, clock_.Now() + std::chrono::seconds(seconds), seed);
    wire::GetSessionTokenResponse response;
    response.Credentials = wire::Credentials{std::move(key.access_key_id), std::move(key.secret),
                                             std::move(key.session_token), key.expiry};
    co_return response;
}

env::Task<Outcome<wire::GetAccessKeyInfoResponse>> StsService::GetAccessKeyInfo(const CallContext&,
                                                                                wire::GetAccessKeyInfoRequest input) {
    auto key = keys_.Find(input.AccessKeyId);
    if (key == nullptr) {
        co_return unexpected(api::ServiceError{
            .code = "ValidationError",
            .message = fmt::format("The access key ID {} is not known.", input.AccessKeyId),
            .http_status = 400,
            .members = {}});
    }
    wire::GetAccessKeyInfoResponse response;
    response.Account = key->identity.account_id;
    co_return response;
}

}  // namespace wellhead::services::sts
