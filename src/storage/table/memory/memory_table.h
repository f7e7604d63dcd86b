#pragma once
// A Table in memory, for tests: every promise but durability.

#include <memory>

#include "storage/table/table.h"

namespace wellhead::storage::memory {

std::unique_ptr<Table> MakeTable();

}  // namespace wellhead::storage::memory
