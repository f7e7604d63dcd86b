#pragma once
// Accepts connections, does their TLS handshake within a deadline, and gives each to a StreamHandler.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "env/task.h"
#include "net/stream.h"
#include "net/tls.h"

namespace wellhead::net {

struct ListenerOptions {
    std::string name = "listener";  // for logs
    std::string address = "127.0.0.1";
    uint16_t port = 0;  // 0: any free one
    int backlog = 1024;

    enum class Security {
        kPlain,
        kTls,
        kByFirstByte,  // 0x16 (a TLS handshake record) is TLS, anything else plain
    };
    Security security = Security::kPlain;
    std::shared_ptr<const TlsContext> tls;  // needed but for kPlain

    // From accept to the end of the handshake (and to the first byte, where that decides).
    base::Duration handshake_limit = std::chrono::seconds(10);
    // At this many half-done handshakes the oldest is dropped for a new one: an honest one takes milliseconds.
    size_t max_handshakes = 2000;
    // At this many connections a new one is closed at once.
    size_t max_connections = 50'000;
};

class StreamListener {
  public:
    // Listens when it returns. Connections go round robin to the executors, each the executor of a single-threaded
    // io_context. The handler outlives the listener. kUnavailable when the address is in use.
    static base::Result<std::unique_ptr<StreamListener>> Start(std::vector<env::Executor> executors,
                                                               ListenerOptions options,
                                                               StreamHandler& handler);
    // Stop() was awaited.
    ~StreamListener();

    uint16_t port() const;
    size_t connections() const;
    // For connections from now on, when a certificate was renewed. Thread-safe.
    void SetTls(std::shared_ptr<const TlsContext> tls);

    // Stops accepting, at once. Thread-safe.
    void StopAccepting();
    // Stops accepting, waits up to grace for the handlers to end by themselves, cancels the rest; none runs when it
    // returns.
    env::Task<void> Stop(base::Duration grace);

  private:
    struct State;
    explicit StreamListener(std::shared_ptr<State> state);
    std::shared_ptr<State> state_;
};

}  // namespace wellhead::net
