#include "codec/mqtt/properties.h"

namespace wellhead::codec::mqtt {

namespace {

using enum PropertyId;

constexpr uint64_t Bit(PropertyId id) { return uint64_t{1} << static_cast<unsigned>(id); }

template <class... Ids>
constexpr uint64_t Bits(Ids... ids) {
    return (Bit(ids) | ...);
}

// Table 2-4.
uint64_t Allowed(PropertyPlace place) {
    switch (place) {
        case PropertyPlace::kConnect:
            return Bits(kSessionExpiry, kAuthenticationMethod, kAuthenticationData, kRequestProblemInformation,
                        kRequestResponseInformation, kReceiveMaximum, kTopicAliasMaximum, kUserProperty,
                        kMaximumPacketSize);
        case PropertyPlace::kWill:
            return Bits(kPayloadFormat, kMessageExpiry, kContentType, kResponseTopic, kCorrelationData, kWillDelay,
                        kUserProperty);
        case PropertyPlace::kConnack:
            return Bits(kSessionExpiry, kAssignedClientId, kServerKeepAlive, kAuthenticationMethod,
                        kAuthenticationData, kResponseInformation, kServerReference, kReasonString,
                        kReceiveMaximum, kTopicAliasMaximum, kMaximumQoS, kRetainAvailable, kUserProperty,
                        kMaximumPacketSize, kWildcardSubscriptionAvailable, kSubscriptionIdAvailable,
                        kSharedSubscriptionAvailable);
        case PropertyPlace::kPublish:
            return Bits(kPayloadFormat, kMessageExpiry, kContentType, kResponseTopic, kCorrelationData,
                        kSubscriptionId, kTopicAlias, kUserProperty);
        case PropertyPlace::kAck:
        case PropertyPlace::kSuback:
        case PropertyPlace::kUnsuback:
            return Bits(kReasonString, kUserProperty);
        case PropertyPlace::kSubscribe:
            return Bits(kSubscriptionId, kUserProperty);
        case PropertyPlace::kUnsubscribe:
            return Bits(kUserProperty);
        case PropertyPlace::kDisconnect:
            return Bits(kSessionExpiry, kServerReference, kReasonString, kUserProperty);
        case PropertyPlace::kAuth:
            return Bits(kAuthenticationMethod, kAuthenticationData, kReasonString, kUserProperty);
    }
    return 0;
}

Decoded<void> ReadBool(Cursor& cursor, bool& value) {
    uint8_t byte = 0;
    if (!cursor.U8(byte)) return Malformed("a property is cut short");
    if (byte > 1) return ProtocolError("a yes-or-no property is neither 0 nor 1");
    value = byte == 1;
    return {};
}

Decoded<void> ReadText(Cursor& cursor, base::ByteView& value) {
    if (!cursor.Prefixed(value)) return Malformed("a property is cut short");
    if (!IsMqttUtf8(value)) return Malformed("a property is not UTF-8");
    return {};
}

Decoded<void> Require(bool read) {
    if (!read) return Malformed("a property is cut short");
    return {};
}

Decoded<void> NonZero(bool read, uint32_t value, const char* what) {
    if (!read) return Malformed("a property is cut short");
    if (value == 0) return ProtocolError(what);
    return {};
}

Decoded<void> ReadPayloadFormat(Cursor& cursor, Properties& out) {
    if (!cursor.U8(out.payload_format)) return Malformed("a property is cut short");
    if (out.payload_format > 1) return ProtocolError("the payload format indicator is above 1");
    return {};
}

Decoded<void> ReadSubscriptionId(Cursor& cursor, Properties& out) {
    uint32_t id = 0;
    if (!cursor.VarInt(id)) return Malformed("a property is cut short");
    if (id == 0) return ProtocolError("a subscription identifier of zero");
    out.subscription_ids.push_back(id);
    return {};
}

Decoded<void> ReadUserProperty(Cursor& cursor, Properties& out) {
    std::pair<base::ByteView, base::ByteView> pair;
    if (auto name = ReadText(cursor, pair.first); !name) return name;
    if (auto value = ReadText(cursor, pair.second); !value) return value;
    out.user_properties.push_back(pair);
    return {};
}

Decoded<void> ReadMaximumQoS(Cursor& cursor, Properties& out) {
    if (!cursor.U8(out.maximum_qos)) return Malformed("a property is cut short");
    if (out.maximum_qos > 1) return ProtocolError("a maximum QoS above 1");
    return {};
}

Decoded<void> ReadTopicAlias(Cursor& cursor, Properties& out) {
    if (!cursor.U16(out.topic_alias)) return Malformed("a property is cut short");
    if (out.topic_alias == 0) {  // [MQTT-3.3.2-8]
        return std::unexpected(DecodeError{ReasonCode::kTopicAliasInvalid, "a topic alias of zero"});
    }
    return {};
}

Decoded<void> ReadProperty(Cursor& cursor, PropertyId id, Properties& out) {
    switch (id) {
        case kPayloadFormat: return ReadPayloadFormat(cursor, out);
        case kMessageExpiry: return Require(cursor.U32(out.message_expiry_s));
        case kContentType: return ReadText(cursor, out.content_type);
        case kResponseTopic: return ReadText(cursor, out.response_topic);
        case kCorrelationData: return Require(cursor.Prefixed(out.correlation_data));
        case kSubscriptionId: return ReadSubscriptionId(cursor, out);
        case kSessionExpiry: return Require(cursor.U32(out.session_expiry_s));
        case kAssignedClientId: return ReadText(cursor, out.assigned_client_id);
        case kServerKeepAlive: return Require(cursor.U16(out.server_keep_alive_s));
        case kAuthenticationMethod: return ReadText(cursor, out.authentication_method);
        case kAuthenticationData: return Require(cursor.Prefixed(out.authentication_data));
        case kRequestProblemInformation: return ReadBool(cursor, out.request_problem_information);
        case kWillDelay: return Require(cursor.U32(out.will_delay_s));
        case kRequestResponseInformation: return ReadBool(cursor, out.request_response_information);
        case kResponseInformation: return ReadText(cursor, out.response_information);
        case kServerReference: return ReadText(cursor, out.server_reference);
        case kReasonString: return ReadText(cursor, out.reason_string);
        case kReceiveMaximum: {
            bool read = cursor.U16(out.receive_maximum);
            return NonZero(read, out.receive_maximum, "a receive maximum of zero");
        }
        case kTopicAliasMaximum: return Require(cursor.U16(out.topic_alias_maximum));
        case kTopicAlias: return ReadTopicAlias(cursor, out);
        case kMaximumQoS: return ReadMaximumQoS(cursor, out);
        case kRetainAvailable: return ReadBool(cursor, out.retain_available);
        case kUserProperty: return ReadUserProperty(cursor, out);
        case kMaximumPacketSize: {
            bool read = cursor.U32(out.maximum_packet_size);
            return NonZero(read, out.maximum_packet_size, "a maximum packet size of zero");
        }
        case kWildcardSubscriptionAvailable: return ReadBool(cursor, out.wildcard_subscription_available);
        case kSubscriptionIdAvailable: return ReadBool(cursor, out.subscription_id_available);
        case kSharedSubscriptionAvailable: return ReadBool(cursor, out.shared_subscription_available);
    }
    return Malformed("an unknown property");
}

void AppendId(base::Bytes& out, PropertyId id) { AppendU8(out, static_cast<uint8_t>(id)); }

void AppendText(base::Bytes& out, const Properties& p, PropertyId id, base::ByteView value) {
    if (!p.Has(id)) return;
    AppendId(out, id);
    AppendPrefixed(out, value);
}
void AppendByte(base::Bytes& out, const Properties& p, PropertyId id, uint8_t value) {
    if (!p.Has(id)) return;
    AppendId(out, id);
    AppendU8(out, value);
}
void AppendShort(base::Bytes& out, const Properties& p, PropertyId id, uint16_t value) {
    if (!p.Has(id)) return;
    AppendId(out, id);
    AppendU16(out, value);
}
void AppendLong(base::Bytes& out, const Properties& p, PropertyId id, uint32_t value) {
    if (!p.Has(id)) return;
    AppendId(out, id);
    AppendU32(out, value);
}

}  // namespace

Decoded<void> DecodeProperties(Cursor& cursor, PropertyPlace place, Properties& out) {
    uint32_t length = 0;
    base::ByteView block;
    if (!cursor.VarInt(length) || !cursor.Take(length, block)) return Malformed("the property length");
    if (length == 0) return {};
    const uint64_t allowed = Allowed(place);
    // User properties may always be repeated; subscription identifiers only in a PUBLISH to a client.
    const uint64_t repeatable =
        Bit(kUserProperty) | (place == PropertyPlace::kPublish ? Bit(kSubscriptionId) : 0);
    Cursor inner(block);
    while (!inner.done()) {
        uint32_t raw = 0;
        if (!inner.VarInt(raw)) return Malformed("a property identifier");
        if (raw >= 64 || (allowed >> raw & 1) == 0) return Malformed("a property that this packet cannot have");
        auto id = static_cast<PropertyId>(raw);
        if (out.Has(id) && (repeatable & Bit(id)) == 0) return ProtocolError("a property stands twice");
        out.Mark(id);
        if (auto read = ReadProperty(inner, id, out); !read) return read;
    }
    if (out.Has(kAuthenticationData) && !out.Has(kAuthenticationMethod)) {
        return ProtocolError("authentication data without a method");
    }
    return {};
}

void AppendUserProperty(base::Bytes& out, base::ByteView name, base::ByteView value) {
    AppendId(out, kUserProperty);
    AppendPrefixed(out, name);
    AppendPrefixed(out, value);
}

void AppendForwardedProperties(base::Bytes& out, const Properties& p) {
    if (p.present == 0) return;
    AppendByte(out, p, kPayloadFormat, p.payload_format);
    AppendText(out, p, kContentType, p.content_type);
    AppendText(out, p, kResponseTopic, p.response_topic);
    AppendText(out, p, kCorrelationData, p.correlation_data);
    for (const auto& [name, value] : p.user_properties) AppendUserProperty(out, name, value);
}

void AppendProperties(base::Bytes& out, const Properties& p) {
    if (p.present == 0) {
        AppendU8(out, 0);
        return;
    }
    base::Bytes block;
    AppendForwardedProperties(block, p);
    AppendLong(block, p, kMessageExpiry, p.message_expiry_s);
    for (uint32_t id : p.subscription_ids) {
        AppendId(block, kSubscriptionId);
        AppendVarInt(block, id);
    }
    AppendLong(block, p, kSessionExpiry, p.session_expiry_s);
    AppendText(block, p, kAssignedClientId, p.assigned_client_id);
    AppendShort(block, p, kServerKeepAlive, p.server_keep_alive_s);
    AppendText(block, p, kAuthenticationMethod, p.authentication_method);
    AppendText(block, p, kAuthenticationData, p.authentication_data);
    AppendByte(block, p, kRequestProblemInformation, p.request_problem_information);
    AppendLong(block, p, kWillDelay, p.will_delay_s);
    AppendByte(block, p, kRequestResponseInformation, p.request_response_information);
    AppendText(block, p, kResponseInformation, p.response_information);
    AppendText(block, p, kServerReference, p.server_reference);
    AppendText(block, p, kReasonString, p.reason_string);
    AppendShort(block, p, kReceiveMaximum, p.receive_maximum);
    AppendShort(block, p, kTopicAliasMaximum, p.topic_alias_maximum);
    AppendShort(block, p, kTopicAlias, p.topic_alias);
    AppendByte(block, p, kMaximumQoS, p.maximum_qos);
    AppendByte(block, p, kRetainAvailable, p.retain_available);
    AppendLong(block, p, kMaximumPacketSize, p.maximum_packet_size);
    AppendByte(block, p, kWildcardSubscriptionAvailable, p.wildcard_subscription_available);
    AppendByte(block, p, kSubscriptionIdAvailable, p.subscription_id_available);
    AppendByte(block, p, kSharedSubscriptionAvailable, p.shared_subscription_available);
    AppendVarInt(out, static_cast<uint32_t>(block.size()));
    out.append(block);
}

}  // namespace wellhead::codec::mqtt
