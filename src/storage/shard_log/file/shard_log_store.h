#pragma once
// The shard logs of one directory.

#include <memory>
#include <string>

#include "env/scope.h"
#include "storage/shard_log/file/file_shard_log.h"

namespace wellhead::storage::file {

struct ShardLogStoreSettings {
    std::string root;
    SegmentSizes segment_sizes;
};

class FileShardLogStore final : public ShardLogStore {
  public:
    // All of them outlive the store. writers run commits (four threads or so), readers everything else that blocks.
    FileShardLogStore(env::Files& files, env::Clock& clock, env::Random& random, env::BlockingPool& writers,
                      env::BlockingPool& readers, ShardLogStoreSettings settings);
    // Every log was let go; what that started may go on on the pools.
    ~FileShardLogStore() override;

    env::Task<base::Result<std::shared_ptr<ShardLog>>> Open(std::string name) override;
    env::Task<base::Result<void>> Remove(std::string name) override;
    env::Task<base::Result<std::vector<std::string>>> List(std::string prefix) override;

    // Notes once a second how far each log got, until cancelled. The owner spawns it.
    env::Task<void> KeepCheckpoints();
    // The same once, for all logs; blocking.
    void CheckpointAll();

  private:
    struct Names;
    base::Result<std::shared_ptr<FileShardLog>> OpenBlocking(const std::string& name);
    base::Result<void> RemoveBlocking(const std::string& name);
    void ListBlocking(const std::string& name, std::vector<std::string>& found);
    std::string DirectoryOf(const std::string& name) const { return root_ + "/" + name; }

    const std::shared_ptr<LogWorld> shared_world_;  // a log that is being let go has it too
    LogWorld& world_;
    const std::string root_;
    std::shared_ptr<Names> names_;
};

// Whether name is a relative path of [A-Za-z0-9._-] segments, none of them "." or "..".
bool IsLogName(std::string_view name);

}  // namespace wellhead::storage::file
