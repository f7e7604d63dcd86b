#pragma once
// `wellhead simulate`: wells as clients of the running server.

#include "server/options.h"

namespace wellhead::server {

// Returns the exit code, once the duration has passed or the process was asked to stop.
int RunSimulate(const SimulateOptions& options);

}  // namespace wellhead::server
