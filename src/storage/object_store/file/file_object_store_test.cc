#include "storage/object_store/file/file_object_store.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>

#include "env/posix/posix.h"
#include "env/run_task.h"
#include "storage/table/sqlite/sqlite_table.h"

namespace wellhead::storage::file {
namespace {

using env::RunTask;
namespace fs = std::filesystem;

// Long enough to have a file from the start.
base::Bytes Long(base::Bytes text) { return text + base::Bytes(20000, '.'); }

std::string PathOf(const Object& object) { return RunTask(object.Path()).value(); }

env::Task<base::Result<ObjectMetadata>> PutOne(ObjectStore& store, base::Bytes key, base::Bytes contents) {
    auto writer = store.NewWriter("lake");
    auto written = co_await writer->Write(std::move(contents));
    if (!written) co_return std::unexpected(written.error());
    co_return co_await writer->Commit(std::move(key), "", ObjectCondition());
}

// A directory that a store is opened on again and again, as restarts do.
class FileObjectStoreTest : public testing::Test {
  protected:
    FileObjectStoreTest() {
        fs::remove_all(root_);
        Reopen();
        EXPECT_TRUE(RunTask(run_->store->CreateBucket("lake", "")));
    }
    void Reopen() {
        run_.reset();
        run_ = std::make_unique<Run>(*files_, *clock_, root_);
    }
    std::vector<std::string> FilesOnDisk() const {
        std::vector<std::string> paths;
        for (const auto& entry : fs::recursive_directory_iterator(root_ + "/objects")) {
            if (entry.is_regular_file()) paths.push_back(fs::relative(entry.path(), root_ + "/objects"));
        }
        return paths;
    }
    ObjectStore& store() { return *run_->store; }
    void CollectOrphans() {
        ASSERT_TRUE(RunTask(run_->store->CollectOrphans()));
        Reopen();  // waits for the removals
    }

