#pragma once
// SegmentWriter: the segment that commits go to, and the next one made ready behind them.

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "env/clock.h"
#include "storage/shard_log/file/segment.h"

namespace wellhead::storage::file {

struct SegmentSizes {
    uint64_t smallest = 1 << 20;  // of a log's first segment; one that fills within a minute is followed by a double one
    uint64_t largest = 64 << 20;
};

// Blocking. One thread at a time, but for Prepare, which any thread may call meanwhile.
class SegmentWriter {
  public:
    SegmentWriter(env::Files& files, env::Clock& clock, std::string directory, SegmentSizes sizes)
        : files_(files), clock_(clock), directory_(std::move(directory)), sizes_(sizes), next_size_(sizes.smallest) {}

    // Before anything else: go on in a segment that recovery found, or have the first commit make the one after number.
    base::Result<void> Resume(uint32_t number);
    void StartAfter(uint32_t number) { last_number_ = number; }

    uint32_t number() const { return number_; }
    bool Fits(uint64_t position, uint64_t size) const { return file_ != nullptr && position + size <= size_; }
    bool half_full(uint64_t position) const { return position > size_ / 2; }
    // Durable when it succeeds.
    base::Result<void> Write(uint64_t position, base::ByteView blocks) { return file_->WriteAt(position, blocks); }

    // The next segment becomes the current one, at least needed bytes large. kLimit: the disk is full, nothing changed.
    base::Result<void> Roll(uint64_t needed);
    // Makes the next segment ready, if it is not: its blocks written, its name durable.
    base::Result<void> Prepare(uint64_t needed);

  private:
    struct Prepared {
        uint32_t number = 0;
        std::unique_ptr<env::File> file;
        uint64_t size = 0;
    };
    base::Result<Prepared> Make(uint32_t number, uint64_t needed);

    env::Files& files_;
    env::Clock& clock_;
    const std::string directory_;
    const SegmentSizes sizes_;
    std::unique_ptr<env::File> file_;
    uint64_t size_ = 0;
    uint32_t number_ = 0;
    base::Tick begun_{};

    std::mutex prepare_mutex_;  // what is below
    std::optional<Prepared> prepared_;
    uint64_t next_size_;
    uint32_t last_number_ = 0;
};

}  // namespace wellhead::storage::file
