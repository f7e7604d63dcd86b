#pragma once
// Frames of application/vnd.amazon.eventstream: a prelude of two lengths and their CRC-32, headers, payload, CRC-32 of all
// before. (Smithy, "Amazon Event Stream specification".)

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace wellhead::codec {

struct EventFrame {
    std::vector<std::pair<std::string, std::string>> headers;  // those whose value is a string or bytes
    base::Bytes payload;
    size_t size = 0;  // of the whole frame, in the input

    std::string_view Header(std::string_view name) const;
};

inline constexpr size_t kMaxEventFrame = size_t{24} << 20;

// The frame at the front of bytes; nothing while it is not whole. kCorrupt: a checksum does not hold; kInvalidArgument:
// the lengths or headers do not.
base::Result<std::optional<EventFrame>> DecodeEventFrame(base::ByteView bytes);

}  // namespace wellhead::codec
