#include "api/jwt.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <random>

#include "codec/base64.h"

namespace wellhead::api {
namespace {

namespace json = boost::json;

class Jwt : public testing::Test {
  protected:
    static void SetUpTestSuite() { key_ = new std::shared_ptr<const JwtSigningKey>(JwtSigningKey::Generate()); }
    static void TearDownTestSuite() { delete key_; }
    const JwtSigningKey& key() { return **key_; }

    JwtKeySet KeySet() {
        json::object set{{"keys", json::array{key().PublicJwk()}}};
        return JwtKeySet::FromJwks(json::serialize(set)).value();
    }
    json::object Claims() {
        return {{"iss", "http://issuer/pool"}, {"token_use", "access"}, {"client_id", "c1"}, {"exp", 2000}, {"sub", "s"}};
    }
    JwtExpectation Expected() {
        return {"http://issuer/pool", "access", "c1", base::FromUnixMs(1'000'000)};
    }
    bool Accepts(const std::string& token) { return KeySet().Verify(token, Expected()).has_value(); }
    static std::string Unsigned(std::string_view header, const json::object& claims) {
        return codec::EncodeBase64Url(header) + "." + codec::EncodeBase64Url(json::serialize(claims));
    }

    static inline std::shared_ptr<const JwtSigningKey>* key_ = nullptr;
};

TEST_F(Jwt, ASignedTokenGivesItsClaims) {
    auto claims = KeySet().Verify(key().Sign(Claims()), Expected());
    ASSERT_TRUE(claims.has_value()) << claims.error().message;
    EXPECT_EQ(claims->at("sub"), "s");
}

TEST_F(Jwt, AKeySurvivesItsPem) {
    auto again = JwtSigningKey::FromPem(key().ToPem()).value();
    EXPECT_EQ(again->kid(), key().kid());
    EXPECT_TRUE(Accepts(again->Sign(Claims())));
    EXPECT_FALSE(JwtSigningKey::FromPem("nonsense").has_value());
}

TEST_F(Jwt, AlgorithmNoneIsRefused) {
    for (std::string alg : {"none", "None", "NONE", ""}) {
        std::string header = R"({"alg":")" + alg + R"(","kid":")" + key().kid() + R"("})";
        EXPECT_FALSE(Accepts(Unsigned(header, Claims()) + "."));
        EXPECT_FALSE(Accepts(Unsigned(header, Claims())));
    }
}

TEST_F(Jwt, AnHmacWithThePublicKeyAsSecretIsRefused) {
    std::string header = R"({"alg":"HS256","kid":")" + key().kid() + R"("})";
    std::string signed_part = Unsigned(header, Claims());
    for (const std::string& secret :
         {json::serialize(key().PublicJwk()), std::string(key().PublicJwk().at("n").as_string())}) {
        uint8_t mac[32];
        unsigned size = 0;
        HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
             reinterpret_cast<const uint8_t*>(signed_part.data()), signed_part.size(), mac, &size);
        EXPECT_FALSE(Accepts(signed_part + "." +
                             codec::EncodeBase64Url(base::ByteView(reinterpret_cast<char*>(mac), size))));
    }
}

TEST_F(Jwt, AnotherKeyIsRefusedWhateverKidItNames) {
    auto other = JwtSigningKey::Generate();
    EXPECT_FALSE(Accepts(other->Sign(Claims())));
    std::string token = other->Sign(Claims());
    std::string header = R"({"alg":"RS256","kid":")" + key().kid() + R"("})";
    EXPECT_FALSE(Accepts(codec::EncodeBase64Url(header) + token.substr(token.find('.'))));
}

TEST_F(Jwt, AnExpiredTokenIsRefused) {
    auto claims = Claims();
    claims["exp"] = 1000;
    EXPECT_FALSE(Accepts(key().Sign(claims)));
    claims["exp"] = "2000";
    EXPECT_FALSE(Accepts(key().Sign(claims)));
    claims.erase("exp");
    EXPECT_FALSE(Accepts(key().Sign(claims)));
}

TEST_F(Jwt, AnotherIssuerUseOrClientIsRefused) {
    for (const char* name : {"iss", "token_use", "client_id"}) {
        auto claims = Claims();
        claims[name] = "other";
        EXPECT_FALSE(Accepts(key().Sign(claims))) << name;
        claims.erase(name);
        EXPECT_FALSE(Accepts(key().Sign(claims))) << name;
    }
}

TEST_F(Jwt, ChangedOrRandomBytesAreRefused) {
    std::string token = key().Sign(Claims());
    std::mt19937 random(7);
    for (int i = 0; i < 3000; ++i) {
        std::string changed = token;
        size_t at = random() % changed.size();
        char was = changed[at];
        changed[at] = static_cast<char>(random());
        // The last character of each part carries bits that base64url ignores; a strict decoder refuses them too.
        if (changed[at] != was) {
            EXPECT_FALSE(Accepts(changed)) << at;
        }
    }
    EXPECT_FALSE(Accepts(""));
    EXPECT_FALSE(Accepts(".."));
    EXPECT_FALSE(Accepts(std::string(100'000, 'a')));
}

}  // namespace
}  // namespace wellhead::api
