#include "query/duckdb/worker_engine.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "base/log.h"
#include "query/duckdb/worker.h"

extern char** environ;

namespace wellhead::query::duckdb {

using base::ErrorCode;
using base::Fail;

// One process and our end of its socket. Ends the process when it goes away.
class WorkerEngine::Worker {
  public:
    Worker(pid_t pid, int fd) : pid_(pid), fd_(fd) {}
    ~Worker() {
        ::close(fd_);
        Kill();
        int status = 0;
        while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
        }
    }
    int fd() const { return fd_; }
    // From any thread while the worker lives; the process is not reaped before the destructor.
    void Kill() { ::kill(pid_, SIGKILL); }

  private:
    pid_t pid_;
    int fd_;
};

namespace {

base::Result<pid_t> SpawnProcess(const std::vector<std::string>& command, int socket) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    // dup2 onto itself would leave close-on-exec set, so the socket is never already there: see Start.
    posix_spawn_file_actions_adddup2(&actions, socket, kWorkerSocket);
    posix_spawn_file_actions_addclosefrom_np(&actions, kWorkerSocket + 1);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes, &none);
    // A group of its own: Ctrl-C in the server's terminal is the server's to pass on.
    posix_spawnattr_setpgroup(&attributes, 0);
    // The server ignores SIGPIPE; its children do not inherit that.
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    posix_spawnattr_setsigdefault(&attributes, &pipe);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);

    std::vector<std::string> words = command;
    words.push_back(std::to_string(kWorkerSocket));
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    pid_t pid = 0;
    const int error = ::posix_spawn(&pid, arguments[0], &actions, &attributes, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (error != 0) {
        return Fail(ErrorCode::kUnavailable,
                    fmt::format("cannot start the SQL worker {}: {}", command[0], std::strerror(error)));
    }
    return pid;
}

}  // namespace

WorkerEngine::WorkerEngine(env::BlockingPool& pool, WorkerSettings settings)
    : pool_(pool), settings_(std::move(settings)) {}
WorkerEngine::~WorkerEngine() = default;

base::Result<std::unique_ptr<WorkerEngine::Worker>> WorkerEngine::Take() {
    {
        const std::lock_guard lock(mutex_);
        if (!idle_.empty()) {
            auto worker = std::move(idle_.back());
            idle_.pop_back();
            return worker;
        }
    }
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        return Fail(ErrorCode::kLimit, fmt::format("no socket for a SQL worker: {}", std::strerror(errno)));
    }
    int theirs = ends[1];
    if (theirs == kWorkerSocket) {
        theirs = ::fcntl(ends[1], F_DUPFD_CLOEXEC, kWorkerSocket + 1);
        ::close(ends[1]);
    }
    auto pid = SpawnProcess(settings_.command, theirs);
    ::close(theirs);
    if (!pid) {
        ::close(ends[0]);
        return std::unexpected(std::move(pid).error());
    }
    auto worker = std::make_unique<Worker>(*pid, ends[0]);
    RETURN_IF_ERROR(SendMessage(worker->fd(), ToJson(settings_.limits)));
    return worker;
}

void WorkerEngine::Keep(std::unique_ptr<Worker> worker) {
    const std::lock_guard lock(mutex_);
    if (idle_.size() < settings_.idle_workers) idle_.push_back(std::move(worker));
}

base::Result<void> WorkerEngine::Warm() {
    ASSIGN_OR_RETURN(auto worker, Take());
    Keep(std::move(worker));
    return {};
}

base::Result<Answer> WorkerEngine::RunOn(Worker& worker, const Query& query, const std::stop_token& stop) {
    // The blocked read below ends when the process does.
    const std::stop_callback kill(stop, [&worker] { worker.Kill(); });
    if (!SendMessage(worker.fd(), ToJson(query))) return Fail(ErrorCode::kUnavailable, "the SQL worker is gone");
    auto message = ReceiveMessage(worker.fd(), query.time_limit);
    if (stop.stop_requested()) return Fail(ErrorCode::kCancelled, "the query was stopped");
    if (!message && message.error().code == ErrorCode::kTimeout) {
        return Fail(ErrorCode::kTimeout, "the query ran longer than its time limit");
    }
    if (!message) {
        return Fail(ErrorCode::kUnavailable,
                    "the SQL worker ended while it ran this query: it used too much memory or met a broken file");
    }
    return AnswerFromJson(*message);
}

base::Result<Answer> WorkerEngine::RunBlocking(const Query& query, const std::stop_token& stop) {
    if (stop.stop_requested()) return Fail(ErrorCode::kCancelled, "the query was stopped");
    ASSIGN_OR_RETURN(auto worker, Take());
    base::Result<Answer> answer = RunOn(*worker, query, stop);
    const bool sound = answer || (answer.error().code != ErrorCode::kUnavailable &&
                                  answer.error().code != ErrorCode::kTimeout &&
                                  answer.error().code != ErrorCode::kCancelled &&
                                  answer.error().code != ErrorCode::kCorrupt);
    if (sound) {
        Keep(std::move(worker));
    } else {
        base::LogWarning("sql", "a worker ended: {}", answer.error().message);
    }
    return answer;
}

env::Task<base::Result<Answer>> WorkerEngine::Run(Query query, std::stop_token stop) {
    const auto run = [this, &query, &stop] { return RunBlocking(query, stop); };
    co_return co_await env::RunBlocking(pool_, run);
}

}  // namespace wellhead::query::duckdb
