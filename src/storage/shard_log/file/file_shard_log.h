#pragma once
// FileShardLog: a log as segment files on a disk. Appends gather while a commit is under way and go with the next one.

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "env/blocking_pool.h"
#include "env/clock.h"
#include "env/random.h"
#include "storage/shard_log/file/recovery.h"
#include "storage/shard_log/file/segment_writer.h"
#include "storage/shard_log/file/tail_cache.h"
#include "storage/shard_log/shard_log.h"

namespace wellhead::storage::file {

// What a log works with; what it refers to outlives the log. writers run commits, readers everything else that blocks.
struct LogWorld {
    env::Files& files;
    env::Clock& clock;
    env::Random& random;
    env::BlockingPool& writers;
    env::BlockingPool& readers;
    SegmentSizes segment_sizes;
    size_t max_commit_bytes = 2 << 20;
    CacheBudget cache;
};

class FileShardLog final : public ShardLog, public std::enable_shared_from_this<FileShardLog> {
  public:
    // Blocking.
    static base::Result<std::shared_ptr<FileShardLog>> Open(std::shared_ptr<LogWorld> world, std::string directory,
                                                              std::string name);

    env::Task<base::Result<AppendedRange>> Append(std::vector<NewLogRecord> records) override;
    env::Task<base::Result<std::vector<LogRecord>>> Read(LogOffset from, size_t max_records,
                                                         size_t max_bytes) override;
    env::Task<base::Result<LogOffset>> Seek(base::Instant time) override;
    LogExtent extent() const override;
    std::optional<LogExtent> lost_at(LogOffset offset) const override;
    env::Task<void> WaitForMore(LogOffset after, base::Duration limit) override;
    env::Task<base::Result<void>> Trim(LogOffset offset) override;
    env::Task<base::Result<void>> TrimByTime(base::Instant time) override;

    // Blocking. Notes durably how far the log got, if that changed: what lies before is missed when it is damaged.
    base::Result<void> Checkpoint();
    // Blocking. The log's files are to go; RemoveFiles does it once nobody uses the log.
    base::Result<void> MarkRemoved();
    bool removed() const;
    static void RemoveFiles(env::Files& files, const std::string& directory);
    const std::string& directory() const { return directory_; }

  private:
    struct PendingAppend {
        std::vector<NewLogRecord> records;
        size_t payload_bytes = 0;
        std::move_only_function<void(base::Result<AppendedRange>)> done;
        LogOffset first = 0;
    };
    // The newest frame while later records may still join it: one block, written anew beside the old copy.
    struct OpenFrame {
        CachedFrame frame;
        uint64_t base = 0;      // the two blocks at base are its places
        bool second = false;    // it is in the second one
        uint64_t position() const { return base + (second ? kBlockSize : 0); }
    };
    struct BuiltFrame {
        CachedFrame frame;
        uint64_t position = 0;
        bool extends_open = false;
    };
    struct Waiter {
        LogOffset after;
        std::move_only_function<void()> wake;
    };
    struct SegmentPart;

    FileShardLog(std::shared_ptr<LogWorld> world, std::string directory, std::string name, RecoveredLog recovered);
    base::Result<void> Resume(uint32_t first_spare);

    // Commits; one at a time, on a writer thread.
    void Enqueue(PendingAppend append);
    void CommitNext();
    std::vector<PendingAppend> TakeBatch();
    base::Result<AppendedRange> Commit(std::vector<PendingAppend>& batch);
    base::Result<BuiltFrame> Build(std::vector<PendingAppend>& batch, size_t payload_bytes, int64_t arrival_us);
    void Seal(std::shared_ptr<Segment> segment);
    void CloseOpenFrame();
    void Publish(BuiltFrame built);
    void PrepareAhead(uint64_t position);

    // Reads, on a reader thread.
    base::Result<std::vector<LogRecord>> ReadBlocking(LogOffset from, size_t max_records, size_t max_bytes);
    std::optional<std::vector<LogRecord>> ReadCached(LogOffset from, size_t max_records, size_t max_bytes) const;
    std::optional<SegmentPart> PartFor(LogOffset offset) const;
    base::Result<LogOffset> SeekBlocking(int64_t arrival_us);
    base::Result<void> TrimBlocking(std::function<bool(const Segment&)> droppable);
    std::unexpected<base::Error> LostError(const LogExtent& range) const;
    LogExtent NoteLost(LogOffset first, LogOffset next);

    const std::shared_ptr<LogWorld> shared_world_;
    LogWorld& world_;
    const std::string directory_;
    const std::string name_;
    const uint64_t log_key_;

    // Used by the commit under way only.
    SegmentWriter writer_;
    std::optional<OpenFrame> open_;
    uint64_t position_ = 0;  // where the next new frame goes
    LogOffset chain_ = 0;
    LogOffset planned_next_ = 0;
    int64_t last_arrival_us_ = 0;

    mutable std::mutex mutex_;  // what is below
    std::deque<PendingAppend> pending_;
    bool committing_ = false;
    bool read_only_ = false;
    bool preparing_ = false;
    std::deque<std::shared_ptr<Segment>> segments_;  // the last is the one that commits go to
    TailCache cache_;
    std::map<LogOffset, LogOffset> lost_;  // first -> next
    LogOffset first_ = 0;
    LogOffset next_ = 0;
    LogOffset durable_chain_ = 0;
    std::vector<std::shared_ptr<Waiter>> waiters_;

    mutable std::mutex state_mutex_;  // taken before mutex_, never after
    std::unique_ptr<StateFile> state_file_;
};

}  // namespace wellhead::storage::file
