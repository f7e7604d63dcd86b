#pragma once
// wellhead up: runs a node until a signal, with the pipeline deployed.

#include "server/options.h"

namespace wellhead::server {

// The exit status: 0 after a clean stop, 1 when it could not start or the pipeline failed.
int RunUp(UpOptions options);

}  // namespace wellhead::server
