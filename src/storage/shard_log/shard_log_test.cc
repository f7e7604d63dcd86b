#include <unistd.h>

#include <filesystem>

#include "env/posix/posix.h"
#include "storage/shard_log/file/file_world.h"
#include "storage/shard_log/memory/memory_shard_log.h"
#include "storage/shard_log/shard_log_contract.h"

namespace wellhead::storage {
namespace {

class MemoryWorld final : public ShardLogWorld {
  public:
    ShardLogStore& store() override { return *store_; }

  private:
    std::unique_ptr<ShardLogStore> store_ = memory::MakeShardLogStore(clock);
};

INSTANTIATE_TEST_SUITE_P(Memory, ShardLogContract, testing::Values([]() -> std::unique_ptr<ShardLogWorld> {
                             return std::make_unique<MemoryWorld>();
                         }));

INSTANTIATE_TEST_SUITE_P(Simulated, ShardLogContract, testing::Values([]() -> std::unique_ptr<ShardLogWorld> {
                             return SimulatedWorld();
                         }));
INSTANTIATE_TEST_SUITE_P(Posix, ShardLogContract, testing::Values([]() -> std::unique_ptr<ShardLogWorld> {
                             std::string root = testing::TempDir() + "/wellhead-shard-log-" + std::to_string(getpid());
                             std::filesystem::remove_all(root);
                             return std::make_unique<FileWorld>(env::posix::MakeFiles(), root);
                         }));

}  // namespace
}  // namespace wellhead::storage
