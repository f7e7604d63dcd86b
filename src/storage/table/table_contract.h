#pragma once
// What every Table promises, as tests. table_test.cc runs them on each implementation.

#include <gtest/gtest.h>

#include <memory>

#include "env/run_task.h"
#include "storage/table/table.h"

namespace wellhead::storage {

using env::RunTask;
using TableFactory = std::unique_ptr<Table> (*)();

class TableContract : public testing::TestWithParam<TableFactory> {
  protected:
    base::Result<void> Commit(TableBatch batch) { return RunTask(table_->Commit(std::move(batch))); }
    std::optional<base::Bytes> Get(std::string collection, base::Bytes key) {
        return RunTask(table_->Get(std::move(collection), std::move(key))).value();
    }
    std::vector<base::Bytes> KeysIn(std::string collection, TableRange range) {
        std::vector<base::Bytes> keys;
        auto entries = RunTask(table_->Scan(std::move(collection), std::move(range)));
        for (auto& entry : entries.value()) keys.push_back(entry.key);
        return keys;
    }
    std::unique_ptr<Table> table_ = GetParam()();
};

using Keys = std::vector<base::Bytes>;

TEST_P(TableContract, ACollectionThatWasNeverNamedIsEmpty) {
    EXPECT_EQ(Get("a/never", "k"), std::nullopt);
    EXPECT_TRUE(KeysIn("a/never", {}).empty());
    EXPECT_TRUE(Commit(TableBatch().Delete("a/never", "k")));
}

TEST_P(TableContract, AReadSeesWhatWasCommittedBefore) {
    ASSERT_TRUE(Commit(TableBatch().Put("c", "k", "one")));
    EXPECT_EQ(Get("c", "k"), "one");
    ASSERT_TRUE(Commit(TableBatch().Put("c", "k", "two")));
    EXPECT_EQ(Get("c", "k"), "two");
    ASSERT_TRUE(Commit(TableBatch().Delete("c", "k")));
    EXPECT_EQ(Get("c", "k"), std::nullopt);
}

TEST_P(TableContract, CollectionsDoNotMix) {
    ASSERT_TRUE(Commit(TableBatch().Put("a/b", "k", "1").Put("a/c", "k", "2")));
    EXPECT_EQ(Get("a/b", "k"), "1");
    EXPECT_EQ(Get("a/c", "k"), "2");
    EXPECT_EQ(Get("a", "k"), std::nullopt);
}

TEST_P(TableContract, KeysAndValuesAreBytesAndMayBeEmpty) {
    const base::Bytes zeros("\0a\0", 3);
    ASSERT_TRUE(Commit(TableBatch().Put("c", "", "").Put("c", zeros, zeros).Put("c", "\xff\xfe", "\x80")));
    EXPECT_EQ(Get("c", ""), "");
    EXPECT_EQ(Get("c", zeros), zeros);
    EXPECT_EQ(KeysIn("c", {}), (Keys{"", zeros, "\xff\xfe"}));
}

TEST_P(TableContract, AScanGivesTheRangeInByteOrder) {
    ASSERT_TRUE(Commit(TableBatch().Put("c", "b", "").Put("c", "a", "").Put("c", "a/b", "").Put("c", "\xc3", "")));
    EXPECT_EQ(KeysIn("c", {}), (Keys{"a", "a/b", "b", "\xc3"}));
    EXPECT_EQ(KeysIn("c", {"a/", "b"}), (Keys{"a/b"}));
    EXPECT_EQ(KeysIn("c", {"b", ""}), (Keys{"b", "\xc3"}));
    EXPECT_EQ(KeysIn("c", {"", "", 2}), (Keys{"a", "a/b"}));
    EXPECT_EQ(KeysIn("c", {"", "", 0}), Keys{});
    EXPECT_EQ(KeysIn("c", PrefixRange("a")), (Keys{"a", "a/b"}));
    EXPECT_EQ(KeysIn("c", PrefixRange("a", "a")), (Keys{"a/b"}));
    EXPECT_EQ(KeysIn("c", PrefixRange("", "b")), (Keys{"\xc3"}));
    EXPECT_EQ(KeysIn("c", PrefixRange("\xc3")), (Keys{"\xc3"}));
}

TEST_P(TableContract, ABatchWhosePreconditionFailsChangesNothing) {
    ASSERT_TRUE(Commit(TableBatch().Put("c", "here", "v")));
    auto code = [this](TableBatch batch) {
        auto result = Commit(std::move(batch.Put("c", "new", "x")));
        return result ? std::optional<base::ErrorCode>() : result.error().code;
    };
    EXPECT_EQ(code(TableBatch().RequireAbsent("c", "here")), base::ErrorCode::kConflict);
    EXPECT_EQ(code(TableBatch().RequirePresent("c", "gone")), base::ErrorCode::kConflict);
    EXPECT_EQ(code(TableBatch().RequireValue("c", "here", "w")), base::ErrorCode::kConflict);
    EXPECT_EQ(code(TableBatch().RequireValue("c", "gone", "")), base::ErrorCode::kConflict);
    EXPECT_EQ(code(TableBatch().RequirePresent("unknown", "k")), base::ErrorCode::kConflict);
    EXPECT_EQ(Get("c", "new"), std::nullopt);
    EXPECT_EQ(code(TableBatch().RequireAbsent("unknown", "k").RequireValue("c", "here", "v")), std::nullopt);
    EXPECT_EQ(Get("c", "new"), "x");
}

TEST_P(TableContract, PreconditionsLookAtTheStateBeforeTheBatch) {
    ASSERT_TRUE(Commit(TableBatch().Put("c", "k", "1").RequireAbsent("c", "k")));
    EXPECT_EQ(Get("c", "k"), "1");
    EXPECT_FALSE(Commit(TableBatch().Delete("c", "k").RequireAbsent("c", "k")));
}

TEST_P(TableContract, StepsOfABatchApplyInOrder) {
    ASSERT_TRUE(Commit(TableBatch().Put("c", "k", "1").Delete("c", "k").Put("c", "k", "2")));
    EXPECT_EQ(Get("c", "k"), "2");
    ASSERT_TRUE(Commit(TableBatch().Put("c", "k", "3").Delete("c", "k")));
    EXPECT_EQ(Get("c", "k"), std::nullopt);
}

inline env::Task<void> TakeName(Table& table, std::string who, int& winners) {
    TableBatch batch;
    batch.RequireAbsent("c", "name").Put("c", "name", who).Put("c", who, "");
    auto result = co_await table.Commit(std::move(batch));
    if (result) ++winners;
}

TEST_P(TableContract, OfManyBatchesAtOnceThatClaimANameOneWins) {
    boost::asio::io_context io;
    env::Scope scope;
    int winners = 0;
    for (int i = 0; i < 100; ++i) {
        env::Spawn(scope, io.get_executor(), "take",
                   TakeName(*table_, "w" + std::to_string(i), winners));
    }
    io.run();
    EXPECT_EQ(winners, 1);
    EXPECT_EQ(KeysIn("c", {}).size(), 2u);
}

}  // namespace wellhead::storage
