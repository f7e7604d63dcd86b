#pragma once
// What the versions of HTTP share while a connection lives.

#include <string>

#include "env/clock.h"
#include "net/http.h"
#include "net/http_server.h"
#include "net/stream.h"

namespace wellhead::net {

// A connection that can be asked to end soon. On its executor.
class HttpConnection {
  public:
    virtual ~HttpConnection() = default;
    // Ends after what is under way; at once when nothing is.
    virtual void StopWhenIdle() = 0;
};

struct HttpSetting {
    HttpHandler& handler;
    env::Clock& clock;
    const HttpLimits& limits;
};

// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 5.6.7). Remembered for the second, per thread.
std::string_view HttpDate(base::Instant now);
std::string_view ReasonPhrase(int status);
// The handler's answer, or 500 when it throws. Cancellation passes through.
env::Task<HttpResponse> CallHandler(HttpHandler& handler, HttpRequest& request);
// Whether an answer of this status has a body at all (RFC 9110 6.4.1).
bool StatusHasBody(int status);
// A piece of the file at *offset, of at most want bytes; kIo when the file ends early.
base::Result<base::Bytes> ReadFilePiece(env::File& file, uint64_t offset, uint64_t want);
// What Content-Length is to say: the body's own length, or for HEAD what the handler says it would be.
std::optional<uint64_t> ResponseLength(const HttpResponse& response, bool head_request);

}  // namespace wellhead::net
