#pragma once
// The checksums of S3 objects: MD5 (the entity tag) and the x-amz-checksum-* family.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/service.h"
#include "base/bytes.h"

namespace wellhead::services::s3 {

enum class ChecksumAlgorithm { kCrc32, kCrc32c, kCrc64Nvme, kSha1, kSha256 };
inline constexpr ChecksumAlgorithm kAllChecksums[] = {ChecksumAlgorithm::kCrc32, ChecksumAlgorithm::kCrc32c,
                                                      ChecksumAlgorithm::kCrc64Nvme, ChecksumAlgorithm::kSha1,
                                                      ChecksumAlgorithm::kSha256};

std::string_view NameOf(ChecksumAlgorithm algorithm);  // "CRC32", as in x-amz-checksum-algorithm
std::optional<ChecksumAlgorithm> ChecksumOfName(std::string_view name);  // of any case
size_t SizeOf(ChecksumAlgorithm algorithm);                              // in bytes
// "x-amz-checksum-crc32"
std::string HeaderOf(ChecksumAlgorithm algorithm);
// Of the bytes as S3 writes them: big-endian, base64.
std::string CrcText(ChecksumAlgorithm algorithm, uint64_t crc);
std::optional<uint64_t> CrcOfText(ChecksumAlgorithm algorithm, std::string_view base64);
bool IsCrc(ChecksumAlgorithm algorithm);

struct Checksum {
    ChecksumAlgorithm algorithm = ChecksumAlgorithm::kCrc64Nvme;
    std::string value;  // base64, of a composite one with "-N" behind it
    bool composite = false;
};

// MD5 and one checksum of bytes as they pass. CRC-64/NVME is left out where the object store computes it anyway.
class BodyDigest {
  public:
    explicit BodyDigest(std::vector<ChecksumAlgorithm> algorithms);
    ~BodyDigest();
    void Update(base::ByteView data);
    std::string Md5Hex();                        // ends it
    std::string Value(ChecksumAlgorithm which);  // base64; one of the algorithms, or it is computed for no bytes

  private:
    struct State;
    std::unique_ptr<State> state_;
};

// base64 of the digest of all bytes.
std::string ChecksumOf(ChecksumAlgorithm algorithm, base::ByteView data);
// Hexadecimal MD5 of the parts' MD5s (hexadecimal), with "-N".
std::string CompositeETag(const std::vector<std::string>& part_etags);
// The composite checksum of the parts' checksums (base64), with "-N".
std::string CompositeChecksum(ChecksumAlgorithm algorithm, const std::vector<std::string>& part_values);
// Hexadecimal form of what Content-MD5 carries; nothing when it is not the base64 of 16 bytes.
std::optional<std::string> Md5OfHeader(const std::string& base64);

// What a request says of the checksum of its body.
struct ClaimedChecksum {
    ChecksumAlgorithm algorithm;
    std::string value;  // empty: follows in the trailer
};

// The x-amz-checksum-* members of a generated structure. InvalidRequest: several, malformed, or not served.
template <class T>
api::Outcome<std::optional<ClaimedChecksum>> ClaimedBy(const T& request);
// Sets the member for this checksum, and its type.
template <class T>
void SetChecksum(T& out, const Checksum& checksum);

namespace checksums_internal {
api::Outcome<std::optional<ClaimedChecksum>> OneClaim(
    std::vector<std::pair<ChecksumAlgorithm, const std::optional<std::string>*>> members, bool other);
}

template <class T>
api::Outcome<std::optional<ClaimedChecksum>> ClaimedBy(const T& request) {
    bool other = request.ChecksumSHA512 || request.ChecksumMD5 || request.ChecksumXXHASH64 ||
                 request.ChecksumXXHASH3 || request.ChecksumXXHASH128;
    return checksums_internal::OneClaim({{ChecksumAlgorithm::kCrc32, &request.ChecksumCRC32},
                                         {ChecksumAlgorithm::kCrc32c, &request.ChecksumCRC32C},
                                         {ChecksumAlgorithm::kCrc64Nvme, &request.ChecksumCRC64NVME},
                                         {ChecksumAlgorithm::kSha1, &request.ChecksumSHA1},
                                         {ChecksumAlgorithm::kSha256, &request.ChecksumSHA256}},
                                        other);
}

template <class T>
void SetChecksum(T& out, const Checksum& checksum) {
    switch (checksum.algorithm) {
        case ChecksumAlgorithm::kCrc32: out.ChecksumCRC32 = checksum.value; break;
        case ChecksumAlgorithm::kCrc32c: out.ChecksumCRC32C = checksum.value; break;
        case ChecksumAlgorithm::kCrc64Nvme: out.ChecksumCRC64NVME = checksum.value; break;
        case ChecksumAlgorithm::kSha1: out.ChecksumSHA1 = checksum.value; break;
        case ChecksumAlgorithm::kSha256: out.ChecksumSHA256 = checksum.value; break;
    }
    if constexpr (requires { out.ChecksumType; }) {
        out.ChecksumType = checksum.composite ? "COMPOSITE" : "FULL_OBJECT";
    }
}

}  // namespace wellhead::services::s3
