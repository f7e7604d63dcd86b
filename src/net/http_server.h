#pragma once
// Serves HTTP/1.1 and HTTP/2 (prior knowledge or ALPN), plain and TLS, on one port.

#include <memory>
#include <vector>

#include "env/blocking_pool.h"
#include "env/clock.h"
#include "net/http.h"
#include "net/http1_parser.h"
#include "net/listener.h"

namespace wellhead::net {

struct HttpLimits {
    HeadLimits head;
    base::Duration head_limit = std::chrono::seconds(20);   // first byte of a head to its last
    base::Duration body_limit = std::chrono::seconds(30);   // without progress
    base::Duration idle_limit = std::chrono::seconds(120);  // between requests
    base::Duration write_limit = std::chrono::seconds(60);  // without progress
    // What of a body that the handler did not read is read away so that the connection can be used on.
    uint64_t drain_bytes = 256 * 1024;
    uint32_t max_streams = 1000;            // concurrent, of an HTTP/2 connection
    uint32_t stream_window = 1 << 20;       // bytes of a request body under way
    uint32_t connection_window = 16 << 20;  // of all bodies of an HTTP/2 connection
    size_t max_web_socket_message = 1 << 20;
};

// HTTP on a connection that is there already. Thread-safe.
class HttpProtocol final : public StreamHandler {
  public:
    // handler and clock outlive it.
    HttpProtocol(HttpHandler& handler, env::Clock& clock, HttpLimits limits);
    ~HttpProtocol() override;
    env::Task<void> Serve(Stream& stream) override;
    // Connections of this executor end after what they are doing now; idle ones at once. On that executor.
    void StopWhenIdle(const env::Executor& executor);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

class HttpServer {
  public:
    // Listens when it returns; see StreamListener.
    static base::Result<std::unique_ptr<HttpServer>> Start(std::vector<env::Executor> executors,
                                                           ListenerOptions listener, HttpLimits limits,
                                                           HttpHandler& handler, env::Clock& clock);
    // Stop() was awaited.
    ~HttpServer();
    uint16_t port() const { return listener_->port(); }
    size_t connections() const { return listener_->connections(); }
    void SetTls(std::shared_ptr<const TlsContext> tls) { listener_->SetTls(std::move(tls)); }
    // Stops accepting, lets requests under way end within grace, then breaks off.
    env::Task<void> Stop(base::Duration grace);

  private:
    HttpServer() = default;
    std::vector<env::Executor> executors_;
    std::shared_ptr<HttpProtocol> protocol_;
    std::unique_ptr<StreamListener> listener_;
};

}  // namespace wellhead::net
