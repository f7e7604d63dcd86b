#pragma once
// One execution: what a statement does to catalog and lake, and what it answers.

#include <expected>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "apis/glue/api.h"
#include "env/clock.h"
#include "query/engine.h"
#include "services/athena/lake.h"
#include "services/athena/table_scan.h"
#include "sql/athena/statement.h"

namespace wellhead::services::athena {

// All outlive every run.
struct RunDependencies {
    env::Clock& clock;
    apis::glue::GlueApi& glue;
    Lake& lake;
    query::SqlEngine& engine;
};

struct RunContext {
    api::CallContext call;
    std::string execution_id;
    std::string database;                 // for tables named without one
    std::vector<std::string> parameters;  // texts of '?'
    std::string folder;                   // s3://.../ where results go
    std::string output;                   // the result's own address: folder and id, with an extension where there is a file
    bool output_enforced = false;         // by the workgroup: CREATE TABLE AS may not name a place
    std::string directory;                // of this run alone, with a file of its name and .csv; both removed by the owner
    std::optional<uint64_t> scan_limit;
    std::stop_token stop;
};

struct RunResult {
    std::vector<query::Column> columns;
    uint64_t scanned_bytes = 0;
    uint64_t input_rows = 0, output_rows = 0, output_bytes = 0;
    std::optional<std::string> manifest;  // the address of a list of the files written
    std::optional<uint64_t> written_rows;
    base::Duration planning{0}, engine{0}, storing{0};
};
// A failure as Athena words it.
using Ran = std::expected<RunResult, std::string>;

inline constexpr std::string_view kScanLimitReason = "Query cancelled! : Bytes scanned limit was exceeded";

// Columns of lines of text.
template <class... Names>
std::vector<query::Column> StringColumns(Names... names) {
    std::vector<query::Column> columns;
    (columns.push_back(query::Column{std::string(names), "string"}), ...);
    return columns;
}

class StatementRun {
  public:
    StatementRun(RunDependencies dependencies, RunContext context);

    // text: the statement's own, for positions and words of errors. Not EXECUTE, PREPARE, DEALLOCATE. Once.
    env::Task<Ran> Run(sql::athena::Statement statement, std::string text);

  private:
    using Statement = sql::athena::Statement;
    template <class T>
    using Done = std::expected<T, std::string>;

    env::Task<Ran> Do(const sql::athena::SelectQuery& statement);
    env::Task<Ran> Do(const sql::athena::CreateDatabase& statement);
    env::Task<Ran> Do(const sql::athena::DropDatabase& statement);
    env::Task<Ran> Do(const sql::athena::SetDatabaseProperties& statement);
    env::Task<Ran> Do(const sql::athena::CreateTable& statement);
    env::Task<Ran> Do(const sql::athena::CreateTableAs& statement);
    env::Task<Ran> Do(const sql::athena::DropTable& statement);
    env::Task<Ran> Do(const sql::athena::CreateView& statement);
    env::Task<Ran> Do(const sql::athena::AddPartitions& statement);
    env::Task<Ran> Do(const sql::athena::DropPartitions& statement);
    env::Task<Ran> Do(const sql::athena::RenamePartition& statement);
    env::Task<Ran> Do(const sql::athena::ChangeColumns& statement);
    env::Task<Ran> Do(const sql::athena::SetLocation& statement);
    env::Task<Ran> Do(const sql::athena::SetTableProperties& statement);
    env::Task<Ran> Do(const sql::athena::RepairTable& statement);
    env::Task<Ran> Do(const sql::athena::Insert& statement);
    env::Task<Ran> Do(const sql::athena::Unload& statement);
    env::Task<Ran> Do(const sql::athena::Explain& statement);
    env::Task<Ran> Do(const sql::athena::Describe& statement);
    env::Task<Ran> Do(const sql::athena::Show& statement);
    env::Task<Ran> Do(const sql::athena::Prepare& statement);
    env::Task<Ran> Do(const sql::athena::Execute& statement);
    env::Task<Ran> Do(const sql::athena::Deallocate& statement);

