#include "query/duckdb/worker_engine.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "env/run_task.h"

namespace wellhead::query::duckdb {
namespace {

class WorkerEngineTest : public ::testing::Test {
  protected:
    WorkerEngineTest() {
        directory_ = std::filesystem::temp_directory_path() / ("worker_engine_" + std::to_string(::getpid()));
        std::filesystem::create_directories(directory_);
        WorkerSettings settings;
        settings.command = {SQL_WORKER_PROGRAM};
        settings.limits.memory_bytes = uint64_t{128} << 20;
        engine_ = std::make_unique<WorkerEngine>(pool_, settings);
    }
    ~WorkerEngineTest() override { std::filesystem::remove_all(directory_); }

    base::Result<Answer> Run(Query query, std::stop_token stop = {}) {
        return env::RunTask(engine_->Run(std::move(query), std::move(stop)));
    }
    base::Result<Answer> Run(std::string sql) {
        Query query;
        query.sql = std::move(sql);
        return Run(std::move(query));
    }
    std::string Path(const char* name) const { return directory_ / name; }

    env::BlockingPool pool_{"sql", 2};
    std::filesystem::path directory_;
    std::unique_ptr<WorkerEngine> engine_;
};

TEST_F(WorkerEngineTest, AnswersWithValuesAsAthenaWritesThem) {
    auto answer = Run(
        "SELECT 1, 1e7::DOUBLE, 0.1::DOUBLE, 123456.75::REAL, 1.50::DECIMAL(9,2), TRUE, 'a\"b', NULL, DATE '2024-02-29', "
        "TIMESTAMP '2024-02-29 10:11:12.345', [1,NULL,3], {'a':1,'b':'x'}, MAP(['k'],[2]), '\\xAA'::BLOB, "
        "INTERVAL 1 DAY, '00112233-4455-6677-8899-aabbccddeeff'::UUID, (-5)::HUGEINT");
    ASSERT_TRUE(answer) << answer.error().message;
    std::vector<Cell> expected = {"1", "1.0E7", "0.1", "123456.75", "1.50", "true", "a\"b", std::nullopt, "2024-02-29",
                                  "2024-02-29 10:11:12.345", "[1, null, 3]", "{a=1, b=x}", "{k=2}", "aa",
                                  "1 00:00:00.000", "00112233-4455-6677-8899-aabbccddeeff", "-5"};
    EXPECT_EQ(answer->rows.at(0), expected);
    EXPECT_EQ(answer->columns.at(11).type, "struct<a:int,b:string>");
    EXPECT_EQ(answer->columns.at(4).type, "decimal(9,2)");
}

TEST_F(WorkerEngineTest, WritesQuotedCsv) {
    Query query;
    query.sql = "SELECT * FROM (VALUES (1, 'say \"hi\"'), (2, NULL)) t(id, word)";
    query.result_file = Path("r.csv");
    auto answer = Run(query);
    ASSERT_TRUE(answer) << answer.error().message;
    std::ifstream in(query.result_file);
    const std::string text((std::istreambuf_iterator<char>(in)), {});
    EXPECT_EQ(text, "\"id\",\"word\"\n\"1\",\"say \"\"hi\"\"\"\n\"2\",\n");
    EXPECT_EQ(answer->row_count, 2u);
    EXPECT_EQ(answer->result_bytes, text.size());
}

TEST_F(WorkerEngineTest, ReadsTheQuerysFilesAndNoOthers) {
    std::ofstream(Path("a.json")) << "{\"a\":1}\n";
    std::ofstream(Path("b.json")) << "{\"a\":2}\n";
    Query query;
    query.readable_files = {Path("a.json")};
    query.sql = "SELECT a FROM read_json('" + Path("a.json") + "')";
    ASSERT_TRUE(Run(query));
    query.sql = "SELECT a FROM read_json('" + Path("b.json") + "')";
    EXPECT_EQ(Run(query).error().code, base::ErrorCode::kPermission);
}

TEST_F(WorkerEngineTest, RefusesWhateverReachesOutside) {
    for (const char* sql : {"SELECT * FROM read_text('/etc/passwd')", "ATTACH '/tmp/x.db'", "INSTALL httpfs", "LOAD httpfs",
                            "COPY (SELECT 1) TO '/tmp/wellhead_escape.csv'", "SET enable_external_access=true",
                            "SET allowed_directories=['/']", "SELECT * FROM glob('/etc/*')",
                            "EXPORT DATABASE '/tmp/wellhead_escape'", "RESET lock_configuration"}) {
        EXPECT_FALSE(Run(std::string(sql))) << sql;
    }
    EXPECT_TRUE(Run("SELECT 1"));
}

TEST_F(WorkerEngineTest, EndsAMemoryEaterAndServesTheNext) {
    EXPECT_EQ(Run("SELECT count(DISTINCT hash(a.range, b.range)) FROM range(100000) a, range(10000) b").error().code,
              base::ErrorCode::kLimit);
    EXPECT_EQ(Run("SELECT 42")->rows.at(0).at(0), "42");
}

TEST_F(WorkerEngineTest, StopsAnEndlessQueryOnRequestAndAtItsTimeLimit) {
    Query query;
    query.sql = "SELECT sum(a.range * b.range % 7) FROM range(10000000) a, range(10000000) b";
    query.time_limit = std::chrono::milliseconds(100);
    EXPECT_EQ(Run(query).error().code, base::ErrorCode::kTimeout);
    query.time_limit = std::chrono::minutes(5);
    std::stop_source stop;
    std::thread stopper([&stop] { stop.request_stop(); });
    EXPECT_EQ(Run(query, stop.get_token()).error().code, base::ErrorCode::kCancelled);
    stopper.join();
    EXPECT_TRUE(Run("SELECT 1"));
}

TEST_F(WorkerEngineTest, FailsOnACorruptParquetFileWithoutHarm) {
    std::string bytes = "PAR1";
    for (int i = 0; i < 4000; ++i) bytes += static_cast<char>(i * 31);
    bytes += std::string("\xff\xff\x00\x00", 4) + "PAR1";
    std::ofstream(Path("bad.parquet")) << bytes;
    Query query;
    query.readable_files = {Path("bad.parquet")};
    query.sql = "SELECT * FROM read_parquet('" + Path("bad.parquet") + "')";
    EXPECT_FALSE(Run(query));
    EXPECT_TRUE(Run("SELECT 1"));
}

TEST_F(WorkerEngineTest, LeavesNothingForTheNextQuery) {
    Query query;
    query.setup = {"CREATE TABLE secret AS SELECT 1"};
    query.sql = "SELECT * FROM secret";
    EXPECT_TRUE(Run(query));
    EXPECT_FALSE(Run("SELECT * FROM secret"));
}

}  // namespace
}  // namespace wellhead::query::duckdb
