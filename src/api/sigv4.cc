#include "api/sigv4.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>

#include "api/uri.h"

namespace wellhead::api {

namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::chrono::minutes kAllowedSkew{15};
constexpr int64_t kLongestExpiry_s = 604800;

std::unexpected<SigV4Refusal> Refuse(SigV4Failure failure, std::string message) {
    return std::unexpected(SigV4Refusal{failure, std::move(message), {}, {}});
}

std::optional<std::string_view> FindHeader(const WireHeaders& headers, std::string_view name) {
    for (const auto& [field, value] : headers) {
        if (field == name) return std::string_view(value);
    }
    return std::nullopt;
}

std::optional<std::string> FindParameter(std::string_view query, std::string_view name) {
    while (!query.empty()) {
        size_t end = query.find('&');
        std::string_view parameter = query.substr(0, end);
        size_t equals = parameter.find('=');
        if (parameter.substr(0, equals) == name) {
            return UriDecode(equals == parameter.npos ? "" : parameter.substr(equals + 1));
        }
        if (end == query.npos) break;
        query.remove_prefix(end + 1);
    }
    return std::nullopt;
}

std::vector<std::string> Split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    for (;;) {
        size_t end = text.find(separator);
        parts.emplace_back(text.substr(0, end));
        if (end == text.npos) return parts;
        text.remove_prefix(end + 1);
    }
}

std::string_view Trim(std::string_view text) {
    while (text.starts_with(' ')) text.remove_prefix(1);
    while (text.ends_with(' ')) text.remove_suffix(1);
    return text;
}

bool TakeCredential(std::string_view credential, SignatureClaim& claim) {
    // The key id may hold slashes, the rest does not.
    std::vector<std::string> parts = Split(credential, '/');
    if (parts.size() < 5 || parts.back() != "aws4_request") return false;
    size_t n = parts.size();
    claim.service = parts[n - 2];
    claim.region = parts[n - 3];
    claim.date = parts[n - 4];
    std::string& id = claim.access_key_id;
    id = credential.substr(0, credential.size() - std::string("////aws4_request").size() - claim.service.size() -
                                  claim.region.size() - claim.date.size());
    return !id.empty() && !claim.service.empty() && claim.date.size() == 8;
}

bool IsHexSignature(std::string_view text) {
    return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == text.npos;
}

void TakeSignedHeaders(std::string_view list, SignatureClaim& claim) {
    claim.signed_headers = Split(list, ';');
    for (std::string& name : claim.signed_headers) {
        for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    }
}

std::expected<std::optional<SignatureClaim>, SigV4Refusal> ReadHeaderSignature(const SigV4Request& request,
                                                                               std::string_view authorization) {
    SignatureClaim claim;
    std::string_view rest = authorization.substr(kAlgorithm.size());
    std::string missing = "Authorization header requires";
    bool credential = false;
    for (const std::string& part : Split(rest, ',')) {
        std::string_view item = Trim(part);
        size_t equals = item.find('=');
        std::string_view name = item.substr(0, equals);
        std::string_view value = equals == item.npos ? "" : item.substr(equals + 1);
        if (name == "Credential") {
            credential = TakeCredential(value, claim);
        } else if (name == "SignedHeaders") {
            TakeSignedHeaders(value, claim);
        } else if (name == "Signature") {
            claim.signature = value;
        }
    }
    if (!credential) missing += " 'Credential' parameter.";
    if (claim.signature.empty()) missing += " 'Signature' parameter.";
    if (claim.signed_headers.empty()) missing += " 'SignedHeaders' parameter.";
    auto date = FindHeader(request.headers, "x-amz-date");
    if (!date) date = FindHeader(request.headers, "date");
    auto time = date ? ParseSigV4Timestamp(*date) : std::nullopt;
    if (!time) missing += " existence of either a 'X-Amz-Date' or a 'Date' header.";
    if (missing.ends_with('.')) return Refuse(SigV4Failure::kIncomplete, missing);
    claim.timestamp = *date;
    claim.time = *time;
    claim.session_token = FindHeader(request.headers, "x-amz-security-token").value_or("");
    claim.content_sha256 = FindHeader(request.headers, "x-amz-content-sha256").value_or("");
    return std::optional(std::move(claim));
}

