#include "storage/shard_log/file/recovery.h"

#include <algorithm>

#include "base/log.h"
#include "storage/shard_log/file/frame_scanner.h"

namespace wellhead::storage::file {

namespace {

// So many zeroes behind the last frame are the unwritten rest of a segment.
constexpr uint64_t kZeroTail = 4 << 20;
constexpr uint64_t kMaxIndexSize = 64 << 20;

class Recovery {
  public:
    Recovery(env::Files& files, env::Random& random, const std::string& directory, const std::string& name)
        : files_(files), random_(random), directory_(directory), name_(name) {}

    base::Result<RecoveredLog> Run() {
        RETURN_IF_ERROR(files_.MakeDirectories(directory_));
        RETURN_IF_ERROR(ListSegments());
        ASSIGN_OR_RETURN(log_.state_file, StateFile::Open(files_, directory_ + "/state"));
        RETURN_IF_ERROR(FindKey());
        for (uint32_t number : numbers_) RETURN_IF_ERROR(LoadSegment(number));
        RETURN_IF_ERROR(UnsealLast());
        RETURN_IF_ERROR(SealAllButLast());
        Chain();
        RETURN_IF_ERROR(WriteState());
        return std::move(log_);
    }

  private:
    base::Result<void> ListSegments() {
        ASSIGN_OR_RETURN(auto entries, files_.List(directory_));
        for (const auto& entry : entries) {
            if (auto number = SegmentNumber(entry.name)) numbers_.push_back(*number);
        }
        std::sort(numbers_.begin(), numbers_.end());
        return {};
    }

    // From the state file; where that is damaged from the first block of a segment, which no record data reaches.
    base::Result<void> FindKey() {
        if (log_.state_file->state()) {
            log_.log_key = log_.state_file->state()->log_key;
            return {};
        }
        for (uint32_t number : numbers_) {
            ASSIGN_OR_RETURN(auto file, files_.Open(SegmentPath(directory_, number), env::OpenMode::kRead));
            base::Bytes block(kFrameHeaderSize, '\0');
            ASSIGN_OR_RETURN(size_t read, file->ReadAt(0, block));
            auto header = DecodeFrameHeader(base::ByteView(block).substr(0, read));
            if (header && header->place.segment == number && header->place.block == 0) {
                log_.log_key = header->place.log_key;
                base::LogWarning("shard_log", "{}: state file is damaged; key taken from segment {}", name_, number);
                return {};
            }
        }
        log_.log_key = env::RandomUint64(random_);
        return {};
    }

    base::Result<void> LoadSegment(uint32_t number) {
        if (auto bytes = env::ReadWholeFile(files_, IndexPath(directory_, number), kMaxIndexSize)) {
            if (auto decoded = DecodeIndex(*bytes, log_.log_key, number)) {
                decoded->segment.path = SegmentPath(directory_, number);
                log_.segments.push_back(std::make_shared<Segment>(std::move(decoded->segment)));
                lost_.push_back(std::move(decoded->lost));
                indexed_.push_back(true);
                return {};
            }
            base::LogWarning("shard_log", "{}: index of segment {} is damaged; scanning", name_, number);
        }
        return ScanSegment(number);
    }

    base::Result<void> ScanSegment(uint32_t number) {
        auto segment = std::make_shared<Segment>();
        segment->number = number;
        segment->path = SegmentPath(directory_, number);
        ASSIGN_OR_RETURN(auto file, files_.Open(segment->path, env::OpenMode::kReadWrite));
        // What a killed process wrote is not yet durable; from here on it is served.
        RETURN_IF_ERROR(file->Sync());
        FrameScanner scanner(*file, log_.log_key, number, {.position = 0, .stop_after_zeroes = kZeroTail});
        std::vector<LogExtent> lost;
        std::optional<LogOffset> last_first;
        LogOffset torn_next = 0;
        for (;;) {
            ASSIGN_OR_RETURN(auto frame, scanner.Next());
            torn_next = std::max(torn_next, TornNext(scanner.rubble(), segment->next));
            if (!frame) break;
            const FrameHeader& header = frame->header;
            bool first_frame = segment->empty();
            bool superseding = last_first == header.first;
            if (!first_frame && header.next() <= segment->next) continue;  // an older copy
            if (!first_frame && !superseding && header.first < segment->next) continue;
            if (!first_frame && !superseding && header.previous_next > segment->next) {
                lost.push_back({segment->next, header.previous_next});
            }
            segment->Add(header, frame->position);
            segment->end = frame->position + header.size_on_disk();
            last_first = header.first;
        }
        if (segment->empty()) {
            log_.spares.push_back(number);
        } else {
            log_.segments.push_back(segment);
            lost_.push_back(std::move(lost));
            indexed_.push_back(false);
        }
        tail_torn_next_ = std::max(tail_torn_next_, torn_next);
        return {};
    }

