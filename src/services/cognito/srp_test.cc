#include "services/cognito/srp.h"

#include <gtest/gtest.h>

#include <random>

#include "codec/base64.h"

namespace wellhead::services::cognito {
namespace {

// Made with amazon-cognito-identity-js 6.3: a = SHA-256("small a"), b = SHA-256("small b").
constexpr SrpIdentity kAlice{"AbCdEfGhI", "alice"};
constexpr std::string_view kPassword = "P\xc3\xa4ssword1!";
constexpr std::string_view kSalt = "9f479ad69a090b258277ec8fba6f9941";
constexpr std::string_view kB = "da9873747439a26efee35ed867f0fcd48207116f4d35d3408173ba6a8c5bf4e1";
constexpr std::string_view kMessage = "AbCdEfGhIalicesecret-blockTue Nov 24 08:00:00 UTC 2026";
constexpr std::string_view kVerifier =
    "d32082fe92e1dca7f8f70c51d382657aa20b18b4aca5b7d5395b3a4b203e327ed6731d3d79b52a55c688da53a5559072"
    "e658d1521e31c7b1ced60f73719bb8a8f0beed00bd85315fa23ade736566fc1daa3dcc9e50d8d69891431c42de65f2c1"
    "bf2555891a50d61f1e7d7c13c31e39f7d841111ee810fb076ff9afab1c545e332dfe29fb7755a4b1207637bf52badf14"
    "4d142706eee94b37d5bbce945bd84717301afc688e684b3082841f51d4aafb8eb841c0c0dc7262d80214dee9c554e604"
    "a2af871ea79b93abf87a45d695266b722ed8c64eaa129b2a5593f2393160a884362a44e90856888e39961023d5012a63"
    "a693606fd02d567c11ed0e01a18e0b81fcef308bd185dd0037c285d836f3fa242def3dc98d7427dbfb2482c7321c94af"
    "e95d7601871b2eeb803bb061018ee5f511880369e3e0a5d24d8367d3ba0bfaf77946ec3fb0de57e0923700d0e505273b"
    "4ac24c33653d02773d4da24399449f7c7290390ae52c60aaca4ff74a64a5cf2730904bc36c2a7ddceffe824e67482076";
constexpr std::string_view kClientPublic =
    "b8a1ae97593c98ee1e4088b909b1b1fbb4c580f7871416f783e542e3bfacac4e1b32daa395473778dad825a12f39b536"
    "da427d5df6a7407a8dd60fa062911005486f14d4f5c8f0ce13128b48145a6afb1979e8e7205c7916d3f5185724923ac7"
    "dca16deb25c019696657ce3ea9941ee619a72ce2428110781eb2e643caa542e2e86010b08ee8b1b27ecfd2f1fb0dac82"
    "abb99fea1d8a33b0da29d960b81654c5d9dabed27c3540a7a80f3c6e537bc1e142db6a3d278d412cd497d27bce3303db"
    "7ab90f59c5fd55702ed146d11b09d237560589da18891539dde618b62b2f994008990223160867e951111395c8e96fd2"
    "e0257a568911a84bd71b7899918848bee9eea739a760c2c733580e56f587382f1f11db2817e33f3cbf6367432ed568fd"
    "06d00c778719c39566559e58a65aa166ccf721fdfbbce5397557f0be53c6e683dbe94c0c8cbe9a226cdf297b93b40a5b"
    "e5c156251c18f905580ec5ef64bb6b8ba72a8289d8df15e3d67704360024dc7378807b0bdfc15134eb1fa331f1983dd0";
constexpr std::string_view kServerPublic =
    "2d20be299758bb418649f123f564713380680a79b11cd7a1b2a8c3398e5016a896fe1892c06e558589c307d141815706"
    "263043970414cc697389c0de6fb6acb3127ddafd7a726fe6a4de2db42b4d0933d944293dacb31ef0ab42848bbc17eaee"
    "beb783e286838842f0fd5678046004ea14ba30a4077b13d021a1aa9f0c69906ac158c00efe04d06282d56516571ca736"
    "4928b03e6a557ee65318f125f95af452a73d0ac7cfc411d6f781b18b4df10096c5097bd32e4edb2161ea89c362798188"
    "1f818a4143cb7998bc0b3e716b9ff5de4514643d148155e09fe211738c2110327d15569aae3ef9d053e1361402a88562"
    "b4ef2453f1218a4a7830acb94738f600bf5f263f2752e85699cefcf474bd6784d92cc896c7a65d465bfc5b5efe17cc9a"
    "85a11ec094be06e23382c7a76260c4a058c340328934b78f4383df82245931120bfcbaf6afa3c062c82bcfbf1ce7e749"
    "2cae5c366ca96ea7f6df0688191b0a2e1f3332ec00c413663d168910d53a2a0797dd94fad0d4ae840bbe5ed67973aaf8";
constexpr std::string_view kProof = "372ae4891bdf8518cacf1d67deaa6a7ae0a5a652939a55abb2983351f41abd0b";

SrpVerifier Stored() {
    return MakeSrpVerifier(kAlice, kPassword, codec::DecodeHex(kSalt).value());
}

TEST(Srp, TheVerifierIsWhatTheClientLibraryComputes) { EXPECT_EQ(Stored().verifier, kVerifier); }

TEST(Srp, ThePublicValueIsTheOneTheClientLibraryAccepted) {
    EXPECT_EQ(SrpPublicValue(Stored(), codec::DecodeHex(kB).value()), kServerPublic);
}

TEST(Srp, TheProofOfTheClientLibraryIsExpected) {
    auto proof = ExpectedSrpProof(Stored(), kClientPublic, kServerPublic, codec::DecodeHex(kB).value(), kMessage);
    ASSERT_TRUE(proof.has_value());
    EXPECT_EQ(codec::EncodeHex(*proof), kProof);
}

TEST(Srp, AnotherPasswordUserOrPoolDoesNotMatch) {
    EXPECT_TRUE(PasswordMatches(Stored(), kAlice, kPassword));
    EXPECT_FALSE(PasswordMatches(Stored(), kAlice, "password"));
    EXPECT_FALSE(PasswordMatches(Stored(), kAlice, ""));
    EXPECT_FALSE(PasswordMatches(Stored(), {"AbCdEfGhI", "bob"}, kPassword));
    EXPECT_FALSE(PasswordMatches(Stored(), {"other", "alice"}, kPassword));
}

TEST(Srp, ASaltWithLeadingZerosWorks) {
    std::string salt(16, '\0');
    salt[15] = 5;
    SrpVerifier stored = MakeSrpVerifier(kAlice, kPassword, salt);
    EXPECT_TRUE(PasswordMatches(stored, kAlice, kPassword));
}

TEST(Srp, PublicValuesThatWouldFixTheKeyAreRefused) {
    std::string prime(
        "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD"
        "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
        "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F"
        "83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B"
        "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510"
        "15728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7"
        "ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864D87602733EC86A64521F2B18177B200C"
        "BBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF");
    for (std::string a : {std::string("0"), std::string("00"), std::string(), prime, prime + "0", std::string("xyz"),
                          std::string("-1"), std::string(5000, 'f'), std::string("0x12")}) {
        EXPECT_FALSE(IsSrpPublicValue(a)) << a;
        EXPECT_FALSE(ExpectedSrpProof(Stored(), a, kServerPublic, "b", "m").has_value()) << a;
    }
    EXPECT_TRUE(IsSrpPublicValue("1"));
}

TEST(Srp, RandomTextIsNeverAPublicValueThatCrashes) {
    std::mt19937 random(3);
    for (int i = 0; i < 3000; ++i) {
        std::string text(random() % 900, '\0');
        for (char& c : text) c = static_cast<char>(random());
        IsSrpPublicValue(text);
    }
}

}  // namespace
}  // namespace wellhead::services::cognito
