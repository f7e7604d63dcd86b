#pragma once
// TailCache: the newest frames of a log in memory, so that readers at the tip never touch a file.

#include <atomic>
#include <deque>
#include <memory>

#include "storage/shard_log/file/frame.h"

namespace wellhead::storage::file {

// Bytes that all tail caches of a store hold together.
struct CacheBudget {
    size_t per_log = 4 << 20;
    size_t total = 64 << 20;
    std::atomic<size_t> used{0};
};

struct CachedFrame {
    FrameHeader header;
    std::shared_ptr<AlignedBuffer> buffer;  // the whole frame; immutable
    base::ByteView payload() const { return {buffer->data() + kFrameHeaderSize, header.payload_bytes}; }
};

// Not thread-safe.
class TailCache {
  public:
    explicit TailCache(CacheBudget& budget) : budget_(budget) {}
    ~TailCache() {
        while (!frames_.empty()) DropFront();
    }
    bool empty() const { return frames_.empty(); }
    LogOffset first() const { return frames_.front().header.first; }
    const std::deque<CachedFrame>& frames() const { return frames_; }

    // A frame with the first offset of the newest one takes its place. The newest is always kept.
    void Add(CachedFrame frame) {
        if (!frames_.empty() && frames_.back().header.first == frame.header.first) {
            Count(-static_cast<ptrdiff_t>(frames_.back().buffer->size()));
            frames_.pop_back();
        }
        Count(static_cast<ptrdiff_t>(frame.buffer->size()));
        frames_.push_back(std::move(frame));
        while (frames_.size() > 1 && (bytes_ > budget_.per_log || budget_.used > budget_.total)) DropFront();
    }

  private:
    void DropFront() {
        Count(-static_cast<ptrdiff_t>(frames_.front().buffer->size()));
        frames_.pop_front();
    }
    void Count(ptrdiff_t change) {
        bytes_ += static_cast<size_t>(change);
        budget_.used += static_cast<size_t>(change);
    }

    CacheBudget& budget_;
    std::deque<CachedFrame> frames_;
    size_t bytes_ = 0;
};

}  // namespace wellhead::storage::file
