#include "env/posix/posix.h"
#include "storage/table/memory/memory_table.h"
#include "storage/table/sqlite/sqlite_table.h"
#include "storage/table/table_contract.h"

#include <unistd.h>

#include <filesystem>

namespace wellhead::storage {
namespace {

std::unique_ptr<Table> MakeSqliteTable() {
    static const auto files = env::posix::MakeFiles();
    std::string dir = testing::TempDir() + "/wellhead-table-contract-" + std::to_string(::getpid());
    std::filesystem::remove_all(dir);
    return std::move(sqlite::OpenTable(*files, {.path = dir + "/metadata.sqlite"}).value());
}

INSTANTIATE_TEST_SUITE_P(Memory, TableContract, testing::Values(&memory::MakeTable));
INSTANTIATE_TEST_SUITE_P(Sqlite, TableContract, testing::Values(&MakeSqliteTable));

}  // namespace
}  // namespace wellhead::storage
