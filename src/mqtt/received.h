#pragma once
// Inbound QoS 2 with a sink: journaled as a whole before the sink acts on it, so that a restart finishes what a kill
// interrupted (docs/exactly_once.md).

#include <memory>

#include "mqtt/core.h"
#include "mqtt/router.h"
#include "mqtt/session.h"

namespace wellhead::mqtt {

// The operation, appended to group.
void AppendDelivering(base::Bytes& group, uint64_t session, uint16_t packet_id, const PublishedMessage& published);

struct ReceivedEnd {
    bool taken = false;  // routed, and remembered as received
    bool quota = false;  // not taken because a queue is full
    Journal::Ticket ticket = 0;
    // A newer connection that has sent the identifier again and waits for its answer.
    std::shared_ptr<Connection> asked;
};
// The sink is done with it. taken: to the subscribers, and the identifier into the journal with it; otherwise it is as if
// it had never come.
ReceivedEnd EndReceived(Core& core, Session& session, const PublishedMessage& published, uint16_t packet_id, bool taken,
                        MatchCache& cache);

// After a restart: delivers what was being delivered, in the order it came. On the first home. Returns how many.
env::Task<size_t> FinishDelivering(Core& core);

}  // namespace wellhead::mqtt
