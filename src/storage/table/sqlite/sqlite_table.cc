#include "storage/table/sqlite/sqlite_table.h"

#include <fmt/format.h>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <deque>
#include <mutex>
#include <set>
#include <span>

#include "base/check.h"
#include "base/log.h"
#include "codec/crc.h"
#include "env/blocking_pool.h"
#include "storage/table/sqlite/connection.h"

namespace wellhead::storage::sqlite {

namespace {

using base::ErrorCode;
using base::Result;

// "WHTB"; the format's version is in user_version.
constexpr int64_t kApplicationId = 0x57485442;
constexpr int64_t kFormatVersion = 1;
constexpr size_t kLargestValueBytes = 64 << 20;
// Batches in one transaction: enough to hide the flush, few enough to bound the wait of the first.
constexpr size_t kLargestGroup = 512;
constexpr int64_t kPageBytes = 4096;

bool IsCollectionName(std::string_view name) {
    if (name.empty() || name.starts_with("sqlite_") || name.ends_with('/')) return false;
    char before = '/';
    for (char c : name) {
        bool word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
        if (!word && (c != '/' || before == '/')) return false;
        before = c;
    }
    return true;
}

int64_t ChecksumOf(base::ByteView key, base::ByteView value) {
    return codec::Crc32c(value, codec::Crc32c(key));
}

Result<base::Bytes> CheckedValue(std::string_view collection, base::ByteView key,
                                 base::ByteView value, int64_t checksum) {
    if (ChecksumOf(key, value) != checksum) {
        return base::Fail(ErrorCode::kCorrupt,
                          fmt::format("{}: the entry {} is damaged: its checksum does not hold",
                                      collection, key));
    }
    return base::Bytes(value);
}

Result<std::optional<base::Bytes>> GetEntry(Connection& connection, const std::string& collection,
                                            base::ByteView key) {
    ASSIGN_OR_RETURN(auto* statement,
                     connection.Prepare(fmt::format(
                         "SELECT value, checksum FROM \"{}\" WHERE key = ?1", collection)));
    BindBytes(statement, 1, key);
    ASSIGN_OR_RETURN(bool row, connection.Step(statement));
    if (!row) return std::optional<base::Bytes>();
    auto value = CheckedValue(collection, key, ColumnBytes(statement, 0), ColumnInteger(statement, 1));
    RETURN_IF_ERROR(connection.Step(statement));
    if (!value) return std::unexpected(value.error());
    return std::optional<base::Bytes>(std::move(*value));
}

Result<std::vector<TableEntry>> ScanEntries(Connection& connection, const std::string& collection,
                                            const TableRange& range) {
    const std::string sql = fmt::format(
        "SELECT key, value, checksum FROM \"{}\" WHERE key >= ?1 {} ORDER BY key LIMIT ?3", collection,
        range.last.empty() ? "" : "AND key < ?2");
    ASSIGN_OR_RETURN(auto* statement, connection.Prepare(sql));
    BindBytes(statement, 1, range.first);
    if (!range.last.empty()) BindBytes(statement, 2, range.last);
    BindInteger(statement, 3, range.limit > INT64_MAX ? -1 : static_cast<int64_t>(range.limit));
    std::vector<TableEntry> entries;
    for (;;) {
        ASSIGN_OR_RETURN(bool row, connection.Step(statement));
        if (!row) return entries;
        base::Bytes key(ColumnBytes(statement, 0));
        auto value = CheckedValue(collection, key, ColumnBytes(statement, 1), ColumnInteger(statement, 2));
        if (!value) {
            RETURN_IF_ERROR(connection.Prepare(sql));  // ends the read
            return std::unexpected(value.error());
        }
        entries.push_back({std::move(key), std::move(*value)});
    }
}

class SqliteTable final : public Table {
  public:
    explicit SqliteTable(TableSettings settings)
        : settings_(std::move(settings)),
          read_pool_("table-read", settings_.read_threads),
          write_pool_("table-write", 1) {}

    Result<void> Open();

    env::Task<Result<std::optional<base::Bytes>>> Get(std::string collection, base::Bytes key) override {
        CHECK(IsCollectionName(collection));
        if (!Exists(collection)) co_return std::optional<base::Bytes>();
        auto read = [this, &collection, &key] {
            auto connection = TakeReader();
            auto value = GetEntry(*connection, collection, key);
            GiveReader(std::move(connection));
            return value;
        };
        co_return co_await env::RunBlocking(read_pool_, read);
    }

