#pragma once
// An ObjectStore in memory, for tests: every promise but durability and paths.

#include <memory>

#include "env/clock.h"
#include "storage/object_store/object_store.h"

namespace wellhead::storage::memory {

// clock outlives it.
std::unique_ptr<ObjectStore> MakeObjectStore(env::Clock& clock);

}  // namespace wellhead::storage::memory
