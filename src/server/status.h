#pragma once
// `wellhead env` and `wellhead status`: where the running server is, and how it does.

#include "server/options.h"

namespace wellhead::server {

// Shell lines to be evaluated. The exit status.
int RunEnv(const Options& options);

// 0 while it runs and answers, 3 when it does not run, 1 when that cannot be said.
int RunStatus(const Options& options);

}  // namespace wellhead::server
