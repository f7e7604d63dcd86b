#include "query/duckdb/duckdb_parquet_writer.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <random>

#include "query/duckdb/session.h"
#include "query/duckdb/value_text.h"

namespace wellhead::query::duckdb {
namespace {

class ParquetWriterTest : public ::testing::Test {
  protected:
    ParquetWriterTest() {
        path_ = std::filesystem::temp_directory_path() / fmt::format("parquet_writer_{}.parquet", ::getpid());
    }
    ~ParquetWriterTest() override { std::filesystem::remove(path_); }

    void Column(std::string name, std::string_view type) {
        job_.columns.push_back({std::move(name), ParseHiveType(type).value()});
    }
    ParquetReport Write(std::vector<std::string> records) {
        records_ = std::move(records);
        job_.records.assign(records_.begin(), records_.end());
        job_.path = path_;
        auto report = writer_.Write(job_);
        EXPECT_TRUE(report) << report.error().message;
        EXPECT_EQ(report->rows + report->bad.size(), records_.size());
        return report ? *report : ParquetReport{};
    }
    // The file's rows, cells joined by |.
    std::vector<std::string> ReadBack() {
        auto session = Session::Open({}).value();
        Rows rows;
        EXPECT_EQ(duckdb_query(session->connection(), ("SELECT * FROM read_parquet(" + QuoteText(path_) + ")").c_str(), rows.get()),
                  DuckDBSuccess);
        std::vector<CellPrinter> printers;
        for (idx_t i = 0; i < duckdb_column_count(rows.get()); ++i) {
            printers.emplace_back(duckdb_column_logical_type(rows.get(), i));
        }
        std::vector<std::string> lines;
        while (duckdb_data_chunk chunk = duckdb_fetch_chunk(*rows.get())) {
            for (size_t i = 0; i < printers.size(); ++i) printers[i].Attach(duckdb_data_chunk_get_vector(chunk, i));
            for (idx_t row = 0; row < duckdb_data_chunk_get_size(chunk); ++row) {
                std::string line;
                for (size_t i = 0; i < printers.size(); ++i) {
                    if (i > 0) line += '|';
                    if (printers[i].IsNull(row)) line += "NULL";
                    else printers[i].Append(line, row);
                }
                lines.push_back(line);
            }
            duckdb_destroy_data_chunk(&chunk);
        }
        return lines;
    }

