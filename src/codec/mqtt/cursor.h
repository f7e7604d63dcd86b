#pragma once
// Cursor reads the primitive types of MQTT (1.5) and never beyond its end; Append* writes them.

#include <optional>

#include "base/bytes.h"

namespace wellhead::codec::mqtt {

class Cursor {
  public:
    explicit Cursor(base::ByteView bytes) : bytes_(bytes) {}

    size_t left() const { return bytes_.size(); }
    bool done() const { return bytes_.empty(); }
    base::ByteView rest() const { return bytes_; }

    bool U8(uint8_t& value) {
        if (bytes_.empty()) return false;
        value = static_cast<uint8_t>(bytes_[0]);
        bytes_.remove_prefix(1);
        return true;
    }
    bool U16(uint16_t& value) {
        if (bytes_.size() < 2) return false;
        value = static_cast<uint16_t>(Byte(0) << 8 | Byte(1));
        bytes_.remove_prefix(2);
        return true;
    }
    bool U32(uint32_t& value) {
        if (bytes_.size() < 4) return false;
        value = Byte(0) << 24 | Byte(1) << 16 | Byte(2) << 8 | Byte(3);
        bytes_.remove_prefix(4);
        return true;
    }
    // Variable Byte Integer (1.5.5): at most four bytes, and no more than it needs ([MQTT-1.5.5-1]).
    bool VarInt(uint32_t& value) {
        value = 0;
        for (unsigned i = 0; i < 4 && i < bytes_.size(); ++i) {
            value |= (Byte(i) & 0x7F) << (7 * i);
            if ((Byte(i) & 0x80) == 0) {
                if (i > 0 && Byte(i) == 0) return false;
                bytes_.remove_prefix(i + 1);
                return true;
            }
        }
        return false;
    }
    bool Take(size_t size, base::ByteView& value) {
        if (bytes_.size() < size) return false;
        value = bytes_.substr(0, size);
        bytes_.remove_prefix(size);
        return true;
    }
    // Two bytes of length, then that many bytes: a string or binary data.
    bool Prefixed(base::ByteView& value) {
        uint16_t size = 0;
        return U16(size) && Take(size, value);
    }

  private:
    uint32_t Byte(size_t i) const { return static_cast<uint8_t>(bytes_[i]); }
    base::ByteView bytes_;
};

inline void AppendU8(base::Bytes& out, uint8_t value) { out.push_back(static_cast<char>(value)); }
inline void AppendU16(base::Bytes& out, uint16_t value) {
    char bytes[2] = {static_cast<char>(value >> 8), static_cast<char>(value)};
    out.append(bytes, 2);
}
inline void AppendU32(base::Bytes& out, uint32_t value) {
    char bytes[4] = {static_cast<char>(value >> 24), static_cast<char>(value >> 16),
                     static_cast<char>(value >> 8), static_cast<char>(value)};
    out.append(bytes, 4);
}
inline size_t VarIntSize(uint32_t value) {
    return value < 128 ? 1 : value < 16'384 ? 2 : value < 2'097'152 ? 3 : 4;
}
inline void AppendVarInt(base::Bytes& out, uint32_t value) {  // [MQTT-1.5.5-1]: the fewest bytes
    do {
        uint8_t byte = value & 0x7F;
        value >>= 7;
        AppendU8(out, value > 0 ? byte | 0x80 : byte);
    } while (value > 0);
}
inline void AppendPrefixed(base::Bytes& out, base::ByteView value) {
    AppendU16(out, static_cast<uint16_t>(value.size()));
    out.append(value);
}

}  // namespace wellhead::codec::mqtt
