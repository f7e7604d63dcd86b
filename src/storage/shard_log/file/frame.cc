#include "storage/shard_log/file/frame.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "codec/crc.h"

namespace wellhead::storage::file {

static_assert(std::endian::native == std::endian::little, "the format is little-endian, and so are we");

namespace {

constexpr uint32_t kFrameMagic = 0x31'46'4c'57;  // "WLF1"

template <class T>
char* Put(char* out, T value) {
    std::memcpy(out, &value, sizeof value);
    return out + sizeof value;
}
template <class T>
T Get(const char*& at) {
    T value;
    std::memcpy(&value, at, sizeof value);
    at += sizeof value;
    return value;
}

}  // namespace

void EncodeFrameHeader(const FrameHeader& header, char* out) {
    char* at = Put(out, kFrameMagic);
    char* checksum = at;
    at = Put(at, uint32_t{0});
    char* covered = at;
    at = Put(at, header.place.log_key);
    at = Put(at, header.place.segment);
    at = Put(at, header.place.block);
    at = Put(at, header.first);
    at = Put(at, header.previous_next);
    at = Put(at, header.arrival_us);
    at = Put(at, header.records);
    at = Put(at, header.payload_bytes);
    at = Put(at, header.payload_crc);
    at = Put(at, header.last_arrival_delta_us);
    Put(checksum, codec::Crc32c({covered, static_cast<size_t>(at - covered)}));
}

std::optional<FrameHeader> DecodeFrameHeader(base::ByteView bytes) {
    if (bytes.size() < kFrameHeaderSize) return std::nullopt;
    const char* at = bytes.data();
    if (Get<uint32_t>(at) != kFrameMagic) return std::nullopt;
    auto checksum = Get<uint32_t>(at);
    if (codec::Crc32c({at, kFrameHeaderSize - 8}) != checksum) return std::nullopt;
    FrameHeader header;
    header.place.log_key = Get<uint64_t>(at);
    header.place.segment = Get<uint32_t>(at);
    header.place.block = Get<uint32_t>(at);
    header.first = Get<uint64_t>(at);
    header.previous_next = Get<uint64_t>(at);
    header.arrival_us = Get<int64_t>(at);
    header.records = Get<uint32_t>(at);
    header.payload_bytes = Get<uint32_t>(at);
    header.payload_crc = Get<uint32_t>(at);
    header.last_arrival_delta_us = Get<uint32_t>(at);
    bool possible = header.records > 0 && header.payload_bytes <= kMaxFramePayload &&
                    header.records <= header.payload_bytes / kRecordHeaderSize &&
                    header.previous_next <= header.first && header.first <= UINT64_MAX - header.records;
    if (!possible) return std::nullopt;
    return header;
}

char* EncodeRecord(char* out, base::ByteView key, base::ByteView data, uint32_t arrival_delta_us) {
    out = Put(out, static_cast<uint32_t>(key.size()));
    out = Put(out, static_cast<uint32_t>(data.size()));
    out = Put(out, arrival_delta_us);
    out = std::copy(key.begin(), key.end(), out);
    return std::copy(data.begin(), data.end(), out);
}

std::optional<RecordView> RecordCursor::Next() {
    if (next_ == end_ || rest_.size() < kRecordHeaderSize) return std::nullopt;
    const char* at = rest_.data();
    auto key_size = Get<uint32_t>(at);
    auto data_size = Get<uint32_t>(at);
    auto arrival_delta_us = Get<uint32_t>(at);
    rest_.remove_prefix(kRecordHeaderSize);
    if (key_size > rest_.size() || data_size > rest_.size() - key_size) return std::nullopt;
    RecordView record{.offset = next_,
                      .arrival_us = arrival_us_ + arrival_delta_us,
                      .key = rest_.substr(0, key_size),
                      .data = rest_.substr(key_size, data_size)};
    rest_.remove_prefix(size_t{key_size} + data_size);
    ++next_;
    return record;
}

}  // namespace wellhead::storage::file
