#pragma once
// Random: the only source of randomness. Thread-safe.

#include <cstdint>
#include <span>
#include <string>

namespace wellhead::env {

class Random {
  public:
    virtual ~Random() = default;
    // Fills out with bytes fit for keys and tokens.
    virtual void Fill(std::span<uint8_t> out) = 0;
};

// 2 * bytes lower-case hex digits.
std::string RandomHex(Random& random, size_t bytes);
// RFC 9562 version 4, e.g. "9b2d0a1c-....".
std::string RandomUuid(Random& random);
uint64_t RandomUint64(Random& random);

}  // namespace wellhead::env