    env::Task<Result<std::vector<TableEntry>>> Scan(std::string collection, TableRange range) override {
        CHECK(IsCollectionName(collection));
        if (!Exists(collection)) co_return std::vector<TableEntry>();
        auto read = [this, &collection, &range] {
            auto connection = TakeReader();
            auto entries = ScanEntries(*connection, collection, range);
            GiveReader(std::move(connection));
            return entries;
        };
        co_return co_await env::RunBlocking(read_pool_, read);
    }

    env::Task<Result<void>> Commit(TableBatch batch) override {
        for (const auto& step : batch.steps()) {
            CHECK(IsCollectionName(step.collection));
            if (step.key.size() + step.value.size() > kLargestValueBytes) {
                co_return base::Fail(ErrorCode::kInvalidArgument,
                                     step.collection + ": an entry is larger than 64 MiB");
            }
        }
        auto initiate = [this](auto handler, TableBatch moved) {
            auto executor = boost::asio::get_associated_executor(handler);
            auto work = boost::asio::make_work_guard(executor);
            Enqueue({std::move(moved),
                     [handler = std::move(handler), work = std::move(work),
                      executor](Result<void> result) mutable {
                         boost::asio::post(executor, [handler = std::move(handler),
                                                      result = std::move(result)]() mutable {
                             std::move(handler)(std::move(result));
                         });
                     }});
        };
        co_return co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>&,
                                                       void(Result<void>)>(
            initiate, boost::asio::use_awaitable, std::move(batch));
    }

  private:
    struct Waiting {
        TableBatch batch;
        std::move_only_function<void(Result<void>)> done;
    };

    void Enqueue(Waiting waiting);
    // On the writer thread.
    void Drain();
    std::vector<Result<void>> CommitGroup(std::span<Waiting> group);
    // One transaction; fails as a whole, or gives each batch its own result.
    Result<std::vector<Result<void>>> TryGroup(std::span<Waiting> group);
    Result<void> CreateMissingCollections(const TableBatch& batch, std::set<std::string>& made);
    // The batch's own failure is the inner result, the transaction's the outer.
    Result<Result<void>> ApplyBatch(const TableBatch& batch, const std::set<std::string>& made);
    Result<bool> Holds(const TableBatch::Step& step, bool exists);
    Result<void> ApplyStep(const TableBatch::Step& step);

    bool Exists(const std::string& collection) const {
        std::lock_guard lock(mutex_);
        return collections_.contains(collection);
    }
    std::unique_ptr<Connection> TakeReader() {
        std::lock_guard lock(mutex_);
        CHECK(!readers_.empty());  // as many as threads
        auto reader = std::move(readers_.back());
        readers_.pop_back();
        return reader;
    }
    void GiveReader(std::unique_ptr<Connection> reader) {
        std::lock_guard lock(mutex_);
        readers_.push_back(std::move(reader));
    }

