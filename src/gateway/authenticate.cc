#include "gateway/authenticate.h"

namespace wellhead::gateway {

namespace {

// Services of the whole account, which clients sign for in the first region whatever theirs is.
bool IsGlobal(std::string_view service) { return service == "iam" || service == "sts"; }

std::unexpected<api::SigV4Refusal> UnknownKey() {
    return std::unexpected(api::SigV4Refusal{api::SigV4Failure::kUnknownKey,
                                             "The security token included in the request is invalid.", {}, {}});
}

}  // namespace

api::SigV4Rules Authenticator::RulesFor(std::string_view service, const api::SignatureClaim& claim) const {
    api::SigV4Rules rules;
    rules.s3 = service == "s3";
    rules.token_unsigned = service == "iotdevicegateway";
    bool any_region = IsGlobal(service) && claim.region == "us-east-1";
    if (!any_region) rules.region = region_;
    rules.service = service;
    rules.now = clock_.Now();
    return rules;
}

std::expected<void, api::SigV4Refusal> Authenticator::Check(const api::SigV4Request& request,
                                                            const api::SignatureClaim& claim,
                                                            std::string_view service) const {
    auto key = keys_.Find(claim.access_key_id);
    if (!key) return UnknownKey();
    return api::CheckClaim(request, claim, *key, RulesFor(service, claim));
}

api::Sha256Digest Authenticated::SigningKey(const api::SignatureClaim& claim) const {
    return api::SigningKey(key->secret, claim.date, claim.region, claim.service);
}

std::expected<Authenticated, api::SigV4Refusal> Authenticator::Verify(const api::SigV4Request& request,
                                                                      const api::SignatureClaim& claim,
                                                                      std::string_view service,
                                                                      std::string_view payload_hash) const {
    auto key = keys_.Find(claim.access_key_id);
    if (!key) return UnknownKey();
    auto verified = api::VerifySignature(request, claim, *key, payload_hash, RulesFor(service, claim));
    if (!verified) return std::unexpected(std::move(verified).error());
    return Authenticated{key->identity, std::move(key)};
}

std::expected<api::Identity, api::SigV4Refusal> Authenticator::VerifyV2(const api::SigV4Request& request,
                                                                        const api::SigV2Claim& claim,
                                                                        std::string_view bucket) const {
    auto key = keys_.Find(claim.access_key_id);
    if (!key) return UnknownKey();
    auto verified = api::VerifySigV2(request, claim, *key, bucket, clock_.Now());
    if (!verified) return std::unexpected(std::move(verified).error());
    return key->identity;
}

}  // namespace wellhead::gateway
