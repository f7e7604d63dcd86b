#include "env/random.h"

#include <cstring>
#include <vector>

namespace wellhead::env {

namespace {

std::string Hex(std::span<const uint8_t> bytes) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string out;
    out.reserve(bytes.size() * 2);
    for (uint8_t byte : bytes) {
        out.push_back(kDigits[byte >> 4]);
        out.push_back(kDigits[byte & 15]);
    }
    return out;
}

}  // namespace

std::string RandomHex(Random& random, size_t bytes) {
    std::vector<uint8_t> raw(bytes);
    random.Fill(raw);
    return Hex(raw);
}

std::string RandomUuid(Random& random) {
    uint8_t raw[16];
    random.Fill(raw);
    raw[6] = static_cast<uint8_t>((raw[6] & 0x0f) | 0x40);
    raw[8] = static_cast<uint8_t>((raw[8] & 0x3f) | 0x80);
    std::string hex = Hex(raw);
    return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" +
           hex.substr(16, 4) + "-" + hex.substr(20);
}

uint64_t RandomUint64(Random& random) {
    uint8_t raw[8];
    random.Fill(raw);
    uint64_t value = 0;
    std::memcpy(&value, raw, sizeof value);
    return value;
}

}  // namespace wellhead::env
