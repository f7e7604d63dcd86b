#pragma once
// Streams over streams: what a signature says of a body is checked while the body goes by. The last Read() fails when it
// does not hold, so nothing may be committed before the end was read.

#include <optional>
#include <string>

#include "api/service.h"
#include "api/sha256.h"

namespace wellhead::api {

// kConflict at the end when the bytes do not hash to sha256_hex.
StreamBody MakePayloadHashFilter(StreamBody raw, std::string sha256_hex);

// What the signatures of chunks are chained from (Amazon S3 API reference, "Transferring payload in multiple chunks").
struct ChunkSigning {
    Sha256Digest signing_key;
    std::string timestamp;
    std::string scope;
    std::string seed_signature;  // the request's own
};

struct AwsChunkedOptions {
    std::optional<ChunkSigning> signing = {};  // absent: chunks are unsigned
    // Trailer fields follow the last chunk, signed where chunks are.
    bool trailer = false;
    // Those that x-amz-trailer names; each has to come.
    std::vector<std::string> announced = {};
    std::optional<uint64_t> decoded_length = {};  // x-amz-decoded-content-length
};

// Takes the aws-chunked framing off, chunks of any size. trailers() are the announced names with empty values until the
// end was read, then the fields that came, their signature verified. kInvalidArgument: framing or length do not hold, or
// an announced trailer is missing; kPermission: a signature does not hold.
StreamBody MakeAwsChunkedFilter(StreamBody raw, AwsChunkedOptions options);

}  // namespace wellhead::api
