#include "storage/shard_log/memory/memory_shard_log.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <functional>
#include <map>
#include <mutex>

namespace wellhead::storage::memory {

namespace {

namespace asio = boost::asio;

class MemoryShardLog final : public ShardLog {
  public:
    explicit MemoryShardLog(env::Clock& clock) : clock_(clock) {}

    env::Task<base::Result<AppendedRange>> Append(std::vector<NewLogRecord> records) override {
        if (records.empty()) co_return base::Fail(base::ErrorCode::kInvalidArgument, "an append of no records");
        std::vector<std::shared_ptr<asio::steady_timer>> woken;
        AppendedRange range;
        {
            std::lock_guard lock(mutex_);
            last_arrival_ = std::max(last_arrival_, clock_.Now());
            range = {first_ + records_.size(), last_arrival_};
            for (const auto& record : records) {
                LogOffset offset = first_ + records_.size();
                records_.push_back({offset, last_arrival_, base::Bytes(record.key), base::Bytes(record.data)});
            }
            woken.swap(waiters_);
        }
        for (auto& timer : woken) asio::post(timer->get_executor(), [timer] { timer->cancel(); });
        co_return range;
    }

    env::Task<base::Result<std::vector<LogRecord>>> Read(LogOffset from, size_t max_records,
                                                         size_t max_bytes) override {
        std::lock_guard lock(mutex_);
        std::vector<LogRecord> out;
        size_t bytes = 0;
        for (size_t i = std::max(from, first_) - first_; i < records_.size() && out.size() < max_records; ++i) {
            size_t size = records_[i].key.size() + records_[i].data.size();
            if (!out.empty() && bytes + size > max_bytes) break;
            bytes += size;
            out.push_back(records_[i]);
        }
        co_return out;
    }

    env::Task<base::Result<LogOffset>> Seek(base::Instant time) override {
        std::lock_guard lock(mutex_);
        for (const auto& record : records_) {
            if (record.arrival >= time) co_return record.offset;
        }
        co_return first_ + records_.size();
    }

    LogExtent extent() const override {
        std::lock_guard lock(mutex_);
        return {first_, first_ + records_.size()};
    }

    env::Task<void> WaitForMore(LogOffset after, base::Duration limit) override {
        auto executor = co_await asio::this_coro::executor;
        auto timer = std::make_shared<asio::steady_timer>(executor, limit);
        {
            std::lock_guard lock(mutex_);
            if (first_ + records_.size() > after) co_return;
            waiters_.push_back(timer);
        }
        co_await timer->async_wait(asio::as_tuple(asio::use_awaitable));
        std::lock_guard lock(mutex_);
        std::erase(waiters_, timer);
    }

    env::Task<base::Result<void>> Trim(LogOffset offset) override {
        std::lock_guard lock(mutex_);
        while (!records_.empty() && first_ < offset) DropFront();
        co_return base::Result<void>();
    }

    env::Task<base::Result<void>> TrimByTime(base::Instant time) override {
        std::lock_guard lock(mutex_);
        while (!records_.empty() && records_.front().arrival < time) DropFront();
        co_return base::Result<void>();
    }

  private:
    void DropFront() {
        records_.pop_front();
        ++first_;
    }

    env::Clock& clock_;
    mutable std::mutex mutex_;
    std::deque<LogRecord> records_;
    LogOffset first_ = 0;
    base::Instant last_arrival_;
    std::vector<std::shared_ptr<asio::steady_timer>> waiters_;
};

class MemoryShardLogStore final : public ShardLogStore {
  public:
    explicit MemoryShardLogStore(env::Clock& clock) : clock_(clock) {}

    env::Task<base::Result<std::shared_ptr<ShardLog>>> Open(std::string name) override {
        std::lock_guard lock(mutex_);
        auto& log = logs_[name];
        if (!log) log = std::make_shared<MemoryShardLog>(clock_);
        co_return log;
    }
    env::Task<base::Result<void>> Remove(std::string name) override {
        std::lock_guard lock(mutex_);
        if (logs_.erase(name) == 0) co_return base::Fail(base::ErrorCode::kNotFound, name + ": no such log");
        co_return base::Result<void>();
    }
    env::Task<base::Result<std::vector<std::string>>> List(std::string prefix) override {
        std::lock_guard lock(mutex_);
        std::vector<std::string> names;
        for (const auto& [name, log] : logs_) {
            if (name.starts_with(prefix)) names.push_back(name);
        }
        co_return names;
    }

  private:
    env::Clock& clock_;
    std::mutex mutex_;
    std::map<std::string, std::shared_ptr<ShardLog>> logs_;
};

}  // namespace

std::unique_ptr<ShardLogStore> MakeShardLogStore(env::Clock& clock) {
    return std::make_unique<MemoryShardLogStore>(clock);
}

}  // namespace wellhead::storage::memory
