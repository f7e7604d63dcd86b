#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <random>
#include <set>

#include "env/posix/posix.h"
#include "env/run_task.h"
#include "services/firehose/shard_delivery.h"
#include "storage/table/memory/memory_table.h"

namespace wellhead::services::firehose {
namespace {

base::Instant At(int64_t seconds) { return base::FromUnixMs(seconds * 1000); }

TEST(ObjectPrefix, EvaluatesAsAwsDoes) {
    const auto time = base::FromUnixUs(1714561445123456);  // 2024-05-01T11:04:05.123456Z
    const auto evaluate = [&](const char* text, bool error = false) {
        return ObjectPrefix::Parse(text, error).value().Evaluate({time, "RANDOM", "format-conversion-failed", "shard-7", nullptr});
    };
    EXPECT_EQ(evaluate(""), "2024/05/01/11/");
    EXPECT_EQ(evaluate("raw/"), "raw/2024/05/01/11/");
    EXPECT_EQ(evaluate("year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/hour=!{timestamp:HH}/"),
              "year=2024/month=05/day=01/hour=11/");
    EXPECT_EQ(evaluate("!{timestamp:yyyy-MM-dd'T'HH.mm.ss.SSS EEE MMM DDD a h}/!{firehose:random-string}/"),
              "2024-05-01T11.04.05.123 Wed May 122 AM 11/RANDOM/");
    EXPECT_EQ(evaluate("bad/!{firehose:error-output-type}/!{timestamp:yyyy}/", true), "bad/format-conversion-failed/2024/");
    EXPECT_EQ(evaluate("", true), "format-conversion-failed/2024/05/01/11/");
    EXPECT_FALSE(ObjectPrefix::Parse("!{timestamp:yyyy", false));
    EXPECT_FALSE(ObjectPrefix::Parse("!{timestamp:QQQ}", false));
    EXPECT_EQ(evaluate("!{firehose:shard-id}/x/!{timestamp:HH}"), "shard-7/x/11");
    const std::map<std::string, std::string> partition{{"a", "1"}};
    EXPECT_EQ(ObjectPrefix::Parse("a=!{partitionKeyFromQuery:a}/", false)->Evaluate({time, "", "", "", &partition}), "a=1/");
    EXPECT_FALSE(ObjectPrefix::Parse("!{partitionKeyFromLambda:a}/", false));
    EXPECT_FALSE(ObjectPrefix::Parse("!{firehose:error-output-type}/", false));
}

DeliveryPlan Plan() {
    DeliveryPlan plan;
    plan.stream_name = "wells";
    plan.stream_id = "id";
    plan.version = "1";
    plan.bucket = "lake";
    plan.prefix = *ObjectPrefix::Parse("", false);
    plan.error_prefix = *ObjectPrefix::Parse("", true);
    plan.buffer_bytes = 100;
    plan.buffer_time = std::chrono::seconds(0);
    plan.processing.append = "\n";
    return plan;
}

TEST(Batches, AreCutAtTheirSizeAndBetweenHours) {
    DeliveryPlan plan = Plan();
    std::vector<SourceRecord> records;
    for (int i = 0; i < 5; ++i) records.push_back({std::to_string(i), At(3600), std::string(30, 'x')});
    EXPECT_EQ(FullBatch(plan, records), 4u);
    records.resize(3);
    EXPECT_EQ(FullBatch(plan, records), 0u);
    records.push_back({"9", At(7199), "x"});
    EXPECT_EQ(FullBatch(plan, records), 0u);
    records.push_back({"10", At(7200), "x"});
    EXPECT_EQ(FullBatch(plan, records), 4u);
}

TEST(Batches, HaveTheSameKeysWheneverTheyAreAsked) {
    const SourceRecord first{"17", At(1714561445), "x"};
    const auto key = [&](const char* shard) {
        return PrepareBatch(Plan(), shard, {first}, At(0)).objects.at(0).place.key;
    };
    EXPECT_EQ(key("shard-0"), key("shard-0"));
    EXPECT_NE(key("shard-0"), key("shard-1"));
    EXPECT_TRUE(key("shard-0").starts_with("2024/05/01/11/wells-1-2024-05-01-11-04-05-")) << key("shard-0");
    EXPECT_EQ(key("shard-0").size(), std::string("2024/05/01/11/wells-1-2024-05-01-11-04-05-").size() + 36);
}

// A lake that dies at a given call, before or after it took effect.
class FragileLake : public apis::s3::S3Api {
  public:
    std::map<std::string, std::string> objects;
    int calls_left = -1;
    bool effect_first = false;
    bool dead = false;