    std::string path_;
    ParquetJob job_;
    std::vector<std::string> records_;
    DuckDbParquetWriter writer_;
};

TEST_F(ParquetWriterTest, WritesReadingsInOrder) {
    Column("timestamp", "bigint");
    Column("well", "string");
    Column("barrels_per_second", "double");
    auto report = Write({R"({"timestamp":1,"well":"well-01","barrels_per_second":1.5})",
                         R"({"Well":"well-02","TIMESTAMP":2,"extra":[1,2]})", R"({})"});
    EXPECT_EQ(report.rows, 3u);
    EXPECT_EQ(ReadBack(), (std::vector<std::string>{"1|well-01|1.5", "2|well-02|NULL", "NULL|NULL|NULL"}));
}

TEST_F(ParquetWriterTest, NamesEveryRecordThatDoesNotFitAndKeepsTheRest) {
    Column("a", "int");
    Column("b", "array<struct<x:tinyint,y:string>>");
    std::string deep(2000, '[');
    auto report = Write({R"({"a":1,"b":[{"x":1,"y":"p"}]})", "not json", R"({"a":2147483648})", R"({"a":1.5})",
                         R"({"a":"12","b":null})", R"({"a":"x"})", R"({"a":3,"b":[{"x":1},{"x":300}]})", "{\"a\":\"\xff\"}",
                         R"({"a":NaN})", "[1]", "", R"({"a":9223372036854775808})", "{\"b\":" + deep, R"({"a":4,"b":[{"x":9,"y":7}]})",
                         R"({"a":5} trailing)", R"({"a":6,"a":7})", R"({"a":99999999999999999999999})"});
    std::vector<size_t> bad;
    for (const BadRecord& record : report.bad) {
        bad.push_back(record.index);
        EXPECT_FALSE(record.reason.empty());
    }
    EXPECT_EQ(bad, (std::vector<size_t>{1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16}));
    EXPECT_EQ(report.bad[1].reason, "column a: a number 2147483648 does not fit int");
    EXPECT_EQ(ReadBack(), (std::vector<std::string>{"1|[{x=1, y=p}]", "12|NULL", "4|[{x=9, y=7}]", "7|NULL"}));
}

TEST_F(ParquetWriterTest, ConvertsEachTypeAsTheSerDeDoes) {
    for (const char* type : {"boolean", "tinyint", "smallint", "int", "bigint", "float", "double", "decimal(10,2)", "string",
                             "varchar(3)", "binary", "date", "timestamp", "map<string,int>", "struct<k:string,n:struct<m:int>>"}) {
        Column(fmt::format("c{}", job_.columns.size()), type);
    }
    Write({R"({"c0":true,"c1":-128,"c2":"7","c3":3.0,"c4":-9223372036854775808,"c5":1.5,"c6":"2.5","c7":12.345,"c8":{"a":[1,2.50]},)"
           R"("c9":"abc","c10":"AQI=","c11":"2024-02-29","c12":"2024-02-29T01:02:03.5+01:00","c13":{"p":1,"q":2,"p":3},)"
           R"("c14":{"K":"v","N":{"m":1}}})",
           R"({"c7":"99999999.99","c8":5,"c12":1700000000.25})", R"({"c8":true,"c12":1700000000250})"});
    EXPECT_EQ(ReadBack(), (std::vector<std::string>{
        "true|-128|7|3|-9223372036854775808|1.5|2.5|12.35|{\"a\":[1,2.5]}|abc|01 02|2024-02-29|2024-02-29 00:02:03.500|"
        "{p=3, q=2}|{k=v, n={m=1}}",
        "NULL|NULL|NULL|NULL|NULL|NULL|NULL|99999999.99|5|NULL|NULL|NULL|2023-11-14 22:13:20.250|NULL|NULL",
        "NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|true|NULL|NULL|NULL|2023-11-14 22:13:20.250|NULL|NULL"}));
}

TEST_F(ParquetWriterTest, LosesNoneOfManyRowsWithListsAndFaults) {
    Column("id", "int");
    Column("list", "array<array<string>>");
    std::mt19937 random(7);
    std::vector<std::string> records;
    std::vector<std::string> expected;
    for (int i = 0; i < 20000; ++i) {
        std::string json;
        std::string text;
        for (unsigned k = 0; k < random() % 4; ++k) {
            json += fmt::format("{}[\"a{}\",\"longer than twelve {}\"]", k > 0 ? "," : "", i, k);
            text += fmt::format("{}[a{}, longer than twelve {}]", k > 0 ? ", " : "", i, k);
        }
        const bool bad = random() % 10 == 0;
        records.push_back(fmt::format("{{\"list\":[{}],\"id\":{}}}", json, bad ? "\"no\"" : std::to_string(i)));
        if (!bad) expected.push_back(fmt::format("{}|[{}]", i, text));
    }
    auto report = Write(records);
    EXPECT_EQ(report.rows, expected.size());
    EXPECT_EQ(ReadBack(), expected);
}

TEST_F(ParquetWriterTest, LeavesNoFileWhenNoRowFits) {
    Column("a", "int");
    EXPECT_EQ(Write({"x"}).rows, 0u);
    EXPECT_FALSE(std::filesystem::exists(path_));
    Write({R"({"a":1})"});
    EXPECT_EQ(ReadBack(), std::vector<std::string>{"1"});
}

TEST_F(ParquetWriterTest, SurvivesRandomBytes) {
    Column("a", "struct<b:array<map<string,double>>>");
    Column("c", "decimal(38,10)");
    const std::string seed = R"({"a":{"b":[{"k":1.5e3},{}]},"c":-12345678901234567.5})";
    std::mt19937 random(3);
    std::vector<std::string> records;
    for (int i = 0; i < 5000; ++i) {
        std::string text = seed;
        for (unsigned k = 0; k < random() % 4; ++k) text[random() % text.size()] = static_cast<char>(random());
        records.push_back(text.substr(0, random() % 8 == 0 ? random() % text.size() : text.size()));
    }
    Write(records);
}

}  // namespace
}  // namespace wellhead::query::duckdb
