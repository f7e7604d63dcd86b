#pragma once
// The few facts of a log that outlive its segments: its key, and how far it surely got.

#include <memory>
#include <optional>

#include "storage/shard_log/file/frame.h"

namespace wellhead::storage::file {

struct LogState {
    uint64_t log_key = 0;
    LogOffset next = 0;    // every offset below was given out; may be a second old while the log is open
    bool removed = false;  // the log was removed; its files may go
};

// Two blocks written in turn, so that a torn write leaves the other. Not thread-safe.
class StateFile {
  public:
    // Makes the file when it is absent; not durable before the first Write and a SyncDirectory.
    static base::Result<std::unique_ptr<StateFile>> Open(env::Files& files, const std::string& path);

    // What was written last; nothing when the file is new or both blocks are damaged.
    const std::optional<LogState>& state() const { return state_; }
    base::Result<void> Write(const LogState& state);

  private:
    explicit StateFile(std::unique_ptr<env::File> file) : file_(std::move(file)) {}
    std::unique_ptr<env::File> file_;
    std::optional<LogState> state_;
    uint64_t sequence_ = 0;
};

}  // namespace wellhead::storage::file
