#include "codec/event_stream.h"

#include <cstdint>

#include "codec/crc.h"

namespace wellhead::codec {

namespace {

constexpr size_t kPrelude = 12;
constexpr size_t kTrailer = 4;

std::unexpected<base::Error> Bad(const char* what) {
    return base::Fail(base::ErrorCode::kInvalidArgument, std::string("event frame: ") + what);
}

uint64_t Number(base::ByteView bytes, size_t size) {
    uint64_t value = 0;
    for (size_t i = 0; i < size; ++i) value = value << 8 | static_cast<uint8_t>(bytes[i]);
    return value;
}

// Bytes of a header's value by its type; strings and byte arrays (6, 7) carry their length.
constexpr size_t kFixedSizes[10] = {0, 0, 1, 2, 4, 8, 0, 0, 8, 16};

base::Result<void> ReadHeaders(base::ByteView rest, EventFrame& frame) {
    while (!rest.empty()) {
        size_t name_size = static_cast<uint8_t>(rest.front());
        if (name_size == 0 || rest.size() < 1 + name_size + 1) return Bad("bad header name");
        std::string name(rest.substr(1, name_size));
        auto type = static_cast<uint8_t>(rest[1 + name_size]);
        rest.remove_prefix(1 + name_size + 1);
        if (type > 9) return Bad("unknown type of a header");
        bool text = type == 6 || type == 7;
        size_t size = kFixedSizes[type];
        if (text) {
            if (rest.size() < 2) return Bad("bad header value");
            size = static_cast<size_t>(Number(rest, 2));
            rest.remove_prefix(2);
        }
        if (rest.size() < size) return Bad("bad header value");
        if (text) frame.headers.emplace_back(std::move(name), std::string(rest.substr(0, size)));
        rest.remove_prefix(size);
    }
    return {};
}

}  // namespace

std::string_view EventFrame::Header(std::string_view name) const {
    for (const auto& [key, value] : headers) {
        if (key == name) return value;
    }
    return {};
}

base::Result<std::optional<EventFrame>> DecodeEventFrame(base::ByteView bytes) {
    if (bytes.size() < kPrelude) return std::optional<EventFrame>();
    uint64_t total = Number(bytes, 4);
    uint64_t headers = Number(bytes.substr(4), 4);
    if (Number(bytes.substr(8), 4) != Crc32(bytes.substr(0, 8))) {
        return base::Fail(base::ErrorCode::kCorrupt, "event frame: the prelude's checksum does not hold");
    }
    if (total > kMaxEventFrame || total < kPrelude + kTrailer || headers > total - kPrelude - kTrailer) {
        return Bad("bad lengths");
    }
    if (bytes.size() < total) return std::optional<EventFrame>();
    EventFrame frame;
    frame.size = static_cast<size_t>(total);
    if (Number(bytes.substr(frame.size - kTrailer), 4) != Crc32(bytes.substr(0, frame.size - kTrailer))) {
        return base::Fail(base::ErrorCode::kCorrupt, "event frame: its checksum does not hold");
    }
    RETURN_IF_ERROR(ReadHeaders(bytes.substr(kPrelude, static_cast<size_t>(headers)), frame));
    frame.payload = bytes.substr(kPrelude + static_cast<size_t>(headers),
                                 frame.size - kPrelude - static_cast<size_t>(headers) - kTrailer);
    return std::optional(std::move(frame));
}

}  // namespace wellhead::codec