    env::Task<api::Outcome<apis::s3::PutObjectOutput>> PutObject(const api::CallContext&, apis::s3::PutObjectRequest input) override {
        std::string bytes;
        while (true) {
            auto piece = co_await input.Body->Read();
            if (!piece || piece->empty()) break;
            bytes += *piece;
        }
        if (calls_left == 0) {
            if (effect_first && !dead) objects[input.Key] = bytes;
            dead = true;
            api::ServiceError error;
            error.code = "ServiceUnavailable";
            co_return std::unexpected(error);
        }
        if (calls_left > 0) --calls_left;
        objects[input.Key] = bytes;
        co_return apis::s3::PutObjectOutput{};
    }
    env::Task<api::Outcome<apis::s3::DeleteObjectOutput>> DeleteObject(const api::CallContext&, apis::s3::DeleteObjectRequest input) override {
        objects.erase(input.Key);
        co_return apis::s3::DeleteObjectOutput{};
    }
};

class ListSource : public RecordSource {
  public:
    explicit ListSource(const std::vector<SourceRecord>& records, size_t page) : records_(records), page_(page) {}
    void Seek(std::string sequence) override { next_ = sequence.empty() ? 0 : std::stoull(sequence) + 1; }
    env::Task<base::Result<SourceBatch>> Read() override {
        SourceBatch batch;
        for (size_t i = 0; i < page_ && next_ < records_.size(); ++i) batch.records.push_back(records_[next_++]);
        batch.ended = next_ == records_.size();
        co_return batch;
    }
    env::Task<void> Wait(base::Duration) override { co_return; }
    env::Task<void> Release(std::string) override { co_return; }

  private:
    const std::vector<SourceRecord>& records_;
    size_t page_;
    size_t next_ = 0;
};

class DeliveryTest : public ::testing::Test {
  protected:
    // One life of the process: until the shard has ended, or the lake died.
    void Live(size_t page, FragileLake& lake) {
        boost::asio::io_context io;
        env::BlockingPool pool("test", 1);
        apis::glue::GlueApi no_glue;
        struct NoParquet : query::ParquetWriter {
            base::Result<query::ParquetReport> Write(const query::ParquetJob&) override {
                return base::Fail(base::ErrorCode::kUnsupported, "");
            }
        } no_parquet;
        BatchWriter writer({*clock_, *files_, pool, no_parquet, lake, no_glue, "/nowhere", "1", "r"});
        CursorStore cursors(*table_);
        PlanHolder plans(Plan());
        ShardDelivery delivery(*clock_, cursors, writer, plans, "s", std::make_unique<ListSource>(records_, page));
        env::Scope scope;
        env::Spawn(scope, io.get_executor(), "delivery", delivery.Run());
        while (scope.running() > 0 && !lake.dead) io.run_one();
        scope.Cancel();
        io.restart();
        io.run();
        lake.dead = false;
    }

