#include "storage/shard_log/file/file_shard_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstring>

#include "base/check.h"
#include "base/log.h"
#include "base/metrics.h"
#include "codec/crc.h"

namespace wellhead::storage::file {

namespace asio = boost::asio;
using base::ErrorCode;
using base::Fail;
using base::Result;

namespace {

base::Counter& Records() {
    static base::Counter& counter = base::Metrics::Global().GetCounter(
        "wellhead_log_records_total", "Records made durable by shard logs.", {});
    return counter;
}
base::Histogram& CommitTime() {
    static base::Histogram& histogram = base::Metrics::Global().GetHistogram(
        "wellhead_log_commit_seconds", "Time of one commit of a shard log.", {});
    return histogram;
}
base::Gauge& ReadOnlyLogs() {
    static base::Gauge& gauge = base::Metrics::Global().GetGauge(
        "wellhead_log_read_only", "Shard logs that refuse writes because one failed.", {});
    return gauge;
}

}  // namespace

Result<std::shared_ptr<FileShardLog>> FileShardLog::Open(std::shared_ptr<LogWorld> world, std::string directory,
                                                         std::string name) {
    ASSIGN_OR_RETURN(RecoveredLog recovered, RecoverLog(world->files, world->random, directory, name));
    uint32_t first_spare = recovered.spares.empty() ? 1 : recovered.spares.front();
    auto log = std::shared_ptr<FileShardLog>(
        new FileShardLog(std::move(world), std::move(directory), std::move(name), std::move(recovered)));
    RETURN_IF_ERROR(log->Resume(first_spare));
    return log;
}

FileShardLog::FileShardLog(std::shared_ptr<LogWorld> world, std::string directory, std::string name, RecoveredLog recovered)
    : shared_world_(std::move(world)),
      world_(*shared_world_),
      directory_(std::move(directory)),
      name_(std::move(name)),
      log_key_(recovered.log_key),
      writer_(world_.files, world_.clock, directory_, world_.segment_sizes),
      chain_(recovered.chain),
      planned_next_(recovered.next),
      last_arrival_us_(recovered.last_arrival_us),
      segments_(recovered.segments.begin(), recovered.segments.end()),
      cache_(world_.cache),
      next_(recovered.next),
      durable_chain_(recovered.chain),
      state_file_(std::move(recovered.state_file)) {
    for (const auto& range : recovered.lost) lost_[range.first] = range.next;
    first_ = segments_.empty() ? next_ : segments_.front()->first;
    if (!lost_.empty()) first_ = std::min(first_, lost_.begin()->first);
}

Result<void> FileShardLog::Resume(uint32_t first_spare) {
    if (segments_.empty()) {
        writer_.StartAfter(first_spare - 1);
        return {};
    }
    position_ = segments_.back()->end;
    return writer_.Resume(segments_.back()->number);
}

env::Task<Result<AppendedRange>> FileShardLog::Append(std::vector<NewLogRecord> records) {
    PendingAppend append;
    for (const auto& record : records) {
        if (record.key.size() > kMaxKeySize || record.data.size() > kMaxDataSize) {
            co_return Fail(ErrorCode::kInvalidArgument,
                           fmt::format("a record of {} + {} bytes is too large", record.key.size(), record.data.size()));
        }
        append.payload_bytes += kRecordHeaderSize + record.key.size() + record.data.size();
    }
    if (records.empty() || append.payload_bytes > kMaxFramePayload) {
        co_return Fail(ErrorCode::kInvalidArgument,
                       fmt::format("an append of {} records, {} bytes", records.size(), append.payload_bytes));
    }
    append.records = std::move(records);
    auto initiate = [this](auto handler, PendingAppend* pending) {
        auto executor = asio::get_associated_executor(handler);
        pending->done = [executor, work = asio::make_work_guard(executor),
                         handler = std::move(handler)](Result<AppendedRange> result) mutable {
            asio::post(executor, [handler = std::move(handler), result = std::move(result)]() mutable {
                std::move(handler)(std::move(result));
            });
        };
        Enqueue(std::move(*pending));
    };
    PendingAppend* pending = &append;
    co_return co_await asio::async_initiate<const asio::use_awaitable_t<>&, void(Result<AppendedRange>)>(
        initiate, asio::use_awaitable, pending);
}

void FileShardLog::Enqueue(PendingAppend append) {
    {
        std::lock_guard lock(mutex_);
        pending_.push_back(std::move(append));
        if (committing_) return;
        committing_ = true;
    }
    world_.writers.Submit([self = shared_from_this()] { self->CommitNext(); });
}

std::vector<FileShardLog::PendingAppend> FileShardLog::TakeBatch() {
    std::lock_guard lock(mutex_);
    std::vector<PendingAppend> batch;
    size_t bytes = 0;
    while (!pending_.empty()) {
        bytes += pending_.front().payload_bytes;
        if (!batch.empty() && bytes > world_.max_commit_bytes) break;
        batch.push_back(std::move(pending_.front()));
        pending_.pop_front();
    }
    return batch;
}

void FileShardLog::CommitNext() {
    auto batch = TakeBatch();
    Result<AppendedRange> result = Commit(batch);
    bool more = false;
    {
        std::lock_guard lock(mutex_);
        if (!result && result.error().code != ErrorCode::kLimit && !read_only_) {
            read_only_ = true;
            ReadOnlyLogs().Add(1);
            base::LogError("shard_log", "{} is read-only now: {}", name_, result.error().message);
        }
        more = !pending_.empty();
        committing_ = more;
    }
    // The next commit starts before the callers of this one are told.
    if (more) world_.writers.Submit([self = shared_from_this()] { self->CommitNext(); });
    for (auto& append : batch) {
        if (result) {
            append.done(AppendedRange{append.first, result->arrival});
        } else {
            append.done(std::unexpected(result.error()));
        }
    }
}

Result<AppendedRange> FileShardLog::Commit(std::vector<PendingAppend>& batch) {
    {
        std::lock_guard lock(mutex_);
        if (read_only_) return Fail(ErrorCode::kReadOnly, name_ + ": an earlier write failed");
    }
    base::Tick begun = world_.clock.Ticks();
    size_t payload_bytes = 0;
    size_t records = 0;
    for (auto& append : batch) {
        append.first = planned_next_ + records;
        records += append.records.size();
        payload_bytes += append.payload_bytes;
    }
    int64_t arrival_us = std::max(base::ToUnixUs(world_.clock.Now()), last_arrival_us_);
    ASSIGN_OR_RETURN(BuiltFrame built, Build(batch, payload_bytes, arrival_us));
    RETURN_IF_ERROR(writer_.Write(built.position, built.frame.buffer->view()));
    last_arrival_us_ = arrival_us;
    PrepareAhead(built.position);
    Publish(std::move(built));
    Records().Add(records);
    CommitTime().Observe(static_cast<uint64_t>((world_.clock.Ticks() - begun).count()));
    return AppendedRange{0, base::FromUnixUs(arrival_us)};
}

// The frame's bytes and place. Takes a new segment where this one has no room.
Result<FileShardLog::BuiltFrame> FileShardLog::Build(std::vector<PendingAppend>& batch, size_t payload_bytes,
                                                     int64_t arrival_us) {
    BuiltFrame built;
    FrameHeader& header = built.frame.header;
    built.extends_open = open_ && kFrameHeaderSize + open_->frame.header.payload_bytes + payload_bytes <= kBlockSize &&
                         arrival_us - open_->frame.header.arrival_us <= int64_t{UINT32_MAX} &&
                         writer_.Fits(open_->base, 2 * kBlockSize);
    if (built.extends_open) {
        header = open_->frame.header;
        built.position = open_->second ? open_->base : open_->base + kBlockSize;
    } else {
        uint64_t size = RoundUpToBlock(kFrameHeaderSize + payload_bytes);
        if (!writer_.Fits(position_, size)) {
            RETURN_IF_ERROR(writer_.Roll(size));
            auto segment = std::make_shared<Segment>();
            segment->number = writer_.number();
            segment->path = SegmentPath(directory_, segment->number);
            Seal(std::move(segment));
        }
        header.first = planned_next_;
        header.previous_next = chain_;
        header.arrival_us = arrival_us;
        built.position = position_;
    }
    header.place = {log_key_, writer_.number(), static_cast<uint32_t>(built.position / kBlockSize)};
    auto buffer = std::make_shared<AlignedBuffer>(kFrameHeaderSize + header.payload_bytes + payload_bytes);
    char* payload = buffer->data() + kFrameHeaderSize;
    char* at = payload;
    if (built.extends_open) {
        auto kept = open_->frame.payload();
        at = std::copy(kept.begin(), kept.end(), at);
    }
    header.last_arrival_delta_us = static_cast<uint32_t>(arrival_us - header.arrival_us);
    for (const auto& append : batch) {
        header.records += static_cast<uint32_t>(append.records.size());
        for (const auto& record : append.records) {
            at = EncodeRecord(at, record.key, record.data, header.last_arrival_delta_us);
        }
    }
    header.payload_bytes = static_cast<uint32_t>(at - payload);
    header.payload_crc = codec::Crc32c({payload, header.payload_bytes});
    std::memset(at, 0, static_cast<size_t>(buffer->data() + buffer->size() - at));
    EncodeFrameHeader(header, buffer->data());
    built.frame.buffer = std::move(buffer);
    return built;
}

// The current segment is full; next takes its place.
void FileShardLog::Seal(std::shared_ptr<Segment> next) {
    std::shared_ptr<Segment> sealed;
    std::vector<LogExtent> lost;
    {
        std::lock_guard lock(mutex_);
        CloseOpenFrame();
        preparing_ = false;
        if (!segments_.empty()) {
            sealed = segments_.back();
            for (auto at = lost_.lower_bound(sealed->first); at != lost_.end() && at->first < sealed->next; ++at) {
                lost.push_back({at->first, at->second});
            }
        }
        segments_.push_back(std::move(next));
    }
    position_ = 0;
    if (!sealed || sealed->empty()) return;
    world_.readers.Submit([self = shared_from_this(), sealed, lost = std::move(lost)] {
        // Without it the next start scans the segment; nothing else depends on it.
        auto written = env::ReplaceFileDurably(self->world_.files, IndexPath(self->directory_, sealed->number),
                                               EncodeIndex(*sealed, self->log_key_, lost));
        if (!written) base::LogWarning("shard_log", "{}: {}", self->name_, written.error().message);
    });
}

// Under mutex_. What was the newest frame gets no more records.
void FileShardLog::CloseOpenFrame() {
    if (!open_) return;
    segments_.back()->Add(open_->frame.header, open_->position());
    segments_.back()->end = open_->position() + kBlockSize;
    open_.reset();
}

void FileShardLog::Publish(BuiltFrame built) {
    const FrameHeader header = built.frame.header;
    uint64_t end = built.position + header.size_on_disk();
    std::vector<std::shared_ptr<Waiter>> woken;
    {
        std::lock_guard lock(mutex_);
        if (built.extends_open) {
            open_->second = !open_->second;
            open_->frame = built.frame;
        } else {
            CloseOpenFrame();
            if (header.size_on_disk() == kBlockSize) {
                open_ = OpenFrame{built.frame, built.position, false};
            } else {
                segments_.back()->Add(header, built.position);
                segments_.back()->end = end;
            }
        }
        cache_.Add(std::move(built.frame));
        next_ = header.next();
        durable_chain_ = next_;
        auto waits = [this](const auto& waiter) { return waiter->after >= next_; };
        auto first_woken = std::partition(waiters_.begin(), waiters_.end(), waits);
        woken.assign(first_woken, waiters_.end());
        waiters_.erase(first_woken, waiters_.end());
    }
    position_ = end;
    planned_next_ = header.next();
    chain_ = planned_next_;
    for (auto& waiter : woken) waiter->wake();
}

void FileShardLog::PrepareAhead(uint64_t position) {
    if (!writer_.half_full(position)) return;
    {
        std::lock_guard lock(mutex_);
        if (preparing_) return;
        preparing_ = true;
    }
    world_.readers.Submit([self = shared_from_this()] {
        // A full disk is met again, and told, by the commit that needs the segment.
        (void)self->writer_.Prepare(0);
    });
}

LogExtent FileShardLog::extent() const {
    std::lock_guard lock(mutex_);
    return {first_, next_};
}

std::optional<LogExtent> FileShardLog::lost_at(LogOffset offset) const {
    std::lock_guard lock(mutex_);
    auto after = lost_.upper_bound(offset);
    if (after == lost_.begin()) return std::nullopt;
    --after;
    if (offset >= after->second) return std::nullopt;
    return LogExtent{after->first, after->second};
}

env::Task<void> FileShardLog::WaitForMore(LogOffset after, base::Duration limit) {
    auto executor = co_await asio::this_coro::executor;
    auto timer = std::make_shared<asio::steady_timer>(executor, limit);
    auto waiter = std::make_shared<Waiter>();
    waiter->after = after;
    waiter->wake = [executor, timer] { asio::post(executor, [timer] { timer->cancel(); }); };
    {
        std::lock_guard lock(mutex_);
        if (next_ > after) co_return;
        waiters_.push_back(waiter);
    }
    co_await timer->async_wait(asio::as_tuple(asio::use_awaitable));
    std::lock_guard lock(mutex_);
    std::erase(waiters_, waiter);
}

Result<void> FileShardLog::Checkpoint() {
    std::lock_guard state_lock(state_mutex_);
    LogState state = state_file_->state().value_or(LogState{.log_key = log_key_});
    LogOffset durable = 0;
    {
        std::lock_guard lock(mutex_);
        durable = durable_chain_;
    }
    if (state.next == durable) return {};
    state.next = durable;
    return state_file_->Write(state);
}

Result<void> FileShardLog::MarkRemoved() {
    std::lock_guard lock(state_mutex_);
    LogState state = state_file_->state().value_or(LogState{.log_key = log_key_});
    state.removed = true;
    return state_file_->Write(state);
}

bool FileShardLog::removed() const {
    std::lock_guard lock(state_mutex_);
    return state_file_->state() && state_file_->state()->removed;
}

void FileShardLog::RemoveFiles(env::Files& files, const std::string& directory) {
    auto entries = files.List(directory);
    if (!entries) return;
    for (const auto& entry : *entries) {
        if (entry.kind == env::FileKind::kFile && entry.name != "state") {
            (void)files.Remove(directory + "/" + entry.name);
        }
    }
    // Last, so that what a crash leaves is still known as removed.
    (void)files.Remove(directory + "/state");
    (void)files.Remove(directory);
}

}  // namespace wellhead::storage::file
