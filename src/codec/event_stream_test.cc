#include "codec/event_stream.h"

#include <gtest/gtest.h>

#include <random>

#include "codec/base64.h"
#include "codec/crc.h"

namespace wellhead::codec {
namespace {

// A frame as others encode it: no headers, no payload; then with one header and a JSON payload (the test vectors of the
// AWS SDKs).
const char* kEmpty = "000000100000000005c248eb7d98c8ff";
const char* kJson =
    "0000003d0000002007fd83960c636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e7b27666f6f273a27626172277d8d9c08b1";

std::string WithSums(std::string frame) {
    auto put = [&](size_t at, uint32_t value) {
        for (int i = 0; i < 4; ++i) frame[at + static_cast<size_t>(i)] = static_cast<char>(value >> (24 - 8 * i));
    };
    if (frame.size() < 16) return frame;
    put(8, Crc32(base::ByteView(frame).substr(0, 8)));
    put(frame.size() - 4, Crc32(base::ByteView(frame).substr(0, frame.size() - 4)));
    return frame;
}

TEST(EventStream, TheVectorsOfTheSdksAreRead) {
    auto empty = DecodeEventFrame(*DecodeHex(kEmpty));
    ASSERT_TRUE(empty && *empty);
    EXPECT_EQ((*empty)->size, 16u);
    auto json = DecodeEventFrame(*DecodeHex(kJson));
    ASSERT_TRUE(json && *json);
    EXPECT_EQ((*json)->Header("content-type"), "application/json");
    EXPECT_EQ((*json)->payload, "{'foo':'bar'}");
}

TEST(EventStream, AFrameIsReadOnceItIsWhole) {
    std::string bytes = *DecodeHex(kJson) + "next";
    for (size_t size = 0; size < bytes.size() - 4; ++size) {
        auto frame = DecodeEventFrame(base::ByteView(bytes).substr(0, size));
        EXPECT_TRUE(frame && !*frame) << size;
    }
    EXPECT_EQ((*DecodeEventFrame(bytes))->size, bytes.size() - 4);
}

TEST(EventStream, AFlippedBitIsNoticed) {
    std::string good = *DecodeHex(kJson);
    for (size_t at = 0; at < good.size(); ++at) {
        std::string bad = good;
        bad[at] = static_cast<char>(bad[at] ^ 1);
        EXPECT_FALSE(DecodeEventFrame(bad).has_value()) << at;
    }
}

TEST(EventStream, MutatedFramesWithGoodSumsNeverReadOutOfBounds) {
    std::mt19937 random(17);
    for (int round = 0; round < 5000; ++round) {
        std::string bytes = *DecodeHex(kJson);
        for (int i = 0; i < 3; ++i) bytes[random() % bytes.size()] = static_cast<char>(random());
        auto frame = DecodeEventFrame(WithSums(std::move(bytes)));
        static_cast<void>(frame);
    }
}

}  // namespace
}  // namespace wellhead::codec