std::expected<std::optional<SignatureClaim>, SigV4Refusal> ReadQuerySignature(const SigV4Request& request) {
    SignatureClaim claim;
    claim.in_query = true;
    auto algorithm = FindParameter(request.query, "X-Amz-Algorithm");
    if (algorithm && algorithm != kAlgorithm) {
        return Refuse(SigV4Failure::kBadQuery, "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"");
    }
    auto credential = FindParameter(request.query, "X-Amz-Credential");
    auto date = FindParameter(request.query, "X-Amz-Date");
    auto signed_headers = FindParameter(request.query, "X-Amz-SignedHeaders");
    auto signature = FindParameter(request.query, "X-Amz-Signature");
    if (!algorithm || !credential || !date || !signed_headers || !signature) {
        return Refuse(SigV4Failure::kBadQuery,
                      "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, "
                      "X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.");
    }
    if (!TakeCredential(*credential, claim)) {
        return Refuse(SigV4Failure::kBadQuery,
                      "Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; expecting "
                      "\"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".");
    }
    auto time = ParseSigV4Timestamp(*date);
    if (!time) {
        return Refuse(SigV4Failure::kBadQuery,
                      "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"");
    }
    auto expires = FindParameter(request.query, "X-Amz-Expires");
    // MQTT over WebSocket may leave it out; a day is what AWS IoT then gives at most.
    std::string text = expires.value_or("86400");
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), claim.expires_s);
    if (error != std::errc() || end != text.data() + text.size() || claim.expires_s < 1 ||
        claim.expires_s > kLongestExpiry_s) {
        return Refuse(SigV4Failure::kBadQuery,
                      "X-Amz-Expires must be a number between 1 and 604800 seconds (7 days)");
    }
    TakeSignedHeaders(*signed_headers, claim);
    claim.signature = *signature;
    claim.timestamp = *date;
    claim.time = *time;
    claim.session_token = FindParameter(request.query, "X-Amz-Security-Token").value_or("");
    auto hash = FindParameter(request.query, "X-Amz-Content-Sha256");
    if (hash) {
        claim.content_sha256 = *hash;
    } else if (claim.Signs("x-amz-content-sha256")) {
        claim.content_sha256 = FindHeader(request.headers, "x-amz-content-sha256").value_or("");
    }
    return std::optional(std::move(claim));
}

// What is signed must name the target, and every header that changes what the request means.
std::expected<void, SigV4Refusal> CheckSignedHeaders(const SigV4Request& request, const SignatureClaim& claim) {
    if (!claim.Signs("host") && !claim.Signs(":authority")) {
        return Refuse(SigV4Failure::kNotSigned, "'Host' or ':authority' must be a 'SignedHeader' in the AWS "
                                                "Authorization.");
    }
    for (const auto& [name, value] : request.headers) {
        if (!name.starts_with("x-amz-") || claim.Signs(name)) continue;
        if (claim.in_query && (name == "x-amz-content-sha256" || name == "x-amz-date")) continue;
        return Refuse(SigV4Failure::kNotSigned,
                      fmt::format("There were headers present in the request which were not signed: {}", name));
    }
    return {};
}

std::expected<void, SigV4Refusal> CheckTime(const SignatureClaim& claim, base::Instant now) {
    if (claim.timestamp.substr(0, 8) != claim.date && SigV4Timestamp(claim.time).substr(0, 8) != claim.date) {
        return Refuse(SigV4Failure::kBadScopeDate,
                      fmt::format("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from "
                                  "HTTP: '{}' != '{}', from '{}'.",
                                  claim.date, SigV4Timestamp(claim.time).substr(0, 8), claim.timestamp));
    }
    if (claim.time > now + kAllowedSkew) {
        return Refuse(SigV4Failure::kSkewed,
                      fmt::format("Signature not yet current: {} is still later than {} ({} + 15 min.)",
                                  claim.timestamp, SigV4Timestamp(now + kAllowedSkew), SigV4Timestamp(now)));
    }
    if (claim.in_query) {
        if (now <= claim.time + std::chrono::seconds(claim.expires_s)) return {};
        return Refuse(SigV4Failure::kExpired, "Request has expired");
    }
    if (claim.time + kAllowedSkew < now) {
        return Refuse(SigV4Failure::kSkewed,
                      fmt::format("Signature expired: {} is now earlier than {} ({} - 15 min.)", claim.timestamp,
                                  SigV4Timestamp(now - kAllowedSkew), SigV4Timestamp(now)));
    }
    return {};
}

// Deriving the key takes four HMACs and changes once a day: the last ones are remembered, per thread.
Sha256Digest CachedSigningKey(const AccessKey& key, const SignatureClaim& claim) {
    struct Entry {
        std::string of;
        Sha256Digest signing_key;
    };
    static thread_local std::array<Entry, 16> cache;
    std::string of = fmt::format("{}/{}/{}/{}", key.secret, claim.date, claim.region, claim.service);
    Entry& entry = cache[std::hash<std::string>()(of) % cache.size()];
    if (entry.of != of) {
        entry.signing_key = SigningKey(key.secret, claim.date, claim.region, claim.service);
        entry.of = std::move(of);
    }
    return entry.signing_key;
}

std::string JoinSignedHeaders(const std::vector<std::string>& names) {
    std::string out;
    for (const std::string& name : names) {
        if (!out.empty()) out += ';';
        out += name;
    }
    return out;
}

std::string CanonicalRequest(std::string_view method, std::string_view path, std::string_view query,
                             std::string_view headers, std::string_view signed_headers, std::string_view payload) {
    return fmt::format("{}\n{}\n{}\n{}\n{}\n{}", method, path, query, headers, signed_headers, payload);
}

}  // namespace