    struct Run {
        Run(env::Files& files, env::Clock& clock, const std::string& root)
            : index(sqlite::OpenTable(files, {.path = root + "/metadata.sqlite"}).value()),
              store(RunTask(OpenObjectStore({files, clock, *index, pool}, root + "/objects")).value()) {}
        std::unique_ptr<Table> index;
        env::BlockingPool pool{"objects", 2};
        std::unique_ptr<FileObjectStore> store;
    };
    const std::string root_ = testing::TempDir() + "/wellhead-object-file-" + std::to_string(::getpid());
    std::unique_ptr<env::Files> files_ = env::posix::MakeFiles();
    std::unique_ptr<env::Clock> clock_ = env::posix::MakeClock();
    std::unique_ptr<Run> run_;
};

TEST_F(FileObjectStoreTest, AnObjectIsAReadableFileOfTheLake) {
    ASSERT_TRUE(RunTask(PutOne(store(), "year=2026/month=11/p.parquet", "PAR1")));
    auto object = RunTask(store().Get("lake", "year=2026/month=11/p.parquet")).value();
    EXPECT_EQ(env::ReadWholeFile(*files_, PathOf(*object), 100).value(), "PAR1");
    EXPECT_NE(PathOf(*object).find("/objects/lake/year=2026/month=11/p~"), std::string::npos);
    EXPECT_TRUE(PathOf(*object).ends_with(".parquet"));
}

TEST_F(FileObjectStoreTest, ReplacedVersionsLeaveTheDiskOnceNobodyReadsThem) {
    ASSERT_TRUE(RunTask(PutOne(store(), "a/k", Long("1"))));
    auto read = RunTask(store().Get("lake", "a/k")).value();
    ASSERT_TRUE(RunTask(PutOne(store(), "a/k", Long("2"))));
    EXPECT_TRUE(fs::exists(PathOf(*read)));
    const std::string path = PathOf(*read);
    read.reset();
    Reopen();
    EXPECT_FALSE(fs::exists(path));
    EXPECT_EQ(FilesOnDisk().size(), 1u);
    ASSERT_TRUE(RunTask(store().Delete("lake", "a/k", {})));
    Reopen();
    EXPECT_TRUE(FilesOnDisk().empty());
    EXPECT_FALSE(fs::exists(root_ + "/objects/lake/a"));
}

TEST_F(FileObjectStoreTest, AWriterThatIsGivenUpLeavesNothing) {
    {
        auto writer = store().NewWriter("lake");
        ASSERT_TRUE(RunTask(writer->Write(base::Bytes(3 << 20, 'x'))));
    }
    Reopen();
    EXPECT_TRUE(FilesOnDisk().empty());
}

TEST_F(FileObjectStoreTest, OthersAreWrittenAfterTheOnlyWriterWasGivenUp) {
    {
        auto writer = store().NewWriter("lake");
        ASSERT_TRUE(RunTask(writer->Write(base::Bytes(3 << 20, 'x'))));
    }
    auto nothing = [] {};
    while (!FilesOnDisk().empty()) RunTask(env::RunBlocking(run_->pool, nothing));
    auto writer = store().NewWriter("lake");
    EXPECT_TRUE(RunTask(writer->Write(base::Bytes(3 << 20, 'y'))));
    EXPECT_TRUE(RunTask(writer->Commit("k", "", {})));
}

TEST_F(FileObjectStoreTest, ObjectsAreThereAfterARestartAndOrphansAreNot) {
    ASSERT_TRUE(RunTask(PutOne(store(), "k", Long("kept"))));
    ASSERT_TRUE(RunTask(PutOne(store(), "deep/er/k", Long("kept too"))));
    // As a kill leaves them: named but not registered, and still in staging.
    ASSERT_TRUE(env::ReplaceFileDurably(*files_, root_ + "/objects/lake/k~1", "orphan"));
    ASSERT_TRUE(env::ReplaceFileDurably(*files_, root_ + "/objects/lake/gone~2.json", "orphan"));
    ASSERT_TRUE(env::ReplaceFileDurably(*files_, root_ + "/objects/.staging/3", "half"));
    ASSERT_TRUE(env::ReplaceFileDurably(*files_, root_ + "/objects/lake/notes.txt", "not ours"));
    Reopen();
    CollectOrphans();
    EXPECT_EQ(FilesOnDisk().size(), 3u);
    EXPECT_TRUE(fs::exists(root_ + "/objects/lake/notes.txt"));
    EXPECT_TRUE(RunTask(store().Get("lake", "k")).value()->Verify());
    EXPECT_TRUE(RunTask(store().Get("lake", "deep/er/k")).value()->Verify());
}

TEST_F(FileObjectStoreTest, GenerationsDoNotRepeatOverRestarts) {
    auto first = RunTask(PutOne(store(), "k", "1")).value();
    Reopen();
    auto second = RunTask(PutOne(store(), "k", "2")).value();
    EXPECT_GT(second.generation, first.generation);
}

TEST_F(FileObjectStoreTest, DamageIsNoticedNamedAndContained) {
    ASSERT_TRUE(RunTask(PutOne(store(), "flipped", std::string(50000, 'a'))));
    ASSERT_TRUE(RunTask(PutOne(store(), "short", std::string(50000, 'b'))));
    ASSERT_TRUE(RunTask(PutOne(store(), "gone", Long("c"))));
    ASSERT_TRUE(RunTask(PutOne(store(), "fine", Long("d"))));
    auto flipped = RunTask(store().Get("lake", "flipped")).value();
    auto file = files_->Open(PathOf(*flipped), env::OpenMode::kReadWrite).value();
    ASSERT_TRUE(file->WriteAt(4000, "b"));
    auto shortened = RunTask(store().Get("lake", "short")).value();
    ASSERT_TRUE(files_->Open(PathOf(*shortened), env::OpenMode::kReadWrite).value()->Truncate(4096));
    auto gone = RunTask(store().Get("lake", "gone")).value();
    fs::remove(PathOf(*gone));

    EXPECT_EQ(flipped->Verify().error().code, base::ErrorCode::kCorrupt);
    EXPECT_NE(flipped->Verify().error().message.find(PathOf(*flipped)), std::string::npos);
    EXPECT_EQ(shortened->Open().error().code, base::ErrorCode::kCorrupt);
    EXPECT_EQ(gone->Open().error().code, base::ErrorCode::kCorrupt);
    EXPECT_TRUE(RunTask(store().Get("lake", "fine")).value()->Verify());
    ASSERT_TRUE(RunTask(PutOne(store(), "flipped", "mended")));
    EXPECT_TRUE(RunTask(store().Get("lake", "flipped")).value()->Verify());
}

TEST_F(FileObjectStoreTest, ASmallObjectGetsItsFileWhenAskedForAndSurvivesRestartsBeforeAndAfter) {
    ASSERT_TRUE(RunTask(PutOne(store(), "a/small.json", "{}")));
    EXPECT_TRUE(FilesOnDisk().empty());
    Reopen();
    auto object = RunTask(store().Get("lake", "a/small.json")).value();
    EXPECT_EQ(object->contents(), "{}");
    EXPECT_EQ(env::ReadWholeFile(*files_, PathOf(*object), 100).value(), "{}");
    EXPECT_EQ(FilesOnDisk().size(), 1u);
    object.reset();
    Reopen();
    object = RunTask(store().Get("lake", "a/small.json")).value();
    EXPECT_FALSE(object->contents());
    EXPECT_TRUE(object->Verify());
    EXPECT_TRUE(RunTask(run_->index->Scan("objects/small", {})).value().empty());
    ASSERT_TRUE(RunTask(store().Delete("lake", "a/small.json", {})));
    EXPECT_TRUE(fs::exists(PathOf(*object)));
    object.reset();
    Reopen();
    EXPECT_TRUE(FilesOnDisk().empty());
}

TEST_F(FileObjectStoreTest, ASmallObjectThatIsReplacedWhileItIsReadKeepsItsFileAsLongAsTheReader) {
    ASSERT_TRUE(RunTask(PutOne(store(), "k", "old")));
    auto old = RunTask(store().Get("lake", "k")).value();
    ASSERT_TRUE(RunTask(PutOne(store(), "k", "new")));
    EXPECT_EQ(RunTask(run_->index->Scan("objects/small", {})).value().size(), 1u);
    const std::string path = PathOf(*old);
    EXPECT_EQ(env::ReadWholeFile(*files_, path, 100).value(), "old");
    old.reset();
    Reopen();
    EXPECT_FALSE(fs::exists(path));
    EXPECT_EQ(RunTask(store().Get("lake", "k")).value()->contents(), "new");
}

}  // namespace
}  // namespace wellhead::storage::file
