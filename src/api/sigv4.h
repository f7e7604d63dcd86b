#pragma once
// AWS Signature Version 4, without sockets or clocks: what a signature says, whether it holds, and how to make one.
// (AWS IAM user guide, "Signature Version 4 for API requests"; Amazon S3 API reference, "Authenticating requests".)

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/credentials.h"
#include "api/sha256.h"
#include "api/wire.h"
#include "base/time.h"

namespace wellhead::api {

// A request as it was on the wire. Borrows.
struct SigV4Request {
    std::string_view method;
    std::string_view path;   // raw
    std::string_view query;  // raw, without '?'
    const WireHeaders& headers;
    std::string_view authority;  // Host or :authority
};

// Values of x-amz-content-sha256 that are no hash.
inline constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";
inline constexpr std::string_view kStreamingUnsignedTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
inline constexpr std::string_view kStreamingSigned = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
inline constexpr std::string_view kStreamingSignedTrailer = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
inline constexpr std::string_view kEmptyPayloadHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

// What the request's signature claims; nothing of it is verified yet.
struct SignatureClaim {
    bool in_query = false;  // presigned
    std::string access_key_id;
    std::string date;       // of the scope, yyyymmdd
    std::string region;
    std::string service;
    std::string timestamp;  // yyyymmddThhmmssZ
    base::Instant time;
    int64_t expires_s = 0;  // presigned
    std::vector<std::string> signed_headers;
    std::string signature;  // hex
    std::string session_token;
    std::string content_sha256;  // x-amz-content-sha256 as sent, empty without

    std::string Scope() const { return date + "/" + region + "/" + service + "/aws4_request"; }
    bool Signs(std::string_view header) const;
};

enum class SigV4Failure {
    kMissing,        // no signature at all
    kUnsupported,    // another mechanism than AWS4-HMAC-SHA256
    kIncomplete,     // a part is missing or does not parse
    kBadQuery,       // the same, presigned
    kNotSigned,      // a header that has to be signed is not
    kUnknownKey,
    kBadToken,       // session token missing or not the key's
    kExpiredToken,   // of a temporary key whose time is over
    kBadScopeRegion,
    kBadScopeService,
    kBadScopeDate,
    kSkewed,         // made too long ago or in the future
    kExpired,        // presigned, used too late
    kMismatch,
    kBadContentHash, // x-amz-content-sha256 absent where it is needed, or no valid value
};

struct SigV4Refusal {
    SigV4Failure failure;
    std::string message;
    // Of a mismatch: what we computed, for the person who debugs a signer. No secrets in it.
    std::string canonical_request;
    std::string string_to_sign;
};

// Nothing when the request carries no AWS signature (no Authorization, or one of another kind such as Bearer).
std::expected<std::optional<SignatureClaim>, SigV4Refusal> ReadSignature(const SigV4Request& request);

struct SigV4Rules {
    // Services whose canonical path is encoded once and not normalised, whose body may stay unsigned.
    bool s3 = false;
    // The session token is appended after signing (MQTT over WebSocket).
    bool token_unsigned = false;
    std::string_view region;  // the scope's; empty: any
    std::string_view service;
    base::Instant now;
};

// What can be said before the body was read: scope, time, what is signed, token. Cheap.
std::expected<void, SigV4Refusal> CheckClaim(const SigV4Request& request, const SignatureClaim& claim,
                                             const AccessKey& key, const SigV4Rules& rules);
// Checks all that the claim says against the key. payload_hash is the last line of the canonical request.
std::expected<void, SigV4Refusal> VerifySignature(const SigV4Request& request, const SignatureClaim& claim,
                                                  const AccessKey& key, std::string_view payload_hash,
                                                  const SigV4Rules& rules);

// --- the pieces, for the chunk signatures, the signer and the tests

Sha256Digest SigningKey(std::string_view secret, std::string_view date, std::string_view region,
                        std::string_view service);
std::string StringToSign(std::string_view timestamp, std::string_view scope, std::string_view canonical_request);
std::string SignString(const Sha256Digest& signing_key, std::string_view string_to_sign);  // hex

std::string CanonicalPath(std::string_view raw_path, bool s3);
// Without the parameters named.
std::string CanonicalQuery(std::string_view raw_query, const std::vector<std::string_view>& without);
std::string CanonicalHeaders(const SigV4Request& request, const std::vector<std::string>& signed_headers);

// "20130524T000000Z"
std::string SigV4Timestamp(base::Instant time);
std::optional<base::Instant> ParseSigV4Timestamp(std::string_view text);

// --- signing

struct SigningIdentity {
    std::string access_key_id;
    std::string secret;
    std::string session_token;
    std::string region;
};
// Adds x-amz-date, x-amz-content-sha256 (of payload_hash), x-amz-security-token and authorization to request, which
// goes to host.
void SignRequest(WireRequest& request, std::string_view host, std::string_view service, const SigningIdentity& identity,
                 std::string_view payload_hash, base::Instant now);
// The query of a presigned GET of path, with its signature. For MQTT over WebSocket token_unsigned is true.
std::string PresignQuery(std::string_view method, std::string_view path, std::string_view query, std::string_view host,
                         std::string_view service, const SigningIdentity& identity, int64_t expires_s,
                         bool token_unsigned, base::Instant now);

}  // namespace wellhead::api
