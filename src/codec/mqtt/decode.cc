#include "codec/mqtt/decode.h"

namespace wellhead::codec::mqtt {

namespace {

Decoded<void> Check(bool read) {
    if (!read) return Malformed("the packet is cut short");
    return {};
}

Decoded<void> CheckEnd(const Cursor& cursor) {
    if (!cursor.done()) return Malformed("bytes behind the end of the packet");
    return {};
}

Decoded<void> ReadText(Cursor& cursor, base::ByteView& value) {
    if (!cursor.Prefixed(value)) return Malformed("a string is cut short");
    if (!IsMqttUtf8(value)) return Malformed("a string is not UTF-8");  // [MQTT-1.5.4-1, -2]
    return {};
}

Decoded<void> ReadPacketId(Cursor& cursor, uint16_t& id) {
    if (!cursor.U16(id)) return Malformed("the packet identifier is missing");
    if (id == 0) return ProtocolError("a packet identifier of zero");  // [MQTT-2.2.1-3]
    return {};
}

// The connect flags (3.1.2.3) in their raw form.
struct ConnectFlags {
    bool user_name, password, will_retain, will, clean_start;
    uint8_t will_qos;
};

Decoded<ConnectFlags> ParseConnectFlags(uint8_t byte, Version version) {
    if ((byte & 1) != 0) return Malformed("the reserved connect flag is set");  // [MQTT-3.1.2-3]
    ConnectFlags flags{(byte & 0x80) != 0, (byte & 0x40) != 0, (byte & 0x20) != 0,
                       (byte & 0x04) != 0, (byte & 0x02) != 0, static_cast<uint8_t>(byte >> 3 & 3)};
    if (flags.will_qos == 3) return Malformed("a will QoS of 3");  // [MQTT-3.1.2-12]
    if (!flags.will && (flags.will_qos != 0 || flags.will_retain)) {
        return Malformed("will flags without a will");  // [MQTT-3.1.2-11, -13]
    }
    if (version == Version::k311 && flags.password && !flags.user_name) {
        return Malformed("a password without a user name");  // 3.1.1 [MQTT-3.1.2-22]
    }
    return flags;
}

Decoded<void> ReadWill(Cursor& cursor, const ConnectFlags& flags, Version version, Will& will) {
    will.qos = flags.will_qos;
    will.retain = flags.will_retain;
    if (version == Version::k5) {
        if (auto read = DecodeProperties(cursor, PropertyPlace::kWill, will.properties); !read) return read;
    }
    if (auto read = ReadText(cursor, will.topic); !read) return read;
    return Check(cursor.Prefixed(will.payload));
}

Decoded<Version> ReadProtocol(Cursor& cursor) {
    base::ByteView name;
    uint8_t level = 0;
    if (!cursor.Prefixed(name) || !cursor.U8(level)) return Malformed("the protocol name is cut short");
    if (name != "MQTT" && name != "MQIsdp") return Malformed("the protocol is not MQTT");  // [MQTT-3.1.2-1]
    if (name == "MQTT" && level == 4) return Version::k311;
    if (name == "MQTT" && level == 5) return Version::k5;
    return std::unexpected(
        DecodeError{ReasonCode::kUnsupportedProtocolVersion, "the protocol level is not served"});
}

// Table 3.1 of MQTT 3.1.1.
ReasonCode ReasonOfReturnCode(uint8_t code) {
    switch (code) {
        case 0: return ReasonCode::kSuccess;
        case 1: return ReasonCode::kUnsupportedProtocolVersion;
        case 2: return ReasonCode::kClientIdentifierNotValid;
        case 3: return ReasonCode::kServerUnavailable;
        case 4: return ReasonCode::kBadUserNameOrPassword;
        default: return ReasonCode::kNotAuthorized;
    }
}

PropertyPlace PlaceOf(PacketType type) {
    switch (type) {
        case PacketType::kSuback: return PropertyPlace::kSuback;
        case PacketType::kUnsuback: return PropertyPlace::kUnsuback;
        case PacketType::kDisconnect: return PropertyPlace::kDisconnect;
        case PacketType::kAuth: return PropertyPlace::kAuth;
        default: return PropertyPlace::kAck;
    }
}

// A reason code and properties, both of which may be left out at the end of a packet (3.4.2.1, 3.14.2.1).
Decoded<void> ReadReason(Cursor& cursor, PacketType type, ReasonCode& reason, Properties& properties) {
    if (cursor.done()) return {};
    uint8_t code = 0;
    cursor.U8(code);
    if (!IsReasonFor(type, code)) return ProtocolError("a reason code that this packet cannot have");
    reason = static_cast<ReasonCode>(code);
    if (cursor.done()) return {};
    if (auto read = DecodeProperties(cursor, PlaceOf(type), properties); !read) return read;
    return CheckEnd(cursor);
}

}  // namespace

Decoded<FixedHeader> DecodeFixedHeader(base::ByteView bytes) {
    FixedHeader header;
    if (bytes.empty()) return header;
    auto first = static_cast<uint8_t>(bytes[0]);
    header.flags = first & 0x0F;
    if (first >> 4 == 0) return Malformed("packet type 0");
    header.type = static_cast<PacketType>(first >> 4);
    if (header.type == PacketType::kPublish) {
        if ((header.flags & 0x06) == 0x06) return Malformed("a QoS of 3");  // [MQTT-3.3.1-4]
        if ((header.flags & 0x0E) == 0x08) return Malformed("DUP with QoS 0");  // [MQTT-3.3.1-2]
    } else {
        bool twos = header.type == PacketType::kPubrel || header.type == PacketType::kSubscribe ||
                    header.type == PacketType::kUnsubscribe;
        if (header.flags != (twos ? 2 : 0)) return Malformed("reserved flags");  // [MQTT-2.1.3-1]
    }
    uint32_t value = 0;
    for (unsigned i = 0; i < 4; ++i) {
        if (1 + i >= bytes.size()) return header;
        auto byte = static_cast<uint8_t>(bytes[1 + i]);
        value |= static_cast<uint32_t>(byte & 0x7F) << (7 * i);
        if ((byte & 0x80) == 0) {
            header.overlong = i > 0 && byte == 0;
            header.remaining = value;
            header.size = static_cast<uint8_t>(2 + i);
            return header;
        }
    }
    return Malformed("a remaining length of more than four bytes");
}

Decoded<void> DecodeConnect(base::ByteView body, Connect& out) {
    out = Connect();
    Cursor cursor(body);
    auto version = ReadProtocol(cursor);
    if (!version) return std::unexpected(version.error());
    out.version = *version;
    uint8_t flag_byte = 0;
    if (!cursor.U8(flag_byte) || !cursor.U16(out.keep_alive_s)) return Malformed("CONNECT is cut short");
    auto flags = ParseConnectFlags(flag_byte, *version);
    if (!flags) return std::unexpected(flags.error());
    out.clean_start = flags->clean_start;
    if (*version == Version::k5) {
        auto read = DecodeProperties(cursor, PropertyPlace::kConnect, out.properties);
        if (!read) return read;
    }
    if (auto read = ReadText(cursor, out.client_id); !read) return read;
    if (flags->will) {
        if (auto read = ReadWill(cursor, *flags, *version, out.will.emplace()); !read) return read;
    }
    if (flags->user_name) {
        if (auto read = ReadText(cursor, out.user_name.emplace()); !read) return read;
    }
    if (flags->password && !cursor.Prefixed(out.password.emplace())) {
        return Malformed("the password is cut short");
    }
    return CheckEnd(cursor);
}

Decoded<void> DecodeConnack(base::ByteView body, Version version, Connack& out) {
    out = Connack();
    Cursor cursor(body);
    uint8_t flags = 0;
    uint8_t code = 0;
    if (!cursor.U8(flags) || !cursor.U8(code)) return Malformed("CONNACK is cut short");
    if (flags > 1) return Malformed("reserved flags");  // [MQTT-3.2.2-1]
    out.session_present = flags == 1;
    if (version == Version::k311) {
        if (code > 5) return Malformed("an unknown return code");
        out.reason = ReasonOfReturnCode(code);
        return CheckEnd(cursor);
    }
    if (!IsReasonFor(PacketType::kConnack, code)) return ProtocolError("an unknown reason code");
    out.reason = static_cast<ReasonCode>(code);
    if (auto read = DecodeProperties(cursor, PropertyPlace::kConnack, out.properties); !read) return read;
    return CheckEnd(cursor);
}

Decoded<void> DecodePublish(uint8_t flags, base::ByteView body, Version version, Publish& out) {
    out.properties.Clear();
    out.dup = (flags & 8) != 0;
    out.qos = flags >> 1 & 3;
    out.retain = (flags & 1) != 0;
    out.packet_id = 0;
    Cursor cursor(body);
    if (auto read = ReadText(cursor, out.topic); !read) return read;
    if (out.qos > 0) {
        if (auto read = ReadPacketId(cursor, out.packet_id); !read) return read;
    }
    if (version == Version::k5) {
        auto read = DecodeProperties(cursor, PropertyPlace::kPublish, out.properties);
        if (!read) return read;
    }
    out.payload = cursor.rest();
    return {};
}

Decoded<void> DecodeAck(PacketType type, base::ByteView body, Version version, Ack& out) {
    out.properties.Clear();
    out.reason = ReasonCode::kSuccess;
    Cursor cursor(body);
    if (auto read = ReadPacketId(cursor, out.packet_id); !read) return read;
    if (version == Version::k311) return CheckEnd(cursor);
    return ReadReason(cursor, type, out.reason, out.properties);
}

Decoded<void> DecodeSubscribe(base::ByteView body, Version version, Subscribe& out) {
    out = Subscribe();
    Cursor cursor(body);
    if (auto read = ReadPacketId(cursor, out.packet_id); !read) return read;
    if (version == Version::k5) {
        auto read = DecodeProperties(cursor, PropertyPlace::kSubscribe, out.properties);
        if (!read) return read;
    }
    while (!cursor.done()) {
        SubscribeFilter filter;
        if (auto read = ReadText(cursor, filter.filter); !read) return read;
        uint8_t options = 0;
        if (!cursor.U8(options)) return Malformed("the subscription options are missing");
        // [MQTT-3.8.3-5]; in 3.1.1 all but the QoS is reserved ([MQTT-3-8.3-4] there).
        if ((options & (version == Version::k5 ? 0xC0 : 0xFC)) != 0) return Malformed("reserved subscription options");
        filter.qos = options & 3;
        filter.no_local = (options & 4) != 0;
        filter.retain_as_published = (options & 8) != 0;
        filter.retain_handling = options >> 4 & 3;
        if (filter.qos == 3) return ProtocolError("a subscription QoS of 3");  // 3.8.3.1
        if (filter.retain_handling == 3) return ProtocolError("a retain handling of 3");
        out.filters.push_back(filter);
    }
    if (out.filters.empty()) return ProtocolError("SUBSCRIBE without a filter");  // [MQTT-3.8.3-2]
    return {};
}

Decoded<void> DecodeFilterAck(PacketType type, base::ByteView body, Version version, FilterAck& out) {
    out = FilterAck();
    Cursor cursor(body);
    if (auto read = ReadPacketId(cursor, out.packet_id); !read) return read;
    if (version == Version::k5) {
        if (auto read = DecodeProperties(cursor, PlaceOf(type), out.properties); !read) return read;
    } else if (type == PacketType::kUnsuback) {
        return CheckEnd(cursor);
    }
    uint8_t code = 0;
    while (cursor.U8(code)) {
        if (version == Version::k311 ? (code > 2 && code != 0x80) : !IsReasonFor(type, code)) {
            return ProtocolError("an unknown reason code");
        }
        out.reasons.push_back(static_cast<ReasonCode>(code));
    }
    if (out.reasons.empty()) return ProtocolError("no reason code");
    return {};
}

Decoded<void> DecodeUnsubscribe(base::ByteView body, Version version, Unsubscribe& out) {
    out = Unsubscribe();
    Cursor cursor(body);
    if (auto read = ReadPacketId(cursor, out.packet_id); !read) return read;
    if (version == Version::k5) {
        auto read = DecodeProperties(cursor, PropertyPlace::kUnsubscribe, out.properties);
        if (!read) return read;
    }
    while (!cursor.done()) {
        if (auto read = ReadText(cursor, out.filters.emplace_back()); !read) return read;
    }
    if (out.filters.empty()) return ProtocolError("UNSUBSCRIBE without a filter");  // [MQTT-3.10.3-2]
    return {};
}

Decoded<void> DecodeNotice(PacketType type, base::ByteView body, Version version, Notice& out) {
    out = Notice();
    Cursor cursor(body);
    if (version == Version::k311) {
        if (type == PacketType::kAuth) return Malformed("AUTH is not a packet of MQTT 3.1.1");
        return CheckEnd(cursor);
    }
    return ReadReason(cursor, type, out.reason, out.properties);
}

Decoded<void> DecodePing(base::ByteView body) { return CheckEnd(Cursor(body)); }

}  // namespace wellhead::codec::mqtt
