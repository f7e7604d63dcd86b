#pragma once
// FrameScanner: finds the frames of a segment file, whatever lies between them.

#include <optional>
#include <vector>

#include "storage/shard_log/file/frame.h"

namespace wellhead::storage::file {

struct ScannedFrame {
    FrameHeader header;
    base::ByteView payload;  // until the next call
    uint64_t position = 0;
};

// Blocking, one thread. A block that begins no whole frame of this place is stepped over; a frame returned holds.
class FrameScanner {
  public:
    struct Range {
        uint64_t position = 0;  // multiple of kBlockSize
        uint64_t limit = UINT64_MAX;
        uint64_t stop_after_zeroes = UINT64_MAX;  // so many bytes of zeroes are the end
    };
    FrameScanner(env::File& file, uint64_t log_key, uint32_t segment, Range range)
        : file_(file), log_key_(log_key), segment_(segment), range_(range) {}

    // The next frame; nothing at the end. kIo and the like from the file.
    base::Result<std::optional<ScannedFrame>> Next();

    // What was stepped over since the last frame.
    struct Rubble {
        uint64_t bytes = 0;                  // up to the last block that was not all zeroes
        std::optional<LogOffset> torn_next;  // the highest end that a header with a torn payload promised
    };
    const Rubble& rubble() const { return rubble_; }

  private:
    // size bytes at position_, or fewer at the end of the file.
    base::Result<base::ByteView> Window(size_t size);
    void StepOver(base::ByteView block);

    env::File& file_;
    const uint64_t log_key_;
    const uint32_t segment_;
    const Range range_;
    std::vector<char> buffer_;
    uint64_t buffer_position_ = 0;
    size_t buffer_size_ = 0;
    uint64_t position_ = UINT64_MAX;
    uint64_t stepped_ = 0;
    uint64_t zeroes_ = 0;
    Rubble rubble_;
};

}  // namespace wellhead::storage::file
