#pragma once
// One SQLite connection with its prepared statements; used by one thread at a time.

#include <map>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace wellhead::storage::sqlite {

class Connection {
  public:
    enum class Access { kWrite, kRead };
    static base::Result<std::unique_ptr<Connection>> Open(const std::string& path,
                                                          const std::string& vfs, Access access);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    base::Result<void> Execute(const std::string& sql);
    // The first column of the first row, as text; empty when there is no row.
    base::Result<std::string> QueryText(const std::string& sql);

    // The statement of this text, prepared at first use and reset; lives as long as the connection.
    base::Result<sqlite3_stmt*> Prepare(const std::string& sql);
    // One step: true for a row, false at the end.
    base::Result<bool> Step(sqlite3_stmt* statement);

    bool in_transaction() const;
    // The error of the last failed call, with what was being done.
    base::Error LastError(std::string_view doing) const;

  private:
    explicit Connection(std::string path) : path_(std::move(path)) {}
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const;
    };

    const std::string path_;
    sqlite3* database_ = nullptr;
    std::map<std::string, std::unique_ptr<sqlite3_stmt, Finalize>, std::less<>> statements_;
};

// data must live until the statement is stepped.
void BindBytes(sqlite3_stmt* statement, int position, base::ByteView data);
void BindInteger(sqlite3_stmt* statement, int position, int64_t value);
// Valid until the next step.
base::ByteView ColumnBytes(sqlite3_stmt* statement, int column);
int64_t ColumnInteger(sqlite3_stmt* statement, int column);

}  // namespace wellhead::storage::sqlite
