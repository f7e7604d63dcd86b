#pragma once
// The aws-chunked framing as a state machine: bytes in, body bytes and trailer fields out. Verifies chunk and trailer
// signatures.
//     hex-size [";chunk-signature=" hex] CRLF data CRLF ... "0" [...] CRLF (name ":" value CRLF)* CRLF

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/body_filters.h"
#include "base/result.h"

namespace wellhead::api {

class AwsChunkedDecoder {
  public:
    explicit AwsChunkedDecoder(AwsChunkedOptions options);

    // Reads on from input and takes what it used off its front. The data is a part of what was input; empty while more
    // is needed or when done.
    base::Result<std::string_view> Decode(std::string_view& input);
    // The input has ended: fails unless everything was there.
    base::Result<void> End();
    bool done() const { return state_ == State::kDone; }
    // The announced ones with empty values until done, then those that came.
    std::vector<std::pair<std::string, std::string>> trailers() const;

  private:
    enum class State { kSize, kData, kDataEnd, kTrailer, kDone };
    base::Result<void> OnSizeLine(std::string_view line);
    base::Result<void> OnChunkEnd();
    base::Result<void> OnTrailerLine(std::string_view line);
    base::Result<void> OnEnd();

    const AwsChunkedOptions options_;
    State state_ = State::kSize;
    uint64_t left_ = 0;
    uint64_t decoded_ = 0;
    Sha256 chunk_hash_;
    std::string chunk_signature_;
    std::string previous_signature_;
    std::string trailer_signature_;
    size_t trailer_bytes_ = 0;
    std::string canonical_trailers_;
    std::vector<std::pair<std::string, std::string>> trailers_;
};

}  // namespace wellhead::api
