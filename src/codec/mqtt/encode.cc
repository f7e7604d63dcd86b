#include "codec/mqtt/encode.h"

namespace wellhead::codec::mqtt {

namespace {

void AppendPacket(base::Bytes& out, PacketType type, uint8_t flags, base::ByteView body) {
    AppendU8(out, static_cast<uint8_t>(static_cast<uint8_t>(type) << 4 | flags));
    AppendVarInt(out, static_cast<uint32_t>(body.size()));
    out.append(body);
}

// Table 3.1 of MQTT 3.1.1, the nearest of its five refusals.
uint8_t ReturnCodeOf(ReasonCode reason) {
    switch (reason) {
        case ReasonCode::kSuccess: return 0;
        case ReasonCode::kUnsupportedProtocolVersion: return 1;
        case ReasonCode::kClientIdentifierNotValid: return 2;
        case ReasonCode::kBadUserNameOrPassword: return 4;
        case ReasonCode::kNotAuthorized:
        case ReasonCode::kBanned:
        case ReasonCode::kBadAuthenticationMethod: return 5;
        default: return 3;
    }
}

size_t PublishBodySize(Version version, const PublishParts& parts, size_t properties_size) {
    size_t size = 2 + parts.topic.size() + (parts.qos > 0 ? 2 : 0) + parts.payload.size();
    if (version == Version::k5) {
        size += VarIntSize(static_cast<uint32_t>(properties_size)) + properties_size;
    }
    return size;
}

}  // namespace

void AppendConnect(base::Bytes& out, const Connect& packet) {
    base::Bytes body;
    AppendPrefixed(body, "MQTT");
    AppendU8(body, static_cast<uint8_t>(packet.version));
    uint8_t flags = packet.clean_start ? 0x02 : 0;
    if (packet.will) {
        flags |= static_cast<uint8_t>(0x04 | packet.will->qos << 3 | (packet.will->retain ? 0x20 : 0));
    }
    if (packet.user_name) flags |= 0x80;
    if (packet.password) flags |= 0x40;
    AppendU8(body, flags);
    AppendU16(body, packet.keep_alive_s);
    if (packet.version == Version::k5) AppendProperties(body, packet.properties);
    AppendPrefixed(body, packet.client_id);
    if (packet.will) {
        if (packet.version == Version::k5) AppendProperties(body, packet.will->properties);
        AppendPrefixed(body, packet.will->topic);
        AppendPrefixed(body, packet.will->payload);
    }
    if (packet.user_name) AppendPrefixed(body, *packet.user_name);
    if (packet.password) AppendPrefixed(body, *packet.password);
    AppendPacket(out, PacketType::kConnect, 0, body);
}

void AppendConnack(base::Bytes& out, Version version, const Connack& packet) {
    base::Bytes body;
    AppendU8(body, packet.session_present ? 1 : 0);
    if (version == Version::k5) {
        AppendU8(body, static_cast<uint8_t>(packet.reason));
        AppendProperties(body, packet.properties);
    } else {
        AppendU8(body, ReturnCodeOf(packet.reason));
    }
    AppendPacket(out, PacketType::kConnack, 0, body);
}

size_t PublishSize(Version version, const PublishParts& parts) {
    size_t body = PublishBodySize(version, parts, parts.first_properties.size() + parts.more_properties.size());
    return 1 + VarIntSize(static_cast<uint32_t>(body)) + body;
}

void AppendPublishParts(base::Bytes& out, Version version, const PublishParts& parts) {
    const size_t properties = parts.first_properties.size() + parts.more_properties.size();
    AppendU8(out, static_cast<uint8_t>(0x30 | (parts.dup ? 8 : 0) | parts.qos << 1 | (parts.retain ? 1 : 0)));
    AppendVarInt(out, static_cast<uint32_t>(PublishBodySize(version, parts, properties)));
    AppendPrefixed(out, parts.topic);
    if (parts.qos > 0) AppendU16(out, parts.packet_id);
    if (version == Version::k5) {
        AppendVarInt(out, static_cast<uint32_t>(properties));
        out.append(parts.first_properties);
        out.append(parts.more_properties);
    }
    out.append(parts.payload);
}

void AppendPublish(base::Bytes& out, Version version, const Publish& packet) {
    base::Bytes block;
    if (version == Version::k5 && packet.properties.present != 0) {
        AppendProperties(block, packet.properties);
        uint32_t length = 0;
        Cursor cursor(block);
        cursor.VarInt(length);
        block.erase(0, block.size() - length);
    }
    PublishParts parts{.dup = packet.dup,
                       .qos = packet.qos,
                       .retain = packet.retain,
                       .packet_id = packet.packet_id,
                       .topic = packet.topic,
                       .first_properties = block,
                       .more_properties = {},
                       .payload = packet.payload};
    AppendPublishParts(out, version, parts);
}

void AppendAck(base::Bytes& out, PacketType type, Version version, const Ack& packet) {
    const uint8_t flags = type == PacketType::kPubrel ? 2 : 0;
    if (version == Version::k311 || (packet.reason == ReasonCode::kSuccess && packet.properties.present == 0)) {
        char bytes[4] = {static_cast<char>(static_cast<uint8_t>(type) << 4 | flags), 2,
                         static_cast<char>(packet.packet_id >> 8), static_cast<char>(packet.packet_id)};
        out.append(bytes, 4);
        return;
    }
    base::Bytes body;
    AppendU16(body, packet.packet_id);
    AppendU8(body, static_cast<uint8_t>(packet.reason));
    if (packet.properties.present != 0) AppendProperties(body, packet.properties);
    AppendPacket(out, type, flags, body);
}

void AppendSubscribe(base::Bytes& out, Version version, const Subscribe& packet) {
    base::Bytes body;
    AppendU16(body, packet.packet_id);
    if (version == Version::k5) AppendProperties(body, packet.properties);
    for (const auto& filter : packet.filters) {
        AppendPrefixed(body, filter.filter);
        uint8_t options = filter.qos;
        if (version == Version::k5) {
            options |= static_cast<uint8_t>((filter.no_local ? 4 : 0) | (filter.retain_as_published ? 8 : 0) |
                                            filter.retain_handling << 4);
        }
        AppendU8(body, options);
    }
    AppendPacket(out, PacketType::kSubscribe, 2, body);
}

void AppendFilterAck(base::Bytes& out, PacketType type, Version version, const FilterAck& packet) {
    base::Bytes body;
    AppendU16(body, packet.packet_id);
    if (version == Version::k5) AppendProperties(body, packet.properties);
    if (version == Version::k5 || type == PacketType::kSuback) {
        for (ReasonCode reason : packet.reasons) {
            auto code = static_cast<uint8_t>(reason);
            AppendU8(body, version == Version::k311 && code > 2 ? 0x80 : code);
        }
    }
    AppendPacket(out, type, 0, body);
}

void AppendUnsubscribe(base::Bytes& out, Version version, const Unsubscribe& packet) {
    base::Bytes body;
    AppendU16(body, packet.packet_id);
    if (version == Version::k5) AppendProperties(body, packet.properties);
    for (base::ByteView filter : packet.filters) AppendPrefixed(body, filter);
    AppendPacket(out, PacketType::kUnsubscribe, 2, body);
}

void AppendNotice(base::Bytes& out, PacketType type, Version version, const Notice& packet) {
    base::Bytes body;
    if (version == Version::k5 &&
        (packet.reason != ReasonCode::kSuccess || packet.properties.present != 0)) {
        AppendU8(body, static_cast<uint8_t>(packet.reason));
        if (packet.properties.present != 0) AppendProperties(body, packet.properties);
    }
    AppendPacket(out, type, 0, body);
}

void AppendPing(base::Bytes& out, PacketType type) { AppendPacket(out, type, 0, {}); }

}  // namespace wellhead::codec::mqtt
