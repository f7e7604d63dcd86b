#include "codec/mqtt/types.h"

#include <cstring>

namespace wellhead::codec::mqtt {

std::string_view PacketName(PacketType type) {
    constexpr std::string_view kNames[] = {
        "reserved", "CONNECT",   "CONNACK", "PUBLISH",     "PUBACK",   "PUBREC",  "PUBREL",   "PUBCOMP",
        "SUBSCRIBE", "SUBACK", "UNSUBSCRIBE", "UNSUBACK", "PINGREQ", "PINGRESP", "DISCONNECT", "AUTH"};
    return kNames[static_cast<uint8_t>(type) & 0x0F];
}

bool IsReasonFor(PacketType type, uint8_t code) {
    auto one_of = [code](std::initializer_list<uint8_t> codes) {
        for (uint8_t each : codes) {
            if (each == code) return true;
        }
        return false;
    };
    switch (type) {
        case PacketType::kConnack:
            return one_of({0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x8C,
                           0x90, 0x95, 0x97, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9F});
        case PacketType::kPuback:
        case PacketType::kPubrec:
            return one_of({0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99});
        case PacketType::kPubrel:
        case PacketType::kPubcomp:
            return one_of({0x00, 0x92});
        case PacketType::kSuback:
            return one_of({0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2});
        case PacketType::kUnsuback:
            return one_of({0x00, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91});
        case PacketType::kDisconnect:
            return one_of({0x00, 0x04}) || (code >= 0x80 && code <= 0x83) || code == 0x87 || code == 0x89 ||
                   code == 0x8B || (code >= 0x8D && code <= 0x90) || (code >= 0x93 && code <= 0xA2);
        case PacketType::kAuth:
            return one_of({0x00, 0x18, 0x19});
        default:
            return false;
    }
}

namespace {

// Length of the well-formed sequence at text[i], 0 when there is none. (Unicode 15, table 3-7.)
size_t SequenceLength(std::string_view text, size_t i) {
    auto byte = [&](size_t k) { return static_cast<uint8_t>(text[k]); };
    auto continues = [&](size_t k) { return k < text.size() && (byte(k) & 0xC0) == 0x80; };
    uint8_t lead = byte(i);
    if (lead < 0x80) return lead == 0 ? 0 : 1;
    if (lead >= 0xC2 && lead <= 0xDF) return continues(i + 1) ? 2 : 0;
    if (lead >= 0xE0 && lead <= 0xEF) {
        if (!continues(i + 1) || !continues(i + 2)) return 0;
        if (lead == 0xE0 && byte(i + 1) < 0xA0) return 0;
        if (lead == 0xED && byte(i + 1) > 0x9F) return 0;  // surrogates, [MQTT-1.5.4-1]
        return 3;
    }
    if (lead >= 0xF0 && lead <= 0xF4) {
        if (!continues(i + 1) || !continues(i + 2) || !continues(i + 3)) return 0;
        if (lead == 0xF0 && byte(i + 1) < 0x90) return 0;
        if (lead == 0xF4 && byte(i + 1) > 0x8F) return 0;
        return 4;
    }
    return 0;
}

}  // namespace

bool IsMqttUtf8(std::string_view text) {
    size_t i = 0;
    constexpr uint64_t kHighBits = 0x8080808080808080ULL;
    constexpr uint64_t kOnes = 0x0101010101010101ULL;
    while (i < text.size()) {
        if (text.size() - i >= 8) {
            uint64_t word;
            std::memcpy(&word, text.data() + i, 8);
            // No byte with its high bit set, and none that is zero.
            if ((word & kHighBits) == 0 && ((word - kOnes) & kHighBits) == 0) {
                i += 8;
                continue;
            }
        }
        size_t length = SequenceLength(text, i);
        if (length == 0) return false;
        i += length;
    }
    return true;
}

}  // namespace wellhead::codec::mqtt
