#include "api/sigv2.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

#include "api/uri.h"
#include "codec/base64.h"

namespace wellhead::api {

namespace {

// Parameters that name a part of a resource or change the answer, and so are signed.
constexpr std::array<std::string_view, 35> kSigned = {
    "accelerate", "acl", "analytics", "cors", "defaultObjectAcl", "delete", "inventory", "lifecycle", "location",
    "logging", "metrics", "notification", "object-lock", "partNumber", "policy", "replication", "requestPayment",
    "response-cache-control", "response-content-disposition", "response-content-encoding",
    "response-content-language", "response-content-type", "response-expires", "restore", "select", "select-type",
    "storageClass", "tagging", "torrent", "uploadId", "uploads", "versionId", "versioning", "versions", "website"};

struct Parameter {
    std::string_view name;
    std::string_view value;
    bool has_value;
};

std::vector<Parameter> Split(std::string_view query) {
    std::vector<Parameter> parameters;
    while (!query.empty()) {
        size_t end = query.find('&');
        std::string_view parameter = query.substr(0, end);
        size_t equals = parameter.find('=');
        bool has_value = equals != parameter.npos;
        parameters.push_back(
            {parameter.substr(0, equals), has_value ? parameter.substr(equals + 1) : std::string_view(), has_value});
        if (end == query.npos) break;
        query.remove_prefix(end + 1);
    }
    return parameters;
}

std::string CanonicalResource(const SigV4Request& request, std::string_view bucket) {
    std::string resource = bucket.empty() ? "" : "/" + std::string(bucket);
    resource += request.path;
    std::vector<Parameter> parameters = Split(request.query);
    std::erase_if(parameters, [](const Parameter& p) {
        return std::find(kSigned.begin(), kSigned.end(), p.name) == kSigned.end();
    });
    std::sort(parameters.begin(), parameters.end(),
              [](const Parameter& a, const Parameter& b) { return a.name < b.name; });
    char mark = '?';
    for (const Parameter& parameter : parameters) {
        resource += mark;
        resource += parameter.name;
        if (parameter.has_value) resource += "=" + UriDecode(parameter.value).value_or("");
        mark = '&';
    }
    return resource;
}

std::string StringToSignV2(const SigV4Request& request, const SigV2Claim& claim, std::string_view bucket) {
    std::string md5;
    std::string type;
    std::map<std::string, std::string> amz;
    for (const auto& [name, value] : request.headers) {
        if (name == "content-md5") md5 = value;
        if (name == "content-type") type = value;
        if (!name.starts_with("x-amz-")) continue;
        std::string& joined = amz[name];
        if (!joined.empty()) joined += ',';
        joined += value;
    }
    std::string text = std::string(request.method) + "\n" + md5 + "\n" + type + "\n" + claim.expires + "\n";
    for (const auto& [name, value] : amz) text += name + ":" + value + "\n";
    return text + CanonicalResource(request, bucket);
}

}  // namespace

std::optional<SigV2Claim> ReadSigV2(std::string_view query) {
    SigV2Claim claim;
    for (const Parameter& parameter : Split(query)) {
        if (parameter.name == "AWSAccessKeyId") claim.access_key_id = UriDecode(parameter.value).value_or("");
        if (parameter.name == "Signature") claim.signature = UriDecode(parameter.value).value_or("");
        if (parameter.name == "Expires") claim.expires = parameter.value;
    }
    if (claim.access_key_id.empty() || claim.signature.empty()) return std::nullopt;
    return claim;
}

std::expected<void, SigV4Refusal> VerifySigV2(const SigV4Request& request, const SigV2Claim& claim,
                                              const AccessKey& key, std::string_view bucket, base::Instant now) {
    int64_t expires_s = 0;
    auto [end, error] = std::from_chars(claim.expires.data(), claim.expires.data() + claim.expires.size(), expires_s);
    if (claim.expires.empty() || error != std::errc() || end != claim.expires.data() + claim.expires.size()) {
        return std::unexpected(SigV4Refusal{SigV4Failure::kBadQuery, "Expires must be a number", {}, {}});
    }
    if (base::Instant(std::chrono::seconds(expires_s)) < now) {
        return std::unexpected(SigV4Refusal{SigV4Failure::kExpired, "Request has expired", {}, {}});
    }
    if (!key.session_token.empty()) {
        return std::unexpected(SigV4Refusal{SigV4Failure::kBadToken, "temporary keys sign with version 4", {}, {}});
    }
    std::string to_sign = StringToSignV2(request, claim, bucket);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    HMAC(EVP_sha1(), key.secret.data(), static_cast<int>(key.secret.size()),
         reinterpret_cast<const unsigned char*>(to_sign.data()), to_sign.size(), digest, &size);
    std::string expected = codec::EncodeBase64({reinterpret_cast<const char*>(digest), size});
    if (EqualConstantTime(expected, claim.signature)) return {};
    return std::unexpected(SigV4Refusal{
        SigV4Failure::kMismatch,
        "The request signature we calculated does not match the signature you provided. Check your key and signing "
        "method.",
        {}, std::move(to_sign)});
}

}  // namespace wellhead::api
