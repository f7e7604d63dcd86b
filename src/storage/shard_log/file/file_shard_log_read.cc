// How a FileShardLog is read: the newest frames from memory, older ones from their segment files.

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "storage/shard_log/file/file_shard_log.h"
#include "storage/shard_log/file/frame_scanner.h"

namespace wellhead::storage::file {

using base::ErrorCode;
using base::Fail;
using base::Result;

namespace {

// Copying more than this is left to the pool.
constexpr size_t kCopyInline = 256 << 10;

// Takes records in order until a limit is met.
class Collector {
  public:
    Collector(LogOffset from, size_t max_records, size_t max_bytes)
        : cursor_(from), max_records_(max_records), max_bytes_(max_bytes) {}

    LogOffset cursor() const { return cursor_; }
    bool full() const { return full_; }
    std::vector<LogRecord>& records() { return records_; }
    void SkipTo(LogOffset offset) { cursor_ = std::max(cursor_, offset); }

    void TakeFrom(const FrameHeader& header, base::ByteView payload) {
        RecordCursor walk(header, payload);
        while (auto record = walk.Next()) {
            if (record->offset < cursor_) continue;
            size_t size = record->key.size() + record->data.size();
            if (records_.size() == max_records_ || (!records_.empty() && bytes_ + size > max_bytes_)) {
                full_ = true;
                return;
            }
            bytes_ += size;
            cursor_ = record->offset + 1;
            records_.push_back({record->offset, base::FromUnixUs(record->arrival_us), base::Bytes(record->key),
                                base::Bytes(record->data)});
        }
    }

  private:
    LogOffset cursor_;
    const size_t max_records_;
    const size_t max_bytes_;
    size_t bytes_ = 0;
    bool full_ = false;
    std::vector<LogRecord> records_;
};

}  // namespace

// The frames of a segment from where an offset is to be looked for.
struct FileShardLog::SegmentPart {
    std::string path;
    uint32_t number = 0;
    uint64_t position = 0;
    uint64_t limit = 0;
    LogOffset first = 0;  // of the frame at position
    LogOffset next = 0;   // of the segment
};

env::Task<Result<std::vector<LogRecord>>> FileShardLog::Read(LogOffset from, size_t max_records, size_t max_bytes) {
    if (max_records == 0) co_return std::vector<LogRecord>();
    bool may_inline = false;
    {
        std::lock_guard lock(mutex_);
        if (from >= next_) co_return std::vector<LogRecord>();
        if (!cache_.empty() && from >= cache_.first()) {
            size_t bytes = 0;
            for (const auto& frame : cache_.frames()) {
                if (frame.header.next() > from) bytes += frame.header.payload_bytes;
            }
            may_inline = std::min(bytes, max_bytes) <= kCopyInline;
        }
    }
    if (may_inline) {
        if (auto cached = ReadCached(from, max_records, max_bytes)) co_return std::move(*cached);
    }
    auto self = shared_from_this();
    auto read = [self, from, max_records, max_bytes] { return self->ReadBlocking(from, max_records, max_bytes); };
    co_return co_await env::RunBlocking(world_.readers, read);
}

// Nothing when the cache does not reach back to from.
std::optional<std::vector<LogRecord>> FileShardLog::ReadCached(LogOffset from, size_t max_records,
                                                               size_t max_bytes) const {
    std::vector<CachedFrame> frames;
    {
        std::lock_guard lock(mutex_);
        if (cache_.empty() || from < cache_.first()) return std::nullopt;
        size_t bytes = 0;
        for (const auto& frame : cache_.frames()) {
            if (frame.header.next() <= from) continue;
            frames.push_back(frame);
            bytes += frame.header.payload_bytes;
            // The first frame may count with records before from only.
            if (frames.size() > 1 && bytes - frames.front().header.payload_bytes > 2 * max_bytes) break;
        }
    }
    Collector collector(from, max_records, max_bytes);
    for (const auto& frame : frames) {
        if (collector.full()) break;
        collector.TakeFrom(frame.header, frame.payload());
    }
    return std::move(collector.records());
}

// Under mutex_. Where a file holds the first record at or behind offset; nothing when none does.
std::optional<FileShardLog::SegmentPart> FileShardLog::PartFor(LogOffset offset) const {
    auto found = std::upper_bound(segments_.begin(), segments_.end(), offset,
                                  [](LogOffset wanted, const auto& segment) {
                                      return wanted < segment->next || segment->empty();
                                  });
    if (found == segments_.end() || (*found)->empty()) return std::nullopt;
    const Segment& segment = **found;
    const SegmentIndexEntry& entry = segment.EntryFor(offset);
    return SegmentPart{segment.path, segment.number, entry.position, segment.end, entry.first, segment.next};
}

Result<std::vector<LogRecord>> FileShardLog::ReadBlocking(LogOffset from, size_t max_records, size_t max_bytes) {
    Collector collector(from, max_records, max_bytes);
    while (!collector.full()) {
        if (auto range = lost_at(collector.cursor())) {
            if (collector.records().empty()) return LostError(*range);
            break;
        }
        std::optional<SegmentPart> part;
        {
            std::lock_guard lock(mutex_);
            if (collector.cursor() >= next_) break;
            collector.SkipTo(first_);
            part = PartFor(collector.cursor());
            // Behind the last file: offsets that were given up, or lost ones.
            LogOffset known = part ? part->first : cache_.empty() ? next_ : cache_.first();
            if (auto lost = lost_.lower_bound(collector.cursor()); lost != lost_.end()) {
                known = std::min(known, lost->first);
            }
            if (known > collector.cursor()) {
                collector.SkipTo(known);
                continue;
            }
            if (part && !cache_.empty() && collector.cursor() >= cache_.first()) part.reset();
        }
        if (!part) {
            size_t left = max_records - collector.records().size();
            auto cached = ReadCached(collector.cursor(), left, max_bytes);
            if (!cached) continue;  // it moved on; a file has it now
            if (collector.records().empty()) return std::move(*cached);
            break;
        }
        auto file = world_.files.Open(part->path, env::OpenMode::kRead);
        if (!file && file.error().code == ErrorCode::kNotFound) {
            std::lock_guard lock(mutex_);
            if (first_ > collector.cursor()) continue;  // trimmed meanwhile
        }
        if (!file) return std::unexpected(file.error());
        FrameScanner scanner(**file, log_key_, part->number, {.position = part->position, .limit = part->limit});
        LogOffset chain = part->first;
        while (!collector.full() && chain < part->next) {
            ASSIGN_OR_RETURN(auto frame, scanner.Next());
            LogOffset resumed = frame ? frame->header.previous_next : part->next;
            if (resumed > chain && resumed > collector.cursor()) {
                LogExtent lost = NoteLost(chain, resumed);
                if (collector.records().empty() && collector.cursor() >= lost.first) return LostError(lost);
                return std::move(collector.records());
            }
            if (!frame) break;
            chain = std::max(chain, frame->header.next());
            if (frame->header.next() > collector.cursor()) collector.TakeFrom(frame->header, frame->payload);
        }
    }
    return std::move(collector.records());
}

std::unexpected<base::Error> FileShardLog::LostError(const LogExtent& range) const {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("{}: records {} to {} are lost to damage", name_, range.first, range.next - 1));
}

