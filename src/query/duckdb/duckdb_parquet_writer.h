#pragma once
// ParquetWriter by DuckDB: simdjson parses straight into DuckDB's vectors, which its Parquet writer takes.

#include <memory>
#include <mutex>
#include <vector>

#include "query/duckdb/session.h"
#include "query/parquet_writer.h"

namespace wellhead::query::duckdb {

class DuckDbParquetWriter : public ParquetWriter {
  public:
    base::Result<ParquetReport> Write(const ParquetJob& job) override;

  private:
    base::Result<std::unique_ptr<Session>> Take();

    std::mutex mutex_;
    std::vector<std::unique_ptr<Session>> idle_;  // a session takes 9 ms to open
};

}  // namespace wellhead::query::duckdb
