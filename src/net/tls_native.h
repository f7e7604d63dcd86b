#pragma once
// OpenSSL's side of a TlsContext; for the streams of this folder alone.

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <vector>

#include "net/tls.h"

namespace wellhead::net {

struct SslContextDeleter {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
struct SslDeleter {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
};

struct TlsContext::Native {
    std::unique_ptr<SSL_CTX, SslContextDeleter> context;
    std::vector<std::string> alpn;
    bool verify = true;  // client side
};

// The newest of this thread's OpenSSL errors in words; empties the queue.
std::string TakeTlsErrors();

}  // namespace wellhead::net