LogExtent FileShardLog::NoteLost(LogOffset first, LogOffset next) {
    bool known = false;
    {
        std::lock_guard lock(mutex_);
        LogOffset& end = lost_[first];
        known = end >= next;
        end = std::max(end, next);
    }
    if (!known) base::LogError("shard_log", "{}: records {} to {} are lost to damage", name_, first, next - 1);
    return {first, next};
}

env::Task<Result<LogOffset>> FileShardLog::Seek(base::Instant time) {
    auto self = shared_from_this();
    auto seek = [self, time] { return self->SeekBlocking(base::ToUnixUs(time)); };
    co_return co_await env::RunBlocking(world_.readers, seek);
}

Result<LogOffset> FileShardLog::SeekBlocking(int64_t arrival_us) {
    std::optional<SegmentPart> part;
    std::vector<CachedFrame> frames;
    LogOffset next = 0;
    {
        std::lock_guard lock(mutex_);
        next = next_;
        for (const auto& segment : segments_) {
            if (segment->empty() || segment->last_arrival_us < arrival_us) continue;
            const SegmentIndexEntry& entry = segment->EntryForTime(arrival_us);
            part = SegmentPart{segment->path, segment->number, entry.position, segment->end, entry.first, segment->next};
            break;
        }
        frames.assign(cache_.frames().begin(), cache_.frames().end());
    }
    if (part) {
        ASSIGN_OR_RETURN(auto file, world_.files.Open(part->path, env::OpenMode::kRead));
        FrameScanner scanner(*file, log_key_, part->number, {.position = part->position, .limit = part->limit});
        for (;;) {
            ASSIGN_OR_RETURN(auto frame, scanner.Next());
            if (!frame) return part->next;  // what was meant is lost
            if (frame->header.last_arrival_us() < arrival_us) continue;
            RecordCursor walk(frame->header, frame->payload);
            while (auto record = walk.Next()) {
                if (record->arrival_us >= arrival_us) return record->offset;
            }
        }
    }
    for (const auto& frame : frames) {
        if (frame.header.last_arrival_us() < arrival_us) continue;
        RecordCursor walk(frame.header, frame.payload());
        while (auto record = walk.Next()) {
            if (record->arrival_us >= arrival_us) return record->offset;
        }
    }
    return next;
}

env::Task<Result<void>> FileShardLog::Trim(LogOffset offset) {
    auto self = shared_from_this();
    auto trim = [self, offset] {
        return self->TrimBlocking([offset](const Segment& segment) { return segment.next <= offset; });
    };
    co_return co_await env::RunBlocking(world_.readers, trim);
}

env::Task<Result<void>> FileShardLog::TrimByTime(base::Instant time) {
    auto self = shared_from_this();
    auto trim = [self, us = base::ToUnixUs(time)] {
        return self->TrimBlocking([us](const Segment& segment) { return segment.last_arrival_us < us; });
    };
    co_return co_await env::RunBlocking(world_.readers, trim);
}

// Drops segments from the oldest on. The newest one that holds something stays: it knows the next offset.
Result<void> FileShardLog::TrimBlocking(std::function<bool(const Segment&)> droppable) {
    std::vector<std::shared_ptr<Segment>> dropped;
    {
        std::lock_guard lock(mutex_);
        while (segments_.size() > 1 && !segments_[1]->empty() && droppable(*segments_.front())) {
            dropped.push_back(segments_.front());
            segments_.pop_front();
        }
        if (dropped.empty()) return {};
        first_ = segments_.front()->first;
        lost_.erase(lost_.begin(), lost_.lower_bound(first_));
    }
    for (const auto& segment : dropped) {
        auto index = world_.files.Remove(IndexPath(directory_, segment->number));
        if (!index && index.error().code != ErrorCode::kNotFound) return index;
        RETURN_IF_ERROR(world_.files.Remove(segment->path));
    }
    return world_.files.SyncDirectory(directory_);
}

}  // namespace wellhead::storage::file
