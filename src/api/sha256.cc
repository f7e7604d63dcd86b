// The one-shot functions of OpenSSL 3 look their algorithm up by name at each call, which costs more than hashing a
// small message: the low-level ones do not.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "api/sha256.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <cstring>

#include "codec/base64.h"

namespace wellhead::api {

static_assert(sizeof(SHA256_CTX) <= 128);

namespace {
SHA256_CTX* Native(unsigned char* state) { return reinterpret_cast<SHA256_CTX*>(state); }
}  // namespace

Sha256::Sha256() { SHA256_Init(Native(state_)); }
void Sha256::Update(base::ByteView data) { SHA256_Update(Native(state_), data.data(), data.size()); }
Sha256Digest Sha256::Final() {
    Sha256Digest digest;
    SHA256_Final(digest.data(), Native(state_));
    return digest;
}

Sha256Digest Sha256Of(base::ByteView data) {
    Sha256 hash;
    hash.Update(data);
    return hash.Final();
}

std::string DigestHex(const Sha256Digest& digest) { return codec::EncodeHex(AsBytes(digest)); }
std::string Sha256Hex(base::ByteView data) { return DigestHex(Sha256Of(data)); }

Sha256Digest HmacSha256(base::ByteView key, base::ByteView data) {
    constexpr size_t kBlock = 64;
    unsigned char block[kBlock] = {};
    if (key.size() > kBlock) {
        Sha256Digest short_key = Sha256Of(key);
        std::memcpy(block, short_key.data(), short_key.size());
    } else {
        std::memcpy(block, key.data(), key.size());
    }
    auto pad = [&](unsigned char with) {
        char padded[kBlock];
        for (size_t i = 0; i < kBlock; ++i) padded[i] = static_cast<char>(block[i] ^ with);
        return std::string(padded, kBlock);
    };
    Sha256 inner;
    inner.Update(pad(0x36));
    inner.Update(data);
    Sha256 outer;
    outer.Update(pad(0x5c));
    outer.Update(AsBytes(inner.Final()));
    return outer.Final();
}

bool EqualConstantTime(base::ByteView a, base::ByteView b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace wellhead::api
