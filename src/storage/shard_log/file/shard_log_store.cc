#include "storage/shard_log/file/shard_log_store.h"

#include <algorithm>
#include <map>
#include <mutex>

#include "base/log.h"
#include "env/deadline.h"

namespace wellhead::storage::file {

using base::ErrorCode;
using base::Fail;
using base::Result;

bool IsLogName(std::string_view name) {
    if (name.empty() || name.size() > 512) return false;
    size_t begin = 0;
    while (begin <= name.size()) {
        size_t end = std::min(name.find('/', begin), name.size());
        std::string_view segment = name.substr(begin, end - begin);
        if (segment.empty() || segment == "." || segment == "..") return false;
        for (char c : segment) {
            bool legal = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                         c == '_' || c == '-';
            if (!legal) return false;
        }
        begin = end + 1;
    }
    return true;
}

// The open logs. mutex is held while one is opened or removed, so that a name is opened once.
struct FileShardLogStore::Names {
    std::mutex mutex;
    std::map<std::string, std::weak_ptr<FileShardLog>> open;
};

FileShardLogStore::FileShardLogStore(env::Files& files, env::Clock& clock, env::Random& random,
                                     env::BlockingPool& writers, env::BlockingPool& readers,
                                     ShardLogStoreSettings settings)
    : shared_world_(new LogWorld{files, clock, random, writers, readers, settings.segment_sizes, 2 << 20, {}}),
      world_(*shared_world_),
      root_(std::move(settings.root)),
      names_(std::make_shared<Names>()) {}

FileShardLogStore::~FileShardLogStore() = default;

env::Task<Result<std::shared_ptr<ShardLog>>> FileShardLogStore::Open(std::string name) {
    if (!IsLogName(name)) co_return Fail(ErrorCode::kInvalidArgument, "not a log name: " + name);
    auto open = [this, &name] { return OpenBlocking(name); };
    auto opened = co_await env::RunBlocking(world_.readers, open);
    if (!opened) co_return std::unexpected(opened.error());
    // The last user's letting go is followed by a checkpoint, and by the removal that may have been asked for.
    auto log = std::move(*opened);
    auto let_go = [log, this](ShardLog*) mutable {
        world_.writers.Submit([log = std::move(log), names = names_, files = &world_.files] mutable {
            auto noted = log->Checkpoint();
            if (!noted) base::LogWarning("shard_log", "{}: {}", log->directory(), noted.error().message);
            std::lock_guard lock(names->mutex);
            if (!log->removed()) return;
            std::string directory = log->directory();
            std::weak_ptr<FileShardLog> others = log;
            log.reset();
            if (others.expired()) FileShardLog::RemoveFiles(*files, directory);
        });
    };
    ShardLog* face = log.get();
    co_return std::shared_ptr<ShardLog>(face, std::move(let_go));
}

Result<std::shared_ptr<FileShardLog>> FileShardLogStore::OpenBlocking(const std::string& name) {
    std::lock_guard lock(names_->mutex);
    if (auto log = names_->open[name].lock()) {
        if (log->removed()) return Fail(ErrorCode::kConflict, name + " is being removed");
        return log;
    }
    ASSIGN_OR_RETURN(auto log, FileShardLog::Open(shared_world_, DirectoryOf(name), name));
    if (log->removed()) {
        // A removal that a crash cut short.
        log.reset();
        FileShardLog::RemoveFiles(world_.files, DirectoryOf(name));
        ASSIGN_OR_RETURN(log, FileShardLog::Open(shared_world_, DirectoryOf(name), name));
    }
    names_->open[name] = log;
    return log;
}

env::Task<Result<void>> FileShardLogStore::Remove(std::string name) {
    if (!IsLogName(name)) co_return Fail(ErrorCode::kInvalidArgument, "not a log name: " + name);
    auto remove = [this, &name] { return RemoveBlocking(name); };
    co_return co_await env::RunBlocking(world_.readers, remove);
}

Result<void> FileShardLogStore::RemoveBlocking(const std::string& name) {
    std::lock_guard lock(names_->mutex);
    if (auto log = names_->open[name].lock()) return log->MarkRemoved();
    names_->open.erase(name);
    auto state = world_.files.Open(DirectoryOf(name) + "/state", env::OpenMode::kRead);
    if (!state) return std::unexpected(state.error());
    state->reset();
    ASSIGN_OR_RETURN(auto file, StateFile::Open(world_.files, DirectoryOf(name) + "/state"));
    LogState last = file->state().value_or(LogState{});
    last.removed = true;
    RETURN_IF_ERROR(file->Write(last));
    file.reset();
    FileShardLog::RemoveFiles(world_.files, DirectoryOf(name));
    return {};
}

env::Task<Result<std::vector<std::string>>> FileShardLogStore::List(std::string prefix) {
    std::vector<std::string> found;
    auto list = [this, &found] { ListBlocking("", found); };
    co_await env::RunBlocking(world_.readers, list);
    std::erase_if(found, [&prefix](const std::string& name) { return !name.starts_with(prefix); });
    std::sort(found.begin(), found.end());
    co_return found;
}

void FileShardLogStore::ListBlocking(const std::string& name, std::vector<std::string>& found) {
    auto entries = world_.files.List(name.empty() ? root_ : DirectoryOf(name));
    if (!entries) return;
    for (const auto& entry : *entries) {
        if (entry.kind == env::FileKind::kDirectory) {
            ListBlocking(name.empty() ? entry.name : name + "/" + entry.name, found);
        } else if (entry.name == "state" && !name.empty()) {
            auto file = StateFile::Open(world_.files, DirectoryOf(name) + "/state");
            bool removed = file && (*file)->state() && (*file)->state()->removed;
            if (!removed) found.push_back(name);
        }
    }
}

void FileShardLogStore::CheckpointAll() {
    std::vector<std::shared_ptr<FileShardLog>> logs;
    {
        std::lock_guard lock(names_->mutex);
        for (auto at = names_->open.begin(); at != names_->open.end();) {
            if (auto log = at->second.lock()) {
                logs.push_back(std::move(log));
                ++at;
            } else {
                at = names_->open.erase(at);
            }
        }
    }
    for (const auto& log : logs) {
        auto noted = log->Checkpoint();
        if (!noted) base::LogWarning("shard_log", "{}: {}", log->directory(), noted.error().message);
    }
}

env::Task<void> FileShardLogStore::KeepCheckpoints() {
    for (;;) {
        co_await env::Sleep(std::chrono::seconds(1));
        auto state = co_await boost::asio::this_coro::cancellation_state;
        if (state.cancelled() != boost::asio::cancellation_type::none) co_return;
        auto checkpoint = [this] { CheckpointAll(); };
        co_await env::RunBlocking(world_.readers, checkpoint);
    }
}

}  // namespace wellhead::storage::file
