#include "env/posix/posix.h"
#include "storage/object_store/file/file_object_store.h"
#include "storage/object_store/memory/memory_object_store.h"
#include "storage/object_store/object_store_contract.h"
#include "storage/table/memory/memory_table.h"

#include <unistd.h>

#include <filesystem>

namespace wellhead::storage {
namespace {

class MemoryFixture final : public StoreFixture {
  public:
    ObjectStore& store() override { return *store_; }

  private:
    std::unique_ptr<env::Clock> clock_ = env::posix::MakeClock();
    std::unique_ptr<ObjectStore> store_ = memory::MakeObjectStore(*clock_);
};

class FileFixture final : public StoreFixture {
  public:
    FileFixture() {
        std::filesystem::remove_all(directory_);
        store_ = RunTask(file::OpenObjectStore({*files_, *clock_, *index_, pool_}, directory_)).value();
    }
    ObjectStore& store() override { return *store_; }

  private:
    const std::string directory_ = testing::TempDir() + "/wellhead-object-contract-" + std::to_string(::getpid());
    std::unique_ptr<env::Files> files_ = env::posix::MakeFiles();
    std::unique_ptr<env::Clock> clock_ = env::posix::MakeClock();
    std::unique_ptr<Table> index_ = memory::MakeTable();
    env::BlockingPool pool_{"objects", 4};
    std::unique_ptr<file::FileObjectStore> store_;
};

std::unique_ptr<StoreFixture> MakeMemoryFixture() { return std::make_unique<MemoryFixture>(); }
std::unique_ptr<StoreFixture> MakeFileFixture() { return std::make_unique<FileFixture>(); }

INSTANTIATE_TEST_SUITE_P(Memory, ObjectStoreContract, testing::Values(&MakeMemoryFixture));
INSTANTIATE_TEST_SUITE_P(File, ObjectStoreContract, testing::Values(&MakeFileFixture));

}  // namespace
}  // namespace wellhead::storage
