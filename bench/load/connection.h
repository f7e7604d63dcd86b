#pragma once
// One MQTT client of a load generator: a socket, perhaps TLS on it, and nothing else, so that the broker is what is
// measured.

#include <openssl/ssl.h>
#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>

namespace bench {

struct Endpoint {
    std::string host = "127.0.0.1";
    int port = 1883;
    // Mutual TLS when given: PEM files.
    std::string certificate;
    std::string key;
    std::string authority;
    bool tls() const { return !certificate.empty(); }
};

[[noreturn]] void Die(const char* what);

struct ContextDeleter {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
struct StreamDeleter {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
};
struct SessionDeleter {
    void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
};
using TlsContext = std::unique_ptr<SSL_CTX, ContextDeleter>;
using TlsSession = std::unique_ptr<SSL_SESSION, SessionDeleter>;

// Null without TLS.
TlsContext MakeContext(const Endpoint& endpoint);

class Connection {
  public:
    // Connected, by blocking calls, the CONNACK read. session: resumed when it holds one; gets the newest.
    Connection(const Endpoint& endpoint, SSL_CTX* context, const std::string& client_id, TlsSession* session = nullptr);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    void StopBlocking();
    int descriptor() const { return descriptor_; }
    bool resumed() const { return resumed_; }
    bool tls() const { return ssl_ != nullptr; }
    // As read and write: -1 and EAGAIN when it cannot go on now.
    ssize_t Read(char* out, size_t size);
    ssize_t Write(const char* data, size_t size);
    void WriteAll(const std::string& data);
    void ReadAll(char* out, size_t size);

  private:
    int descriptor_ = -1;
    bool resumed_ = false;
    std::unique_ptr<SSL, StreamDeleter> ssl_;
};

// A string with its length in front.
std::string Prefixed(const std::string& text);
// A packet: first byte, length, body.
std::string Packet(uint8_t first, const std::string& body);

}  // namespace bench
