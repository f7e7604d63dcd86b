#include "api/aws_chunked.h"

#include <gtest/gtest.h>

#include <random>

#include "api/sigv4.h"
#include "env/run_task.h"

namespace wellhead::api {
namespace {

using base::ErrorCode;
using Trailers = std::vector<std::pair<std::string, std::string>>;

// Gives its bytes in pieces.
class Pieces final : public ByteStream {
  public:
    Pieces(std::string bytes, size_t size) : bytes_(std::move(bytes)), size_(size) {}
    env::Task<base::Result<base::Bytes>> Read() override {
        base::Bytes piece = bytes_.substr(0, size_);
        bytes_.erase(0, size_);
        co_return piece;
    }
    std::optional<uint64_t> length() const override { return std::nullopt; }

  private:
    std::string bytes_;
    const size_t size_;
};

struct Outcome {
    base::Result<std::string> body = std::string();
    Trailers trailers;
};

env::Task<Outcome> ReadIt(StreamBody stream) {
    Outcome outcome;
    for (;;) {
        auto piece = co_await stream->Read();
        if (!piece) {
            outcome.body = std::unexpected(piece.error());
            break;
        }
        if (piece->empty()) break;
        *outcome.body += *piece;
    }
    outcome.trailers = stream->trailers();
    co_return outcome;
}

Outcome Decode(const std::string& wire, AwsChunkedOptions options, size_t piece = 1 << 20) {
    return env::RunTask(ReadIt(MakeAwsChunkedFilter(std::make_unique<Pieces>(wire, piece), std::move(options))));
}

// Amazon S3 API reference, "Signature calculations for the Authorization header: transferring payload in multiple
// chunks": 65 KiB of 'a' in chunks of 64 KiB.
AwsChunkedOptions DocumentedSigning(std::string seed) {
    AwsChunkedOptions options;
    options.signing = ChunkSigning{SigningKey("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "20130524", "us-east-1", "s3"),
                                   "20130524T000000Z", "20130524/us-east-1/s3/aws4_request", std::move(seed)};
    options.decoded_length = 66560;
    return options;
}

std::string DocumentedBody() {
    return "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n" +
           std::string(65536, 'a') +
           "\r\n400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n" +
           std::string(1024, 'a') +
           "\r\n0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n";
}

TEST(AwsChunked, TheDocumentedSignedChunksVerify) {
    AwsChunkedOptions options = DocumentedSigning("4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9");
    for (size_t piece : {1u, 7u, 1000u, 1u << 20}) {
        Outcome outcome = Decode(DocumentedBody(), options, piece);
        ASSERT_TRUE(outcome.body.has_value()) << outcome.body.error().message;
        EXPECT_EQ(*outcome.body, std::string(66560, 'a'));
    }
}

TEST(AwsChunked, AFlippedByteOrSignatureOrMissingChunkIsRefused) {
    AwsChunkedOptions options = DocumentedSigning("4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9");
    std::string good = DocumentedBody();
    for (size_t at : {30u, 1000u, 65700u, 66700u}) {
        std::string bad = good;
        bad[at] = bad[at] == 'b' ? 'c' : 'b';
        Outcome outcome = Decode(bad, options);
        ASSERT_FALSE(outcome.body.has_value()) << at;
        EXPECT_EQ(outcome.body.error().code, ErrorCode::kPermission) << at;
    }
    EXPECT_FALSE(Decode(good.substr(0, 66000), options).body.has_value());
    std::string unsigned_chunks = "5\r\nhello\r\n0\r\n\r\n";
    options.decoded_length = 5;
    EXPECT_EQ(Decode(unsigned_chunks, options).body.error().code, ErrorCode::kPermission);
    AwsChunkedOptions other_seed = DocumentedSigning(std::string(64, '0'));
    EXPECT_EQ(Decode(good, other_seed).body.error().code, ErrorCode::kPermission);
}

TEST(AwsChunked, UnsignedChunksGiveTheirTrailersOnceTheEndWasRead) {
    AwsChunkedOptions options;
    options.trailer = true;
    options.announced = {"x-amz-checksum-crc32"};
    options.decoded_length = 11;
    std::string wire = "5\r\nhello\r\n6\r\n world\r\n0\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\n";
    for (size_t piece : {1u, 3u, 100u}) {
        Outcome outcome = Decode(wire, options, piece);
        ASSERT_TRUE(outcome.body.has_value()) << outcome.body.error().message;
        EXPECT_EQ(*outcome.body, "hello world");
        EXPECT_EQ(outcome.trailers, (Trailers{{"x-amz-checksum-crc32", "DUoRhQ=="}}));
    }
    auto fresh = MakeAwsChunkedFilter(std::make_unique<Pieces>(wire, 100), options);
    EXPECT_EQ(fresh->trailers(), (Trailers{{"x-amz-checksum-crc32", ""}}));
    EXPECT_EQ(fresh->length(), 11u);
}

TEST(AwsChunked, AMissingTrailerOrAWrongLengthIsRefused) {
    AwsChunkedOptions options;
    options.trailer = true;
    options.announced = {"x-amz-checksum-crc32"};
    EXPECT_EQ(Decode("5\r\nhello\r\n0\r\n\r\n", options).body.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(Decode("5\r\nhello\r\n0\r\nx-other: 1\r\n\r\n", options).body.error().code, ErrorCode::kInvalidArgument);
    AwsChunkedOptions length;
    length.decoded_length = 6;
    EXPECT_FALSE(Decode("5\r\nhello\r\n0\r\n\r\n", length).body.has_value());
    length.decoded_length = 4;
    EXPECT_FALSE(Decode("5\r\nhello\r\n0\r\n\r\n", length).body.has_value());
    length.decoded_length = 5;
    EXPECT_TRUE(Decode("5\r\nhello\r\n0\r\n\r\n", length).body.has_value());
}

TEST(AwsChunked, SignedTrailersVerifyAndChangedOnesDoNot) {
    AwsChunkedOptions options = DocumentedSigning("seed");
    options.trailer = true;
    options.announced = {"x-amz-checksum-crc32c"};
    options.decoded_length = 5;
    const ChunkSigning& signing = *options.signing;
    auto chunk = [&](const std::string& previous, const std::string& data) {
        return SignString(signing.signing_key, "AWS4-HMAC-SHA256-PAYLOAD\n20130524T000000Z\n" + signing.scope + "\n" +
                                                   previous + "\n" + std::string(kEmptyPayloadHash) + "\n" +
                                                   Sha256Hex(data));
    };
    std::string first = chunk("seed", "hello");
    std::string last = chunk(first, "");
    std::string trailer = "x-amz-checksum-crc32c:sOO8/Q==\n";
    std::string trailer_signature =
        SignString(signing.signing_key, "AWS4-HMAC-SHA256-TRAILER\n20130524T000000Z\n" + signing.scope + "\n" + last +
                                            "\n" + Sha256Hex(trailer));
    std::string head = "5;chunk-signature=" + first + "\r\nhello\r\n0;chunk-signature=" + last + "\r\n";
    std::string good = head + "x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:" + trailer_signature + "\r\n\r\n";
    std::string documented =
        head + "x-amz-checksum-crc32c:sOO8/Q==\n\r\nx-amz-trailer-signature:" + trailer_signature + "\r\n\r\n";
    EXPECT_EQ(Decode(good, options).body, "hello");
    EXPECT_EQ(Decode(documented, options).body, "hello");
    std::string changed = good;
    changed.replace(changed.find("sOO8"), 4, "sOO9");
    EXPECT_EQ(Decode(changed, options).body.error().code, ErrorCode::kPermission);
    std::string without = head + "x-amz-checksum-crc32c:sOO8/Q==\r\n\r\n";
    EXPECT_FALSE(Decode(without, options).body.has_value());
}

TEST(AwsChunked, BadFramingIsRefused) {
    for (const char* bad : {"x\r\n", "\r\n", "5\nhello", "5\r\nhelloXX0\r\n\r\n", "-5\r\n", "5;chunk\r\nhell", "",
                            "10000000000000000\r\n", "0\r\nnonsense\r\n\r\n", "5\r\nhello\r\n0\r\n\r\nmore"}) {
        EXPECT_FALSE(Decode(bad, {}).body.has_value()) << bad;
        EXPECT_FALSE(Decode(bad, {}, 1).body.has_value()) << bad;
    }
}

TEST(AwsChunked, AHugeChunkGoesThroughWithoutBeingHeld) {
    std::string_view input = "ffffffffffff\r\nabc";
    AwsChunkedDecoder decoder({});
    EXPECT_EQ(decoder.Decode(input).value(), "abc");
    input = "def";
    EXPECT_EQ(decoder.Decode(input).value(), "def");
}

TEST(AwsChunked, MutatedBodiesNeverReadOutOfBounds) {
    const std::string seed = "5;chunk-signature=00\r\nhello\r\n0\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\n";
    std::mt19937 random(3);
    for (int round = 0; round < 5000; ++round) {
        std::string wire = seed;
        for (int i = 0; i < 3; ++i) wire[random() % wire.size()] = static_cast<char>(random());
        AwsChunkedOptions options;
        options.trailer = random() % 2 == 0;
        Decode(wire, options, 1 + random() % 20);
    }
}

TEST(PayloadHash, TheLastReadFailsWhenTheBytesAreOthers) {
    auto right = MakePayloadHashFilter(std::make_unique<Pieces>("hello", 2), Sha256Hex("hello"));
    EXPECT_EQ(env::RunTask(ReadIt(std::move(right))).body, "hello");
    auto wrong = MakePayloadHashFilter(std::make_unique<Pieces>("hellO", 2), Sha256Hex("hello"));
    EXPECT_EQ(env::RunTask(ReadIt(std::move(wrong))).body.error().code, ErrorCode::kConflict);
}

}  // namespace
}  // namespace wellhead::api