    std::unique_ptr<env::Clock> clock_ = env::posix::MakeClock();
    std::unique_ptr<env::Files> files_ = env::posix::MakeFiles();
    std::unique_ptr<storage::Table> table_ = storage::memory::MakeTable();
    std::vector<SourceRecord> records_;
};

TEST_F(DeliveryTest, PutsEachRecordIntoOneObjectHoweverOftenItDies) {
    std::mt19937 random(11);
    for (int round = 0; round < 60; ++round) {
        table_ = storage::memory::MakeTable();
        records_.clear();
        int64_t second = 1000;
        const size_t count = 1 + random() % 40;
        for (size_t i = 0; i < count; ++i) {
            second += random() % 300;
            records_.push_back({std::to_string(i), At(second), std::to_string(i)});
        }
        FragileLake lake;
        for (int life = 0; life < 20; ++life) {
            lake.calls_left = life == 19 ? -1 : static_cast<int>(random() % 3);
            lake.effect_first = random() % 2 == 0;
            Live(1 + random() % 7, lake);
        }
        std::vector<size_t> seen(count);
        for (const auto& [key, bytes] : lake.objects) {
            size_t from = 0;
            for (size_t end = bytes.find('\n'); end != std::string::npos; end = bytes.find('\n', from)) {
                ++seen.at(std::stoul(bytes.substr(from, end - from)));
                from = end + 1;
            }
        }
        EXPECT_EQ(seen, std::vector<size_t>(count, 1)) << "round " << round;
    }
}

std::vector<std::string> Texts(const ProcessedBatch& batch) {
    std::vector<std::string> out;
    for (const auto& record : batch.records) out.emplace_back(record.data);
    return out;
}
using Strings = std::vector<std::string>;

TEST(Processing, TakesRecordsApart) {
    Processing json;
    json.split = Processing::Split::kJson;
    const std::vector<SourceRecord> records = {{"1", At(0), R"({"a":1}{"a":"}"} {"a":[{}]})"},
                                               {"2", At(0), R"([{"a":4},{"a":5}])"},
                                               {"3", At(0), R"({"a":1)"}};
    auto batch = ProcessRecords(json, records);
    EXPECT_EQ(Texts(batch), (Strings{R"({"a":1})", R"({"a":"}"})", R"({"a":[{}]})", R"({"a":4})", R"({"a":5})"}));
    ASSERT_EQ(batch.failed.size(), 1u);
    EXPECT_EQ(batch.failed[0].source, 2u);
    Processing lines;
    lines.split = Processing::Split::kDelimited;
    lines.split_delimiter = "\n";
    EXPECT_EQ(Texts(ProcessRecords(lines, {{"1", At(0), "a\nb\n\nc"}})), (Strings{"a", "b", "c"}));
    Processing packed;
    packed.gunzip = true;
    const std::string gzip = Compress(Compression::kGzip, "hello", "x");
    batch = ProcessRecords(packed, {{"1", At(0), gzip + gzip}, {"2", At(0), "hello"}});
    EXPECT_EQ(Texts(batch), Strings{"hellohello"});
    EXPECT_EQ(batch.failed.at(0).code, "Decompression.DecompressionFailed");
    packed.cloudwatch_messages = true;
    const std::string envelope = R"({"messageType":"DATA_MESSAGE","logEvents":[{"message":"one"},{"message":"two"}]})";
    batch = ProcessRecords(packed, {{"1", At(0), Compress(Compression::kGzip, envelope, "x")}});
    EXPECT_EQ(Texts(batch), Strings{"one\ntwo\n"});
}

TEST(Processing, SurvivesWhateverIsSent) {
    std::mt19937 random(9);
    const std::string whole = R"([{"a":"\"}{","b":[1,{"c":null}]},{"d":2}] {"e":3})";
    for (int i = 0; i < 5000; ++i) {
        std::string text = whole;
        for (int change = 0; change < 3; ++change) text[random() % text.size()] = "{}[]\"\\, a"[random() % 9];
        text.resize(random() % (text.size() + 1));
        (void)SplitJson(text);
        (void)Gunzip(text, 1000);
    }
}

