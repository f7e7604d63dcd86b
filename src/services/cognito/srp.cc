#include "services/cognito/srp.h"

#include <openssl/bn.h>

#include <memory>

#include "base/check.h"
#include "codec/base64.h"
#include "services/cognito/digest.h"

namespace wellhead::services::cognito {

namespace {

template <auto free>
struct Freed {
    template <class T>
    void operator()(T* p) const {
        free(p);
    }
};
using Number = std::unique_ptr<BIGNUM, Freed<BN_clear_free>>;
using Scratch = std::unique_ptr<BN_CTX, Freed<BN_CTX_free>>;

constexpr size_t kGroupBytes = 384;
constexpr size_t kDerivedKeyBytes = 16;

Number New() {
    Number number(BN_new());
    CHECK(number != nullptr);
    return number;
}

Number FromBytes(base::ByteView bytes) {
    Number number(BN_bin2bn(reinterpret_cast<const uint8_t*>(bytes.data()), static_cast<int>(bytes.size()), nullptr));
    CHECK(number != nullptr);
    return number;
}

// Clients print numbers without leading zeros, so an odd count of digits is fine.
Number FromHex(std::string_view hex) {
    if (hex.empty() || hex.size() > 2 * kGroupBytes + 2) return nullptr;
    for (char c : hex) {
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))) return nullptr;
    }
    BIGNUM* raw = nullptr;
    CHECK(BN_hex2bn(&raw, std::string(hex).c_str()) == static_cast<int>(hex.size()));
    return Number(raw);
}

// padHex of the clients: the shortest two's complement form, so a set top bit gets a zero byte in front.
base::Bytes Padded(const BIGNUM* number) {
    base::Bytes bytes(static_cast<size_t>(BN_num_bytes(number)), '\0');
    BN_bn2bin(number, reinterpret_cast<uint8_t*>(bytes.data()));
    if (bytes.empty() || (static_cast<unsigned char>(bytes[0]) & 0x80) != 0) bytes.insert(bytes.begin(), '\0');
    return bytes;
}

std::string ToHex(const BIGNUM* number) {
    base::Bytes bytes(static_cast<size_t>(BN_num_bytes(number)), '\0');
    BN_bn2bin(number, reinterpret_cast<uint8_t*>(bytes.data()));
    return codec::EncodeHex(bytes);
}

struct Group {
    Number prime{BN_get_rfc3526_prime_3072(nullptr)};
    Number generator = New();
    Number multiplier;
    Group() {
        BN_set_word(generator.get(), 2);
        multiplier = FromBytes(Sha256(Padded(prime.get()) + Padded(generator.get())));
    }
};
const Group& TheGroup() {
    static const Group group;
    return group;
}

// base^exponent mod N, in time that does not depend on the exponent.
Number Power(const BIGNUM* base, const BIGNUM* exponent, BN_CTX* scratch) {
    Number secret(BN_dup(exponent));
    BN_set_flags(secret.get(), BN_FLG_CONSTTIME);
    Number result = New();
    CHECK(BN_mod_exp(result.get(), base, secret.get(), TheGroup().prime.get(), scratch) == 1);
    return result;
}

Number PrivateKey(const BIGNUM* salt, SrpIdentity identity, std::string_view password) {
    std::string text;
    text.append(identity.pool_name).append(identity.user_id).append(":").append(password);
    return FromBytes(Sha256(Padded(salt) + Sha256(text)));
}

Number PublicValue(std::string_view hex) {
    Number number = FromHex(hex);
    if (!number || BN_is_zero(number.get()) || BN_cmp(number.get(), TheGroup().prime.get()) >= 0) return nullptr;
    return number;
}

}  // namespace

SrpVerifier MakeSrpVerifier(SrpIdentity identity, std::string_view password, base::ByteView salt) {
    Scratch scratch(BN_CTX_new());
    Number number = FromBytes(salt);
    Number x = PrivateKey(number.get(), identity, password);
    Number v = Power(TheGroup().generator.get(), x.get(), scratch.get());
    return {ToHex(number.get()), ToHex(v.get())};
}

bool PasswordMatches(const SrpVerifier& stored, SrpIdentity identity, std::string_view password) {
    Scratch scratch(BN_CTX_new());
    Number salt = FromHex(stored.salt);
    CHECK(salt != nullptr);
    Number x = PrivateKey(salt.get(), identity, password);
    Number v = Power(TheGroup().generator.get(), x.get(), scratch.get());
    return EqualInConstantTime(ToHex(v.get()), stored.verifier);
}

std::string SrpPublicValue(const SrpVerifier& stored, base::ByteView secret) {
    const Group& group = TheGroup();
    Scratch scratch(BN_CTX_new());
    Number v = FromHex(stored.verifier);
    CHECK(v != nullptr);
    Number b = FromBytes(secret);
    Number g_b = Power(group.generator.get(), b.get(), scratch.get());
    Number k_v = New();
    Number sum = New();
    CHECK(BN_mod_mul(k_v.get(), group.multiplier.get(), v.get(), group.prime.get(), scratch.get()) == 1);
    CHECK(BN_mod_add(sum.get(), k_v.get(), g_b.get(), group.prime.get(), scratch.get()) == 1);
    return ToHex(sum.get());
}

bool IsSrpPublicValue(std::string_view client_public) { return PublicValue(client_public) != nullptr; }

std::optional<base::Bytes> ExpectedSrpProof(const SrpVerifier& stored, std::string_view client_public,
                                            std::string_view server_public, base::ByteView secret,
                                            base::ByteView message) {
    const Group& group = TheGroup();
    Number a = PublicValue(client_public);
    Number b_public = PublicValue(server_public);
    Number v = FromHex(stored.verifier);
    if (!a || !b_public || !v) return std::nullopt;
    Scratch scratch(BN_CTX_new());
    Number u = FromBytes(Sha256(Padded(a.get()) + Padded(b_public.get())));
    Number b = FromBytes(secret);
    // S = (A v^u)^b
    Number v_u = Power(v.get(), u.get(), scratch.get());
    Number product = New();
    CHECK(BN_mod_mul(product.get(), a.get(), v_u.get(), group.prime.get(), scratch.get()) == 1);
    Number s = Power(product.get(), b.get(), scratch.get());
    base::Bytes pseudo_random_key = HmacSha256(Padded(u.get()), Padded(s.get()));
    base::Bytes key = HmacSha256(pseudo_random_key, base::Bytes("Caldera Derived Key") + '\x01');
    key.resize(kDerivedKeyBytes);
    return HmacSha256(key, message);
}

}  // namespace wellhead::services::cognito
