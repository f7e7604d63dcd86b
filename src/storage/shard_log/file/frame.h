#pragma once
// Frames: what one commit writes into a segment. The format is docs/formats/shard_log.md.

#include <optional>

#include "storage/shard_log/file/aligned_buffer.h"
#include "storage/shard_log/shard_log.h"

namespace wellhead::storage::file {

inline constexpr size_t kFrameHeaderSize = 64;
inline constexpr size_t kRecordHeaderSize = 12;
inline constexpr size_t kMaxKeySize = 64 << 10;
inline constexpr size_t kMaxDataSize = 10 << 20;
// An append that is larger is refused.
inline constexpr size_t kMaxFramePayload = 64 << 20;

// Where a frame stands. Part of its header, so that a block that was swapped or restored from elsewhere, or record
// data that looks like a frame, is never taken for one.
struct FramePlace {
    uint64_t log_key = 0;  // random, one a log, never shown to anyone
    uint32_t segment = 0;
    uint32_t block = 0;  // position in the segment / kBlockSize
    friend bool operator==(const FramePlace&, const FramePlace&) = default;
};

struct FrameHeader {
    FramePlace place;
    LogOffset first = 0;
    LogOffset previous_next = 0;  // where the frame before ended; first is greater when offsets were given up between
    int64_t arrival_us = 0;       // of the first record
    uint32_t last_arrival_delta_us = 0;
    uint32_t records = 0;
    uint32_t payload_bytes = 0;
    uint32_t payload_crc = 0;

    LogOffset next() const { return first + records; }
    int64_t last_arrival_us() const { return arrival_us + last_arrival_delta_us; }
    uint64_t size_on_disk() const { return RoundUpToBlock(kFrameHeaderSize + payload_bytes); }
};

// Writes kFrameHeaderSize bytes.
void EncodeFrameHeader(const FrameHeader& header, char* out);
// Nothing when the bytes are no header: magic or checksum do not hold, or a count is impossible.
std::optional<FrameHeader> DecodeFrameHeader(base::ByteView bytes);

struct RecordView {
    LogOffset offset = 0;
    int64_t arrival_us = 0;
    base::ByteView key;
    base::ByteView data;
};

// Appends a record's bytes at out, returns the end.
char* EncodeRecord(char* out, base::ByteView key, base::ByteView data, uint32_t arrival_delta_us);

// Walks the records of a payload whose checksum holds.
class RecordCursor {
  public:
    RecordCursor(const FrameHeader& header, base::ByteView payload)
        : rest_(payload), next_(header.first), end_(header.next()), arrival_us_(header.arrival_us) {}
    // Nothing at the end, or when the bytes do not hold what the header says.
    std::optional<RecordView> Next();
    // Every record the header promises came, and nothing is left.
    bool complete() const { return next_ == end_ && rest_.empty(); }

  private:
    base::ByteView rest_;
    LogOffset next_;
    const LogOffset end_;
    const int64_t arrival_us_;
};

}  // namespace wellhead::storage::file
