#pragma once
// The records of a ParquetJob as chunks of DuckDB rows.

#include <duckdb.h>
#include <simdjson.h>

#include <string>
#include <vector>

#include "query/duckdb/json_column.h"
#include "query/parquet_writer.h"

namespace wellhead::query::duckdb {

class JsonRows {
  public:
    // The job outlives this.
    explicit JsonRows(const ParquetJob& job);
    // Fills the chunk; empty after the last row. Called by one thread at a time.
    void Fill(duckdb_data_chunk chunk);
    const ParquetReport& report() const { return report_; }

  private:
    struct Key {
        std::string text;  // lower-case where case does not matter
        size_t column;
    };
    bool PutRecord(idx_t row, std::string_view record);
    bool PutMember(idx_t row, std::string_view key, const simdjson::dom::element& value, std::string& reason);
    // The column of a key, or columns().size(). hint: where the previous key was found.
    size_t FindColumn(std::string_view key);
    void Refuse(BadRecord::Kind kind, std::string reason);

    const ParquetJob& job_;
    std::vector<JsonColumn> columns_;
    std::vector<Key> keys_;
    size_t hint_ = 0;
    std::vector<uint8_t> seen_;
    simdjson::dom::parser parser_;
    std::string padded_;
    std::string folded_;
    size_t next_ = 0;  // record
    ParquetReport report_;
};

}  // namespace wellhead::query::duckdb
