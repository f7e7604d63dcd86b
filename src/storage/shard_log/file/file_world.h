#pragma once
// A file store for tests: small segments, one thread a pool, files of the test's choice.

#include <memory>
#include <string>

#include "env/blocking_pool.h"
#include "env/simulated/files.h"
#include "storage/shard_log/file/shard_log_store.h"
#include "storage/shard_log/shard_log_world.h"

namespace wellhead::storage {

inline constexpr file::SegmentSizes kSmallSegments{32 << 10, 128 << 10};

// Pools end first: what was submitted runs before the rest goes.
class FileWorld final : public ShardLogWorld {
  public:
    explicit FileWorld(std::unique_ptr<env::Files> files, std::string root = "/logs", uint64_t seed = 1)
        : files_(std::move(files)),
          random_(seed),
          store_(*files_, clock, random_, writers_, readers_, {std::move(root), kSmallSegments}) {}
    ShardLogStore& store() override { return store_; }
    file::FileShardLogStore& file_store() { return store_; }
    env::simulated::SimulatedFiles& simulated() { return dynamic_cast<env::simulated::SimulatedFiles&>(*files_); }

  private:
    std::unique_ptr<env::Files> files_;
    env::simulated::SeededRandom random_;
    env::BlockingPool writers_{"write", 1};
    env::BlockingPool readers_{"read", 1};
    file::FileShardLogStore store_;
};

inline std::unique_ptr<FileWorld> SimulatedWorld(std::unique_ptr<env::simulated::SimulatedFiles> files = std::make_unique<env::simulated::SimulatedFiles>()) {
    return std::make_unique<FileWorld>(std::move(files));
}

}  // namespace wellhead::storage
