#pragma once
// Properties of MQTT 5 (2.2.2).

#include <optional>
#include <utility>
#include <vector>

#include "codec/mqtt/cursor.h"
#include "codec/mqtt/types.h"

namespace wellhead::codec::mqtt {

enum class PropertyId : uint8_t {
    kPayloadFormat = 0x01,
    kMessageExpiry = 0x02,
    kContentType = 0x03,
    kResponseTopic = 0x08,
    kCorrelationData = 0x09,
    kSubscriptionId = 0x0B,
    kSessionExpiry = 0x11,
    kAssignedClientId = 0x12,
    kServerKeepAlive = 0x13,
    kAuthenticationMethod = 0x15,
    kAuthenticationData = 0x16,
    kRequestProblemInformation = 0x17,
    kWillDelay = 0x18,
    kRequestResponseInformation = 0x19,
    kResponseInformation = 0x1A,
    kServerReference = 0x1C,
    kReasonString = 0x1F,
    kReceiveMaximum = 0x21,
    kTopicAliasMaximum = 0x22,
    kTopicAlias = 0x23,
    kMaximumQoS = 0x24,
    kRetainAvailable = 0x25,
    kUserProperty = 0x26,
    kMaximumPacketSize = 0x27,
    kWildcardSubscriptionAvailable = 0x28,
    kSubscriptionIdAvailable = 0x29,
    kSharedSubscriptionAvailable = 0x2A,
};

// Views point into the packet's bytes. A member is meaningful when Has() says so (user_properties and
// subscription_ids when not empty); set it and Mark() it to have it encoded.
struct Properties {
    uint64_t present = 0;
    uint8_t payload_format = 0;
    uint32_t message_expiry_s = 0;
    base::ByteView content_type;
    base::ByteView response_topic;
    base::ByteView correlation_data;
    std::vector<uint32_t> subscription_ids;
    uint32_t session_expiry_s = 0;
    base::ByteView assigned_client_id;
    uint16_t server_keep_alive_s = 0;
    base::ByteView authentication_method;
    base::ByteView authentication_data;
    bool request_problem_information = true;
    uint32_t will_delay_s = 0;
    bool request_response_information = false;
    base::ByteView response_information;
    base::ByteView server_reference;
    base::ByteView reason_string;
    uint16_t receive_maximum = 65535;
    uint16_t topic_alias_maximum = 0;
    uint16_t topic_alias = 0;
    uint8_t maximum_qos = 2;
    bool retain_available = true;
    std::vector<std::pair<base::ByteView, base::ByteView>> user_properties;
    uint32_t maximum_packet_size = kMaxRemainingLength + 5;
    bool wildcard_subscription_available = true;
    bool subscription_id_available = true;
    bool shared_subscription_available = true;

    bool Has(PropertyId id) const { return (present >> static_cast<unsigned>(id) & 1) != 0; }
    void Mark(PropertyId id) { present |= uint64_t{1} << static_cast<unsigned>(id); }
    void Clear() {
        if (present != 0) *this = Properties();
    }
};

// Where properties may stand: a packet, or the will inside CONNECT.
enum class PropertyPlace : uint8_t {
    kConnect, kWill, kConnack, kPublish, kAck, kSubscribe, kSuback, kUnsubscribe, kUnsuback, kDisconnect, kAuth
};

// Reads a property length and the properties; checks place, types, values and repetition. out must be clear.
Decoded<void> DecodeProperties(Cursor& cursor, PropertyPlace place, Properties& out);

// The property length and the marked properties.
void AppendProperties(base::Bytes& out, const Properties& properties);

// Bytes of one property, for senders that put a block together piece by piece.
void AppendUserProperty(base::Bytes& out, base::ByteView name, base::ByteView value);
// The properties of a PUBLISH that travel unaltered to subscribers ([MQTT-3.3.2-4, -15, -16, -17, -18, -20]), without
// a length before them.
void AppendForwardedProperties(base::Bytes& out, const Properties& properties);

}  // namespace wellhead::codec::mqtt
