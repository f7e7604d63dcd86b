#pragma once
// The other direction: generated clients speak through this to another Wellhead, to AWS or to anything like it.

#include <memory>

#include "api/sigv4.h"
#include "api/wire.h"
#include "env/clock.h"
#include "net/http_client.h"

namespace wellhead::gateway {

// Signs each request with identity and sends it to endpoint. client and clock outlive it. A body that is a stream goes
// with its payload unsigned where the service allows that (S3), and is read into memory elsewhere.
std::unique_ptr<api::Transport> MakeTransport(net::HttpClient& client, net::HttpEndpoint endpoint,
                                              api::SigningIdentity identity, env::Clock& clock);

}  // namespace wellhead::gateway
