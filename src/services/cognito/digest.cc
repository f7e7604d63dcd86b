#include "services/cognito/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include "base/check.h"

namespace wellhead::services::cognito {

base::Bytes Sha256(base::ByteView bytes) {
    base::Bytes out(SHA256_DIGEST_LENGTH, '\0');
    SHA256(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), reinterpret_cast<uint8_t*>(out.data()));
    return out;
}

base::Bytes HmacSha256(base::ByteView key, base::ByteView message) {
    base::Bytes out(SHA256_DIGEST_LENGTH, '\0');
    unsigned size = 0;
    CHECK(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
               reinterpret_cast<const uint8_t*>(message.data()), message.size(),
               reinterpret_cast<uint8_t*>(out.data()), &size) != nullptr);
    return out;
}

bool EqualInConstantTime(base::ByteView a, base::ByteView b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace wellhead::services::cognito
