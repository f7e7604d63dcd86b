#include "services/kinesis/kinesis_service.h"

#include <gtest/gtest.h>

#include <set>

#include "env/blocking_pool.h"
#include "env/run_task.h"
#include "env/simulated/clock.h"
#include "env/simulated/random.h"
#include "storage/shard_log/memory/memory_shard_log.h"
#include "storage/table/memory/memory_table.h"

namespace wellhead::services::kinesis {
namespace {

namespace k = apis::kinesis;

// Everything a service stands on; Restart forgets what only memory held.
class KinesisServiceTest : public testing::Test {
  protected:
    KinesisServiceTest() { Restart(); }
    ~KinesisServiceTest() override { Run(service_->Close()); }

    void Restart() {
        if (service_) Run(service_->Close());
        auto opened = Get(KinesisService::Open({clock_, random_, *table_, *logs_}, {"123456789012", "eu-central-1", {}}));
        ASSERT_TRUE(opened.has_value());
        service_ = std::move(*opened);
    }
    // Background tasks live on the same io_context; it is run only as long as the task lasts.
    template <class T>
    static env::Task<void> Keep(env::Task<T> task, std::optional<T>& out) {
        out.emplace(co_await std::move(task));
    }
    template <class T>
    T Get(env::Task<T> task) {
        std::optional<T> out;
        env::Scope scope;
        env::Spawn(scope, io_.get_executor(), "test", Keep<T>(std::move(task), out));
        io_.restart();
        while (!out || scope.running() > 0) io_.run_one();
        return std::move(*out);
    }
    void Run(env::Task<void> task) {
        env::Scope scope;
        env::Spawn(scope, io_.get_executor(), "test", std::move(task));
        io_.restart();
        while (scope.running() > 0) io_.run_one();
    }

    void Create(std::string name, int32_t shards) {
        k::CreateStreamInput input;
        input.StreamName = std::move(name);
        input.ShardCount = shards;
        ASSERT_TRUE(Get(service_->CreateStream(context_, std::move(input))).has_value());
    }
    k::PutRecordOutput Put(std::string key, std::string data) {
        k::PutRecordInput input;
        input.StreamName = "s";
        input.PartitionKey = std::move(key);
        input.Data.bytes = std::move(data);
        return Get(service_->PutRecord(context_, std::move(input))).value();
    }
    std::vector<k::Shard> Shards() {
        k::ListShardsInput input;
        input.StreamName = "s";
        return *Get(service_->ListShards(context_, std::move(input))).value().Shards;
    }
    std::string Iterator(std::string shard, std::string type, std::optional<std::string> number = {},
                         std::optional<api::Timestamp> time = {}) {
        k::GetShardIteratorInput input;
        input.StreamName = "s";
        input.ShardId = std::move(shard);
        input.ShardIteratorType = std::move(type);
        input.StartingSequenceNumber = std::move(number);
        input.Timestamp = time;
        return Get(service_->GetShardIterator(context_, std::move(input))).value().ShardIterator.value();
    }
    api::Outcome<k::GetRecordsOutput> Read(std::string iterator, std::optional<int32_t> limit = {}) {
        k::GetRecordsInput input;
        input.ShardIterator = std::move(iterator);
        input.Limit = limit;
        return Get(service_->GetRecords(context_, std::move(input)));
    }
    std::vector<std::string> DataFrom(std::string iterator) {
        std::vector<std::string> data;
        auto read = Read(std::move(iterator)).value();
        for (auto& record : read.Records) data.push_back(record.Data.bytes);
        return data;
    }

