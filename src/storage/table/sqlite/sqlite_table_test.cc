#include "storage/table/sqlite/sqlite_table.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>

#include "env/posix/posix.h"
#include "env/run_task.h"

namespace wellhead::storage {
namespace {

using env::RunTask;

env::Files& HostFiles() {
    static const auto files = env::posix::MakeFiles();
    return *files;
}

std::string FreshPath() {
    std::string dir = testing::TempDir() + "/wellhead-table-test-" + std::to_string(::getpid());
    std::filesystem::remove_all(dir);
    return dir + "/metadata.sqlite";
}

env::Task<void> PutMany(Table& table, int first, int& failures) {
    for (int i = first; i < first + 50; ++i) {
        TableBatch batch;
        batch.Put("c", std::to_string(i), std::string(100, 'v'));
        auto result = co_await table.Commit(std::move(batch));
        if (!result) ++failures;
    }
}

TEST(SqliteTable, WhatWasCommittedIsThereAfterReopening) {
    std::string path = FreshPath();
    {
        auto table = sqlite::OpenTable(HostFiles(), {.path = path}).value();
        boost::asio::io_context io;
        env::Scope scope;
        int failures = 0;
        for (int i = 0; i < 20; ++i) {
            env::Spawn(scope, io.get_executor(), "put", PutMany(*table, i * 50, failures));
        }
        io.run();
        EXPECT_EQ(failures, 0);
    }
    auto table = sqlite::OpenTable(HostFiles(), {.path = path}).value();
    EXPECT_EQ(RunTask(table->Scan("c", {})).value().size(), 1000u);
}

TEST(SqliteTable, AtItsSizeLimitItRefusesChangesNothingAndTakesSmallerOnes) {
    auto table = sqlite::OpenTable(HostFiles(), {.path = FreshPath(), .max_size_bytes = 128 << 10}).value();
    ASSERT_TRUE(RunTask(table->Commit(TableBatch().Put("c", "a", "1"))));
    auto result = RunTask(table->Commit(
        TableBatch().Put("c", "a", "2").Put("c", "big", std::string(1 << 20, 'x'))));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, base::ErrorCode::kLimit);
    EXPECT_EQ(RunTask(table->Get("c", "a")).value(), "1");
    EXPECT_TRUE(RunTask(table->Commit(TableBatch().Put("c", "b", "small"))));
}

TEST(SqliteTable, AFileThatIsNotATableIsReportedAsDamaged) {
    std::string path = FreshPath();
    ASSERT_TRUE(HostFiles().MakeDirectories(std::filesystem::path(path).parent_path()));
    ASSERT_TRUE(env::ReplaceFileDurably(HostFiles(), path, std::string(8192, 'x')));
    auto table = sqlite::OpenTable(HostFiles(), {.path = path});
    ASSERT_FALSE(table);
    EXPECT_EQ(table.error().code, base::ErrorCode::kCorrupt);
    EXPECT_NE(table.error().message.find(path), std::string::npos);
}

TEST(SqliteTable, AFlippedBitInAValueIsNoticed) {
    std::string path = FreshPath();
    {
        auto table = sqlite::OpenTable(HostFiles(), {.path = path}).value();
        ASSERT_TRUE(RunTask(table->Commit(TableBatch().Put("c", "a", "fine").Put("c", "k", "MARKED-VALUE"))));
    }
    auto contents = env::ReadWholeFile(HostFiles(), path, 1 << 20).value();
    size_t at = contents.find("MARKED-VALUE");
    ASSERT_NE(at, std::string::npos);
    contents[at] ^= 1;
    ASSERT_TRUE(env::ReplaceFileDurably(HostFiles(), path, contents));
    auto table = sqlite::OpenTable(HostFiles(), {.path = path}).value();
    EXPECT_EQ(RunTask(table->Get("c", "k")).error().code, base::ErrorCode::kCorrupt);
    EXPECT_EQ(RunTask(table->Scan("c", {})).error().code, base::ErrorCode::kCorrupt);
    EXPECT_EQ(RunTask(table->Get("c", "a")).value(), "fine");
    EXPECT_TRUE(RunTask(table->Commit(TableBatch().Put("c", "k", "mended"))));
    EXPECT_EQ(RunTask(table->Get("c", "k")).value(), "mended");
}

}  // namespace
}  // namespace wellhead::storage
