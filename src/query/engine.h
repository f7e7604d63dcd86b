#pragma once
// SqlEngine: runs one SQL statement over files, apart from this process and within limits.

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "env/task.h"

namespace wellhead::query {

struct Column {
    std::string name;
    // In Hive's spelling: bigint, string, decimal(10,2), array<int>, struct<a:string>, "timestamp with time zone".
    std::string type;
};

struct Query {
    // Run before sql, in order: views and settings of the session.
    std::vector<std::string> setup;
    // One statement in the engine's dialect.
    std::string sql;
    // Nothing else on this machine can be read: absolute paths.
    std::vector<std::string> readable_files;
    // Nothing else can be written.
    std::vector<std::string> writable_directories;
    // Where set, the rows go there as CSV in Athena's form (quoted throughout, NULL is empty) and not into Answer::rows.
    std::string result_file;
    // For rows in the answer: more than this fails with kLimit.
    uint64_t max_rows = 100000;
    // Where set: a query that reads more from files ends with kLimit.
    std::optional<uint64_t> max_read_bytes;
    base::Duration time_limit = std::chrono::minutes(30);
};

// The message of kLimit where max_read_bytes was the reason.
inline constexpr std::string_view kReadLimitExceeded = "more bytes were read than the query may";

using Cell = std::optional<std::string>;

struct Answer {
    std::vector<Column> columns;
    // As Athena writes values: 1.0E7, 2024-05-01 10:00:00.000, [1, 2], {a=1}.
    std::vector<std::vector<Cell>> rows;
    uint64_t row_count = 0;
    uint64_t result_bytes = 0;  // of result_file
    uint64_t read_bytes = 0;    // from files, whatever they are kept in
    base::Duration engine_time{0};
};

// Thread-safe.
class SqlEngine {
  public:
    virtual ~SqlEngine() = default;
    // kInvalidArgument: the statement is wrong, message in the engine's words. kLimit: memory or rows. kPermission: a file
    // outside of the query's. kTimeout. kCancelled: stop was requested. kUnavailable: the worker died of this query.
    virtual env::Task<base::Result<Answer>> Run(Query query, std::stop_token stop) = 0;
};

}  // namespace wellhead::query
