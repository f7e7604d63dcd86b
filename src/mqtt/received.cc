#include "mqtt/received.h"

#include <algorithm>

#include "base/log.h"
#include "mqtt/connection.h"
#include "mqtt/journal_format.h"
#include "mqtt/session_registry.h"

namespace wellhead::mqtt {

void AppendDelivering(base::Bytes& group, uint64_t session, uint16_t packet_id, const PublishedMessage& published) {
    const Message& message = published.message;
    const base::Bytes properties = EncodeForwarded(message);
    const base::Bytes token = published.once->token + published.peer_address;
    JournalOp op;
    op.type = JournalOpType::kDelivering;
    op.session = session;
    op.packet_id = packet_id;
    op.flags = static_cast<uint8_t>(2 | (message.retain ? 4 : 0));
    op.expiry_s = message.expiry_s;
    op.time_us = base::ToUnixUs(published.arrival);
    op.text = message.topic;
    op.properties = properties;
    op.payload = message.payload;
    op.token = token;
    AppendJournalOp(group, op);
}

namespace {

// Under core.routing, shared.
bool RouteTaken(Core& core, Session& session, const PublishedMessage& published, uint16_t packet_id, Routing& routing) {
    const Message& message = published.message;
    if (core.sink->ReservesTopic(message.topic)) {
        if (core.journal && session.durable) {
            base::Bytes group;
            AppendJournalOp(group, {.type = JournalOpType::kReceived, .session = session.number, .packet_id = packet_id});
            routing.ticket = core.journal->Add(group);
        }
        return true;
    }
    const base::Bytes properties = EncodeForwarded(message);
    Inward inward;
    inward.topic = message.topic;
    inward.payload = message.payload;
    inward.properties = properties;
    inward.qos = 2;
    inward.retain = message.retain;
    inward.expiry_s = message.expiry_s;
    inward.publisher = &session;
    inward.received_id = packet_id;
    return Route(core, inward, routing) != Routed::kQuota;
}

}  // namespace

ReceivedEnd EndReceived(Core& core, Session& session, const PublishedMessage& published, uint16_t packet_id, bool taken,
                        MatchCache& cache) {
    ReceivedEnd end;
    WakeList wakes(core);
    Routing routing{core.clock.Now(), wakes, cache};
    ReadMostlyLock::Reader lock(core.routing);
    if (taken) {
        end.taken = RouteTaken(core, session, published, packet_id, routing);
        end.quota = !end.taken;
    }
    if (!end.taken && published.once && core.journal && session.durable) {
        base::Bytes group;
        AppendJournalOp(group, {.type = JournalOpType::kUndelivered, .session = session.number, .packet_id = packet_id});
        core.journal->Add(group);
    }
    end.ticket = routing.ticket;
    std::lock_guard session_lock(session.mutex);
    auto entry = session.inbound.find(packet_id);
    if (entry == session.inbound.end()) return end;
    if (entry->second.state == Inbound::kDeliveringAsked) end.asked = session.connection;
    if (end.taken) {
        entry->second = {Inbound::kReceived, nullptr};
    } else {
        session.inbound.erase(entry);
    }
    return end;
}

env::Task<size_t> FinishDelivering(Core& core) {
    struct Unfinished {
        std::shared_ptr<Session> session;
        uint16_t packet_id;
        std::shared_ptr<const PublishedMessage> message;
    };
    std::vector<Unfinished> unfinished;
    for (const auto& session : core.sessions->All()) {
        std::lock_guard lock(session->mutex);
        for (const auto& [packet_id, inbound] : session->inbound) {
            if (inbound.message && inbound.message->once->done_since) {
                unfinished.push_back({session, packet_id, inbound.message});
            }
        }
    }
    if (unfinished.empty()) co_return size_t{0};
    std::stable_sort(unfinished.begin(), unfinished.end(),
                     [](const auto& a, const auto& b) { return a.message->arrival < b.message->arrival; });
    base::LogInfo("mqtt", "{} messages of QoS 2 were being delivered when the process ended: finishing them",
                  unfinished.size());
    std::vector<PublishedMessage> messages;
    for (const auto& each : unfinished) messages.push_back(*each.message);
    std::vector<base::Result<void>> results;
    try {
        results = co_await core.sink->Deliver(messages);
    } catch (const std::exception& failure) {
        base::LogError("mqtt", "finishing deliveries failed: {}", failure.what());
    }
    MatchCache cache;
    for (size_t i = 0; i < unfinished.size(); ++i) {
        const bool taken = i < results.size() && results[i].has_value();
        if (!taken) base::LogWarning("mqtt", "a message of '{}' could not be finished", messages[i].client_id);
        auto end = EndReceived(core, *unfinished[i].session, messages[i], unfinished[i].packet_id, taken, cache);
        if (end.asked) Connection::Answer(end, unfinished[i].packet_id);
    }
    co_return unfinished.size();
}

}  // namespace wellhead::mqtt
