#include "query/duckdb/duckdb_parquet_writer.h"

#include <fmt/format.h>

#include <cstdio>
#include <set>

#include "query/duckdb/json_rows.h"

namespace wellhead::query::duckdb {
namespace {

using base::ErrorCode;
using base::Fail;

constexpr size_t kIdleSessions = 1;
constexpr uint64_t kMemoryBytes = uint64_t{512} << 20;

// The table function wellhead_rows(address): the rows of the JsonRows at this address. No statement but ours is ever
// run in such a session.
struct Source {
    const ParquetJob* job;
    JsonRows* rows;
};

void BindRows(duckdb_bind_info info) {
    duckdb_value parameter = duckdb_bind_get_parameter(info, 0);
    auto* source = reinterpret_cast<Source*>(static_cast<uintptr_t>(duckdb_get_uint64(parameter)));
    duckdb_destroy_value(&parameter);
    for (const TableColumn& column : source->job->columns) {
        duckdb_logical_type type = MakeLogicalType(column.type);
        duckdb_bind_add_result_column(info, column.name.c_str(), type);
        duckdb_destroy_logical_type(&type);
    }
    duckdb_bind_set_bind_data(info, source, nullptr);
}

void InitRows(duckdb_init_info info) { duckdb_init_set_max_threads(info, 1); }

void NextRows(duckdb_function_info info, duckdb_data_chunk output) {
    static_cast<Source*>(duckdb_function_get_bind_data(info))->rows->Fill(output);
}

base::Result<void> RegisterRows(Session& session) {
    duckdb_table_function function = duckdb_create_table_function();
    duckdb_table_function_set_name(function, "wellhead_rows");
    duckdb_logical_type address = duckdb_create_logical_type(DUCKDB_TYPE_UBIGINT);
    duckdb_table_function_add_parameter(function, address);
    duckdb_destroy_logical_type(&address);
    duckdb_table_function_set_bind(function, BindRows);
    duckdb_table_function_set_init(function, InitRows);
    duckdb_table_function_set_function(function, NextRows);
    const duckdb_state registered = duckdb_register_table_function(session.connection(), function);
    duckdb_destroy_table_function(&function);
    if (registered != DuckDBSuccess) return Fail(ErrorCode::kUnsupported, "DuckDB refused the row source");
    return {};
}

}  // namespace

base::Result<std::unique_ptr<Session>> DuckDbParquetWriter::Take() {
    {
        const std::lock_guard lock(mutex_);
        if (!idle_.empty()) {
            auto session = std::move(idle_.back());
            idle_.pop_back();
            return session;
        }
    }
    Session::Options options;
    options.threads = 1;
    options.memory_bytes = kMemoryBytes;
    ASSIGN_OR_RETURN(auto session, Session::Open(options));
    RETURN_IF_ERROR(RegisterRows(*session));
    return session;
}

base::Result<ParquetReport> DuckDbParquetWriter::Write(const ParquetJob& job) {
    std::set<std::string_view> names;
    for (const TableColumn& column : job.columns) {
        if (!names.insert(column.name).second) {
            return Fail(ErrorCode::kInvalidArgument, fmt::format("column {} is there twice", column.name));
        }
    }
    if (job.columns.empty()) return Fail(ErrorCode::kInvalidArgument, "a table without columns");
    ASSIGN_OR_RETURN(auto session, Take());
    JsonRows rows(job);
    Source source{&job, &rows};
    const std::string copy = fmt::format(
        "COPY (SELECT * FROM wellhead_rows({}::UBIGINT)) TO {} (FORMAT parquet, COMPRESSION {}, ROW_GROUP_SIZE 122880)",
        reinterpret_cast<uintptr_t>(&source), QuoteText(job.path), QuoteName(job.compression));
    auto copied = session->Execute(copy);
    if (!copied || rows.report().rows == 0) std::remove(job.path.c_str());
    RETURN_IF_ERROR(std::move(copied));
    const std::lock_guard lock(mutex_);
    if (idle_.size() < kIdleSessions) idle_.push_back(std::move(session));
    return rows.report();
}

}  // namespace wellhead::query::duckdb
