#include "services/s3/post_policy.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <set>

#include "api/sigv4.h"
#include "api/timestamps.h"
#include "codec/base64.h"
#include "services/s3/s3_errors.h"

namespace wellhead::services::s3 {

namespace {

namespace json = boost::json;

std::string Lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    return out;
}

std::string Field(const FormFields& fields, const char* name) {
    auto found = fields.find(name);
    return found == fields.end() ? "" : found->second;
}

bool SameText(const std::string& a, const std::string& b) {
    return a.size() == b.size() && ::CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

api::ServiceError Mismatch() {
    return S3Error("SignatureDoesNotMatch", 403,
                   "The request signature we calculated does not match the signature you provided. Check your key and "
                   "signing method.");
}
api::ServiceError UnknownKey(const std::string& id) {
    auto error = S3Error("InvalidAccessKeyId", 403, "The AWS Access Key Id you provided does not exist in our records.");
    error.members["AWSAccessKeyId"] = id;
    return error;
}
api::ServiceError Denied(const std::string& why) {
    return S3Error("AccessDenied", 403, "Invalid according to Policy: " + why);
}
api::ServiceError BadDocument(const std::string& why) {
    return S3Error("InvalidPolicyDocument", 400, "Invalid Policy: " + why);
}

api::Outcome<std::shared_ptr<const api::AccessKey>> FindKey(const FormFields& fields, const std::string& id,
                                                            const api::CredentialStore& keys, base::Instant now) {
    auto key = keys.Find(id);
    if (!key) return std::unexpected(UnknownKey(id));
    if (key->expiry <= now) return std::unexpected(S3Error("ExpiredToken", 400, "The provided token has expired."));
    if (!key->session_token.empty() && !SameText(Field(fields, "x-amz-security-token"), key->session_token)) {
        return std::unexpected(S3Error("InvalidToken", 400, "The provided token is malformed or otherwise invalid."));
    }
    return key;
}

api::Outcome<api::Identity> VerifyV2(const FormFields& fields, const api::CredentialStore& keys, base::Instant now) {
    const std::string id = Field(fields, "awsaccesskeyid");
    ASSIGN_OR_RETURN(auto key, FindKey(fields, id, keys, now));
    const std::string policy = Field(fields, "policy");
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    ::HMAC(::EVP_sha1(), key->secret.data(), static_cast<int>(key->secret.size()),
           reinterpret_cast<const unsigned char*>(policy.data()), policy.size(), digest, &size);
    const std::string signature = codec::EncodeBase64({reinterpret_cast<const char*>(digest), size});
    if (!SameText(signature, Field(fields, "signature"))) return std::unexpected(Mismatch());
    return key->identity;
}

// One condition: an object of one member, or a list of operator, "$field" and value.
struct FormCondition {
    std::string op;
    std::string field;  // lower-case
    std::string value;
};

std::string TextOf(const json::value& value) {
    return value.is_string() ? std::string(value.get_string()) : json::serialize(value);
}

api::Outcome<void> ReadCondition(const json::value& value, std::vector<FormCondition>& conditions, SizeLimits& limits) {
    if (const auto* object = value.if_object()) {
        if (object->empty()) return std::unexpected(BadDocument("Invalid Simple-Condition: Simple-Conditions must have exactly one property specified."));
        for (const auto& member : *object) conditions.push_back({"eq", Lower(member.key()), TextOf(member.value())});
        return {};
    }
    const auto* list = value.if_array();
    if (list == nullptr || list->size() != 3 || !list->at(0).is_string()) {
        return std::unexpected(BadDocument("Invalid Condition: " + json::serialize(value)));
    }
    const std::string op = Lower(list->at(0).get_string());
    if (op == "content-length-range") {
        boost::system::error_code error;
        auto number = [&error](const json::value& text) -> uint64_t {
            if (text.is_number()) return text.to_number<uint64_t>(error);
            const json::value parsed = json::parse(TextOf(text), error);
            return error || !parsed.is_number() ? 0 : parsed.to_number<uint64_t>(error);
        };
        limits = {number(list->at(1)), number(list->at(2))};
        if (error) return std::unexpected(BadDocument("Invalid content-length-range: " + json::serialize(value)));
        return {};
    }
    const std::string field = TextOf(list->at(1));
    if ((op != "eq" && op != "starts-with") || !field.starts_with('$')) {
        return std::unexpected(BadDocument("Invalid Condition: " + json::serialize(value)));
    }
    conditions.push_back({op, Lower(field.substr(1)), TextOf(list->at(2))});
    return {};
}

// "starts-with" on Content-Type holds for each of several types that commas separate.
bool StartsWith(const std::string& field, const std::string& value, const std::string& wanted) {
    if (field != "content-type" || value.find(',') == value.npos) return value.starts_with(wanted);
    std::string_view rest = value;
    while (!rest.empty()) {
        const size_t end = std::min(rest.find(','), rest.size());
        if (!rest.substr(0, end).starts_with(wanted)) return false;
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return true;
}

bool NeedsNoCondition(const std::string& field) {
    static const std::set<std::string> kFree = {"x-amz-signature", "awsaccesskeyid", "signature", "policy", "file", "submit"};
    return kFree.contains(field) || field.starts_with("x-ignore-");
}

}  // namespace

api::Outcome<api::Identity> VerifyForm(const FormFields& fields, const api::CredentialStore& keys,
                                       std::string_view region, base::Instant now) {
    const std::string algorithm = Field(fields, "x-amz-algorithm");
    if (algorithm.empty()) {
        if (Field(fields, "awsaccesskeyid").empty()) {
            return std::unexpected(InvalidArgument("Bucket POST must contain a field named 'AWSAccessKeyId'.  If it is specified, please check the order of the fields.", "AWSAccessKeyId", ""));
        }
        if (Field(fields, "signature").empty()) {
            return std::unexpected(InvalidArgument("Bucket POST must contain a field named 'Signature'.", "Signature", ""));
        }
        return VerifyV2(fields, keys, now);
    }
    if (algorithm != "AWS4-HMAC-SHA256") {
        return std::unexpected(InvalidArgument("X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"", "X-Amz-Algorithm", algorithm));
    }
    // key/date/region/service/aws4_request
    const std::string credential = Field(fields, "x-amz-credential");
    std::vector<std::string> parts;
    for (size_t at = 0; at <= credential.size();) {
        const size_t end = std::min(credential.find('/', at), credential.size());
        parts.push_back(credential.substr(at, end - at));
        at = end + 1;
    }
    const std::string date = Field(fields, "x-amz-date");
    const bool scope = parts.size() == 5 && parts[2] == region && parts[3] == "s3" && parts[4] == "aws4_request";
    if (!scope || !api::ParseSigV4Timestamp(date) || !date.starts_with(parts[1]) || parts[1].size() != 8) {
        return std::unexpected(InvalidArgument(
            "Error parsing the X-Amz-Credential field; the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".",
            "X-Amz-Credential", credential));
    }
    ASSIGN_OR_RETURN(auto key, FindKey(fields, parts[0], keys, now));
    const auto signing_key = api::SigningKey(key->secret, parts[1], parts[2], parts[3]);
    const std::string signature = api::SignString(signing_key, Field(fields, "policy"));
    if (!SameText(signature, Field(fields, "x-amz-signature"))) return std::unexpected(Mismatch());
    return key->identity;
}

api::Outcome<SizeLimits> CheckForm(const FormFields& fields, const std::string& bucket, const std::string& key,
                                   base::Instant now) {
    auto text = codec::DecodeBase64(Field(fields, "policy"));
    boost::system::error_code error;
    const json::value document = text ? json::parse(*text, error) : json::value();
    if (!text || error || !document.is_object()) return std::unexpected(BadDocument("Invalid JSON."));
    const auto* expiration = document.get_object().if_contains("expiration");
    const auto* list = document.get_object().if_contains("conditions");
    if (expiration == nullptr || !expiration->is_string()) return std::unexpected(BadDocument("Policy missing expiration."));
    if (list == nullptr || !list->is_array()) return std::unexpected(BadDocument("Policy missing conditions."));
    auto until = api::ParseTimestamp(std::string_view(expiration->get_string()));
    if (!until) {
        return std::unexpected(BadDocument(fmt::format("Invalid 'expiration' value: '{}'", std::string_view(expiration->get_string()))));
    }
    if (*until <= now) return std::unexpected(Denied("Policy expired."));
    std::vector<FormCondition> conditions;
    SizeLimits limits;
    for (const auto& one : list->get_array()) RETURN_IF_ERROR(ReadCondition(one, conditions, limits));
    std::set<std::string> covered;
    for (const FormCondition& condition : conditions) {
        covered.insert(condition.field);
        auto found = fields.find(condition.field);
        std::string value = found == fields.end() ? "" : found->second;
        if (condition.field == "bucket") value = bucket;
        if (condition.field == "key") value = key;
        const bool holds = condition.op == "eq" ? value == condition.value : StartsWith(condition.field, value, condition.value);
        if (!holds) {
            return std::unexpected(Denied(fmt::format("Policy Condition failed: [\"{}\", \"${}\", \"{}\"]", condition.op,
                                                      condition.field, condition.value)));
        }
    }
    for (const auto& [name, value] : fields) {
        if (!covered.contains(name) && !NeedsNoCondition(name) && name != "bucket") {
            return std::unexpected(Denied("Extra input fields: " + name));
        }
    }
    return limits;
}

}  // namespace wellhead::services::s3
