#pragma once
// A TCP port that nobody listens on now.

#include <cstdint>
#include <string>

#include "base/result.h"

namespace wellhead::server {

// For services that must know their address before they listen. Another process may take it meanwhile: listening then
// fails with kUnavailable.
base::Result<uint16_t> FreePort(const std::string& address);

}  // namespace wellhead::server
