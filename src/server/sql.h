#pragma once
// `wellhead sql`: a query through the Athena API of the running server.

#include <string>

#include "server/options.h"

namespace wellhead::server {

// Prints the result on standard output. The exit status: 0, or 1 when the query failed (the reason on standard error).
int RunSql(const SqlOptions& options, const std::string& data_dir);

}  // namespace wellhead::server
