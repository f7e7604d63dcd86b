#include "api/jwt.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/sha.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/check.h"
#include "codec/base64.h"

namespace wellhead::api {

namespace json = boost::json;

namespace {

constexpr size_t kMaxToken = 16 * 1024;
constexpr size_t kMaxKeySet = 256 * 1024;
constexpr int kMinBits = 2048;

template <auto free>
struct Freed {
    template <class T>
    void operator()(T* p) const {
        free(p);
    }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Freed<EVP_PKEY_CTX_free>>;
using Digest = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;
using Number = std::unique_ptr<BIGNUM, Freed<BN_free>>;
using Params = std::unique_ptr<OSSL_PARAM, Freed<OSSL_PARAM_free>>;
using ParamBuilder = std::unique_ptr<OSSL_PARAM_BLD, Freed<OSSL_PARAM_BLD_free>>;
using Bio = std::unique_ptr<BIO, Freed<BIO_free_all>>;

const uint8_t* Data(base::ByteView bytes) { return reinterpret_cast<const uint8_t*>(bytes.data()); }

std::string NumberText(const EVP_PKEY* key, const char* name) {
    BIGNUM* raw = nullptr;
    CHECK(EVP_PKEY_get_bn_param(key, name, &raw) == 1);
    Number number(raw);
    base::Bytes bytes(static_cast<size_t>(BN_num_bytes(number.get())), '\0');
    BN_bn2bin(number.get(), reinterpret_cast<uint8_t*>(bytes.data()));
    return codec::EncodeBase64Url(bytes);
}

class RsaSigningKey final : public JwtSigningKey {
  public:
    explicit RsaSigningKey(Key key) : key_(std::move(key)) {
        modulus_ = NumberText(key_.get(), OSSL_PKEY_PARAM_RSA_N);
        exponent_ = NumberText(key_.get(), OSSL_PKEY_PARAM_RSA_E);
        std::string canonical = R"({"e":")" + exponent_ + R"(","kty":"RSA","n":")" + modulus_ + R"("})";
        base::Bytes hash(SHA256_DIGEST_LENGTH, '\0');
        SHA256(Data(canonical), canonical.size(), reinterpret_cast<uint8_t*>(hash.data()));
        kid_ = codec::EncodeBase64Url(hash);
    }

