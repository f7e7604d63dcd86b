#pragma once
// Router: one message to every subscriber, the retained store and the journal.

#include <string>

#include "mqtt/core.h"
#include "mqtt/journal.h"
#include "mqtt/message.h"

namespace wellhead::mqtt {

// A message to be routed. Views live for the call.
struct Inward {
    std::string_view topic;
    base::ByteView payload;
    base::ByteView properties;  // forwarded, encoded
    uint8_t qos = 0;
    bool retain = false;
    uint32_t expiry_s = 0;  // 0: never
    const Session* publisher = nullptr;
    // QoS 2: the publisher's packet identifier, remembered in the same commit. 0: none.
    uint16_t received_id = 0;
};

enum class Routed {
    kDelivered,
    kNobody,  // no subscriber, and it was not retained
    kQuota,   // a queue is full: nothing was done
};

// The last match of a publisher, good while nobody subscribes anew: devices publish to the same topic again and again.
struct MatchCache {
    std::string topic;
    uint64_t version = 0;
    Matches matches;
};

struct Routing {
    base::Instant now;
    WakeList& wakes;
    MatchCache& cache;
    Journal::Ticket ticket = 0;  // raised to the newest entry that was made
};

// Under core.routing, shared.
Routed Route(Core& core, const Inward& message, Routing& routing);

// A retained message for a new subscription, into its session's queue. Under core.routing, shared.
void QueueRetained(Core& core, Session& session, const RetainedMessage& retained, const Subscription& subscription,
                   Routing& routing);

// The forwarded properties of a message from inside, encoded.
base::Bytes EncodeForwarded(const Message& message);
// And back. Views into properties.
void DecodeForwarded(base::ByteView properties, Message& message);

}  // namespace wellhead::mqtt
