#pragma once
// HTTP/1.1 to another program: connections are kept and used again, per executor.

#include <memory>
#include <string>
#include <variant>

#include "base/result.h"
#include "env/task.h"
#include "net/connect.h"
#include "net/http.h"

namespace wellhead::net {

struct HttpEndpoint {
    bool tls = false;
    std::string host;
    uint16_t port = 0;
    // "http://host:port" or "https://host"; a path is not taken. kInvalidArgument.
    static base::Result<HttpEndpoint> Parse(std::string_view url);
    // As in Host: without a port that is the scheme's own.
    std::string Authority() const;
};

struct HttpClientOptions {
    std::shared_ptr<const TlsContext> tls;  // for https
    base::Duration connect_limit = std::chrono::seconds(10);
    // From the last byte of the request to the first of the answer; also between pieces of the answer's body.
    base::Duration answer_limit = std::chrono::seconds(60);
    base::Duration write_limit = std::chrono::seconds(60);
    size_t max_idle_per_endpoint = 16;
};

struct HttpClientRequest {
    std::string method = "GET";
    std::string target = "/";
    Headers headers;  // Host, Content-Length and connection handling are the client's
    std::variant<base::Bytes, std::unique_ptr<BodySource>> body;
    // For a source whose length is known; otherwise it goes chunked.
    std::optional<uint64_t> length;
};

struct HttpClientResponse {
    int status = 0;
    Headers headers;
    std::unique_ptr<BodyReader> body;  // never null; not read to its end, its connection is closed
};

// Used from any single-threaded executor; each has its own connections. Destroyed when none of them runs any more, or all
// answers are gone and Close() ran on each.
class HttpClient {
  public:
    explicit HttpClient(HttpClientOptions options);
    ~HttpClient();

    // kUnavailable, kTimeout, kPermission (certificate), kInvalidArgument (the answer is not HTTP).
    env::Task<base::Result<HttpClientResponse>> Send(HttpEndpoint endpoint, HttpClientRequest request);
    // Closes this executor's idle connections.
    env::Task<void> Close();

  private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace wellhead::net
