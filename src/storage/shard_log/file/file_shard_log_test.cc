#include <gtest/gtest.h>

#include <map>
#include <thread>

#include "env/run_task.h"
#include "env/simulated/files.h"
#include "storage/shard_log/file/file_world.h"

namespace wellhead::storage {
namespace {

using env::simulated::Call;
using env::simulated::Fault;
using env::simulated::SimulatedFiles;

std::string DataOf(LogOffset offset, size_t size) {
    std::string data = "record " + std::to_string(offset) + " ";
    data.resize(std::max(data.size(), size), static_cast<char>('a' + offset % 26));
    return data;
}

base::Result<AppendedRange> AppendSizes(ShardLog& log, const std::vector<size_t>& sizes) {
    std::vector<std::string> data;
    LogOffset next = log.extent().next;
    for (size_t size : sizes) data.push_back(DataOf(next++, size));
    std::vector<NewLogRecord> records;
    for (const auto& item : data) records.push_back({"key", item});
    return env::RunTask(log.Append(std::move(records)));
}

// Every record there is, by offset. Ranges that are lost are stepped over and noted.
std::map<LogOffset, std::string> ReadAll(ShardLog& log, std::vector<LogExtent>* lost = nullptr) {
    std::map<LogOffset, std::string> all;
    LogOffset at = log.extent().first;
    while (at < log.extent().next) {
        auto records = env::RunTask(log.Read(at, 7, 50'000));
        if (!records) {
            EXPECT_EQ(records.error().code, base::ErrorCode::kCorrupt) << records.error().message;
            auto range = log.lost_at(at);
            if (!range) {
                ADD_FAILURE() << "kCorrupt without a lost range at " << at;
                return all;
            }
            if (lost) lost->push_back(*range);
            at = range->next;
            continue;
        }
        if (records->empty()) break;
        for (auto& record : *records) {
            EXPECT_GE(record.offset, at);
            at = record.offset + 1;
            all[record.offset] = record.data;
        }
    }
    return all;
}

TEST(FileShardLog, AReopenedLogHasItsRecordsAndGoesOn) {
    auto files = std::make_unique<SimulatedFiles>();
    auto world = SimulatedWorld(std::move(files));
    auto log = env::RunTask(world->store().Open("log")).value();
    for (size_t i = 0; i < 400; ++i) ASSERT_TRUE(AppendSizes(*log, std::vector<size_t>(i % 5 + 1, i * 3 % 1500)));
    LogOffset next = log->extent().next;
    auto before = ReadAll(*log);
    size_t steps = world->simulated().steps();
    auto image = world->simulated().CrashImage(steps, 1);
    log.reset();
    auto again = SimulatedWorld(std::move(image));
    auto reopened = env::RunTask(again->store().Open("log")).value();
    EXPECT_EQ(reopened->extent().next, next);
    EXPECT_TRUE(ReadAll(*reopened) == before);
    EXPECT_EQ(AppendSizes(*reopened, {10}).value().first, next);
}

TEST(FileShardLog, SmallCommitsShareBlocks) {
    auto world = SimulatedWorld();
    auto log = env::RunTask(world->store().Open("log")).value();
    for (int i = 0; i < 250; ++i) ASSERT_TRUE(AppendSizes(*log, {100}));
    // 250 records of 115 bytes are 8 blocks; written beside each other they need at most twice that.
    auto contents = world->simulated().Contents("/logs/log/0000000001.seg").value();
    size_t used = contents.find_last_not_of('\0') / file::kBlockSize + 1;
    EXPECT_LE(used, 17u);
    EXPECT_EQ(ReadAll(*log).size(), 250u);
}

// F3: whatever instant the power goes, what was acknowledged is there, once, and offsets are not given out again.
TEST(FileShardLog, AnyCrashKeepsEveryAcknowledgedRecord) {
    for (uint64_t seed = 1; seed <= 12; ++seed) {
        env::simulated::SeededRandom random(seed);
        auto world = SimulatedWorld();
        auto log = env::RunTask(world->store().Open("log")).value();
        std::map<size_t, std::map<LogOffset, std::string>> acknowledged;  // steps at the time -> the commit
        for (int i = 0; i < 60; ++i) {
            std::vector<size_t> sizes(random.Below(4) + 1);
            for (auto& size : sizes) size = random.Below(3) == 0 ? random.Below(12'000) : random.Below(300);
            LogOffset first = AppendSizes(*log, sizes).value().first;
            auto& commit = acknowledged[world->simulated().steps()];
            for (size_t j = 0; j < sizes.size(); ++j) commit[first + j] = DataOf(first + j, sizes[j]);
            if (i % 20 == 19) world->file_store().CheckpointAll();
        }
        for (int crash = 0; crash < 40; ++crash) {
            size_t steps = random.Below(world->simulated().steps() + 1);
            auto after = SimulatedWorld(world->simulated().CrashImage(steps, seed * 1000 + static_cast<uint64_t>(crash)));
            auto recovered = env::RunTask(after->store().Open("log")).value();
            std::vector<LogExtent> lost;
            auto found = ReadAll(*recovered, &lost);
            EXPECT_TRUE(lost.empty()) << "seed " << seed << " crash " << crash << " steps " << steps;
            LogOffset end = 0;
            for (const auto& [at, commit] : acknowledged) {
                if (at > steps) continue;
                for (const auto& [offset, data] : commit) {
                    ASSERT_TRUE(found.contains(offset)) << "seed " << seed << " crash " << crash << " offset " << offset;
                    EXPECT_TRUE(found[offset] == data);
                    end = std::max(end, offset + 1);
                }
            }
            EXPECT_GE(recovered->extent().next, end);
            // It goes on, and goes on after one more crash.
            LogOffset first = AppendSizes(*recovered, {100, 5000}).value().first;
            EXPECT_GE(first, end);
            auto twice = SimulatedWorld(after->simulated().CrashImage(after->simulated().steps(), seed));
            auto last = env::RunTask(twice->store().Open("log")).value();
            lost.clear();
            auto found_twice = ReadAll(*last, &lost);
            EXPECT_TRUE(lost.empty());
            EXPECT_EQ(found_twice.size(), found.size() + 2);
            EXPECT_TRUE(found_twice[first + 1] == DataOf(first + 1, 5000));
        }
    }
}

// F7: damage is found, named, and everything outside it stays.
TEST(FileShardLog, AnyFlippedBitIsFoundAndContained) {
    auto world = SimulatedWorld();
    auto log = env::RunTask(world->store().Open("log")).value();
    for (size_t i = 0; i < 120; ++i) ASSERT_TRUE(AppendSizes(*log, {i * 37 % 6000, 20}));
    auto before = ReadAll(*log);
    LogOffset next = log->extent().next;
    world->file_store().CheckpointAll();
    log.reset();
    env::simulated::SeededRandom random(7);
    for (int round = 0; round < 60; ++round) {
        auto image = world->simulated().CrashImage(world->simulated().steps(), 1);
        std::vector<std::string> segments;
        for (const auto& path : image->Paths()) {
            if (path.ends_with(".seg")) segments.push_back(path);
        }
        std::string path = segments[random.Below(segments.size())];
        auto contents = image->Contents(path).value();
        size_t used = contents.find_last_not_of('\0');
        if (used == std::string::npos) continue;
        size_t at = random.Below(used + 1);
        if (round % 2 == 0) {
            image->Overwrite(path, at, std::string(1, static_cast<char>(contents[at] ^ (1 << random.Below(8)))));
        } else {
            image->Overwrite(path, at / 4096 * 4096, std::string(4096, '\0'));
        }
        auto after = SimulatedWorld(std::move(image));
        auto damaged = env::RunTask(after->store().Open("log")).value();
        EXPECT_GE(damaged->extent().next, next);
        std::vector<LogExtent> lost;
        auto found = ReadAll(*damaged, &lost);
        for (const auto& [offset, data] : before) {
            bool named = false;
            for (const auto& range : lost) named |= offset >= range.first && offset < range.next;
            ASSERT_EQ(found.contains(offset), !named) << "round " << round << " offset " << offset;
            if (!named) {
                EXPECT_TRUE(found[offset] == data);
            }
        }
        size_t missing = before.size() - found.size();
        EXPECT_LE(missing, 40u) << "one block holds fewer";
        EXPECT_GE(AppendSizes(*damaged, {5}).value().first, next);
    }
}

TEST(FileShardLog, DamagedStateAndIndexFilesCostNothing) {
    auto world = SimulatedWorld();
    auto log = env::RunTask(world->store().Open("log")).value();
    for (size_t i = 0; i < 100; ++i) ASSERT_TRUE(AppendSizes(*log, {3000}));
    auto before = ReadAll(*log);
    log.reset();
    for (std::string victim : {"state", "0000000001.idx"}) {
        auto image = world->simulated().CrashImage(world->simulated().steps(), 1);
        std::string path = "/logs/log/" + victim;
        if (!image->Contents(path)) continue;
        image->Overwrite(path, 0, std::string(image->Contents(path)->size(), 'x'));
        auto after = SimulatedWorld(std::move(image));
        auto damaged = env::RunTask(after->store().Open("log")).value();
        EXPECT_TRUE(ReadAll(*damaged) == before) << victim;
        EXPECT_EQ(AppendSizes(*damaged, {5}).value().first, before.size());
    }
}

// F5
TEST(FileShardLog, AFailedWriteIsNotAcknowledgedAndMakesTheLogReadOnly) {
    auto world = SimulatedWorld();
    auto log = env::RunTask(world->store().Open("log")).value();
    auto other = env::RunTask(world->store().Open("other")).value();
    ASSERT_TRUE(AppendSizes(*log, {10}));
    world->simulated().Inject(Fault{.call = Call::kWrite, .path = "logs/log/", .write_half = true});
    EXPECT_EQ(AppendSizes(*log, {10}).error().code, base::ErrorCode::kIo);
    EXPECT_EQ(AppendSizes(*log, {10}).error().code, base::ErrorCode::kReadOnly);
    EXPECT_EQ(ReadAll(*log).size(), 1u);
    EXPECT_TRUE(AppendSizes(*other, {10}));
}

// F6
TEST(FileShardLog, AFullDiskRefusesAndRecoversByItself) {
    auto world = SimulatedWorld();
    auto log = env::RunTask(world->store().Open("log")).value();
    world->simulated().SetCapacity(100 << 10);
    size_t written = 0;
    base::Result<AppendedRange> result;
    for (; written < 1000; ++written) {
        result = AppendSizes(*log, {3000});
        if (!result) break;
    }
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().code, base::ErrorCode::kLimit);
    EXPECT_EQ(ReadAll(*log).size(), written);
    world->simulated().SetCapacity(10 << 20);
    EXPECT_EQ(AppendSizes(*log, {3000}).value().first, written);
}

TEST(FileShardLog, ARemovedLogIsGoneOnceItsLastUserLetsGo) {
    auto world = SimulatedWorld();
    auto log = env::RunTask(world->store().Open("log")).value();
    ASSERT_TRUE(AppendSizes(*log, {10}));
    ASSERT_TRUE(env::RunTask(world->store().Remove("log")));
    EXPECT_EQ(ReadAll(*log).size(), 1u);
    EXPECT_TRUE(env::RunTask(world->store().List("")).value().empty());
    log.reset();
    // The pool has one thread: this waits for what the letting go started.
    for (int i = 0; i < 1000 && !world->simulated().Paths().empty(); ++i) std::this_thread::yield();
    auto again = env::RunTask(world->store().Open("log"));
    if (again) {
        EXPECT_EQ((*again)->extent().next, 0u);
    }
}

TEST(FileShardLog, LogNamesStayInsideTheRoot) {
    for (const char* name : {"", "/a", "a/", "a//b", "..", "a/../b", "a b", "a\\b"}) EXPECT_FALSE(file::IsLogName(name));
    for (const char* name : {"a", "kinesis/9b2d/shardId-000000000000", "A.b_c"}) EXPECT_TRUE(file::IsLogName(name));
}

}  // namespace
}  // namespace wellhead::storage