bool SignatureClaim::Signs(std::string_view header) const {
    return std::find(signed_headers.begin(), signed_headers.end(), header) != signed_headers.end();
}

std::expected<std::optional<SignatureClaim>, SigV4Refusal> ReadSignature(const SigV4Request& request) {
    auto authorization = FindHeader(request.headers, "authorization");
    bool presigned = FindParameter(request.query, "X-Amz-Signature").has_value() ||
                     FindParameter(request.query, "X-Amz-Algorithm").has_value();
    if (authorization && authorization->starts_with(kAlgorithm)) {
        if (presigned) {
            return Refuse(SigV4Failure::kUnsupported,
                          "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature "
                          "query string parameter or the Authorization header should be specified");
        }
        std::string_view rest = authorization->substr(kAlgorithm.size());
        if (rest.empty() || rest.front() == ' ') return ReadHeaderSignature(request, *authorization);
    }
    if (authorization && authorization->starts_with("AWS")) {
        return Refuse(SigV4Failure::kUnsupported,
                      "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.");
    }
    if (presigned) return ReadQuerySignature(request);
    return std::optional<SignatureClaim>();
}

std::expected<void, SigV4Refusal> CheckClaim(const SigV4Request& request, const SignatureClaim& claim,
                                             const AccessKey& key, const SigV4Rules& rules) {
    if (claim.service != rules.service) {
        return Refuse(SigV4Failure::kBadScopeService,
                      fmt::format("Credential should be scoped to correct service: '{}'. ", rules.service));
    }
    if (!rules.region.empty() && claim.region != rules.region) {
        return Refuse(SigV4Failure::kBadScopeRegion,
                      fmt::format("Credential should be scoped to a valid region, not '{}'; expecting '{}'. ",
                                  claim.region, rules.region));
    }
    auto time = CheckTime(claim, rules.now);
    if (!time) return time;
    auto headers_signed = CheckSignedHeaders(request, claim);
    if (!headers_signed) return headers_signed;
    if (!EqualConstantTime(claim.session_token, key.session_token)) {
        return Refuse(SigV4Failure::kBadToken, "The security token included in the request is invalid.");
    }
    if (key.expiry < rules.now) {
        return Refuse(SigV4Failure::kExpiredToken, "The security token included in the request is expired");
    }
    return {};
}

std::expected<void, SigV4Refusal> VerifySignature(const SigV4Request& request, const SignatureClaim& claim,
                                                  const AccessKey& key, std::string_view payload_hash,
                                                  const SigV4Rules& rules) {
    auto checked = CheckClaim(request, claim, key, rules);
    if (!checked) return checked;
    std::vector<std::string_view> without = {"X-Amz-Signature"};
    if (rules.token_unsigned) without.push_back("X-Amz-Security-Token");
    std::string path = CanonicalPath(request.path, rules.s3);
    std::string query = CanonicalQuery(request.query, without);
    std::string canonical = CanonicalRequest(request.method, path, query, CanonicalHeaders(request, claim.signed_headers),
                                             JoinSignedHeaders(claim.signed_headers), payload_hash);
    std::string to_sign = StringToSign(SigV4Timestamp(claim.time), claim.Scope(), canonical);
    std::string expected = SignString(CachedSigningKey(key, claim), to_sign);
    if (IsHexSignature(claim.signature) && EqualConstantTime(expected, claim.signature)) return {};
    return std::unexpected(SigV4Refusal{
        SigV4Failure::kMismatch,
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access "
        "Key and signing method. Consult the service documentation for details.",
        std::move(canonical), std::move(to_sign)});
}

