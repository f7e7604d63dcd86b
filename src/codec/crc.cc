#include "codec/crc.h"

#include <zlib.h>

#include <array>
#include <cstring>

namespace wellhead::codec {

namespace {

// Polynomials, bit-reflected.
constexpr uint32_t kIeee = 0xedb88320u;
constexpr uint32_t kCastagnoli = 0x82f63b78u;
constexpr uint64_t kNvme = 0x9a6c9329ac4bc9b5u;

// Slicing by eight: table k holds the effect of a byte that is followed by k more.
template <class Word>
using Tables = std::array<std::array<Word, 256>, 8>;

template <class Word>
constexpr Tables<Word> MakeTables(Word reflected_polynomial) {
    Tables<Word> tables{};
    for (unsigned byte = 0; byte < 256; ++byte) {
        Word crc = byte;
        for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) ? reflected_polynomial : 0);
        tables[0][byte] = crc;
    }
    for (unsigned byte = 0; byte < 256; ++byte) {
        for (unsigned k = 1; k < 8; ++k) {
            Word former = tables[k - 1][byte];
            tables[k][byte] = (former >> 8) ^ tables[0][former & 0xff];
        }
    }
    return tables;
}

template <class Word>
Word Update(const Tables<Word>& tables, Word crc, base::ByteView data) {
    const char* at = data.data();
    size_t left = data.size();
    for (; left >= 8; at += 8, left -= 8) {
        uint64_t word;  // little-endian machines only, as all that this is built for
        std::memcpy(&word, at, 8);
        word ^= crc;
        crc = 0;
        for (unsigned k = 0; k < 8; ++k) crc ^= tables[7 - k][(word >> (8 * k)) & 0xff];
    }
    for (; left > 0; ++at, --left) {
        crc = (crc >> 8) ^ tables[0][(crc ^ static_cast<unsigned char>(*at)) & 0xff];
    }
    return crc;
}

const Tables<uint32_t>& CastagnoliTables() {
    static const auto tables = MakeTables<uint32_t>(kCastagnoli);
    return tables;
}
const Tables<uint64_t>& NvmeTables() {
    static const auto tables = MakeTables<uint64_t>(kNvme);
    return tables;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) uint32_t UpdateCastagnoliInHardware(uint32_t crc,
                                                                      base::ByteView data) {
    const char* at = data.data();
    size_t left = data.size();
    uint64_t wide = crc;
    for (; left >= 8; at += 8, left -= 8) {
        uint64_t word;
        std::memcpy(&word, at, 8);
        wide = __builtin_ia32_crc32di(wide, word);
    }
    crc = static_cast<uint32_t>(wide);
    for (; left > 0; ++at, --left) {
        crc = __builtin_ia32_crc32qi(crc, static_cast<unsigned char>(*at));
    }
    return crc;
}
#endif

// a * b modulo the polynomial; the highest bit is x^0.
template <class Word>
Word Multiply(Word a, Word b, Word polynomial) {
    Word product = 0;
    for (Word bit = Word{1} << (sizeof(Word) * 8 - 1); bit != 0; bit >>= 1) {
        if (a & bit) product ^= b;
        b = (b >> 1) ^ ((b & 1) ? polynomial : 0);
    }
    return product;
}

// Appending n zero bytes multiplies by x^(8n); the inversions at both ends cancel out.
template <class Word>
Word Combine(Word a, Word b, uint64_t b_size_bytes, Word polynomial) {
    Word power = Word{1} << (sizeof(Word) * 8 - 2);  // x
    for (int i = 0; i < 3; ++i) power = Multiply(power, power, polynomial);
    for (; b_size_bytes != 0; b_size_bytes >>= 1) {
        if (b_size_bytes & 1) a = Multiply(a, power, polynomial);
        power = Multiply(power, power, polynomial);
    }
    return a ^ b;
}

}  // namespace

uint32_t Crc32(base::ByteView data, uint32_t before) {
    return static_cast<uint32_t>(
        ::crc32_z(before, reinterpret_cast<const Bytef*>(data.data()), data.size()));
}

uint32_t Crc32c(base::ByteView data, uint32_t before) {
#if defined(__x86_64__)
    static const bool hardware = __builtin_cpu_supports("sse4.2");
    if (hardware) return ~UpdateCastagnoliInHardware(~before, data);
#endif
    return ~Update(CastagnoliTables(), ~before, data);
}

uint64_t Crc64Nvme(base::ByteView data, uint64_t before) {
    return ~Update(NvmeTables(), ~before, data);
}

uint32_t Crc32Combine(uint32_t a, uint32_t b, uint64_t b_size_bytes) {
    return Combine(a, b, b_size_bytes, kIeee);
}
uint32_t Crc32cCombine(uint32_t a, uint32_t b, uint64_t b_size_bytes) {
    return Combine(a, b, b_size_bytes, kCastagnoli);
}
uint64_t Crc64NvmeCombine(uint64_t a, uint64_t b, uint64_t b_size_bytes) {
    return Combine(a, b, b_size_bytes, kNvme);
}

}  // namespace wellhead::codec
