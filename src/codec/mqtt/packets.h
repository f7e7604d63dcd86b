#pragma once
// The control packets as values. Views point into the packet's bytes and live as long as those.

#include <optional>
#include <vector>

#include "codec/mqtt/properties.h"
#include "codec/mqtt/types.h"

namespace wellhead::codec::mqtt {

struct Will {
    base::ByteView topic;
    base::ByteView payload;
    uint8_t qos = 0;
    bool retain = false;
    Properties properties;
};

struct Connect {
    Version version = Version::k311;
    bool clean_start = true;
    uint16_t keep_alive_s = 0;
    Properties properties;
    base::ByteView client_id;
    std::optional<Will> will;
    std::optional<base::ByteView> user_name;
    std::optional<base::ByteView> password;
};

struct Connack {
    bool session_present = false;
    // For 3.1.1 the return code is derived from it (and back): table 3.1 there.
    ReasonCode reason = ReasonCode::kSuccess;
    Properties properties;
};

struct Publish {
    bool dup = false;
    uint8_t qos = 0;
    bool retain = false;
    base::ByteView topic;
    uint16_t packet_id = 0;  // 0 with QoS 0
    Properties properties;
    base::ByteView payload;
};

// PUBACK, PUBREC, PUBREL, PUBCOMP.
struct Ack {
    uint16_t packet_id = 0;
    ReasonCode reason = ReasonCode::kSuccess;
    Properties properties;
};

struct SubscribeFilter {
    base::ByteView filter;
    uint8_t qos = 0;
    bool no_local = false;
    bool retain_as_published = false;
    uint8_t retain_handling = 0;  // 0 send, 1 send when new, 2 never
};

struct Subscribe {
    uint16_t packet_id = 0;
    Properties properties;
    std::vector<SubscribeFilter> filters;
};

// SUBACK and UNSUBACK. An UNSUBACK of 3.1.1 has no reasons.
struct FilterAck {
    uint16_t packet_id = 0;
    Properties properties;
    std::vector<ReasonCode> reasons;
};

struct Unsubscribe {
    uint16_t packet_id = 0;
    Properties properties;
    std::vector<base::ByteView> filters;
};

// DISCONNECT and AUTH.
struct Notice {
    ReasonCode reason = ReasonCode::kSuccess;
    Properties properties;
};

}  // namespace wellhead::codec::mqtt
