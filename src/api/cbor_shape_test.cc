#include "api/cbor_shape.h"

#include <gtest/gtest.h>

#include <random>

#include "api/reading_test_shape.h"
#include "codec/base64.h"

namespace wellhead::api {
namespace {

base::Result<Reading> Read(std::string_view hex, std::vector<std::string>* absent = nullptr) {
    std::string bytes = *codec::DecodeHex(hex);
    Reading reading;
    std::vector<std::string> missing;
    RETURN_IF_ERROR(ReadCborMembers(bytes, kReading, &reading, missing));
    if (absent != nullptr) *absent = missing;
    return reading;
}

TEST(CborShape, WhatIsWrittenIsRead) {
    Reading reading;
    reading.Well = "w-1";
    reading.Pressure = 1.5;
    reading.Raw = Blob{std::string("\0\xff", 2)};
    reading.At = base::FromUnixMs(1764000000250);
    reading.Tags = {"a", "b"};
    reading.Counts = {{"x", -7}};
    std::string bytes;
    WriteCborMembers(kReading, &reading, bytes);
    Reading back;
    std::vector<std::string> missing;
    ASSERT_TRUE(ReadCborMembers(bytes, kReading, &back, missing).has_value());
    EXPECT_TRUE(missing.empty());
    EXPECT_EQ(back.Well, reading.Well);
    EXPECT_EQ(back.Pressure, reading.Pressure);
    EXPECT_EQ(back.Raw, reading.Raw);
    EXPECT_EQ(back.At, reading.At);
    EXPECT_EQ(back.Tags, reading.Tags);
    EXPECT_EQ(back.Counts, reading.Counts);
}

TEST(CborShape, TimesAreTagOneWithMillisecondsAndAbsentMembersAreLeftOut) {
    Reading reading;
    reading.Well = "w";
    reading.At = base::FromUnixMs(1764000000250);
    std::string bytes;
    WriteCborMembers(kReading, &reading, bytes);
    EXPECT_EQ(codec::EncodeHex(bytes), "a26457656c6c6177624174c11b0000019ab697e8fa");
}

TEST(CborShape, JavasIndefiniteMapsAndUnknownMembersAreRead) {
    // {_ "Well": (_ "w", "-1"), "New": {"a": [1, 2]}, "Pressure": 2, "Tags": [_ "t"], "Raw": null}
    std::string hex = "bf6457656c6c7f6177622d31ff634e6577a16161820102685072657373757265026454616773" 
                      "9f6174ff63526177f6ff";
    auto reading = Read(hex);
    ASSERT_TRUE(reading.has_value()) << reading.error().message;
    EXPECT_EQ(reading->Well, "w-1");
    EXPECT_EQ(reading->Pressure, 2.0);
    EXPECT_EQ(reading->Tags, std::vector<std::string>{"t"});
    EXPECT_FALSE(reading->Raw.has_value());
}

TEST(CborShape, WrongKindsAndMissingMembersAreNamed) {
    EXPECT_EQ(Read("a16457656c6c01").error().message, "Well is not a string");
    EXPECT_EQ(Read("a1635261776161").error().message, "Raw is not a byte string");
    EXPECT_FALSE(Read("80").has_value());
    EXPECT_FALSE(Read("a16457656c6c617700").has_value());
    std::vector<std::string> missing;
    EXPECT_TRUE(Read("a0", &missing).has_value());
    EXPECT_EQ(missing, std::vector<std::string>{"Well"});
}

TEST(CborShape, ErrorsCarryTypeMessageAndMembers) {
    ServiceError error;
    error.code = "E";
    error.message = "m";
    error.members["n"] = 3;
    EXPECT_EQ(codec::EncodeHex(CborErrorBody(error, "message")), "a3616e03665f5f747970656145676d657373616765616d");
}

TEST(CborShape, MutatedBytesNeverReadOutOfBounds) {
    const std::string seed = *codec::DecodeHex(
        "bf6457656c6c7f6177622d31ff634e6577a161618201026850726573737572650264546167739f6174ff63526177f6624174c11b0000019ab697e8faff");
    std::mt19937 random(11);
    for (int round = 0; round < 10000; ++round) {
        std::string bytes = seed;
        for (int i = 0; i < 3; ++i) bytes[random() % bytes.size()] = static_cast<char>(random());
        Reading reading;
        std::vector<std::string> missing;
        auto read = ReadCborMembers(bytes, kReading, &reading, missing);
        static_cast<void>(read);
    }
}

}  // namespace
}  // namespace wellhead::api
