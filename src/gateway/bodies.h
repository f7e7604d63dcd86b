#pragma once
// Bodies of one side made into bodies of the other.

#include "api/wire.h"
#include "net/http.h"

namespace wellhead::gateway {

// Reads from the connection, which outlives it.
api::StreamBody FromConnection(net::BodyReader& reader);
// status, headers and body of the service's answer.
net::HttpResponse ToHttp(api::WireResponse response);

}  // namespace wellhead::gateway
