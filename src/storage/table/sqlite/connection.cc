#include "storage/table/sqlite/connection.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include "base/check.h"

namespace wellhead::storage::sqlite {

namespace {

base::ErrorCode CodeOf(int result) {
    switch (result & 0xff) {
        case SQLITE_FULL: return base::ErrorCode::kLimit;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB: return base::ErrorCode::kCorrupt;
        case SQLITE_PERM:
        case SQLITE_AUTH:
        case SQLITE_READONLY: return base::ErrorCode::kPermission;
        case SQLITE_BUSY:
        case SQLITE_LOCKED: return base::ErrorCode::kUnavailable;
        case SQLITE_NOMEM: return base::ErrorCode::kLimit;
        case SQLITE_TOOBIG: return base::ErrorCode::kInvalidArgument;
        default: return base::ErrorCode::kIo;
    }
}

}  // namespace

void Connection::Finalize::operator()(sqlite3_stmt* statement) const {
    ::sqlite3_finalize(statement);
}

base::Result<std::unique_ptr<Connection>> Connection::Open(const std::string& path,
                                                           const std::string& vfs, Access access) {
    std::unique_ptr<Connection> connection(new Connection(path));
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    int result = ::sqlite3_open_v2(path.c_str(), &connection->database_, flags,
                                   vfs.empty() ? nullptr : vfs.c_str());
    if (result != SQLITE_OK) return std::unexpected(connection->LastError("opening"));
    ::sqlite3_extended_result_codes(connection->database_, 1);
    ::sqlite3_busy_timeout(connection->database_, 5000);
    if (access == Access::kRead) RETURN_IF_ERROR(connection->Execute("PRAGMA query_only = ON"));
    return connection;
}

Connection::~Connection() {
    statements_.clear();
    ::sqlite3_close(database_);
}

base::Error Connection::LastError(std::string_view doing) const {
    int result = database_ == nullptr ? SQLITE_NOMEM : ::sqlite3_extended_errcode(database_);
    std::string detail = database_ == nullptr ? "out of memory" : ::sqlite3_errmsg(database_);
    base::ErrorCode code = CodeOf(result);
    if (code == base::ErrorCode::kCorrupt) {
        return {code, fmt::format("{} is damaged (SQLite {}: {}, while {}); put back a copy of it, or "
                                  "rescue what is readable with `sqlite3 FILE .recover`",
                                  path_, result, detail, doing)};
    }
    return {code, fmt::format("{}: SQLite error {} ({}) while {}", path_, result, detail, doing)};
}

base::Result<void> Connection::Execute(const std::string& sql) {
    if (::sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
        return std::unexpected(LastError(sql));
    }
    return {};
}

base::Result<std::string> Connection::QueryText(const std::string& sql) {
    ASSIGN_OR_RETURN(sqlite3_stmt * statement, Prepare(sql));
    ASSIGN_OR_RETURN(bool row, Step(statement));
    std::string text;
    if (row) text = std::string(ColumnBytes(statement, 0));
    ::sqlite3_reset(statement);
    return text;
}

base::Result<sqlite3_stmt*> Connection::Prepare(const std::string& sql) {
    auto found = statements_.find(sql);
    if (found == statements_.end()) {
        sqlite3_stmt* statement = nullptr;
        if (::sqlite3_prepare_v3(database_, sql.c_str(), static_cast<int>(sql.size()),
                                 SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK) {
            return std::unexpected(LastError(sql));
        }
        found = statements_.emplace(sql, statement).first;
    }
    ::sqlite3_reset(found->second.get());
    return found->second.get();
}

base::Result<bool> Connection::Step(sqlite3_stmt* statement) {
    int result = ::sqlite3_step(statement);
    if (result == SQLITE_ROW) return true;
    if (result == SQLITE_DONE) {
        ::sqlite3_reset(statement);
        return false;
    }
    base::Error error = LastError(::sqlite3_sql(statement));
    ::sqlite3_reset(statement);
    return std::unexpected(std::move(error));
}

bool Connection::in_transaction() const { return ::sqlite3_get_autocommit(database_) == 0; }

void BindBytes(sqlite3_stmt* statement, int position, base::ByteView data) {
    CHECK(::sqlite3_bind_blob64(statement, position, data.data() ? data.data() : "", data.size(),
                                SQLITE_STATIC) == SQLITE_OK);
}

void BindInteger(sqlite3_stmt* statement, int position, int64_t value) {
    CHECK(::sqlite3_bind_int64(statement, position, value) == SQLITE_OK);
}

base::ByteView ColumnBytes(sqlite3_stmt* statement, int column) {
    const void* data = ::sqlite3_column_blob(statement, column);
    int size = ::sqlite3_column_bytes(statement, column);
    if (data == nullptr) return {};
    return {static_cast<const char*>(data), static_cast<size_t>(size)};
}

int64_t ColumnInteger(sqlite3_stmt* statement, int column) {
    return ::sqlite3_column_int64(statement, column);
}

}  // namespace wellhead::storage::sqlite