    // Up to where offsets may have been named by a commit of which these are the remains.
    static LogOffset TornNext(const FrameScanner::Rubble& rubble, LogOffset next) {
        if (rubble.torn_next) return *rubble.torn_next;
        return rubble.bytes == 0 ? 0 : next + rubble.bytes / kRecordHeaderSize;
    }

    // It was sealed, but nothing came into the one behind it: commits go on here, and its index must not hide them.
    base::Result<void> UnsealLast() {
        if (log_.segments.empty() || !indexed_.back()) return {};
        uint32_t number = log_.segments.back()->number;
        log_.segments.pop_back();
        lost_.pop_back();
        indexed_.pop_back();
        RETURN_IF_ERROR(files_.Remove(IndexPath(directory_, number)));
        return ScanSegment(number);
    }

    base::Result<void> SealAllButLast() {
        for (size_t i = 0; i + 1 < log_.segments.size(); ++i) {
            if (indexed_[i]) continue;
            RETURN_IF_ERROR(env::ReplaceFileDurably(files_, IndexPath(directory_, log_.segments[i]->number),
                                                    EncodeIndex(*log_.segments[i], log_.log_key, lost_[i])));
        }
        return {};
    }

    void Chain() {
        // Before the first segment everything was trimmed, unless it is the very first.
        LogOffset chain = 0;
        if (!log_.segments.empty() && log_.segments.front()->number > 1) {
            chain = log_.segments.front()->previous_next;
        }
        for (size_t i = 0; i < log_.segments.size(); ++i) {
            const Segment& segment = *log_.segments[i];
            if (segment.previous_next > chain) Lose(chain, segment.previous_next);
            log_.lost.insert(log_.lost.end(), lost_[i].begin(), lost_[i].end());
            for (const auto& range : lost_[i]) Report(range);
            chain = segment.next;
            log_.last_arrival_us = std::max(log_.last_arrival_us, segment.last_arrival_us);
        }
        if (log_.state_file->state() && log_.state_file->state()->next > chain) {
            Lose(chain, log_.state_file->state()->next);
            chain = log_.state_file->state()->next;
        }
        log_.chain = chain;
        log_.next = chain;
        if (tail_torn_next_ > chain) {
            // Not acknowledged, or damaged within a second of it: the offsets are not given out again.
            log_.next = tail_torn_next_;
            base::LogWarning("shard_log", "{}: a commit at offset {} was torn; going on at {}", name_, chain, log_.next);
        }
    }

    void Lose(LogOffset first, LogOffset next) {
        log_.lost.push_back({first, next});
        Report(log_.lost.back());
    }
    void Report(const LogExtent& range) {
        base::LogError("shard_log", "{}: records {} to {} are lost to damage", name_, range.first, range.next - 1);
    }

    base::Result<void> WriteState() {
        bool removed = log_.state_file->state() && log_.state_file->state()->removed;
        RETURN_IF_ERROR(log_.state_file->Write({log_.log_key, log_.chain, removed}));
        return files_.SyncDirectory(directory_);
    }

    env::Files& files_;
    env::Random& random_;
    const std::string directory_;
    const std::string name_;
    RecoveredLog log_;
    std::vector<uint32_t> numbers_;
    std::vector<std::vector<LogExtent>> lost_;  // beside log_.segments
    std::vector<bool> indexed_;
    LogOffset tail_torn_next_ = 0;
};

}  // namespace

base::Result<RecoveredLog> RecoverLog(env::Files& files, env::Random& random, const std::string& directory,
                                      const std::string& name) {
    return Recovery(files, random, directory, name).Run();
}

}  // namespace wellhead::storage::file
