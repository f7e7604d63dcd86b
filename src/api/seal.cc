#include "api/seal.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <memory>
#include <span>

#include "base/check.h"

namespace wellhead::api {

namespace {

constexpr size_t kNonceSize = 12;
constexpr size_t kTagSize = 16;

struct FreeCipher {
    void operator()(EVP_CIPHER_CTX* c) const { EVP_CIPHER_CTX_free(c); }
};
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, FreeCipher>;

const uint8_t* Data(base::ByteView bytes) { return reinterpret_cast<const uint8_t*>(bytes.data()); }
uint8_t* Data(base::Bytes& bytes, size_t at) { return reinterpret_cast<uint8_t*>(bytes.data()) + at; }

}  // namespace

SealKey NewSealKey(env::Random& random) {
    SealKey key;
    random.Fill(key);
    return key;
}

SealKey DeriveSealKey(base::ByteView secret, base::ByteView purpose) {
    SealKey key;
    unsigned size = 0;
    CHECK(HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), Data(purpose), purpose.size(),
               key.data(), &size) != nullptr &&
          size == key.size());
    return key;
}

base::Bytes Seal(const SealKey& key, env::Random& random, base::ByteView purpose, base::ByteView plain) {
    base::Bytes out(kNonceSize + plain.size() + kTagSize, '\0');
    random.Fill(std::span<uint8_t>(Data(out, 0), kNonceSize));
    Cipher cipher(EVP_CIPHER_CTX_new());
    int size = 0;
    CHECK(EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key.data(), Data(out, 0)) == 1);
    CHECK(EVP_EncryptUpdate(cipher.get(), nullptr, &size, Data(purpose), static_cast<int>(purpose.size())) == 1);
    CHECK(EVP_EncryptUpdate(cipher.get(), Data(out, kNonceSize), &size, Data(plain),
                            static_cast<int>(plain.size())) == 1);
    CHECK(EVP_EncryptFinal_ex(cipher.get(), Data(out, kNonceSize + static_cast<size_t>(size)), &size) == 1);
    CHECK(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTagSize,
                              Data(out, kNonceSize + plain.size())) == 1);
    return out;
}

std::optional<base::Bytes> Unseal(const SealKey& key, base::ByteView purpose, base::ByteView sealed) {
    if (sealed.size() < kNonceSize + kTagSize) return std::nullopt;
    base::Bytes tag(sealed.substr(sealed.size() - kTagSize));
    base::ByteView body = sealed.substr(kNonceSize, sealed.size() - kNonceSize - kTagSize);
    base::Bytes plain(body.size(), '\0');
    Cipher cipher(EVP_CIPHER_CTX_new());
    int size = 0;
    CHECK(EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key.data(), Data(sealed)) == 1);
    CHECK(EVP_DecryptUpdate(cipher.get(), nullptr, &size, Data(purpose), static_cast<int>(purpose.size())) == 1);
    CHECK(EVP_DecryptUpdate(cipher.get(), Data(plain, 0), &size, Data(body), static_cast<int>(body.size())) == 1);
    CHECK(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTagSize, tag.data()) == 1);
    if (EVP_DecryptFinal_ex(cipher.get(), Data(plain, 0) + size, &size) != 1) return std::nullopt;
    return plain;
}

}  // namespace wellhead::api
