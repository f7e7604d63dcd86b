#pragma once
// TLS over a SocketStream.

#include <memory>
#include <string>

#include "net/socket_stream.h"
#include "net/tls.h"

namespace wellhead::net {

// The handshake's own limit is the socket's LimitRead and LimitWrite. kPermission when the other side's certificate
// does not hold, kInvalidArgument when it does not speak TLS, and the socket's errors.
env::Task<base::Result<std::unique_ptr<Stream>>> AcceptTls(std::unique_ptr<SocketStream> socket,
                                                           std::shared_ptr<const TlsContext> context);
// server_name is verified against the certificate; a name (not an address) is also sent as SNI.
env::Task<base::Result<std::unique_ptr<Stream>>> ConnectTls(std::unique_ptr<SocketStream> socket,
                                                            std::shared_ptr<const TlsContext> context,
                                                            std::string server_name);

}  // namespace wellhead::net
