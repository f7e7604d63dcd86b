#pragma once
// Journal: what must outlive the process, in the order it happened, committed in groups. Operations are added from any
// thread and get a ticket; one append carries everything that was added while the one before it was on its way.

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "env/event.h"
#include "env/scope.h"
#include "env/task.h"
#include "storage/shard_log/shard_log.h"

namespace wellhead::mqtt {

class Journal {
  public:
    using Ticket = uint64_t;  // 0: nothing to wait for
    using Waiter = std::move_only_function<void(bool durable)>;

    // Commits on home. The scope is closed before this goes away.
    Journal(std::shared_ptr<storage::ShardLog> log, env::Executor home, env::Scope& scope);

    // The operations of one group are committed together. Thread-safe; never waits.
    Ticket Add(base::ByteView operations);
    // True once the ticket's group is on stable storage.
    bool durable(Ticket ticket) const { return ticket <= durable_.load(std::memory_order_acquire); }
    // A write failed for good: nothing will become durable any more.
    bool failed() const { return failed_.load(std::memory_order_acquire); }
    // Calls waiter once, from the committing task, when the ticket is durable or never will be; at once if that is known.
    void WhenDurable(Ticket ticket, Waiter waiter);
    // WhenDurable for a task.
    env::Task<bool> WaitDurable(Ticket ticket);

    // Bytes since the last Restart, for deciding on a checkpoint.
    uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
    size_t pending_bytes() const { return pending_size_.load(std::memory_order_relaxed); }
    void Restart() { bytes_ = 0; }
    storage::ShardLog& log() { return *log_; }

  private:
    struct Waiting {
        Ticket ticket;
        Waiter call;
    };
    env::Task<void> Commit();
    env::Task<bool> AppendGroups(std::vector<base::Bytes> records);
    void Finish(Ticket ticket, bool durable);

    static constexpr size_t kRecordBytes = 1u << 20;

    std::shared_ptr<storage::ShardLog> log_;
    env::Executor home_;
    env::Event work_;  // on home
    std::mutex mutex_;
    std::vector<base::Bytes> pending_;  // records; the last one is filled up to kRecordBytes
    Ticket added_ = 0;
    bool woken_ = false;
    std::vector<Waiting> waiting_;  // by ascending ticket, nearly
    std::atomic<Ticket> durable_{0};
    std::atomic<bool> failed_{false};
    std::atomic<uint64_t> bytes_{0};
    std::atomic<size_t> pending_size_{0};
};

}  // namespace wellhead::mqtt