    std::string ToPem() const override {
        Bio out(BIO_new(BIO_s_mem()));
        CHECK(PEM_write_bio_PKCS8PrivateKey(out.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
        char* data = nullptr;
        long size = BIO_get_mem_data(out.get(), &data);
        return std::string(data, static_cast<size_t>(size));
    }

    const std::string& kid() const override { return kid_; }

    json::object PublicJwk() const override {
        return {{"alg", "RS256"}, {"e", exponent_}, {"kid", kid_}, {"kty", "RSA"}, {"n", modulus_}, {"use", "sig"}};
    }

    std::string Sign(const json::object& claims) const override {
        json::object header{{"kid", kid_}, {"alg", "RS256"}};
        std::string signed_part = codec::EncodeBase64Url(json::serialize(header)) + "." +
                                  codec::EncodeBase64Url(json::serialize(claims));
        Digest digest(EVP_MD_CTX_new());
        CHECK(EVP_DigestSignInit(digest.get(), nullptr, EVP_sha256(), nullptr, key_.get()) == 1);
        size_t size = 0;
        CHECK(EVP_DigestSign(digest.get(), nullptr, &size, Data(signed_part), signed_part.size()) == 1);
        base::Bytes signature(size, '\0');
        CHECK(EVP_DigestSign(digest.get(), reinterpret_cast<uint8_t*>(signature.data()), &size,
                             Data(signed_part), signed_part.size()) == 1);
        signature.resize(size);
        return signed_part + "." + codec::EncodeBase64Url(signature);
    }

  private:
    Key key_;
    std::string modulus_;
    std::string exponent_;
    std::string kid_;
};

Number ParseNumber(const json::object& jwk, std::string_view name) {
    const json::value* member = jwk.if_contains(name);
    if (member == nullptr || !member->is_string()) return nullptr;
    auto bytes = codec::DecodeBase64Url(member->get_string());
    if (!bytes || bytes->empty() || bytes->size() > 1024) return nullptr;
    return Number(BN_bin2bn(Data(*bytes), static_cast<int>(bytes->size()), nullptr));
}

Key PublicKeyFromJwk(const json::object& jwk) {
    const json::value* kind = jwk.if_contains("kty");
    if (kind == nullptr || *kind != "RSA") return nullptr;
    Number n = ParseNumber(jwk, "n");
    Number e = ParseNumber(jwk, "e");
    if (!n || !e || BN_num_bits(n.get()) < kMinBits) return nullptr;
    ParamBuilder builder(OSSL_PARAM_BLD_new());
    CHECK(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) == 1);
    CHECK(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) == 1);
    Params params(OSSL_PARAM_BLD_to_param(builder.get()));
    KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
    CHECK(EVP_PKEY_fromdata_init(context.get()) == 1);
    EVP_PKEY* key = nullptr;
    if (EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) return nullptr;
    return Key(key);
}

std::optional<json::object> DecodePart(std::string_view part) {
    auto text = codec::DecodeBase64Url(part);
    if (!text) return std::nullopt;
    boost::system::error_code error;
    json::parse_options options;
    options.max_depth = 8;
    json::value value = json::parse(*text, error, {}, options);
    if (error || !value.is_object()) return std::nullopt;
    return std::move(value.get_object());
}

std::string_view Text(const json::object& object, std::string_view name) {
    const json::value* member = object.if_contains(name);
    if (member == nullptr || !member->is_string()) return {};
    return member->get_string();
}

// RFC 7519, 4.1.4 and 4.1.5; fractions are allowed.
std::optional<double> Seconds(const json::object& object, std::string_view name) {
    const json::value* member = object.if_contains(name);
    if (member == nullptr || !member->is_number()) return std::nullopt;
    return member->to_number<double>();
}

base::Result<void> MeetsExpectations(const json::object& claims, const JwtExpectation& expected) {
    auto refuse = [](std::string why) { return base::Fail(base::ErrorCode::kPermission, std::move(why)); };
    double now = static_cast<double>(base::ToUnixMs(expected.now)) / 1000;
    auto expires = Seconds(claims, "exp");
    if (!expires) return refuse("the token has no expiry");
    if (*expires <= now) return refuse("the token has expired");
    if (claims.contains("nbf")) {
        auto begins = Seconds(claims, "nbf");
        if (!begins || *begins > now) return refuse("the token is not valid yet");
    }
    if (!expected.issuer.empty() && Text(claims, "iss") != expected.issuer) {
        return refuse("the token is from another issuer");
    }
    std::string_view use = Text(claims, "token_use");
    if (!expected.token_use.empty() && use != expected.token_use) return refuse("the token is for another use");
    if (!expected.client_id.empty() &&
        Text(claims, use == "access" ? "client_id" : "aud") != expected.client_id) {
        return refuse("the token is for another client");
    }
    return {};
}

}  // namespace

std::shared_ptr<const JwtSigningKey> JwtSigningKey::Generate() {
    Key key(EVP_RSA_gen(2048));
    CHECK(key != nullptr);
    return std::make_shared<RsaSigningKey>(std::move(key));
}

base::Result<std::shared_ptr<const JwtSigningKey>> JwtSigningKey::FromPem(base::ByteView pem) {
    Bio in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    Key key(PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr));
    if (!key || EVP_PKEY_is_a(key.get(), "RSA") != 1 || EVP_PKEY_get_bits(key.get()) < kMinBits) {
        return base::Fail(base::ErrorCode::kInvalidArgument, "not an RSA private key of 2048 bits or more in PEM");
    }
    return std::make_shared<RsaSigningKey>(std::move(key));
}

struct JwtKeySet::PublicKey {
    Key key;
};

base::Result<JwtKeySet> JwtKeySet::FromJwks(base::ByteView document) {
    auto refuse = [](std::string why) { return base::Fail(base::ErrorCode::kInvalidArgument, std::move(why)); };
    if (document.size() > kMaxKeySet) return refuse("the key set is too large");
    boost::system::error_code error;
    json::value value = json::parse(document, error);
    const json::value* keys = !error && value.is_object() ? value.get_object().if_contains("keys") : nullptr;
    if (keys == nullptr || !keys->is_array()) return refuse("not a JSON Web Key Set");
    JwtKeySet set;
    for (const json::value& item : keys->get_array()) {
        if (!item.is_object()) continue;
        std::string_view kid = Text(item.get_object(), "kid");
        Key key = PublicKeyFromJwk(item.get_object());
        if (kid.empty() || !key) continue;
        set.keys_.emplace(kid, std::make_shared<const PublicKey>(PublicKey{std::move(key)}));
    }
    if (set.keys_.empty()) return refuse("the key set has no RSA key with a kid");
    return set;
}

base::Result<json::object> JwtKeySet::Verify(std::string_view token, const JwtExpectation& expected) const {
    auto refuse = [](std::string why) { return base::Fail(base::ErrorCode::kPermission, std::move(why)); };
    if (token.size() > kMaxToken) return refuse("the token is too large");
    size_t first = token.find('.');
    size_t second = first == token.npos ? token.npos : token.find('.', first + 1);
    if (second == token.npos || token.find('.', second + 1) != token.npos) return refuse("not a signed token");
    auto header = DecodePart(token.substr(0, first));
    auto signature = codec::DecodeBase64Url(token.substr(second + 1));
    if (!header || !signature) return refuse("not a signed token");
    // Every key of the set is an RS256 key: another algorithm in the header is a forgery, whatever it says.
    if (Text(*header, "alg") != "RS256") return refuse("the token's algorithm is not its key's");
    auto key = keys_.find(Text(*header, "kid"));
    if (key == keys_.end()) return refuse("the token's key is unknown");
    base::ByteView signed_part = token.substr(0, second);
    Digest digest(EVP_MD_CTX_new());
    CHECK(EVP_DigestVerifyInit(digest.get(), nullptr, EVP_sha256(), nullptr, key->second->key.get()) == 1);
    if (EVP_DigestVerify(digest.get(), Data(*signature), signature->size(), Data(signed_part),
                         signed_part.size()) != 1) {
        return refuse("the token's signature does not hold");
    }
    auto claims = DecodePart(token.substr(first + 1, second - first - 1));
    if (!claims) return refuse("not a signed token");
    RETURN_IF_ERROR(MeetsExpectations(*claims, expected));
    return std::move(*claims);
}

}  // namespace wellhead::api