    // A statement's query, ready for the engine: translated, its tables planned.
    struct Ready {
        query::Query query;
        std::vector<std::shared_ptr<const void>> holds;
        std::vector<size_t> unnamed_columns;
    };
    env::Task<Done<Ready>> Prepare(std::string text);
    env::Task<Done<query::Answer>> RunEngine(query::Query query);
    // Whether INSERT may put columns of the given types (the query's) into those wanted.
    env::Task<Done<bool>> FitsInto(const Ready& ready, const std::vector<std::string>& given, const std::vector<std::string>& wanted);
    // Its columns, found without running it.
    env::Task<Done<std::vector<query::Column>>> ColumnsOf(const Ready& ready);

    // Rows of the query as files of a table under a folder, and where each partition's went.
    struct WriteJob {
        std::string format;       // PARQUET, JSON, TEXTFILE
        std::string compression;  // SNAPPY, GZIP, ZSTD, LZ4, NONE
        std::string delimiter = "\x01";
        std::vector<query::Column> columns;     // as the query has them, in its order
        std::vector<query::Column> targets;     // what they become
        std::vector<std::string> partition_by;  // the last of the targets, by name
        std::string folder;                     // s3://.../
        std::optional<sql::athena::TableName> existing;  // its partitions keep the places they have
    };
    struct Written {
        std::map<std::vector<std::string>, std::string> partitions;  // values -> folder
        std::vector<std::string> files;                              // addresses
        uint64_t rows = 0, bytes = 0, scanned_bytes = 0;
    };
    env::Task<Done<Written>> Write(Ready ready, WriteJob job);
    env::Task<Done<Written>> Upload(WriteJob job, Written written);
    env::Task<Done<void>> FindPlaces(const WriteJob& job, Written& written);
    env::Task<void> TakeBack(const Written& written);
    env::Task<Done<std::string>> PutManifest(std::string address, const Written& written);
    env::Task<Done<void>> AddWrittenPartitions(const apis::glue::Table& table, std::string database, const Written& written);
    env::Task<Done<void>> CheckEmpty(std::string folder, std::string what);

    sql::athena::TableName Named(const sql::athena::TableName& name) const;
    // Hive's database that is always there: made when something is put into it.
    env::Task<Done<void>> EnsureDatabase(std::string name);
    // The table; in Hive's words, or Trino's, where there is none.
    env::Task<Done<apis::glue::Table>> GetTable(sql::athena::TableName name, bool hive);
    env::Task<Done<void>> UpdateTable(apis::glue::Table table);
    env::Task<Done<std::vector<apis::glue::Partition>>> GetPartitions(sql::athena::TableName name, std::string expression);
    env::Task<Ran> Text(std::vector<query::Column> columns, std::string text);
    env::Task<Ran> ShowNames(const sql::athena::Show& statement);
    env::Task<Ran> Nothing() { return Text({}, ""); }

    RunDependencies deps_;
    RunContext context_;
    TableScanner scanner_;
    std::string text_;
    base::Duration planning_{0}, engine_time_{0};
};

// The engine's words as Athena's; query: the statement, for the place of a name.
std::string EngineReason(const base::Error& error, const std::string& query);
// Hive's words for what the catalog refused.
std::string MetastoreReason(const api::ServiceError& error);
// What UpdateTable takes of a table.
apis::glue::TableInput ToInput(const apis::glue::Table& table);
// CREATE EXTERNAL TABLE, or SHOW CREATE TABLE's answer.
std::string TableDdl(const apis::glue::Table& table);
// As Hive names a partition's folder: "year=2024/note=a%3Ab".
std::string PartitionFolder(const std::vector<apis::glue::Column>& keys, const std::vector<std::string>& values);

// Classes of Hive by the name behind STORED AS; nothing where files of that form are not served.
struct StorageClasses {
    std::string input_format, output_format, serde;
};
std::optional<StorageClasses> ClassesOf(std::string_view stored_as);

}  // namespace wellhead::services::athena
