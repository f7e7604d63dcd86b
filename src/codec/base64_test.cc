#include "codec/base64.h"

#include <gtest/gtest.h>

namespace wellhead::codec {
namespace {

TEST(Base64, TheVectorsOfRfc4648Hold) {
    const std::pair<std::string, std::string> kVectors[] = {
        {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foobar", "Zm9vYmFy"}};
    for (const auto& [plain, encoded] : kVectors) {
        EXPECT_EQ(EncodeBase64(plain), encoded);
        EXPECT_EQ(DecodeBase64(encoded), plain);
    }
}

TEST(Base64, BadInputIsRefused) {
    for (const char* bad : {"Zg", "Zg=", "Z===", "Zm9v!", "====", "Zg==Zg=="}) {
        EXPECT_FALSE(DecodeBase64(bad).has_value()) << bad;
    }
    EXPECT_EQ(DecodeBase64Url("-_8"), "\xfb\xff");
    EXPECT_FALSE(DecodeBase64Url("+/8").has_value());
    EXPECT_TRUE(DecodeBase64Url("Zg").has_value());
    EXPECT_FALSE(DecodeBase64Url("Zh").has_value());
}

TEST(Hex, BothCasesAreReadLowerCaseIsWritten) {
    EXPECT_EQ(EncodeHex("\x01\xab"), "01ab");
    EXPECT_EQ(DecodeHex("01AB"), "\x01\xab");
    EXPECT_FALSE(DecodeHex("0g").has_value());
    EXPECT_FALSE(DecodeHex("0").has_value());
}

}  // namespace
}  // namespace wellhead::codec
