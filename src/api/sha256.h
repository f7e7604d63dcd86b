#pragma once
// SHA-256 and its HMAC, in pieces and at once (FIPS 180-4, RFC 2104).

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "base/bytes.h"

namespace wellhead::api {

using Sha256Digest = std::array<uint8_t, 32>;

class Sha256 {
  public:
    Sha256();
    void Update(base::ByteView data);
    // Once, at the end.
    Sha256Digest Final();

  private:
    alignas(8) unsigned char state_[128];
};

Sha256Digest Sha256Of(base::ByteView data);
std::string Sha256Hex(base::ByteView data);
Sha256Digest HmacSha256(base::ByteView key, base::ByteView data);
std::string DigestHex(const Sha256Digest& digest);
inline base::ByteView AsBytes(const Sha256Digest& digest) {
    return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}
// Takes the same time wherever the two differ; sizes are no secret.
bool EqualConstantTime(base::ByteView a, base::ByteView b);

}  // namespace wellhead::api
