#pragma once
// Makes a connection to another program.

#include <memory>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "env/task.h"
#include "net/stream.h"
#include "net/tls.h"

namespace wellhead::net {

struct ConnectOptions {
    std::string host;  // a name or a numeric address
    uint16_t port = 0;
    std::shared_ptr<const TlsContext> tls;  // null: plain
    // SNI, and the name the certificate is verified for; empty: host.
    std::string server_name;
    base::Duration limit = std::chrono::seconds(10);
};

// A connected (and handshaken) stream on the calling task's executor. kUnavailable, kTimeout, kPermission (the
// certificate does not hold).
env::Task<base::Result<std::unique_ptr<Stream>>> Connect(ConnectOptions options);

}  // namespace wellhead::net
