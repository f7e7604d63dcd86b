#include "codec/cbor.h"

#include <gtest/gtest.h>

#include <random>

#include "codec/base64.h"

namespace wellhead::codec {
namespace {

CborHead Head(std::string_view hex) {
    std::string bytes = *DecodeHex(hex);
    return CborReader(bytes).ReadHead().value();
}

// RFC 8949 appendix A.
TEST(Cbor, TheExamplesOfTheStandardAreRead) {
    EXPECT_EQ(Head("00").value, 0u);
    EXPECT_EQ(Head("1818").value, 24u);
    EXPECT_EQ(Head("1903e8").value, 1000u);
    EXPECT_EQ(Head("1bffffffffffffffff").value, 18446744073709551615u);
    EXPECT_EQ(Head("3903e7").major, CborMajor::kNegative);
    EXPECT_EQ(Head("3903e7").value, 999u);
    EXPECT_EQ(Head("f90001").real, 5.960464477539063e-8);
    EXPECT_EQ(Head("f93c00").real, 1.0);
    EXPECT_EQ(Head("f97bff").real, 65504.0);
    EXPECT_EQ(Head("fa47c35000").real, 100000.0);
    EXPECT_EQ(Head("fb3ff199999999999a").real, 1.1);
    EXPECT_TRUE(Head("f6").IsNull());
    EXPECT_TRUE(Head("f5").IsBool());
    EXPECT_EQ(Head("c1").major, CborMajor::kTag);
}

TEST(Cbor, IndefiniteStringsAreJoined) {
    std::string bytes = *DecodeHex("5f42010243030405ff");
    CborReader reader(bytes);
    auto head = reader.ReadHead();
    EXPECT_EQ(reader.ReadString(*head).value(), std::string("\1\2\3\4\5"));
    EXPECT_TRUE(reader.at_end());
}

TEST(Cbor, WhatIsWrittenIsRead) {
    for (int64_t value : {int64_t{0}, int64_t{23}, int64_t{24}, int64_t{-1}, int64_t{-257}, int64_t{1} << 40,
                          std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()}) {
        std::string out;
        AppendCborInteger(value, out);
        CborHead head = CborReader(out).ReadHead().value();
        int64_t read = head.major == CborMajor::kUnsigned ? static_cast<int64_t>(head.value)
                                                          : -1 - static_cast<int64_t>(head.value);
        EXPECT_EQ(read, value);
    }
    std::string out;
    AppendCborText(std::string(300, 'x'), out);
    CborReader reader(out);
    auto head = reader.ReadHead();
    EXPECT_EQ(reader.ReadString(*head).value(), std::string(300, 'x'));
}

TEST(Cbor, BadBytesAreRefused) {
    for (const char* hex : {"", "18", "1c", "5803", "ff", "1f", "df", "9f01", "bf61", "5f6161ff", "a161", "c1", "df00"}) {
        std::string bytes = *DecodeHex(hex);
        CborReader reader(bytes);
        auto head = reader.ReadHead();
        EXPECT_FALSE(head && reader.Skip(*head)) << hex;
    }
    const std::string deep = std::string(1000, '\x81') + '\0';
    CborReader reader(deep);
    auto head = reader.ReadHead();
    EXPECT_FALSE(reader.Skip(*head));
}

TEST(Cbor, RandomBytesNeverReadOutOfBounds) {
    std::mt19937 random(5);
    for (int round = 0; round < 20000; ++round) {
        std::string bytes(random() % 40, '\0');
        for (char& c : bytes) c = static_cast<char>(random());
        CborReader reader(bytes);
        while (!reader.at_end()) {
            auto head = reader.ReadHead();
            if (!head || !reader.Skip(*head)) break;
        }
    }
}

}  // namespace
}  // namespace wellhead::codec
