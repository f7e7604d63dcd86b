#include "storage/shard_log/file/segment.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "codec/crc.h"

namespace wellhead::storage::file {

namespace {

constexpr uint64_t kIndexMagic = 0x31'78'64'69'6f'6c'68'77;  // "whloidx1"

// As it lies in the file; entries follow, then lost ranges.
struct IndexHeader {
    uint64_t magic;
    uint64_t log_key;
    uint32_t number;
    uint32_t crc;  // of everything behind this member
    uint64_t previous_next;
    uint64_t first;
    uint64_t next;
    int64_t first_arrival_us;
    int64_t last_arrival_us;
    uint64_t end;
    uint32_t entries;
    uint32_t lost;
};
static_assert(sizeof(IndexHeader) == 80);
static_assert(sizeof(SegmentIndexEntry) == 24);
static_assert(sizeof(LogExtent) == 16);
constexpr size_t kCovered = offsetof(IndexHeader, previous_next);

template <class T>
void AppendRaw(base::Bytes& out, const T* values, size_t count) {
    out.append(reinterpret_cast<const char*>(values), count * sizeof(T));
}

}  // namespace

void Segment::Add(const FrameHeader& header, uint64_t position) {
    if (empty()) {
        previous_next = header.previous_next;
        first = header.first;
        first_arrival_us = header.arrival_us;
    }
    if (index.empty() || position >= index.back().position + kIndexStride) {
        index.push_back({header.first, position, header.arrival_us});
    }
    next = header.next();
    last_arrival_us = header.last_arrival_us();
}

const SegmentIndexEntry& Segment::EntryFor(LogOffset offset) const {
    auto after = std::upper_bound(index.begin(), index.end(), offset,
                                  [](LogOffset wanted, const SegmentIndexEntry& entry) { return wanted < entry.first; });
    return after == index.begin() ? index.front() : *(after - 1);
}

const SegmentIndexEntry& Segment::EntryForTime(int64_t arrival_us) const {
    // Strictly before: records of one instant may stand in several frames.
    auto at = std::lower_bound(index.begin(), index.end(), arrival_us,
                               [](const SegmentIndexEntry& entry, int64_t wanted) { return entry.arrival_us < wanted; });
    return at == index.begin() ? index.front() : *(at - 1);
}

std::string SegmentPath(const std::string& directory, uint32_t number) {
    return fmt::format("{}/{:010}.seg", directory, number);
}
std::string IndexPath(const std::string& directory, uint32_t number) {
    return fmt::format("{}/{:010}.idx", directory, number);
}

std::optional<uint32_t> SegmentNumber(const std::string& file_name) {
    if (file_name.size() != 14 || !file_name.ends_with(".seg")) return std::nullopt;
    uint64_t number = 0;
    for (char digit : file_name.substr(0, 10)) {
        if (digit < '0' || digit > '9') return std::nullopt;
        number = number * 10 + static_cast<uint64_t>(digit - '0');
    }
    if (number == 0 || number > UINT32_MAX) return std::nullopt;
    return static_cast<uint32_t>(number);
}

base::Bytes EncodeIndex(const Segment& segment, uint64_t log_key, const std::vector<LogExtent>& lost) {
    IndexHeader header{kIndexMagic,
                       log_key,
                       segment.number,
                       0,
                       segment.previous_next,
                       segment.first,
                       segment.next,
                       segment.first_arrival_us,
                       segment.last_arrival_us,
                       segment.end,
                       static_cast<uint32_t>(segment.index.size()),
                       static_cast<uint32_t>(lost.size())};
    base::Bytes out;
    AppendRaw(out, &header, 1);
    AppendRaw(out, segment.index.data(), segment.index.size());
    AppendRaw(out, lost.data(), lost.size());
    uint32_t crc = codec::Crc32c(base::ByteView(out).substr(kCovered));
    std::memcpy(out.data() + offsetof(IndexHeader, crc), &crc, sizeof crc);
    return out;
}

base::Result<DecodedIndex> DecodeIndex(base::ByteView bytes, uint64_t log_key, uint32_t number) {
    auto damaged = [number](std::string_view why) {
        return base::Fail(base::ErrorCode::kCorrupt, fmt::format("index of segment {}: {}", number, why));
    };
    IndexHeader header;
    if (bytes.size() < sizeof header) return damaged("too short");
    std::memcpy(&header, bytes.data(), sizeof header);
    if (header.magic != kIndexMagic || header.log_key != log_key || header.number != number) {
        return damaged("of something else");
    }
    if (header.crc != codec::Crc32c(bytes.substr(kCovered))) return damaged("checksum");
    uint64_t wanted = sizeof header + uint64_t{header.entries} * sizeof(SegmentIndexEntry) +
                      uint64_t{header.lost} * sizeof(LogExtent);
    if (wanted != bytes.size() || header.first >= header.next || header.entries == 0) return damaged("counts");
    DecodedIndex decoded;
    Segment& segment = decoded.segment;
    segment.number = number;
    segment.previous_next = header.previous_next;
    segment.first = header.first;
    segment.next = header.next;
    segment.first_arrival_us = header.first_arrival_us;
    segment.last_arrival_us = header.last_arrival_us;
    segment.end = header.end;
    segment.index.resize(header.entries);
    std::memcpy(segment.index.data(), bytes.data() + sizeof header, header.entries * sizeof(SegmentIndexEntry));
    if (header.lost > 0) {
        decoded.lost.resize(header.lost);
        std::memcpy(decoded.lost.data(), bytes.data() + sizeof header + header.entries * sizeof(SegmentIndexEntry),
                    header.lost * sizeof(LogExtent));
    }
    return decoded;
}

}  // namespace wellhead::storage::file