Sha256Digest SigningKey(std::string_view secret, std::string_view date, std::string_view region,
                        std::string_view service) {
    Sha256Digest key = HmacSha256("AWS4" + std::string(secret), date);
    key = HmacSha256(AsBytes(key), region);
    key = HmacSha256(AsBytes(key), service);
    return HmacSha256(AsBytes(key), "aws4_request");
}

std::string StringToSign(std::string_view timestamp, std::string_view scope, std::string_view canonical_request) {
    return fmt::format("{}\n{}\n{}\n{}", kAlgorithm, timestamp, scope, Sha256Hex(canonical_request));
}

std::string SignString(const Sha256Digest& signing_key, std::string_view string_to_sign) {
    return DigestHex(HmacSha256(AsBytes(signing_key), string_to_sign));
}

std::string SigV4Timestamp(base::Instant time) {
    time_t seconds = std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                       parts.tm_hour, parts.tm_min, parts.tm_sec);
}

std::optional<base::Instant> ParseSigV4Timestamp(std::string_view text) {
    std::tm parts{};
    std::string copy(text);
    // The basic form of ISO 8601; in a Date header also that of RFC 9110.
    const char* end = strptime(copy.c_str(), "%Y%m%dT%H%M%SZ", &parts);
    if (end == nullptr || *end != '\0') {
        parts = {};
        end = strptime(copy.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    } else if (copy.size() != 16) {
        return std::nullopt;
    }
    if (end == nullptr || *end != '\0') return std::nullopt;
    return base::Instant(std::chrono::seconds(timegm(&parts)));
}

void SignRequest(WireRequest& request, std::string_view host, std::string_view service, const SigningIdentity& identity,
                 std::string_view payload_hash, base::Instant now) {
    std::string timestamp = SigV4Timestamp(now);
    request.headers.emplace_back("x-amz-date", timestamp);
    request.headers.emplace_back("x-amz-content-sha256", std::string(payload_hash));
    if (!identity.session_token.empty()) request.headers.emplace_back("x-amz-security-token", identity.session_token);
    std::vector<std::string> names = {"host"};
    for (const auto& [name, value] : request.headers) {
        if (name.starts_with("x-amz-") || name == "content-type") names.push_back(name);
    }
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    SigV4Request view{request.method, request.path, request.query, request.headers, host};
    std::string canonical =
        CanonicalRequest(request.method, CanonicalPath(request.path, service == "s3"), CanonicalQuery(request.query, {}),
                         CanonicalHeaders(view, names), JoinSignedHeaders(names), payload_hash);
    std::string date = timestamp.substr(0, 8);
    std::string scope = fmt::format("{}/{}/{}/aws4_request", date, identity.region, service);
    std::string signature = SignString(SigningKey(identity.secret, date, identity.region, service),
                                       StringToSign(timestamp, scope, canonical));
    request.headers.emplace_back("authorization",
                                 fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", kAlgorithm,
                                             identity.access_key_id, scope, JoinSignedHeaders(names), signature));
}

std::string PresignQuery(std::string_view method, std::string_view path, std::string_view query, std::string_view host,
                         std::string_view service, const SigningIdentity& identity, int64_t expires_s,
                         bool token_unsigned, base::Instant now) {
    std::string timestamp = SigV4Timestamp(now);
    std::string date = timestamp.substr(0, 8);
    std::string scope = fmt::format("{}/{}/{}/aws4_request", date, identity.region, service);
    std::string token = identity.session_token.empty()
                            ? ""
                            : "&X-Amz-Security-Token=" + UriEncode(identity.session_token, false);
    std::string all(query);
    if (!all.empty()) all += '&';
    all += fmt::format("X-Amz-Algorithm={}&X-Amz-Credential={}&X-Amz-Date={}&X-Amz-Expires={}&X-Amz-SignedHeaders=host",
                       kAlgorithm, UriEncode(identity.access_key_id + "/" + scope, false), timestamp, expires_s);
    if (!token_unsigned) all += token;
    WireHeaders no_headers;
    SigV4Request view{method, path, all, no_headers, host};
    std::string_view payload = service == "s3" ? kUnsignedPayload : kEmptyPayloadHash;
    std::string canonical = CanonicalRequest(method, CanonicalPath(path, service == "s3"), CanonicalQuery(all, {}),
                                             CanonicalHeaders(view, {"host"}), "host", payload);
    std::string signature = SignString(SigningKey(identity.secret, date, identity.region, service),
                                       StringToSign(timestamp, scope, canonical));
    all += "&X-Amz-Signature=" + signature;
    if (token_unsigned) all += token;
    return all;
}

}  // namespace wellhead::api
