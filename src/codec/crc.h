#pragma once
// Cyclic redundancy checks. Pass the result of a former call as before to go on where it ended.

#include <cstdint>

#include "base/bytes.h"

namespace wellhead::codec {

// IEEE 802.3, as in zlib, PNG and AWS event streams.
uint32_t Crc32(base::ByteView data, uint32_t before = 0);
// Castagnoli, RFC 3720 appendix B.4.
uint32_t Crc32c(base::ByteView data, uint32_t before = 0);
// CRC-64/NVME (NVM Express specification, 64-bit CRC), the default checksum of S3.
uint64_t Crc64Nvme(base::ByteView data, uint64_t before = 0);

// The checksum of A followed by B, from those of A and B and the length of B.
uint32_t Crc32Combine(uint32_t a, uint32_t b, uint64_t b_size_bytes);
uint32_t Crc32cCombine(uint32_t a, uint32_t b, uint64_t b_size_bytes);
uint64_t Crc64NvmeCombine(uint64_t a, uint64_t b, uint64_t b_size_bytes);

}  // namespace wellhead::codec
