#pragma once
// Owners of DuckDB's handles, and the locked session of one query.

#include <duckdb.h>

#include <memory>
#include <string>

#include "base/result.h"

namespace wellhead::query::duckdb {

// 'text' with quotes doubled.
std::string QuoteText(std::string_view text);
// "name" with quotes doubled.
std::string QuoteName(std::string_view name);

class Rows {
  public:
    Rows() = default;
    ~Rows() { duckdb_destroy_result(&result_); }
    Rows(const Rows&) = delete;
    Rows& operator=(const Rows&) = delete;
    duckdb_result* get() { return &result_; }

  private:
    duckdb_result result_{};
};

// A database in memory with one connection. One thread at a time.
class Session {
  public:
    struct Options {
        int threads = 1;
        uint64_t memory_bytes = uint64_t{1} << 30;
        uint64_t spill_bytes = 0;
        std::string spill_directory;
    };
    static base::Result<std::unique_ptr<Session>> Open(const Options& options);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    duckdb_connection connection() { return connection_; }
    base::Result<void> Execute(const std::string& sql);

  private:
    Session() = default;
    duckdb_database database_ = nullptr;
    duckdb_connection connection_ = nullptr;
};

// DuckDB's words for a failure, as an error of the engine's port.
base::Error ToError(duckdb_error_type type, std::string message);

}  // namespace wellhead::query::duckdb
