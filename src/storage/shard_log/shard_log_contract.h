#pragma once
// What every ShardLog keeps, whatever it is made of. An implementation's test derives a store maker and instantiates
// the suite with it.

#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "base/check.h"
#include "env/run_task.h"
#include "storage/shard_log/shard_log_world.h"

namespace wellhead::storage {

class ShardLogContract : public testing::TestWithParam<std::function<std::unique_ptr<ShardLogWorld>()>> {
  protected:
    void SetUp() override {
        world_ = GetParam()();
        log_ = Open("a/b");
    }
    std::shared_ptr<ShardLog> Open(std::string name) { return env::RunTask(world_->store().Open(name)).value(); }
    AppendedRange Append(std::vector<std::string> data) {
        std::vector<NewLogRecord> records;
        for (const auto& item : data) records.push_back({"k", item});
        return env::RunTask(log_->Append(std::move(records))).value();
    }
    std::vector<LogRecord> Read(LogOffset from, size_t max_records = 1000, size_t max_bytes = 1 << 20) {
        return env::RunTask(log_->Read(from, max_records, max_bytes)).value();
    }
    LogOffset Seek(base::Instant time) { return env::RunTask(log_->Seek(time)).value(); }

    std::unique_ptr<ShardLogWorld> world_;
    std::shared_ptr<ShardLog> log_;
};

inline env::Task<void> KeepExtent(ShardLog& log, LogOffset after, LogOffset& seen) {
    co_await log.WaitForMore(after, std::chrono::seconds(20));
    seen = log.extent().next;
}
inline env::Task<void> AppendOne(ShardLog& log) {
    std::vector<NewLogRecord> records{{"k", "late"}};
    auto appended = co_await log.Append(std::move(records));
    CHECK(appended.has_value());
}

TEST_P(ShardLogContract, OffsetsCountFromZeroWithoutGaps) {
    EXPECT_EQ(log_->extent().next, 0u);
    EXPECT_EQ(Append({"a", "b"}).first, 0u);
    EXPECT_EQ(Append({"c"}).first, 2u);
    EXPECT_EQ(log_->extent().next, 3u);
    EXPECT_EQ(log_->extent().first, 0u);
}

TEST_P(ShardLogContract, ReadsBackWhatWasAppendedInOrder) {
    for (int i = 0; i < 300; ++i) Append({"record-" + std::to_string(i), std::string(static_cast<size_t>(i * 7), 'x')});
    auto records = Read(10, 500);
    ASSERT_EQ(records.size(), 500u);
    for (size_t i = 0; i < records.size(); ++i) {
        EXPECT_EQ(records[i].offset, 10 + i);
        EXPECT_EQ(records[i].key, "k");
        size_t n = records[i].offset / 2;
        EXPECT_EQ(records[i].data, records[i].offset % 2 == 0 ? "record-" + std::to_string(n) : std::string(n * 7, 'x'));
    }
}

TEST_P(ShardLogContract, AReadStopsBeforeTheByteLimitButGivesAtLeastOne) {
    Append({std::string(100, 'a'), std::string(100, 'b'), std::string(100, 'c')});
    EXPECT_EQ(Read(0, 10, 250).size(), 2u);
    EXPECT_EQ(Read(0, 10, 1).size(), 1u);
    EXPECT_EQ(Read(0, 2).size(), 2u);
    EXPECT_TRUE(Read(3).empty());
    EXPECT_TRUE(Read(1000).empty());
}

TEST_P(ShardLogContract, EmptyKeysAndDataAreRecordsToo) {
    std::vector<NewLogRecord> records{{{}, {}}, {"", "x"}};
    ASSERT_TRUE(env::RunTask(log_->Append(std::move(records))).has_value());
    ASSERT_EQ(Read(0).size(), 2u);
    EXPECT_EQ(Read(0)[0].data, "");
    EXPECT_EQ(Read(0)[1].data, "x");
}

TEST_P(ShardLogContract, ArrivalsNeverGoBack) {
    auto first = Append({"a"}).arrival;
    world_->clock.SetNow(first - std::chrono::hours(1));
    EXPECT_GE(Append({"b"}).arrival, first);
    EXPECT_GE(Read(0)[1].arrival, Read(0)[0].arrival);
}

TEST_P(ShardLogContract, SeekFindsTheFirstRecordAtOrAfterATime) {
    std::vector<base::Instant> arrivals;
    for (int i = 0; i < 200; ++i) {
        arrivals.push_back(Append({std::string(500, 'x')}).arrival);
        world_->clock.Advance(std::chrono::seconds(1));
    }
    for (size_t i = 0; i < arrivals.size(); i += 13) {
        EXPECT_EQ(Seek(arrivals[i]), i);
        EXPECT_EQ(Seek(arrivals[i] + std::chrono::milliseconds(1)), i + 1);
    }
    EXPECT_EQ(Seek(base::FromUnixMs(0)), 0u);
    EXPECT_EQ(Seek(world_->clock.Now() + std::chrono::hours(1)), 200u);
}

TEST_P(ShardLogContract, AFollowerIsWokenByTheNextRecord) {
    boost::asio::io_context io;
    env::Scope scope;
    LogOffset seen = 0;
    env::Spawn(scope, io.get_executor(), "follow", KeepExtent(*log_, 0, seen));
    env::Spawn(scope, io.get_executor(), "append", AppendOne(*log_));
    io.run();
    EXPECT_EQ(seen, 1u);
}

TEST_P(ShardLogContract, WaitingForWhatIsThereReturnsAtOnce) {
    Append({"a"});
    LogOffset seen = 0;
    env::RunTask(KeepExtent(*log_, 0, seen));
    EXPECT_EQ(seen, 1u);
}

TEST_P(ShardLogContract, TrimmingMayDropOldRecordsAndKeepsTheOthers) {
    for (int i = 0; i < 100; ++i) {
        Append({std::string(4000, 'x')});
        world_->clock.Advance(std::chrono::seconds(1));
    }
    ASSERT_TRUE(env::RunTask(log_->Trim(50)).has_value());
    EXPECT_LE(log_->extent().first, 50u);
    EXPECT_EQ(log_->extent().next, 100u);
    auto records = Read(0, 1000);
    ASSERT_FALSE(records.empty());
    EXPECT_EQ(records.front().offset, log_->extent().first);
    EXPECT_EQ(records.back().offset, 99u);
    auto arrival = Read(80)[0].arrival;
    ASSERT_TRUE(env::RunTask(log_->TrimByTime(arrival)).has_value());
    EXPECT_LE(log_->extent().first, 80u);
    EXPECT_EQ(Read(80)[0].offset, 80u);
    EXPECT_EQ(Append({"more"}).first, 100u);
}

TEST_P(ShardLogContract, LogsAreListedByPrefixAndRemoved) {
    Open("a/c");
    Open("x");
    EXPECT_EQ(env::RunTask(world_->store().List("a/")).value(), (std::vector<std::string>{"a/b", "a/c"}));
    ASSERT_TRUE(env::RunTask(world_->store().Remove("x")).has_value());
    EXPECT_EQ(env::RunTask(world_->store().List("")).value(), (std::vector<std::string>{"a/b", "a/c"}));
    EXPECT_EQ(env::RunTask(world_->store().Remove("none")).error().code, base::ErrorCode::kNotFound);
}

TEST_P(ShardLogContract, ANameOpenedTwiceIsOneLog) {
    auto again = Open("a/b");
    Append({"a"});
    EXPECT_EQ(again->extent().next, 1u);
}

}  // namespace wellhead::storage