TEST(Partitions, AreWhatJqSays) {
    auto query = PartitionQuery::Compile(R"({well: .well, hour: (.at / 3600 | floor), big: (.v > 5)})").value();
    EXPECT_EQ(query->Evaluate(R"({"well":"w7","at":7300,"v":9})").value(),
              (PartitionKeys{{"well", "w7"}, {"hour", "2"}, {"big", "true"}}));
    EXPECT_EQ(query->Evaluate(R"({"well":"w8","at":0,"v":1})").value().at("big"), "false");
    EXPECT_FALSE(query->Evaluate(R"({"at":7300})"));
    EXPECT_FALSE(query->Evaluate(R"({"well":"","at":1,"v":1})"));
    EXPECT_FALSE(query->Evaluate("not json"));
    EXPECT_TRUE(query->Evaluate(R"({"well":"w9","at":1,"v":1})"));
    EXPECT_FALSE(PartitionQuery::Compile("{a: "));
    EXPECT_FALSE(PartitionQuery::Compile("def f: f; f"));
    EXPECT_FALSE(PartitionQuery::Compile("{a: env.HOME}"));
    EXPECT_TRUE(PartitionQuery::Compile("{range: .range, limit: .limit}"));
}

TEST(Partitions, EachGetsItsObjectAndWhatHasNoneFails) {
    DeliveryPlan plan = Plan();
    plan.prefix = *ObjectPrefix::Parse("well=!{partitionKeyFromQuery:well}/", false);
    plan.processing.partition_query = "{well: .well}";
    const std::vector<SourceRecord> records = {{"1", At(0), R"({"well":"a","v":1})"}, {"2", At(0), R"({"well":"b"})"},
                                               {"3", At(0), R"({"well":"a","v":2})"}, {"4", At(0), R"({"other":1})"},
                                               {"5", At(0), R"({"well":")" + std::string(2000, 'x') + R"("})"}};
    const PreparedBatch batch = PrepareBatch(plan, "s", records, At(1));
    ASSERT_EQ(batch.objects.size(), 3u);
    EXPECT_TRUE(batch.objects[0].place.key.starts_with("well=a/wells-1-"));
    EXPECT_EQ(batch.objects[0].rows.size(), 2u);
    EXPECT_TRUE(batch.objects[1].place.key.starts_with("well=b/"));
    EXPECT_TRUE(batch.objects[2].place.key.starts_with("processing-failed/1970/01/01/00/"));
    EXPECT_EQ(batch.processed.failed.size(), 2u);
    EXPECT_EQ(batch.places.size(), 3u);
}

TEST(CompressionTest, EachFormatIsWhatItsReadersKnow) {
    const std::string text(300'000, 'x');
    EXPECT_EQ(Gunzip(Compress(Compression::kGzip, text, "n"), 1 << 20).value(), text);
    EXPECT_EQ(Gunzip(Compress(Compression::kGzip, text, "n"), 1000).error().code, base::ErrorCode::kLimit);
    EXPECT_TRUE(Compress(Compression::kZip, text, "n").starts_with("PK\x03\x04"));
    EXPECT_TRUE(Compress(Compression::kSnappy, text, "n").starts_with(std::string("\xff\x06\x00\x00sNaPpY", 10)));
    EXPECT_TRUE(Compress(Compression::kHadoopSnappy, text, "n").starts_with(std::string("\x00\x04\x00\x00", 4)));
    for (auto which : {Compression::kZip, Compression::kSnappy}) EXPECT_EQ(Compress(which, text, "n"), Compress(which, text, "n"));
}

TEST(ErrorRecords, CarryTheRecordAndTheReason) {
    Conversion conversion;
    conversion.schema.TableName = "wells";
    const std::string line = ErrorRecord(conversion, {"42", At(5), "{x"}, "{x", {0, query::BadRecord::Kind::kNotJson, "why"}, At(6));
    EXPECT_NE(line.find(R"("rawData":"e3g=")"), std::string::npos) << line;
    EXPECT_NE(line.find(R"("lastErrorMessage":"why")"), std::string::npos);
    EXPECT_NE(line.find(R"("arrivalTimestamp":5000)"), std::string::npos);
    EXPECT_EQ(line.back(), '\n');
}

}  // namespace
}  // namespace wellhead::services::firehose
