#pragma once
// Segments: the files of a log, what is known of each, and the index file that makes opening a sealed one cheap.

#include <optional>
#include <string>
#include <vector>

#include "storage/shard_log/file/frame.h"

namespace wellhead::storage::file {

// Where to begin looking for an offset or a time: at least every kIndexStride bytes of a segment.
struct SegmentIndexEntry {
    LogOffset first = 0;
    uint64_t position = 0;
    int64_t arrival_us = 0;
};
inline constexpr uint64_t kIndexStride = 64 << 10;

struct Segment {
    uint32_t number = 0;
    std::string path;
    LogOffset previous_next = 0;  // of its first frame
    LogOffset first = 0;
    LogOffset next = 0;           // == first when it holds nothing
    int64_t first_arrival_us = 0;
    int64_t last_arrival_us = 0;
    uint64_t end = 0;  // frames that change no more lie before it
    std::vector<SegmentIndexEntry> index;

    bool empty() const { return first == next; }
    // Notes a frame that follows the ones before it.
    void Add(const FrameHeader& header, uint64_t position);
    // The last entry at or before; the segment holds something.
    const SegmentIndexEntry& EntryFor(LogOffset offset) const;
    const SegmentIndexEntry& EntryForTime(int64_t arrival_us) const;
};

std::string SegmentPath(const std::string& directory, uint32_t number);
std::string IndexPath(const std::string& directory, uint32_t number);
// The number in "0000000001.seg", or nothing.
std::optional<uint32_t> SegmentNumber(const std::string& file_name);

// The index file of a sealed segment, with the ranges known to be lost in it.
base::Bytes EncodeIndex(const Segment& segment, uint64_t log_key, const std::vector<LogExtent>& lost);
struct DecodedIndex {
    Segment segment;  // without its path
    std::vector<LogExtent> lost;
};
// kCorrupt when it is damaged or belongs to another segment.
base::Result<DecodedIndex> DecodeIndex(base::ByteView bytes, uint64_t log_key, uint32_t number);

}  // namespace wellhead::storage::file
