#include "load/connection.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

namespace bench {

void Die(const char* what) {
    std::perror(what);
    ERR_print_errors_fp(stderr);
    std::exit(1);
}

TlsContext MakeContext(const Endpoint& endpoint) {
    if (!endpoint.tls()) return nullptr;
    TlsContext context(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                        SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_set_read_ahead(context.get(), 1);
    if (SSL_CTX_use_certificate_chain_file(context.get(), endpoint.certificate.c_str()) != 1 ||
        SSL_CTX_use_PrivateKey_file(context.get(), endpoint.key.c_str(), SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_load_verify_locations(context.get(), endpoint.authority.c_str(), nullptr) != 1) {
        Die("certificate");
    }
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    return context;
}

Connection::Connection(const Endpoint& endpoint, SSL_CTX* context, const std::string& client_id, TlsSession* session) {
    descriptor_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(endpoint.port));
    ::inet_pton(AF_INET, endpoint.host.c_str(), &address.sin_addr);
    if (::connect(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) Die("connect");
    const int on = 1;
    ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (context != nullptr) {
        ssl_.reset(SSL_new(context));
        SSL_set_fd(ssl_.get(), descriptor_);
        SSL_set_tlsext_host_name(ssl_.get(), "localhost");
        if (session != nullptr && *session) SSL_set_session(ssl_.get(), session->get());
        if (SSL_connect(ssl_.get()) != 1) Die("TLS handshake");
        resumed_ = SSL_session_reused(ssl_.get()) == 1;
    }
    // Keep alive 0: idle clients have no timer of their own here.
    WriteAll(Packet(0x10, Prefixed("MQTT") + std::string("\x04\x02\x00\x00", 4) + Prefixed(client_id)));
    char answer[4];
    ReadAll(answer, sizeof answer);
    if (answer[0] != 0x20 || answer[3] != 0) Die("refused");
    if (session != nullptr && ssl_) session->reset(SSL_get1_session(ssl_.get()));
}

Connection::~Connection() {
    if (ssl_) {
        // Without the words of it: a session whose connection was just dropped would not be resumed.
        SSL_set_quiet_shutdown(ssl_.get(), 1);
        SSL_shutdown(ssl_.get());
    }
    ::close(descriptor_);
}

void Connection::StopBlocking() { ::fcntl(descriptor_, F_SETFL, ::fcntl(descriptor_, F_GETFL) | O_NONBLOCK); }

ssize_t Connection::Read(char* out, size_t size) {
    if (!ssl_) return ::read(descriptor_, out, size);
    ERR_clear_error();
    size_t got = 0;
    int status = SSL_read_ex(ssl_.get(), out, size, &got);
    if (status == 1) return static_cast<ssize_t>(got);
    switch (SSL_get_error(ssl_.get(), status)) {
        case SSL_ERROR_WANT_READ:
        case SSL_ERROR_WANT_WRITE: errno = EAGAIN; return -1;
        default: return 0;
    }
}

ssize_t Connection::Write(const char* data, size_t size) {
    if (!ssl_) return ::write(descriptor_, data, size);
    ERR_clear_error();
    size_t put = 0;
    int status = SSL_write_ex(ssl_.get(), data, size, &put);
    if (status == 1) return static_cast<ssize_t>(put);
    int error = SSL_get_error(ssl_.get(), status);
    errno = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? EAGAIN : EPIPE;
    return -1;
}

void Connection::WriteAll(const std::string& data) {
    for (size_t at = 0; at < data.size();) {
        ssize_t put = Write(data.data() + at, data.size() - at);
        if (put <= 0) Die("write");
        at += static_cast<size_t>(put);
    }
}

void Connection::ReadAll(char* out, size_t size) {
    for (size_t at = 0; at < size;) {
        ssize_t got = Read(out + at, size - at);
        if (got <= 0) Die("the broker closed");
        at += static_cast<size_t>(got);
    }
}

std::string Prefixed(const std::string& text) {
    return std::string{static_cast<char>(text.size() >> 8), static_cast<char>(text.size())} + text;
}

std::string Packet(uint8_t first, const std::string& body) {
    std::string out(1, static_cast<char>(first));
    size_t left = body.size();
    do {
        uint8_t byte = left & 0x7F;
        left >>= 7;
        out.push_back(static_cast<char>(left > 0 ? byte | 0x80 : byte));
    } while (left > 0);
    return out + body;
}

}  // namespace bench
