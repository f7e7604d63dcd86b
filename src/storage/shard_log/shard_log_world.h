#pragma once
// What a test of a ShardLog stands on: a store and the clock that it goes by.

#include "env/simulated/clock.h"
#include "storage/shard_log/shard_log.h"

namespace wellhead::storage {

class ShardLogWorld {
  public:
    virtual ~ShardLogWorld() = default;
    virtual ShardLogStore& store() = 0;
    env::simulated::SimulatedClock clock;
};

}  // namespace wellhead::storage
