#pragma once
// A file of the work directory as a request's body, read piece by piece.

#include <memory>

#include "api/service.h"
#include "env/blocking_pool.h"
#include "env/files.h"

namespace wellhead::services::athena {

// The whole file as it is now. Blocks. The pool outlives the stream.
base::Result<api::StreamBody> OpenFileStream(env::Files& files, env::BlockingPool& pool, const std::string& path);

}  // namespace wellhead::services::athena
