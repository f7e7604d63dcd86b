#pragma once
// HTTP/1.1 framing without I/O (RFC 9112), strict: whatever two parsers could read in two ways is refused.

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "net/http.h"

namespace wellhead::net {

// Why a request is refused and the status to say so with. The connection ends after it.
struct HttpViolation {
    int status;
    std::string reason;
};

struct HeadLimits {
    size_t bytes = 64 * 1024;  // request line and fields
    size_t fields = 256;
};

struct RequestHead {
    HttpRequest request;  // without body, peer and TLS
    bool http_1_0 = false;
    bool keep_alive = true;
    bool expects_continue = false;
    bool chunked = false;
    std::optional<uint64_t> length;  // absent without Content-Length
};

// Finds the end of a head that arrives in pieces; looks at each byte once.
class HeadFinder {
  public:
    // data is all that came so far. The size of the head with its empty line, nothing while it is incomplete.
    std::expected<std::optional<size_t>, HttpViolation> Find(std::string_view data, const HeadLimits& limits);
    void Reset() { *this = {}; }

  private:
    size_t scanned_ = 0;
    size_t line_start_ = 0;
};

// head ends with its empty line.
std::expected<RequestHead, HttpViolation> ParseRequestHead(std::string_view head, const HeadLimits& limits);

struct ResponseHead {
    int status = 0;
    bool http_1_0 = false;
    bool keep_alive = true;
    bool chunked = false;
    std::optional<uint64_t> length;
    Headers headers;
};
std::expected<ResponseHead, HttpViolation> ParseResponseHead(std::string_view head, const HeadLimits& limits);

// Takes the chunked coding off (RFC 9112 7.1). Chunks of any size.
class ChunkedDecoder {
  public:
    struct Step {
        size_t consumed;        // of the input
        std::string_view data;  // a part of the input; empty while only framing was read
    };
    // Reads on from input. A step that consumes nothing wants more input.
    std::expected<Step, HttpViolation> Decode(std::string_view input);
    bool done() const { return state_ == State::kDone; }
    // Complete when done.
    const Headers& trailers() const { return trailers_; }

  private:
    enum class State { kSize, kData, kDataEnd, kTrailer, kDone };
    std::expected<Step, HttpViolation> TakeLine(std::string_view input);

    State state_ = State::kSize;
    uint64_t left_ = 0;
    size_t trailer_bytes_ = 0;
    Headers trailers_;
};

// One field line without its CRLF, name lower-cased, value trimmed.
std::expected<Headers::Field, HttpViolation> ParseField(std::string_view line);
// A comma-separated list holds this token, in any case of letters.
bool ListHasToken(std::string_view list, std::string_view lower_case_token);
std::string ToLower(std::string_view text);
// RFC 9110 5.6.2.
bool IsToken(std::string_view text);
// No control characters but tab.
bool IsFieldValue(std::string_view text);

}  // namespace wellhead::net
