#pragma once
// Presigned addresses of AWS Signature Version 2, which boto3 and the AWS CLI still make for S3 by default in regions of
// before 2014. Nothing else of version 2 is served. (Amazon S3 developer guide, "Signing and authenticating REST
// requests".)

#include <expected>
#include <optional>
#include <string>

#include "api/sigv4.h"

namespace wellhead::api {

struct SigV2Claim {
    std::string access_key_id;
    std::string signature;  // base64
    std::string expires;    // seconds since 1970
};

// Nothing when the query carries no such signature.
std::optional<SigV2Claim> ReadSigV2(std::string_view query);

// bucket: of a virtual-host style request, empty in path style.
std::expected<void, SigV4Refusal> VerifySigV2(const SigV4Request& request, const SigV2Claim& claim,
                                              const AccessKey& key, std::string_view bucket, base::Instant now);

}  // namespace wellhead::api
