#pragma once
// Sealed values: opaque to whoever carries them, unforgeable, readable only by the holder of the key. For session
// strings, challenge blocks and the like. AES-256-GCM (NIST SP 800-38D), a random 96-bit nonce in front.

#include <array>
#include <optional>

#include "base/bytes.h"
#include "env/random.h"

namespace wellhead::api {

using SealKey = std::array<uint8_t, 32>;

SealKey NewSealKey(env::Random& random);
// The key that belongs to these secret bytes and this purpose; secret must hold at least 128 bits of entropy.
SealKey DeriveSealKey(base::ByteView secret, base::ByteView purpose);

// purpose is bound to the value: what was sealed for one purpose does not open for another. At most 2^32 values a key.
base::Bytes Seal(const SealKey& key, env::Random& random, base::ByteView purpose, base::ByteView plain);
// Nothing when it was not sealed with this key for this purpose, or was changed.
std::optional<base::Bytes> Unseal(const SealKey& key, base::ByteView purpose, base::ByteView sealed);

}  // namespace wellhead::api
