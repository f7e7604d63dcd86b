#include "query/duckdb/session.h"

#include <fmt/format.h>

namespace wellhead::query::duckdb {

namespace {
std::string Doubled(std::string_view text, char quote) {
    std::string out(1, quote);
    for (const char c : text) {
        if (c == quote) out += quote;
        out += c;
    }
    out += quote;
    return out;
}
}  // namespace

std::string QuoteText(std::string_view text) { return Doubled(text, '\''); }
std::string QuoteName(std::string_view name) { return Doubled(name, '"'); }

base::Error ToError(duckdb_error_type type, std::string message) {
    using base::ErrorCode;
    switch (type) {
        case DUCKDB_ERROR_OUT_OF_MEMORY:
            return {ErrorCode::kLimit, std::move(message)};
        case DUCKDB_ERROR_PERMISSION:
            return {ErrorCode::kPermission, std::move(message)};
        case DUCKDB_ERROR_INTERRUPT:
            return {ErrorCode::kCancelled, std::move(message)};
        case DUCKDB_ERROR_IO:
            return {ErrorCode::kIo, std::move(message)};
        case DUCKDB_ERROR_FATAL:
        case DUCKDB_ERROR_INTERNAL:
            return {ErrorCode::kCorrupt, std::move(message)};
        default:
            return {ErrorCode::kInvalidArgument, std::move(message)};
    }
}

base::Result<std::unique_ptr<Session>> Session::Open(const Options& options) {
    std::unique_ptr<Session> session(new Session);
    duckdb_config config = nullptr;
    duckdb_create_config(&config);
    duckdb_set_config(config, "threads", fmt::format("{}", options.threads).c_str());
    duckdb_set_config(config, "memory_limit", fmt::format("{}B", options.memory_bytes).c_str());
    duckdb_set_config(config, "autoinstall_known_extensions", "false");
    duckdb_set_config(config, "autoload_known_extensions", "false");
    duckdb_set_config(config, "temp_directory", options.spill_directory.c_str());
    if (!options.spill_directory.empty()) {
        duckdb_set_config(config, "max_temp_directory_size",
                          fmt::format("{}B", options.spill_bytes).c_str());
    }
    char* message = nullptr;
    const duckdb_state opened = duckdb_open_ext(nullptr, &session->database_, config, &message);
    duckdb_destroy_config(&config);
    if (opened != DuckDBSuccess) {
        std::string text = message == nullptr ? "cannot open a database" : message;
        duckdb_free(message);
        return base::Fail(base::ErrorCode::kLimit, std::move(text));
    }
    if (duckdb_connect(session->database_, &session->connection_) != DuckDBSuccess) {
        return base::Fail(base::ErrorCode::kLimit, "cannot connect to the database");
    }
    RETURN_IF_ERROR(session->Execute("SET TimeZone='UTC'"));
    RETURN_IF_ERROR(session->Execute("SET integer_division=true"));
    return session;
}

Session::~Session() {
    duckdb_disconnect(&connection_);
    duckdb_close(&database_);
}

base::Result<void> Session::Execute(const std::string& sql) {
    Rows rows;
    if (duckdb_query(connection_, sql.c_str(), rows.get()) == DuckDBSuccess) return {};
    return std::unexpected(ToError(duckdb_result_error_type(rows.get()), duckdb_result_error(rows.get())));
}

}  // namespace wellhead::query::duckdb
