#pragma once
// TLS 1.2 and 1.3 by OpenSSL: what a side shows and what it asks for. Immutable; shared by connections and threads.

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace wellhead::net {

// A certificate with what leads to its authority, and the key.
struct TlsIdentity {
    std::string certificate_chain_pem;
    std::string private_key_pem;
};

enum class ClientCertificate {
    kNone,
    kOptional,  // asked for
    kRequired,  // the handshake fails without
};

struct TlsServerOptions {
    TlsIdentity identity = {};
    // Whether one is asked for. Which one to trust is the handler's decision: the handshake only proves that the
    // client has the key.
    ClientCertificate client_certificate = ClientCertificate::kNone;
    // Names of these authorities go into the request, for clients that choose among certificates. PEM, may be empty.
    std::string client_authorities_pem = {};
    // Agreed on in this order; a client that offers none of them goes on without.
    std::vector<std::string> alpn = {};
};

struct TlsClientOptions {
    // Authorities to trust; empty: those of the operating system.
    std::string authorities_pem = {};
    // Certificate and host name are verified. Only tests and a user's explicit wish turn it off.
    bool verify = true;
    // Shown when the server asks; empty: none.
    TlsIdentity identity = {};
    std::vector<std::string> alpn = {};
};

class TlsContext {
  public:
    // kInvalidArgument when a certificate or key does not parse or they do not belong together.
    static base::Result<std::shared_ptr<const TlsContext>> MakeServer(const TlsServerOptions& options);
    static base::Result<std::shared_ptr<const TlsContext>> MakeClient(const TlsClientOptions& options);
    ~TlsContext();
    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;

    struct Native;  // in tls_native.h, for the streams of this folder
    const Native& native() const { return *native_; }

  private:
    explicit TlsContext(std::unique_ptr<Native> native);
    std::unique_ptr<Native> native_;
};

}  // namespace wellhead::net
