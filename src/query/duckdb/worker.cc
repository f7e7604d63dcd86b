#include "query/duckdb/worker.h"

#include <duckdb.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <thread>

#include "base/log.h"
#include "env/files.h"
#include "env/posix/posix.h"
#include "query/duckdb/message.h"
#include "query/duckdb/session.h"
#include "query/duckdb/value_text.h"

namespace wellhead::query::duckdb {
namespace {

using base::ErrorCode;
using base::Fail;

constexpr size_t kWriteBytes = size_t{1} << 20;

// What goes beyond DuckDB's own accounting: a crafted file that makes it allocate or write without end.
void LimitProcess(const WorkerLimits& limits) {
    const auto set = [](auto resource, rlim_t value) {
        const rlimit limit{value, value};
        setrlimit(resource, &limit);
    };
    set(RLIMIT_CORE, 0);
#if !defined(__SANITIZE_ADDRESS__)
    set(RLIMIT_AS, limits.memory_bytes * 2 + (rlim_t{6} << 30));
#endif
    set(RLIMIT_FSIZE, limits.spill_bytes + (rlim_t{16} << 30));
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

// A worker without a server has no reason to go on, in the middle of a query either.
void ExitWhenServerLeaves(int fd) {
    pollfd waiting{fd, POLLRDHUP, 0};
    while (::poll(&waiting, 1, -1) < 0) {
    }
    ::_exit(0);
}

// What this process has read from files and pipes since it began (proc(5), io: rchar); sockets do not count.
// First called before the process gives up being looked at: the file could not be opened after.
uint64_t ReadBytes() {
    static const std::unique_ptr<env::Files> files = env::posix::MakeFiles();
    static const auto file = files->Open("/proc/self/io", env::OpenMode::kRead);
    if (!file) return 0;
    static std::atomic<uint64_t> own = 0;  // these readings count too
    char text[64];
    const auto size = (*file)->ReadAt(0, text);
    if (!size) return 0;
    unsigned long long bytes = 0;
    std::sscanf(std::string(text, *size).c_str(), "rchar: %llu", &bytes);
    return bytes - own.fetch_add(*size);
}

// Interrupts the query once it has read more than it may.
class ReadLimit {
  public:
    ReadLimit(duckdb_connection connection, uint64_t begin, uint64_t most)
        : connection_(connection), last_(begin + most), thread_([this](const std::stop_token& stop) { Watch(stop); }) {}
    bool exceeded() const { return exceeded_ || ReadBytes() > last_; }

  private:
    void Watch(const std::stop_token& stop) {
        std::mutex mutex;
        std::unique_lock lock(mutex);
        std::condition_variable_any ended;
        while (!ended.wait_for(lock, stop, std::chrono::milliseconds(20), [] { return false; }) && !stop.stop_requested()) {
            if (ReadBytes() <= last_) continue;
            exceeded_ = true;
            duckdb_interrupt(connection_);
        }
    }

    const duckdb_connection connection_;
    const uint64_t last_;
    std::atomic<bool> exceeded_ = false;
    std::jthread thread_;
};

// Where rows go: a CSV file, or the answer.
class RowSink {
  public:
    RowSink(const Query& query, Answer& answer) : query_(query), answer_(answer) {}

    base::Result<void> Open() {
        if (query_.result_file.empty()) return {};
        ASSIGN_OR_RETURN(file_, files_->Open(query_.result_file, env::OpenMode::kReadWrite));
        RETURN_IF_ERROR(file_->Truncate(0));
        for (size_t i = 0; i < answer_.columns.size(); ++i) {
            if (i > 0) text_ += ',';
            AppendQuoted(answer_.columns[i].name);
        }
        text_ += '\n';
        return {};
    }

    base::Result<void> Add(duckdb_data_chunk chunk, std::vector<CellPrinter>& printers) {
        const idx_t rows = duckdb_data_chunk_get_size(chunk);
        for (size_t i = 0; i < printers.size(); ++i) printers[i].Attach(duckdb_data_chunk_get_vector(chunk, i));
        answer_.row_count += rows;
        if (file_) return AddToFile(rows, printers);
        if (answer_.row_count > query_.max_rows) return Fail(ErrorCode::kLimit, "too many rows");
        for (idx_t row = 0; row < rows; ++row) {
            auto& cells = answer_.rows.emplace_back(printers.size());
            for (size_t i = 0; i < printers.size(); ++i) {
                if (!printers[i].IsNull(row)) printers[i].Append(cells[i].emplace(), row);
            }
        }
        return {};
    }

    base::Result<void> Close() {
        if (!file_) return {};
        RETURN_IF_ERROR(Flush());
        answer_.result_bytes = written_;
        return {};
    }

  private:
    base::Result<void> AddToFile(idx_t rows, std::vector<CellPrinter>& printers) {
        for (idx_t row = 0; row < rows; ++row) {
            for (size_t i = 0; i < printers.size(); ++i) {
                if (i > 0) text_ += ',';
                if (printers[i].IsNull(row)) continue;
                cell_.clear();
                printers[i].Append(cell_, row);
                AppendQuoted(cell_);
            }
            text_ += '\n';
            if (text_.size() >= kWriteBytes) RETURN_IF_ERROR(Flush());
        }
        return {};
    }

    void AppendQuoted(std::string_view text) {
        text_ += '"';
        size_t from = 0;
        for (size_t at = text.find('"'); at != std::string_view::npos; at = text.find('"', from)) {
            text_.append(text, from, at - from + 1);
            text_ += '"';
            from = at + 1;
        }
        text_.append(text, from);
        text_ += '"';
    }

    base::Result<void> Flush() {
        RETURN_IF_ERROR(file_->WriteAt(written_, text_));
        written_ += text_.size();
        text_.clear();
        return {};
    }

    const Query& query_;
    Answer& answer_;
    std::unique_ptr<env::Files> files_ = env::posix::MakeFiles();
    std::unique_ptr<env::File> file_;
    std::string text_;
    std::string cell_;
    uint64_t written_ = 0;
};

std::string TextList(const std::vector<std::string>& texts) {
    std::string out = "[";
    for (const std::string& text : texts) {
        if (out.size() > 1) out += ',';
        out += QuoteText(text);
    }
    return out + "]";
}

// After this nothing but the query's own files can be reached, whatever the statement says.
base::Result<void> LockSession(Session& session, const Query& query) {
    if (!query.readable_files.empty()) {
        RETURN_IF_ERROR(session.Execute("SET allowed_paths=" + TextList(query.readable_files)));
    }
    if (!query.writable_directories.empty()) {
        RETURN_IF_ERROR(session.Execute("SET allowed_directories=" + TextList(query.writable_directories)));
    }
    RETURN_IF_ERROR(session.Execute("SET enable_external_access=false"));
    return session.Execute("SET lock_configuration=true");
}

struct Prepared {
    duckdb_prepared_statement statement = nullptr;
    ~Prepared() { duckdb_destroy_prepare(&statement); }
};

base::Result<void> Fetch(duckdb_result* result, RowSink& sink, std::vector<CellPrinter>& printers) {
    while (true) {
        duckdb_data_chunk chunk = duckdb_fetch_chunk(*result);
        if (chunk == nullptr) break;
        auto added = sink.Add(chunk, printers);
        duckdb_destroy_data_chunk(&chunk);
        RETURN_IF_ERROR(std::move(added));
    }
    // A stream that broke off looks like one that ended, but for this.
    if (const char* message = duckdb_result_error(result); message != nullptr && *message != '\0') {
        return std::unexpected(ToError(duckdb_result_error_type(result), message));
    }
    return sink.Close();
}

base::Result<Answer> RunLocked(Session& session, const Query& query) {
    RETURN_IF_ERROR(LockSession(session, query));
    for (const std::string& sql : query.setup) RETURN_IF_ERROR(session.Execute(sql));

    Prepared prepared;
    if (duckdb_prepare(session.connection(), query.sql.c_str(), &prepared.statement) != DuckDBSuccess) {
        std::string message = duckdb_prepare_error(prepared.statement);
        const bool refused = message.starts_with("Permission Error");
        return Fail(refused ? ErrorCode::kPermission : ErrorCode::kInvalidArgument, std::move(message));
    }
    Rows rows;
    if (duckdb_execute_prepared_streaming(prepared.statement, rows.get()) != DuckDBSuccess) {
        return std::unexpected(ToError(duckdb_result_error_type(rows.get()), duckdb_result_error(rows.get())));
    }
    Answer answer;
    std::vector<CellPrinter> printers;
    for (idx_t i = 0; i < duckdb_column_count(rows.get()); ++i) {
        duckdb_logical_type type = duckdb_column_logical_type(rows.get(), i);
        answer.columns.push_back({duckdb_column_name(rows.get(), i), HiveTypeName(type)});
        printers.emplace_back(type);
    }
    RowSink sink(query, answer);
    RETURN_IF_ERROR(sink.Open());
    RETURN_IF_ERROR(Fetch(rows.get(), sink, printers));
    return answer;
}

base::Result<Answer> RunQuery(Session& session, const Query& query) {
    const std::unique_ptr<env::Clock> clock = env::posix::MakeClock();
    const base::Tick begin = clock->Ticks();
    const uint64_t read_before = ReadBytes();
    std::optional<ReadLimit> limit;
    if (query.max_read_bytes) limit.emplace(session.connection(), read_before, *query.max_read_bytes);
    auto answer = RunLocked(session, query);
    if (limit && limit->exceeded()) return Fail(ErrorCode::kLimit, std::string(kReadLimitExceeded));
    if (!answer) return answer;
    answer->read_bytes = ReadBytes() - read_before;
    answer->engine_time = clock->Ticks() - begin;
    return answer;
}

}  // namespace

int RunSqlWorker(int fd) {
    auto hello = ReceiveMessage(fd, std::nullopt);
    if (!hello) return 1;
    const WorkerLimits limits = LimitsFromJson(*hello);
    (void)ReadBytes();
    LimitProcess(limits);
    std::thread(ExitWhenServerLeaves, fd).detach();
    const Session::Options options{limits.threads, limits.memory_bytes, limits.spill_bytes, limits.spill_directory};
    while (true) {
        // Opened ahead: it takes longer than a short query.
        auto session = Session::Open(options);
        if (!session) {
            base::LogError("sql", "worker: {}", session.error().message);
            return 1;
        }
        auto message = ReceiveMessage(fd, std::nullopt);
        if (!message) return 0;
        const base::Result<Answer> answer = RunQuery(**session, QueryFromJson(*message));
        if (!SendMessage(fd, ToJson(answer))) return 0;
    }
}

}  // namespace wellhead::query::duckdb
