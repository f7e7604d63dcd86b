#pragma once
// What remote clients of all protocols share.

#include <string_view>

#include "api/service.h"
#include "api/wire.h"

namespace wellhead::api {

ServiceError RemoteError(int status, std::string_view code, std::string_view message);
// The request did not reach the other side, or its answer did not reach us.
ServiceError TransportError(const base::Error& error);
env::Task<base::Result<base::Bytes>> BodyOf(WireResponse& response);
ServiceError JsonErrorOf(const WireResponse& response, const base::Bytes& body);

}  // namespace wellhead::api
