#pragma once
// What a broker and its listeners allow.

#include <cstdint>
#include <string>

#include "base/time.h"

namespace wellhead::mqtt {

// One per listener.
struct Profile {
    uint8_t maximum_qos = 2;
    uint16_t receive_maximum = 1024;      // QoS 1 and 2 messages a client may have unacknowledged
    uint16_t topic_alias_maximum = 64;    // from the client; and the most that we use towards it
    uint32_t maximum_packet_size = 8 * 1024 * 1024;
    uint16_t keep_alive_min_s = 0;        // shorter is raised to it (0: any)
    uint16_t keep_alive_max_s = 0;        // longer, or none, is lowered to it (0: any)
    uint32_t max_session_expiry_s = UINT32_MAX;
    uint32_t v311_session_expiry_s = UINT32_MAX;  // of a 3.1.1 session with clean session 0; UINT32_MAX: never
    uint16_t default_send_window = 256;   // QoS 1 and 2 messages towards a 3.1.1 client, which states none
    size_t max_client_id_bytes = 65535;
    size_t max_topic_bytes = 65535;
    size_t max_topic_slashes = 128;
    size_t max_filters_per_subscribe = 1024;
    size_t max_subscriptions = 100'000;   // of one session
    bool close_on_denied = false;         // 3.1.1: an unauthorised PUBLISH or SUBSCRIBE ends the connection
    std::string response_information;     // answered to clients that ask; empty: none

    static Profile Standard() { return Profile(); }
    // The limits of AWS IoT Core.
    static Profile Aws();
};

enum class QueueFullPolicy {
    kRefuse,      // the publisher is told (0x97; 3.1.1: loses the connection): nothing acknowledged is lost
    kDropOldest,  // the session loses its oldest message; counted
};

struct BrokerSettings {
    QueueFullPolicy queue_full = QueueFullPolicy::kRefuse;
    size_t max_queued_messages = 1'000'000;            // of one session, QoS 1 and 2
    size_t max_queued_bytes = 256u << 20;              // of one session
    size_t max_total_queued_bytes = 1024u << 20;       // of all sessions
    size_t max_unsent_qos0_bytes = 4u << 20;           // of one connection; beyond it QoS 0 is dropped and counted
    size_t max_retained_messages = 1'000'000;
    size_t max_retained_bytes = 256u << 20;
    size_t max_sessions = 1'000'000;
    uint32_t max_first_packet = 384 * 1024;            // CONNECT: each of its five fields may have 65,535 bytes
    size_t max_unauthenticated_bytes = 16u << 20;      // buffered of all connections before their CONNECT is accepted
    base::Duration connect_limit = std::chrono::seconds(10);
    size_t max_unacknowledged_bytes = 4u << 20;        // input of one connection that waits for durability
    size_t checkpoint_bytes = 64u << 20;               // of journal, at the least, before it is rewritten
};

inline Profile Profile::Aws() {
    Profile aws;
    aws.maximum_qos = 1;
    aws.receive_maximum = 100;
    aws.topic_alias_maximum = 8;
    aws.maximum_packet_size = 149'504;
    aws.keep_alive_min_s = 30;
    aws.keep_alive_max_s = 1200;
    aws.max_session_expiry_s = 7 * 24 * 3600;
    aws.v311_session_expiry_s = 3600;
    aws.default_send_window = 100;
    aws.max_client_id_bytes = 128;
    aws.max_topic_bytes = 256;
    aws.max_topic_slashes = 7;
    aws.max_filters_per_subscribe = 8;
    aws.max_subscriptions = 50;
    aws.close_on_denied = true;
    return aws;
}

}  // namespace wellhead::mqtt
