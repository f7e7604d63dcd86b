#pragma once
// Shard logs in memory, for tests: every promise but durability.

#include <memory>

#include "env/clock.h"
#include "storage/shard_log/shard_log.h"

namespace wellhead::storage::memory {

// clock outlives the store and its logs.
std::unique_ptr<ShardLogStore> MakeShardLogStore(env::Clock& clock);

}  // namespace wellhead::storage::memory
