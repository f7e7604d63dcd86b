#include "services/s3/checksums.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>

#include "base/check.h"
#include "codec/base64.h"
#include "codec/crc.h"
#include "services/s3/s3_errors.h"

namespace wellhead::services::s3 {

namespace {

struct FreeContext {
    void operator()(EVP_MD_CTX* context) const { ::EVP_MD_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_MD_CTX, FreeContext>;

Context Begin(const EVP_MD* type) {
    Context context(::EVP_MD_CTX_new());
    CHECK(context && ::EVP_DigestInit_ex(context.get(), type, nullptr) == 1);
    return context;
}

base::Bytes End(EVP_MD_CTX* context) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    CHECK(::EVP_DigestFinal_ex(context, digest, &size) == 1);
    return {reinterpret_cast<const char*>(digest), size};
}

const EVP_MD* TypeOf(ChecksumAlgorithm algorithm) {
    return algorithm == ChecksumAlgorithm::kSha1 ? ::EVP_sha1() : ::EVP_sha256();
}

uint64_t UpdateCrc(ChecksumAlgorithm algorithm, base::ByteView data, uint64_t before) {
    switch (algorithm) {
        case ChecksumAlgorithm::kCrc32: return codec::Crc32(data, static_cast<uint32_t>(before));
        case ChecksumAlgorithm::kCrc32c: return codec::Crc32c(data, static_cast<uint32_t>(before));
        default: return codec::Crc64Nvme(data, before);
    }
}

}  // namespace

std::string_view NameOf(ChecksumAlgorithm algorithm) {
    switch (algorithm) {
        case ChecksumAlgorithm::kCrc32: return "CRC32";
        case ChecksumAlgorithm::kCrc32c: return "CRC32C";
        case ChecksumAlgorithm::kCrc64Nvme: return "CRC64NVME";
        case ChecksumAlgorithm::kSha1: return "SHA1";
        case ChecksumAlgorithm::kSha256: return "SHA256";
    }
    return "";
}

std::optional<ChecksumAlgorithm> ChecksumOfName(std::string_view name) {
    std::string upper(name);
    for (char& c : upper) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    for (ChecksumAlgorithm algorithm : kAllChecksums) {
        if (NameOf(algorithm) == upper) return algorithm;
    }
    return std::nullopt;
}

std::string HeaderOf(ChecksumAlgorithm algorithm) {
    std::string name(NameOf(algorithm));
    for (char& c : name) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    return "x-amz-checksum-" + name;
}

size_t SizeOf(ChecksumAlgorithm algorithm) {
    switch (algorithm) {
        case ChecksumAlgorithm::kCrc32:
        case ChecksumAlgorithm::kCrc32c: return 4;
        case ChecksumAlgorithm::kCrc64Nvme: return 8;
        case ChecksumAlgorithm::kSha1: return 20;
        case ChecksumAlgorithm::kSha256: return 32;
    }
    return 0;
}

bool IsCrc(ChecksumAlgorithm algorithm) {
    return algorithm != ChecksumAlgorithm::kSha1 && algorithm != ChecksumAlgorithm::kSha256;
}

std::string CrcText(ChecksumAlgorithm algorithm, uint64_t crc) {
    base::Bytes bytes;
    for (size_t i = SizeOf(algorithm); i-- > 0;) bytes += static_cast<char>(crc >> (8 * i));
    return codec::EncodeBase64(bytes);
}

std::optional<uint64_t> CrcOfText(ChecksumAlgorithm algorithm, std::string_view base64) {
    auto bytes = codec::DecodeBase64(base64);
    if (!bytes || bytes->size() != SizeOf(algorithm)) return std::nullopt;
    uint64_t crc = 0;
    for (char c : *bytes) crc = crc << 8 | static_cast<unsigned char>(c);
    return crc;
}

struct BodyDigest::State {
    struct One {
        ChecksumAlgorithm algorithm;
        uint64_t crc = 0;
        Context sha;
    };
    Context md5 = Begin(::EVP_md5());
    std::vector<One> checksums;
};

BodyDigest::BodyDigest(std::vector<ChecksumAlgorithm> algorithms) : state_(std::make_unique<State>()) {
    for (ChecksumAlgorithm algorithm : algorithms) {
        Context sha;
        if (!IsCrc(algorithm)) sha = Begin(TypeOf(algorithm));
        state_->checksums.push_back({algorithm, 0, std::move(sha)});
    }
}
BodyDigest::~BodyDigest() = default;

void BodyDigest::Update(base::ByteView data) {
    CHECK(::EVP_DigestUpdate(state_->md5.get(), data.data(), data.size()) == 1);
    for (auto& one : state_->checksums) {
        if (one.sha) {
            CHECK(::EVP_DigestUpdate(one.sha.get(), data.data(), data.size()) == 1);
        } else {
            one.crc = UpdateCrc(one.algorithm, data, one.crc);
        }
    }
}

std::string BodyDigest::Md5Hex() { return codec::EncodeHex(End(state_->md5.get())); }

std::string BodyDigest::Value(ChecksumAlgorithm which) {
    for (auto& one : state_->checksums) {
        if (one.algorithm != which) continue;
        return one.sha ? codec::EncodeBase64(End(one.sha.get())) : CrcText(which, one.crc);
    }
    return ChecksumOf(which, "");
}

std::string ChecksumOf(ChecksumAlgorithm algorithm, base::ByteView data) {
    if (IsCrc(algorithm)) return CrcText(algorithm, UpdateCrc(algorithm, data, 0));
    Context context = Begin(TypeOf(algorithm));
    CHECK(::EVP_DigestUpdate(context.get(), data.data(), data.size()) == 1);
    return codec::EncodeBase64(End(context.get()));
}

std::string CompositeETag(const std::vector<std::string>& part_etags) {
    Context context = Begin(::EVP_md5());
    for (const auto& etag : part_etags) {
        base::Bytes bytes = codec::DecodeHex(etag).value_or("");
        CHECK(::EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()) == 1);
    }
    return fmt::format("{}-{}", codec::EncodeHex(End(context.get())), part_etags.size());
}

std::string CompositeChecksum(ChecksumAlgorithm algorithm, const std::vector<std::string>& part_values) {
    base::Bytes all;
    for (const auto& value : part_values) all += codec::DecodeBase64(value).value_or("");
    return fmt::format("{}-{}", ChecksumOf(algorithm, all), part_values.size());
}

std::optional<std::string> Md5OfHeader(const std::string& base64) {
    auto bytes = codec::DecodeBase64(base64);
    if (!bytes || bytes->size() != 16) return std::nullopt;
    return codec::EncodeHex(*bytes);
}

namespace checksums_internal {

api::Outcome<std::optional<ClaimedChecksum>> OneClaim(
    std::vector<std::pair<ChecksumAlgorithm, const std::optional<std::string>*>> members, bool other) {
    if (other) {
        return std::unexpected(
            FeatureNotServed("checksums other than CRC32, CRC32C, CRC64NVME, SHA1 and SHA256"));
    }
    std::optional<ClaimedChecksum> claim;
    for (const auto& [algorithm, value] : members) {
        if (!*value) continue;
        if (claim) {
            return std::unexpected(InvalidRequest(
                "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."));
        }
        auto bytes = codec::DecodeBase64(**value);
        if (!bytes || bytes->size() != SizeOf(algorithm)) {
            return std::unexpected(
                InvalidRequest(fmt::format("Value for {} header is invalid.", HeaderOf(algorithm))));
        }
        claim = ClaimedChecksum{algorithm, **value};
    }
    return claim;
}

}  // namespace checksums_internal

}  // namespace wellhead::services::s3
