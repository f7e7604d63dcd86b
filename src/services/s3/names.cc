#include "services/s3/names.h"

#include <fmt/format.h>
#include <openssl/sha.h>

#include "services/s3/s3_errors.h"

namespace wellhead::services::s3 {

namespace {

bool IsLowerOrDigit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

bool LooksLikeIpAddress(std::string_view name) {
    int dots = 0;
    for (char c : name) {
        if (c == '.') {
            ++dots;
        } else if (c < '0' || c > '9') {
            return false;
        }
    }
    return dots == 3;
}

bool IsBucketName(std::string_view name) {
    if (name.size() < 3 || name.size() > 63) return false;
    if (!IsLowerOrDigit(name.front()) || !IsLowerOrDigit(name.back())) return false;
    for (size_t i = 0; i < name.size(); ++i) {
        char c = name[i];
        if (!IsLowerOrDigit(c) && c != '-' && c != '.') return false;
        if (c == '.' && name[i - 1] == '.') return false;
    }
    if (LooksLikeIpAddress(name)) return false;
    for (std::string_view prefix : {"xn--", "sthree-", "amzn-s3-demo-"}) {
        if (name.starts_with(prefix)) return false;
    }
    for (std::string_view suffix : {"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"}) {
        if (name.ends_with(suffix)) return false;
    }
    return true;
}

int HexDigit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

size_t CharactersOf(std::string_view utf8) {
    size_t count = 0;
    for (char c : utf8) count += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    return count;
}

}  // namespace

api::Outcome<void> CheckBucketName(const std::string& name) {
    if (IsBucketName(name)) return {};
    auto error = S3Error("InvalidBucketName", 400, "The specified bucket is not valid.");
    error.members["BucketName"] = name;
    return std::unexpected(std::move(error));
}

// RFC 3629: no overlong forms, no surrogates, nothing past U+10FFFF.
bool IsUtf8(std::string_view text) {
    for (size_t i = 0; i < text.size();) {
        auto byte = [&](size_t at) { return static_cast<unsigned char>(text[at]); };
        unsigned first = byte(i);
        size_t more = first < 0x80 ? 0 : first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
        if (first >= 0x80 && (first < 0xc2 || first > 0xf4)) return false;
        if (i + more >= text.size()) return false;
        for (size_t k = 1; k <= more; ++k) {
            if ((byte(i + k) & 0xc0) != 0x80) return false;
        }
        if (first == 0xe0 && byte(i + 1) < 0xa0) return false;
        if (first == 0xed && byte(i + 1) > 0x9f) return false;
        if (first == 0xf0 && byte(i + 1) < 0x90) return false;
        if (first == 0xf4 && byte(i + 1) > 0x8f) return false;
        i += more + 1;
    }
    return true;
}

api::Outcome<void> CheckKey(const std::string& key) {
    if (key.empty()) return std::unexpected(InvalidArgument("A key has at least one character"));
    if (key.size() > 1024) {
        auto error = S3Error("KeyTooLongError", 400, "Your key is too long");
        error.members["Size"] = std::to_string(key.size());
        error.members["MaxSizeAllowed"] = "1024";
        return std::unexpected(std::move(error));
    }
    if (!IsUtf8(key)) return std::unexpected(S3Error("InvalidURI", 400, "Couldn't parse the specified URI."));
    return {};
}

std::optional<std::string> PercentDecode(std::string_view text, bool plus_is_space) {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+' && plus_is_space) {
            out += ' ';
        } else if (text[i] != '%') {
            out += text[i];
        } else {
            if (i + 2 >= text.size()) return std::nullopt;
            int high = HexDigit(text[i + 1]);
            int low = HexDigit(text[i + 2]);
            if (high < 0 || low < 0) return std::nullopt;
            out += static_cast<char>(high * 16 + low);
            i += 2;
        }
    }
    return out;
}

std::string PercentEncode(std::string_view text) {
    std::string out;
    for (char c : text) {
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                     c == '.' || c == '_' || c == '~' || c == '/';
        if (plain) {
            out += c;
        } else {
            out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
        }
    }
    return out;
}

api::Outcome<CopySource> ParseCopySource(const std::string& header) {
    auto invalid = [&](std::string message) {
        return std::unexpected(InvalidArgument(std::move(message), "x-amz-copy-source", header));
    };
    std::string_view text = header;
    std::optional<std::string> version_id;
    size_t question = text.find("?versionId=");
    if (question != std::string_view::npos) {
        version_id = text.substr(question + 11);
        text = text.substr(0, question);
    }
    auto decoded = PercentDecode(text, true);
    if (!decoded) return invalid("Copy Source is not well percent-encoded");
    std::string_view path = *decoded;
    if (path.starts_with("arn:")) return std::unexpected(FeatureNotServed("access points as copy sources"));
    if (path.starts_with('/')) path.remove_prefix(1);
    size_t slash = path.find('/');
    if (slash == std::string_view::npos || slash == 0 || slash + 1 == path.size()) {
        return invalid("Copy Source must mention the source bucket and key: sourcebucket/sourcekey");
    }
    return CopySource{std::string(path.substr(0, slash)), std::string(path.substr(slash + 1)), std::move(version_id)};
}

api::Outcome<void> CheckTags(const Tags& tags, size_t most) {
    if (tags.size() > most) {
        return std::unexpected(
            S3Error("BadRequest", 400, fmt::format("Object tags cannot be greater than {}", most)));
    }
    for (const auto& [key, value] : tags) {
        if (key.empty() || CharactersOf(key) > 128 || !IsUtf8(key)) {
            return std::unexpected(S3Error("InvalidTag", 400, "The TagKey you have provided is invalid"));
        }
        if (CharactersOf(value) > 256 || !IsUtf8(value)) {
            return std::unexpected(S3Error("InvalidTag", 400, "The TagValue you have provided is invalid"));
        }
        if (key.starts_with("aws:")) {
            return std::unexpected(
                S3Error("InvalidTag", 400, "Your TagKey cannot be prefixed with aws:"));
        }
    }
    return {};
}

api::Outcome<Tags> ParseTaggingHeader(const std::string& header) {
    Tags tags;
    std::string_view rest = header;
    while (!rest.empty()) {
        size_t end = std::min(rest.find('&'), rest.size());
        std::string_view pair = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        size_t equals = std::min(pair.find('='), pair.size());
        auto key = PercentDecode(pair.substr(0, equals), true);
        auto value = PercentDecode(pair.substr(std::min(equals + 1, pair.size())), true);
        if (!key || !value || !tags.emplace(*key, *value).second) {
            return std::unexpected(InvalidArgument(
                "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without "
                "tag name duplicates.",
                "x-amz-tagging", header));
        }
    }
    return tags;
}

std::string CanonicalUserId(std::string_view account_id) {
    unsigned char digest[SHA256_DIGEST_LENGTH];
    const std::string text = "wellhead account " + std::string(account_id);
    ::SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
    std::string out;
    for (unsigned char byte : digest) out += fmt::format("{:02x}", byte);
    return out;
}

}  // namespace wellhead::services::s3