    const TableSettings settings_;
    mutable std::mutex mutex_;
    std::set<std::string, std::less<>> collections_;     // those that are committed
    std::vector<std::unique_ptr<Connection>> readers_;  // idle ones
    std::deque<Waiting> queue_;
    bool draining_ = false;
    // The writer thread's own.
    std::unique_ptr<Connection> writer_;
    std::string read_only_reason_;
    // Last: they finish their work before what it uses goes away.
    env::BlockingPool read_pool_;
    env::BlockingPool write_pool_;
};

Result<void> SqliteTable::Open() {
    ASSIGN_OR_RETURN(writer_, Connection::Open(settings_.path, settings_.vfs, Connection::Access::kWrite));
    ASSIGN_OR_RETURN(std::string mode, writer_->QueryText("PRAGMA journal_mode = WAL"));
    if (mode != "wal") {
        return base::Fail(ErrorCode::kIo, settings_.path + ": the file system does not allow SQLite's WAL");
    }
    // Without cell_size_check a damaged page could be read as far as its own bytes say.
    RETURN_IF_ERROR(writer_->Execute(
        "PRAGMA synchronous = FULL; PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF;"
        "PRAGMA wal_autocheckpoint = 8000; PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -16000"));
    ASSIGN_OR_RETURN(std::string application, writer_->QueryText("PRAGMA application_id"));
    ASSIGN_OR_RETURN(std::string version, writer_->QueryText("PRAGMA user_version"));
    ASSIGN_OR_RETURN(std::string objects, writer_->QueryText("SELECT count(*) FROM sqlite_schema"));
    if (application == "0" && version == "0" && objects == "0") {
        RETURN_IF_ERROR(writer_->Execute(
            fmt::format("BEGIN IMMEDIATE; PRAGMA application_id = {}; PRAGMA user_version = {}; COMMIT",
                        kApplicationId, kFormatVersion)));
    } else if (application != std::to_string(kApplicationId)) {
        return base::Fail(ErrorCode::kCorrupt, settings_.path + " is an SQLite file, but not Wellhead's");
    } else if (version != std::to_string(kFormatVersion)) {
        return base::Fail(ErrorCode::kUnsupported,
                          fmt::format("{} has format {}, this program reads {}", settings_.path, version,
                                      kFormatVersion));
    }
    if (settings_.max_size_bytes > 0) {
        RETURN_IF_ERROR(writer_->QueryText(fmt::format(
            "PRAGMA max_page_count = {}", std::max<uint64_t>(settings_.max_size_bytes / kPageBytes, 1))));
    }
    ASSIGN_OR_RETURN(auto* tables, writer_->Prepare("SELECT name FROM sqlite_schema WHERE type = 'table'"));
    for (;;) {
        ASSIGN_OR_RETURN(bool row, writer_->Step(tables));
        if (!row) break;
        collections_.emplace(ColumnBytes(tables, 0));
    }
    for (int i = 0; i < settings_.read_threads; ++i) {
        ASSIGN_OR_RETURN(auto reader,
                         Connection::Open(settings_.path, settings_.vfs, Connection::Access::kRead));
        RETURN_IF_ERROR(reader->Execute("PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF"));
        readers_.push_back(std::move(reader));
    }
    return {};
}

void SqliteTable::Enqueue(Waiting waiting) {
    {
        std::lock_guard lock(mutex_);
        queue_.push_back(std::move(waiting));
        if (draining_) return;
        draining_ = true;
    }
    write_pool_.Submit([this] { Drain(); });
}

void SqliteTable::Drain() {
    for (;;) {
        std::vector<Waiting> group;
        {
            std::lock_guard lock(mutex_);
            if (queue_.empty()) {
                draining_ = false;
                return;
            }
            while (!queue_.empty() && group.size() < kLargestGroup) {
                group.push_back(std::move(queue_.front()));
                queue_.pop_front();
            }
        }
        auto results = CommitGroup(group);
        for (size_t i = 0; i < group.size(); ++i) group[i].done(std::move(results[i]));
    }
}

std::vector<Result<void>> SqliteTable::CommitGroup(std::span<Waiting> group) {
    if (!read_only_reason_.empty()) {
        return std::vector<Result<void>>(group.size(), base::Fail(ErrorCode::kReadOnly, read_only_reason_));
    }
    auto results = TryGroup(group);
    if (results) return std::move(*results);
    base::Error error = std::move(results).error();
    if (error.code == ErrorCode::kLimit && group.size() > 1) {
        // One batch too large must not fail its neighbours.
        std::vector<Result<void>> alone;
        for (auto& waiting : group) alone.push_back(std::move(CommitGroup({&waiting, 1}).front()));
        return alone;
    }
    if (error.code == ErrorCode::kIo || error.code == ErrorCode::kCorrupt) {
        // What the file holds now is unknown; SQLite's recovery at the next open finds out.
        read_only_reason_ = fmt::format("metadata is read-only until a restart, since: {}", error.message);
        base::LogError("table", "{}", read_only_reason_);
    }
    return std::vector<Result<void>>(group.size(), std::unexpected(error));
}

Result<std::vector<Result<void>>> SqliteTable::TryGroup(std::span<Waiting> group) {
    std::set<std::string> made;
    auto run = [&]() -> Result<std::vector<Result<void>>> {
        std::vector<Result<void>> results;
        RETURN_IF_ERROR(writer_->Execute("BEGIN IMMEDIATE"));
        for (auto& waiting : group) {
            RETURN_IF_ERROR(CreateMissingCollections(waiting.batch, made));
            ASSIGN_OR_RETURN(auto result, ApplyBatch(waiting.batch, made));
            results.push_back(std::move(result));
        }
        RETURN_IF_ERROR(writer_->Execute("COMMIT"));
        return results;
    };
    auto results = run();
    if (!results) {
        if (writer_->in_transaction()) (void)writer_->Execute("ROLLBACK");
        return results;
    }
    if (!made.empty()) {
        std::lock_guard lock(mutex_);
        collections_.insert(made.begin(), made.end());
    }
    return results;
}

Result<void> SqliteTable::CreateMissingCollections(const TableBatch& batch, std::set<std::string>& made) {
    for (const auto& step : batch.steps()) {
        if (step.kind != TableBatch::Kind::kPut || made.contains(step.collection)) continue;
        if (Exists(step.collection)) continue;
        RETURN_IF_ERROR(writer_->Execute(
            fmt::format("CREATE TABLE \"{}\" (key BLOB PRIMARY KEY NOT NULL, value BLOB NOT NULL, checksum "
                        "INTEGER NOT NULL) WITHOUT ROWID",
                        step.collection)));
        made.insert(step.collection);
    }
    return {};
}

Result<Result<void>> SqliteTable::ApplyBatch(const TableBatch& batch, const std::set<std::string>& made) {
    auto exists = [&](const std::string& collection) {
        return made.contains(collection) || Exists(collection);
    };
    for (const auto& step : batch.steps()) {
        auto holds = Holds(step, exists(step.collection));
        // A damaged entry fails the batch that asks for it; a damaged file fails all.
        if (!holds && writer_->in_transaction() && holds.error().code == ErrorCode::kCorrupt) {
            return Result<void>(std::unexpected(holds.error()));
        }
        if (!holds) return std::unexpected(holds.error());
        if (!*holds) {
            return Result<void>(base::Fail(
                ErrorCode::kConflict, step.collection + ": precondition on " + step.key + " failed"));
        }
    }
    for (const auto& step : batch.steps()) {
        if (exists(step.collection)) RETURN_IF_ERROR(ApplyStep(step));
    }
    return Result<void>();
}

Result<bool> SqliteTable::Holds(const TableBatch::Step& step, bool exists) {
    if (step.kind == TableBatch::Kind::kPut || step.kind == TableBatch::Kind::kDelete) return true;
    std::optional<base::Bytes> value;
    if (exists) {
        ASSIGN_OR_RETURN(value, GetEntry(*writer_, step.collection, step.key));
    }
    switch (step.kind) {
        case TableBatch::Kind::kRequireAbsent: return !value;
        case TableBatch::Kind::kRequirePresent: return value.has_value();
        default: return value && *value == step.value;
    }
}

Result<void> SqliteTable::ApplyStep(const TableBatch::Step& step) {
    if (step.kind == TableBatch::Kind::kPut) {
        ASSIGN_OR_RETURN(auto* statement,
                         writer_->Prepare(fmt::format(
                             "INSERT OR REPLACE INTO \"{}\" VALUES (?1, ?2, ?3)", step.collection)));
        BindBytes(statement, 1, step.key);
        BindBytes(statement, 2, step.value);
        BindInteger(statement, 3, ChecksumOf(step.key, step.value));
        RETURN_IF_ERROR(writer_->Step(statement));
    }
    if (step.kind == TableBatch::Kind::kDelete) {
        ASSIGN_OR_RETURN(auto* statement, writer_->Prepare(fmt::format(
                                              "DELETE FROM \"{}\" WHERE key = ?1", step.collection)));
        BindBytes(statement, 1, step.key);
        RETURN_IF_ERROR(writer_->Step(statement));
    }
    return {};
}

}  // namespace

Result<std::unique_ptr<Table>> OpenTable(env::Files& files, TableSettings settings) {
    size_t slash = settings.path.rfind('/');
    if (slash != std::string::npos && slash > 0) {
        RETURN_IF_ERROR(files.MakeDirectories(settings.path.substr(0, slash)));
    }
    // Made here, readable by its owner only; SQLite gives its side files the same mode.
    RETURN_IF_ERROR(files.Open(settings.path, env::OpenMode::kReadWrite));
    auto table = std::make_unique<SqliteTable>(std::move(settings));
    RETURN_IF_ERROR(table->Open());
    return table;
}

}  // namespace wellhead::storage::sqlite
