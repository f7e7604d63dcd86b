#include "mqtt/journal.h"

#include <boost/asio/post.hpp>

#include "base/log.h"
#include "env/deadline.h"

namespace wellhead::mqtt {

Journal::Journal(std::shared_ptr<storage::ShardLog> log, env::Executor home, env::Scope& scope)
    : log_(std::move(log)), home_(home), work_(home) {
    env::Spawn(scope, home, "mqtt journal", Commit());
}

Journal::Ticket Journal::Add(base::ByteView operations) {
    bool wake = false;
    Ticket ticket = 0;
    {
        std::lock_guard lock(mutex_);
        if (pending_.empty() || pending_.back().size() + operations.size() > kRecordBytes) pending_.emplace_back();
        pending_.back().append(operations);
        ticket = ++added_;
        wake = !woken_;
        woken_ = true;
    }
    bytes_.fetch_add(operations.size(), std::memory_order_relaxed);
    pending_size_.fetch_add(operations.size(), std::memory_order_relaxed);
    if (wake) boost::asio::post(home_, [this] { work_.Set(); });
    return ticket;
}

void Journal::WhenDurable(Ticket ticket, Waiter waiter) {
    {
        std::lock_guard lock(mutex_);
        if (!durable(ticket) && !failed()) {
            waiting_.push_back({ticket, std::move(waiter)});
            return;
        }
    }
    waiter(durable(ticket));
}

namespace {
// Set from the committing task, awaited on the caller's executor.
struct Signal {
    explicit Signal(env::Executor executor) : event(executor) {}
    env::Event event;
    bool durable = false;
};
}  // namespace

env::Task<bool> Journal::WaitDurable(Ticket ticket) {
    if (durable(ticket)) co_return true;
    auto executor = co_await boost::asio::this_coro::executor;
    auto signal = std::make_shared<Signal>(executor);
    WhenDurable(ticket, [signal, executor](bool ok) {
        boost::asio::post(executor, [signal, ok] {
            signal->durable = ok;
            signal->event.Set();
        });
    });
    co_await signal->event.Wait();
    co_return signal->durable;
}

void Journal::Finish(Ticket ticket, bool ok) {
    std::vector<Waiting> ready;
    {
        std::lock_guard lock(mutex_);
        if (ok) {
            durable_.store(ticket, std::memory_order_release);
        } else {
            failed_.store(true, std::memory_order_release);
        }
        std::vector<Waiting> later;
        for (auto& waiting : waiting_) {
            (waiting.ticket <= ticket || !ok ? ready : later).push_back(std::move(waiting));
        }
        waiting_ = std::move(later);
    }
    for (auto& waiting : ready) waiting.call(ok && waiting.ticket <= ticket);
}

env::Task<bool> Journal::AppendGroups(std::vector<base::Bytes> records) {
    bool told = false;
    for (;;) {
        std::vector<storage::NewLogRecord> views;
        views.reserve(records.size());
        for (const auto& record : records) views.push_back({{}, record});
        auto appended = co_await log_->Append(std::move(views));
        if (appended) co_return true;
        if (appended.error().code != base::ErrorCode::kLimit) {
            base::LogError("mqtt", "the journal cannot be written, nothing durable is acknowledged any more: {}",
                           appended.error().message);
            co_return false;
        }
        if (!told) base::LogWarning("mqtt", "the journal waits for space: {}", appended.error().message);
        told = true;
        co_await env::Sleep(std::chrono::milliseconds(200));
    }
}

env::Task<void> Journal::Commit() {
    for (;;) {
        co_await work_.Wait();
        auto cancellation = co_await boost::asio::this_coro::cancellation_state;
        std::vector<base::Bytes> records;
        Ticket last = 0;
        {
            std::lock_guard lock(mutex_);
            work_.Reset();
            woken_ = false;
            records.swap(pending_);
            last = added_;
        }
        if (!records.empty()) {
            size_t size = 0;
            for (const auto& record : records) size += record.size();
            bool ok = co_await AppendGroups(std::move(records));
            pending_size_.fetch_sub(size, std::memory_order_relaxed);
            Finish(last, ok);
            if (!ok) co_return;
        }
        if (cancellation.cancelled() != boost::asio::cancellation_type::none) co_return;
    }
}

}  // namespace wellhead::mqtt
