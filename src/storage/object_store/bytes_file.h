#pragma once
// Bytes in memory that read like a file.

#include <memory>

#include "base/bytes.h"
#include "env/files.h"

namespace wellhead::storage {

// Read-only: writes fail with kPermission.
std::shared_ptr<env::File> MakeBytesFile(std::shared_ptr<const base::Bytes> contents);

}  // namespace wellhead::storage