    boost::asio::io_context io_;
    env::simulated::SimulatedClock clock_;
    env::simulated::SeededRandom random_{1};
    std::unique_ptr<storage::Table> table_ = storage::memory::MakeTable();
    std::unique_ptr<storage::ShardLogStore> logs_ = storage::memory::MakeShardLogStore(clock_);
    api::CallContext context_;
    std::unique_ptr<KinesisService> service_;
};

const std::string kFirstShard = "shardId-000000000000";

TEST(HashKey, IsTheMd5OfThePartitionKey) {
    EXPECT_EQ(FormatHashKey(HashOf("")), "281949768489412648962353822266799178366");  // d41d8cd98f00b204e9800998ecf8427e
    EXPECT_EQ(FormatHashKey(kMaxHashKey), "340282366920938463463374607431768211455");
    EXPECT_EQ(ParseHashKey("340282366920938463463374607431768211455"), kMaxHashKey);
    for (const char* wrong : {"", "340282366920938463463374607431768211456", "-1", "01", "1a"}) {
        EXPECT_FALSE(ParseHashKey(wrong).has_value()) << wrong;
    }
}

TEST(HashKey, UniformRangesCoverTheWholeSpaceOnce) {
    for (uint32_t count : {1u, 2u, 3u, 4u, 7u, 16u, 1000u}) {
        HashKey next = 0;
        for (uint32_t i = 0; i < count; ++i) {
            HashRange range = UniformRange(i, count);
            EXPECT_EQ(FormatHashKey(range.first), FormatHashKey(next));
            EXPECT_LT(range.first, range.last);
            next = range.last + 1;
        }
        EXPECT_EQ(FormatHashKey(next), "0");
    }
    EXPECT_EQ(FormatHashKey(UniformRange(1, 2).first), "170141183460469231731687303715884105728");
}

TEST(SequenceNumber, ARunFormatsWhatTheFormatterDoes) {
    SequenceNumberRun run;
    SequenceNumber number{1'700'000'000, 1, 1'700'000'123, 3};
    for (uint64_t index : {1u, 2u, 3u, 9u, 10u, 11u, 12u}) {
        number.index = index;
        EXPECT_EQ(run.Format(number), FormatSequenceNumber(number));
    }
    for (number.index = 999'990; number.index < 1'000'010; ++number.index) {
        EXPECT_EQ(run.Format(number), FormatSequenceNumber(number));
    }
    ++number.arrival_s;
    EXPECT_EQ(run.Format(number), FormatSequenceNumber(number));
}

TEST(SequenceNumber, HasFiftySixDigitsAndOrdersByOffset) {
    SequenceNumber number{1'700'000'000, 7, 1'700'000'123, 3};
    std::string text = FormatSequenceNumber(number);
    EXPECT_EQ(text.size(), 56u);
    EXPECT_EQ(text.substr(0, 3), "496");
    EXPECT_EQ(ParseSequenceNumber(text), number);
    number.index = 8;
    number.arrival_s = 0;
    EXPECT_GT(FormatSequenceNumber(number), text);
    number = {1'700'000'001, 0, 0, 9};
    EXPECT_GT(FormatSequenceNumber(number), text);
    for (std::string wrong : {std::string("1"), std::string(56, '9'), std::string(56, '0'), text + "0"}) {
        EXPECT_FALSE(ParseSequenceNumber(wrong).has_value());
    }
}

TEST_F(KinesisServiceTest, RecordsComeBackInOrderWithGrowingNumbers) {
    Create("s", 1);
    std::vector<std::string> numbers;
    for (int i = 0; i < 5; ++i) numbers.push_back(Put("key", "r" + std::to_string(i)).SequenceNumber);
    EXPECT_TRUE(std::is_sorted(numbers.begin(), numbers.end()));
    EXPECT_EQ(DataFrom(Iterator(kFirstShard, "TRIM_HORIZON")), (std::vector<std::string>{"r0", "r1", "r2", "r3", "r4"}));
    EXPECT_EQ(DataFrom(Iterator(kFirstShard, "AT_SEQUENCE_NUMBER", numbers[3])), (std::vector<std::string>{"r3", "r4"}));
    EXPECT_EQ(DataFrom(Iterator(kFirstShard, "AFTER_SEQUENCE_NUMBER", numbers[3])), (std::vector<std::string>{"r4"}));
    EXPECT_EQ(DataFrom(Iterator(kFirstShard, "AT_SEQUENCE_NUMBER", Shards()[0].SequenceNumberRange.StartingSequenceNumber))
                  .size(),
              5u);
}

TEST_F(KinesisServiceTest, LatestIsFixedWhenTheIteratorIsMade) {
    Create("s", 1);
    Put("key", "before");
    std::string iterator = Iterator(kFirstShard, "LATEST");
    Put("key", "after");
    EXPECT_EQ(DataFrom(iterator), (std::vector<std::string>{"after"}));
    EXPECT_EQ(DataFrom(iterator), (std::vector<std::string>{"after"})) << "an iterator may be used again";
}

TEST_F(KinesisServiceTest, AtTimestampBeginsWithTheFirstRecordOfThatTime) {
    Create("s", 1);
    Put("key", "a");
    clock_.Advance(std::chrono::seconds(10));
    auto time = clock_.Now();
    Put("key", "b");
    EXPECT_EQ(DataFrom(Iterator(kFirstShard, "AT_TIMESTAMP", {}, time)), (std::vector<std::string>{"b"}));
}

TEST_F(KinesisServiceTest, IteratorsOutliveARestartButNotFiveMinutes) {
    Create("s", 1);
    Put("key", "a");
    std::string iterator = Iterator(kFirstShard, "TRIM_HORIZON");
    Restart();
    EXPECT_EQ(DataFrom(iterator), (std::vector<std::string>{"a"}));
    clock_.Advance(std::chrono::minutes(5) + std::chrono::seconds(1));
    EXPECT_EQ(Read(iterator).error().code, "ExpiredIteratorException");
    EXPECT_EQ(Read("AAAA").error().code, "InvalidArgumentException");
}

TEST_F(KinesisServiceTest, PutRecordsSpreadsByHashAndAnswersInOrder) {
    Create("s", 4);
    k::PutRecordsInput input;
    input.StreamName = "s";
    for (int i = 0; i < 500; ++i) input.Records.push_back({{std::to_string(i)}, {}, "key-" + std::to_string(i)});
    auto put = Get(service_->PutRecords(context_, std::move(input))).value();
    EXPECT_EQ(put.FailedRecordCount, 0);
    ASSERT_EQ(put.Records.size(), 500u);
    std::set<std::string> numbers, shards;
    for (const auto& result : put.Records) {
        numbers.insert(*result.SequenceNumber);
        shards.insert(*result.ShardId);
    }
    EXPECT_EQ(numbers.size(), 500u);
    EXPECT_EQ(shards.size(), 4u);
    size_t read = 0;
    for (const auto& shard : Shards()) {
        auto found = Read(Iterator(shard.ShardId, "TRIM_HORIZON")).value();
        for (const auto& record : found.Records) {
            EXPECT_EQ(put.Records[std::stoul(record.Data.bytes)].SequenceNumber, record.SequenceNumber);
            ++read;
        }
    }
    EXPECT_EQ(read, 500u);
}

TEST_F(KinesisServiceTest, AnExplicitHashKeyDecidesTheShard) {
    Create("s", 2);
    k::PutRecordInput input;
    input.StreamName = "s";
    input.PartitionKey = "x";
    input.ExplicitHashKey = "340282366920938463463374607431768211455";
    EXPECT_EQ(Get(service_->PutRecord(context_, input)).value().ShardId, "shardId-000000000001");
    input.ExplicitHashKey = "340282366920938463463374607431768211456";
    EXPECT_EQ(Get(service_->PutRecord(context_, input)).error().code, "InvalidArgumentException");
}

TEST_F(KinesisServiceTest, ASplitShardEndsAndNamesItsChildren) {
    Create("s", 1);
    Put("key", "a");
    k::SplitShardInput input;
    input.StreamName = "s";
    input.ShardToSplit = kFirstShard;
    input.NewStartingHashKey = "170141183460469231731687303715884105728";
    ASSERT_TRUE(Get(service_->SplitShard(context_, input)).has_value());
    EXPECT_EQ(Get(service_->SplitShard(context_, input)).error().code, "InvalidArgumentException");
    auto end = Read(Iterator(kFirstShard, "TRIM_HORIZON")).value();
    EXPECT_EQ(end.Records.size(), 1u);
    EXPECT_FALSE(end.NextShardIterator.has_value());
    ASSERT_EQ(end.ChildShards->size(), 2u);
    auto after = Put("key", "b");
    EXPECT_GT(after.SequenceNumber, end.Records[0].SequenceNumber);
    EXPECT_GT(after.SequenceNumber, *Shards()[0].SequenceNumberRange.EndingSequenceNumber);
    Restart();
    EXPECT_EQ(Shards().size(), 3u);
    EXPECT_EQ(DataFrom(Iterator(after.ShardId, "TRIM_HORIZON")), (std::vector<std::string>{"b"}));
}

TEST_F(KinesisServiceTest, MergedShardsHaveOneChildWithBothParents) {
    Create("s", 2);
    k::MergeShardsInput input;
    input.StreamName = "s";
    input.ShardToMerge = kFirstShard;
    input.AdjacentShardToMerge = "shardId-000000000001";
    ASSERT_TRUE(Get(service_->MergeShards(context_, input)).has_value());
    auto shards = Shards();
    ASSERT_EQ(shards.size(), 3u);
    EXPECT_EQ(shards[2].ParentShardId, kFirstShard);
    EXPECT_EQ(shards[2].AdjacentParentShardId, "shardId-000000000001");
}

// F20 in small: every acknowledged record once, in order per key, whatever resharding happens between.
TEST_F(KinesisServiceTest, EveryAcknowledgedRecordIsReadOnceAcrossReshards) {
    Create("s", 3);
    env::simulated::SeededRandom random(5);
    std::map<std::string, std::vector<std::pair<std::string, std::string>>> put;  // key -> sequence number, data
    int written = 0;
    for (int32_t target : {5, 3, 4, 8, 4, 2, 1, 2}) {
        for (int i = 0; i < 50; ++i) {
            std::string key = "key-" + std::to_string(random.Below(20));
            std::string data = std::to_string(written++);
            put[key].push_back({Put(key, data).SequenceNumber, data});
        }
        k::UpdateShardCountInput input;
        input.StreamName = "s";
        input.TargetShardCount = target;
        input.ScalingType = "UNIFORM_SCALING";
        ASSERT_TRUE(Get(service_->UpdateShardCount(context_, input)).has_value()) << target;
        Restart();
    }
    std::map<std::string, std::map<std::string, std::string>> read;
    int open = 0;
    for (const auto& shard : Shards()) {
        if (!shard.SequenceNumberRange.EndingSequenceNumber) ++open;
        auto found = Read(Iterator(shard.ShardId, "TRIM_HORIZON")).value();
        for (const auto& record : found.Records) {
            EXPECT_TRUE(read[record.PartitionKey].emplace(record.SequenceNumber, record.Data.bytes).second);
        }
    }
    EXPECT_EQ(open, 2);
    for (const auto& [key, records] : put) {
        std::vector<std::pair<std::string, std::string>> in_number_order(read[key].begin(), read[key].end());
        EXPECT_EQ(in_number_order, records) << key;
    }
}

TEST_F(KinesisServiceTest, WhatIsOlderThanTheRetentionIsNotRead) {
    Create("s", 1);
    Put("key", "old");
    clock_.Advance(std::chrono::hours(23));
    Put("key", "new");
    clock_.Advance(std::chrono::hours(2));
    EXPECT_EQ(DataFrom(Iterator(kFirstShard, "TRIM_HORIZON")), (std::vector<std::string>{"new"}));
    Run(service_->EnforceRetention());
    EXPECT_EQ(DataFrom(Iterator(kFirstShard, "TRIM_HORIZON")), (std::vector<std::string>{"new"}));
}

TEST_F(KinesisServiceTest, ASubscriberIsPushedRecordsAndMayResubscribe) {
    Create("s", 1);
    k::RegisterStreamConsumerInput registration;
    registration.StreamARN = "arn:aws:kinesis:eu-central-1:123456789012:stream/s";
    registration.ConsumerName = "c";
    auto consumer = Get(service_->RegisterStreamConsumer(context_, registration)).value().Consumer;
    EXPECT_EQ(Get(service_->RegisterStreamConsumer(context_, registration)).error().code, "ResourceInUseException");
    k::SubscribeToShardInput input;
    input.ConsumerARN = consumer.ConsumerARN;
    input.ShardId = kFirstShard;
    input.StartingPosition.Type = "TRIM_HORIZON";
    Put("key", "a");
    auto subscription = Get(service_->SubscribeToShard(context_, input)).value();
    auto event = std::get<0>(Get(subscription.EventStream->Next()).value().value());
    ASSERT_EQ(event.Records.size(), 1u);
    EXPECT_EQ(event.ContinuationSequenceNumber, event.Records[0].SequenceNumber);
    EXPECT_EQ(Get(service_->SubscribeToShard(context_, input)).error().code, "ResourceInUseException");
    clock_.Advance(std::chrono::seconds(6));
    auto second = Get(service_->SubscribeToShard(context_, input));
    ASSERT_TRUE(second.has_value());
    EXPECT_FALSE(Get(subscription.EventStream->Next()).value().has_value()) << "the older one ends";
    clock_.Advance(std::chrono::minutes(5));
    EXPECT_FALSE(Get(second->EventStream->Next()).value().has_value());
}

TEST_F(KinesisServiceTest, AnIteratorIsAskedForAsAwsWantsIt) {
    Create("s", 2);
    auto ask = [&](std::string type, std::optional<std::string> number, std::optional<api::Timestamp> time,
                   std::string shard = kFirstShard) {
        k::GetShardIteratorInput input;
        input.StreamName = "s";
        input.ShardId = std::move(shard);
        input.ShardIteratorType = std::move(type);
        input.StartingSequenceNumber = std::move(number);
        input.Timestamp = time;
        auto answer = Get(service_->GetShardIterator(context_, std::move(input)));
        return answer ? std::string() : answer.error().code + ": " + answer.error().message;
    };
    EXPECT_EQ(ask("LATEST", {}, {}), "");
    EXPECT_EQ(ask("LATEST", {}, {}, "shardId-0"), "") << "the number counts";
    EXPECT_EQ(ask("LATEST", {}, {}, "1"), "");
    EXPECT_NE(ask("LATEST", {}, {}, "shardId-x"), "");
    EXPECT_NE(ask("LATEST", {}, {}, "shardId-000000000002"), "");
    EXPECT_EQ(ask("TRIM_HORIZON", Shards()[0].SequenceNumberRange.StartingSequenceNumber, {}),
              "InvalidArgumentException: Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and "
              "StartingSequenceNumber or (2) TRIM_HORIZON or LATEST and no StartingSequenceNumber. Request specified "
              "TRIM_HORIZON and also a StartingSequenceNumber.");
    EXPECT_NE(ask("AFTER_SEQUENCE_NUMBER", {}, {}).find("and no StartingSequenceNumber."), std::string::npos);
    EXPECT_EQ(ask("AT_SEQUENCE_NUMBER", Shards()[1].SequenceNumberRange.StartingSequenceNumber, {}),
              "InvalidArgumentException: Invalid StartingSequenceNumber. It encodes shardId-000000000001, while it was used in "
              "a call to a shard with shardId-000000000000");
    EXPECT_NE(ask("AT_TIMESTAMP", {}, {}), "");
    EXPECT_EQ(ask("AT_TIMESTAMP", {}, clock_.Now()), "");
    EXPECT_NE(ask("AT_TIMESTAMP", {}, clock_.Now() + std::chrono::seconds(1)).find("cannot be greater than the current"),
              std::string::npos);
}

// As KCL wants it: children and no place to go on at, or a place and no children.
TEST_F(KinesisServiceTest, ASubscriptionEndsWithTheShardsChildren) {
    Create("s", 1);
    k::RegisterStreamConsumerInput registration;
    registration.StreamARN = "arn:aws:kinesis:eu-central-1:123456789012:stream/s";
    registration.ConsumerName = "c";
    k::SubscribeToShardInput input;
    input.ConsumerARN = Get(service_->RegisterStreamConsumer(context_, registration)).value().Consumer.ConsumerARN;
    input.ShardId = kFirstShard;
    input.StartingPosition.Type = "TRIM_HORIZON";
    auto subscription = Get(service_->SubscribeToShard(context_, input)).value();
    auto event = std::get<0>(Get(subscription.EventStream->Next()).value().value());
    EXPECT_TRUE(event.ContinuationSequenceNumber.has_value());
    EXPECT_FALSE(event.ChildShards.has_value());
    k::SplitShardInput split;
    split.StreamName = "s";
    split.ShardToSplit = kFirstShard;
    split.NewStartingHashKey = "1000";
    ASSERT_TRUE(Get(service_->SplitShard(context_, split)).has_value());
    event = std::get<0>(Get(subscription.EventStream->Next()).value().value());
    EXPECT_FALSE(event.ContinuationSequenceNumber.has_value());
    ASSERT_EQ(event.ChildShards.value().size(), 2u);
    EXPECT_EQ((*event.ChildShards)[0].ParentShards, std::vector<std::string>{kFirstShard});
    EXPECT_FALSE(Get(subscription.EventStream->Next()).value().has_value());
}

// KCL would leave the endpoint it was given for a host named after the id.
TEST_F(KinesisServiceTest, AStreamsIdIsNotTold) {
    Create("s", 1);
    k::DescribeStreamSummaryInput input;
    input.StreamName = "s";
    EXPECT_FALSE(Get(service_->DescribeStreamSummary(context_, input)).value().StreamDescriptionSummary.StreamId);
}

TEST_F(KinesisServiceTest, ReshardingIsForProvisionedStreams) {
    Create("s", 1);
    k::UpdateShardCountInput update;
    update.StreamName = "s";
    update.TargetShardCount = 3;
    EXPECT_NE(Get(service_->UpdateShardCount(context_, update)).error().message.find("up over double"), std::string::npos);
    k::UpdateStreamModeInput mode;
    mode.StreamARN = "arn:aws:kinesis:eu-central-1:123456789012:stream/s";
    mode.StreamModeDetails.StreamMode = "ON_DEMAND";
    ASSERT_TRUE(Get(service_->UpdateStreamMode(context_, mode)).has_value());
    update.TargetShardCount = 2;
    EXPECT_EQ(Get(service_->UpdateShardCount(context_, update)).error().code, "ValidationException");
}

TEST_F(KinesisServiceTest, ARetentionThatDoesNotFitIsRefusedWithTheReason) {
    Create("s", 1);
    auto increase = [&](int32_t hours) {
        k::IncreaseStreamRetentionPeriodInput input;
        input.StreamName = "s";
        input.RetentionPeriodHours = hours;
        auto answer = Get(service_->IncreaseStreamRetentionPeriod(context_, std::move(input)));
        return answer ? std::string() : answer.error().message;
    };
    EXPECT_EQ(increase(48), "");
    EXPECT_EQ(increase(48), "") << "again";
    EXPECT_NE(increase(25).find("can not be shorter than existing retention period (48 hours)"), std::string::npos);
    EXPECT_NE(increase(23).find("is too short"), std::string::npos);
    EXPECT_NE(increase(8761).find("is too long"), std::string::npos);
    k::DecreaseStreamRetentionPeriodInput decrease;
    decrease.StreamName = "s";
    decrease.RetentionPeriodHours = 72;
    EXPECT_NE(Get(service_->DecreaseStreamRetentionPeriod(context_, decrease)).error().message.find("can not be longer"),
              std::string::npos);
    decrease.RetentionPeriodHours = 24;
    EXPECT_TRUE(Get(service_->DecreaseStreamRetentionPeriod(context_, decrease)).has_value());
}

TEST_F(KinesisServiceTest, TagsAreLettersOfAnyScriptAndAtMostFifty) {
    Create("s", 1);
    auto add = [&](std::map<std::string, std::string> tags) {
        k::AddTagsToStreamInput input;
        input.StreamName = "s";
        input.Tags = std::move(tags);
        auto answer = Get(service_->AddTagsToStream(context_, std::move(input)));
        return answer ? std::string() : answer.error().code;
    };
    EXPECT_EQ(add({{"Öl feld_./=+-@:9", "井"}}), "");
    EXPECT_EQ(add({{"a;b", "x"}}), "InvalidArgumentException");
    EXPECT_EQ(add({{"aws:x", "x"}}), "InvalidArgumentException");
    std::map<std::string, std::string> many;
    for (int i = 0; i < 49; ++i) many["k" + std::to_string(i)] = "v";
    EXPECT_EQ(add(many), "");
    EXPECT_EQ(add({{"one-more", "v"}}), "InvalidArgumentException");
}

TEST_F(KinesisServiceTest, AnUnknownStreamIsNamedAsAwsNamesIt) {
    k::DescribeStreamInput input;
    input.StreamName = "none";
    auto error = Get(service_->DescribeStream(context_, input)).error();
    EXPECT_EQ(error.code, "ResourceNotFoundException");
    EXPECT_EQ(error.message, "Stream none under account 123456789012 not found.");
}

TEST_F(KinesisServiceTest, ADeletedStreamTakesItsRecordsWithIt) {
    Create("s", 2);
    Put("key", "a");
    k::DeleteStreamInput input;
    input.StreamName = "s";
    ASSERT_TRUE(Get(service_->DeleteStream(context_, input)).has_value());
    EXPECT_TRUE(Get(logs_->List("")).value().empty());
    Create("s", 1);
    EXPECT_TRUE(DataFrom(Iterator(kFirstShard, "TRIM_HORIZON")).empty());
}

TEST_F(KinesisServiceTest, EncryptionIsRefusedRatherThanPretended) {
    Create("s", 1);
    k::StartStreamEncryptionInput input;
    input.StreamName = "s";
    input.EncryptionType = "KMS";
    input.KeyId = "alias/aws/kinesis";
    EXPECT_FALSE(Get(service_->StartStreamEncryption(context_, input)).has_value());
}

TEST_F(KinesisServiceTest, AnEntryWithATokenIsWrittenOnceAndTheTokenNeverSeen) {
    Create("s", 2);
    auto put = [&](std::vector<std::string> data, std::optional<base::Instant> since) {
        auto tokens = std::make_shared<api::EntryTokens>();
        k::PutRecordsInput input;
        input.StreamName = "s";
        for (const std::string& each : data) {
            input.Records.push_back({{each}, {}, "key-" + each});
            tokens->tokens.push_back(each == "plain" ? "" : each + std::string(24 - each.size(), '.'));
        }
        tokens->written_since = since;
        api::CallContext context = context_;
        context.entry_tokens = tokens;
        return Get(service_->PutRecords(context, std::move(input))).value();
    };
    const auto before = clock_.Now();
    auto first = put({"a", "b", "plain"}, std::nullopt);
    Restart();
    auto second = put({"b", "c", "plain"}, before);
    EXPECT_EQ(second.FailedRecordCount, 0);
    EXPECT_EQ(second.Records[0].SequenceNumber, first.Records[1].SequenceNumber);
    EXPECT_EQ(second.Records[0].ShardId, first.Records[1].ShardId);
    std::vector<std::string> all;
    for (const auto& shard : Shards()) {
        auto read = Read(Iterator(shard.ShardId, "TRIM_HORIZON")).value();
        for (const auto& record : read.Records) {
            all.push_back(std::string(record.Data.bytes));
            EXPECT_EQ(record.PartitionKey, "key-" + all.back());
        }
    }
    std::sort(all.begin(), all.end());
    EXPECT_EQ(all, (std::vector<std::string>{"a", "b", "c", "plain", "plain"}));
    k::PutRecordsInput hostile;
    hostile.StreamName = "s";
    hostile.Records.push_back({{"x"}, {}, "k\xFF" + std::string(24, 'x')});
    EXPECT_FALSE(Get(service_->PutRecords(context_, std::move(hostile))));
}

}  // namespace
}  // namespace wellhead::services::kinesis
