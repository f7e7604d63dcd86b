#pragma once
// ParquetWriter: JSON records become one Parquet file of a table's columns; records that do not fit are named.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "query/hive_type.h"

namespace wellhead::query {

struct TableColumn {
    std::string name;  // as in the file
    HiveType type;
};

struct ParquetJob {
    std::vector<TableColumn> columns;
    // One JSON object each. What they point at lives until the call returns.
    std::vector<std::string_view> records;
    // snappy, zstd, gzip, uncompressed.
    std::string compression = "snappy";
    // Keys match columns without regard to case (OpenX JSON SerDe's default).
    bool case_insensitive = true;
    bool dots_to_underscores = false;
    // Column name -> JSON key, where they differ.
    std::map<std::string, std::string> key_of_column;
    // Patterns of java.time or "millis" that a text of a timestamp is tried by, before the usual forms.
    std::vector<std::string> timestamp_formats;
    std::string path;  // of the file, made or replaced; not synced
};

struct BadRecord {
    enum class Kind { kNotJson, kDoesNotFit };
    size_t index = 0;  // into records
    Kind kind = Kind::kNotJson;
    std::string reason;
};

struct ParquetReport {
    uint64_t rows = 0;               // in the file; 0: no file was left
    std::vector<BadRecord> bad;      // by index, ascending; rows + bad.size() == records.size()
};

// Thread-safe.
class ParquetWriter {
  public:
    virtual ~ParquetWriter() = default;
    // Blocks; one core. Every record is in the file or among the bad, in order. kInvalidArgument: the job makes no
    // sense (no columns, a name twice). kIo, kLimit: nothing is left at path.
    virtual base::Result<ParquetReport> Write(const ParquetJob& job) = 0;
};

}  // namespace wellhead::query
