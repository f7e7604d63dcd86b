// Messages to the client: PUBLISH, and the client's answers to it (4.3, 4.4, 4.9).

#include <algorithm>
#include <boost/asio/post.hpp>

#include "codec/mqtt/encode.h"
#include "mqtt/connection.h"
#include "mqtt/journal_format.h"

namespace wellhead::mqtt {

namespace wire = codec::mqtt;

bool Connection::TakeOutput(base::Bytes& out, size_t limit) {
    FlushBatches();
    if (out.empty()) {
        out.swap(output_);
    } else {
        out.append(output_);
        output_.clear();
    }
    if (output_.empty() && output_.capacity() > 1024) output_ = {};
    if (phase_ != Phase::kConnected || !connack_sent_) return false;
    return FillFromSession(out, limit);
}

bool Connection::FillFromSession(base::Bytes& out, size_t limit) {
    ReadMostlyLock::Reader routing_lock(core_.routing);
    const base::Instant now = core_.clock.Now();
    Session& session = *session_;
    std::lock_guard lock(session.mutex);
    if (session.connection.get() != this) return false;
    session.wake_pending = false;
    SendFleeting(session, out, limit, now);
    bool more = !session.fleeting.empty();
    while (out.size() < limit) {
        AssignQueued(session, now);
        const size_t before = session.next_to_send;
        more |= SendInFlight(session, out, limit, now);
        if (session.next_to_send == before) break;
    }
    return more || (out.size() >= limit && session.next_to_send < session.in_flight.size());
}

bool Connection::Sendable(const QueuedMessage& queued, base::Instant now) const {
    if (queued.message->expires <= now) return false;  // [MQTT-3.3.2-5]
    return permissions_->MayReceive(queued.message->topic);
}

void Connection::SendFleeting(Session& session, base::Bytes& out, size_t limit, base::Instant now) {
    while (!session.fleeting.empty() && out.size() < limit) {
        const QueuedMessage& queued = session.fleeting.front();
        if (Sendable(queued, now)) EncodePublish(queued, 0, false, now, out);
        session.fleeting_bytes -= queued.message->bytes();
        session.fleeting.pop_front();
    }
}

// Queued messages get their packet identifiers, as many as the client has room for. For QoS 2 that is journaled and
// awaited: were it forgotten, the same message would go out again under another identifier.
void Connection::AssignQueued(Session& session, base::Instant now) {
    base::Bytes group;
    std::vector<uint64_t> dropped;
    const size_t first = session.in_flight.size();
    while (!session.queue.empty() && session.in_flight.size() < send_window_) {
        QueuedMessage& queued = session.queue.front();
        if (!Sendable(queued, now)) {
            dropped.push_back(queued.message->number);
            session.Unaccount(*queued.message);
            session.queue.pop_front();
            continue;
        }
        const uint16_t id = session.NextPacketId();
        if (id == 0) break;
        InFlight flight;
        flight.packet_id = id;
        if (queued.qos == 2 && session.durable && core_.journal) {
            AppendJournalOp(group, {.type = JournalOpType::kAssigned,
                                    .session = session.number,
                                    .message = queued.message->number,
                                    .packet_id = id});
        }
        flight.queued = std::move(queued);
        session.queue.pop_front();
        session.in_flight.push_back(std::move(flight));
    }
    if (!group.empty()) {
        const Journal::Ticket ticket = core_.journal->Add(group);
        for (size_t i = first; i < session.in_flight.size(); ++i) {
            if (session.in_flight[i].queued.qos == 2) session.in_flight[i].ticket = ticket;
        }
    }
    if (!dropped.empty()) JournalDone(session, std::move(dropped));
}

// True when it stopped for the limit of out.
bool Connection::SendInFlight(Session& session, base::Bytes& out, size_t limit, base::Instant now) {
    while (session.next_to_send < session.in_flight.size()) {
        if (out.size() >= limit) return true;
        InFlight& flight = session.in_flight[session.next_to_send];
        if (flight.ticket != 0 && !core_.journal->durable(flight.ticket)) {
            auto executor = core_.homes[home_]->executor;
            core_.journal->WhenDurable(flight.ticket, [self = weak_from_this(), executor](bool) {
                boost::asio::post(executor, [self] {
                    if (auto connection = self.lock()) connection->Wake();
                });
            });
            return false;
        }
        if (flight.released) {
            wire::AppendAck(out, PacketType::kPubrel, version_, {.packet_id = flight.packet_id, .reason = {}, .properties = {}});
            ++session.next_to_send;
            continue;
        }
        if (session.outstanding >= send_window_) return false;  // [MQTT-3.3.4-9]
        if (!EncodePublish(flight.queued, flight.packet_id, flight.sent_before, now, out)) {
            // [MQTT-3.1.2-25]: too large for this client, as if it were done with.
            JournalDone(session, {flight.queued.message->number});
            session.FinishInFlight(session.next_to_send);
            continue;
        }
        ++session.outstanding;
        ++session.next_to_send;
    }
    return false;
}

// False when the client does not take packets of this size.
bool Connection::EncodePublish(const QueuedMessage& queued, uint16_t packet_id, bool dup, base::Instant now,
                               base::Bytes& out) {
    const StoredMessage& message = *queued.message;
    wire::PublishParts parts;
    parts.dup = dup;  // [MQTT-3.3.1-1, -3]
    parts.qos = queued.qos;
    parts.retain = queued.retain;
    parts.packet_id = packet_id;
    parts.topic = message.topic;
    parts.payload = message.payload;
    thread_local base::Bytes more;
    more.clear();
    if (v5()) {
        parts.first_properties = message.properties;
        if (message.expires != base::Instant::max()) {  // [MQTT-3.3.2-6]: what is left of it
            wire::AppendU8(more, static_cast<uint8_t>(wire::PropertyId::kMessageExpiry));
            auto left = std::chrono::ceil<std::chrono::seconds>(message.expires - now).count();
            wire::AppendU32(more, static_cast<uint32_t>(std::max<int64_t>(left, 1)));
        }
        auto append_id = [&](uint32_t id) {  // [MQTT-3.3.4-3, -4]
            wire::AppendU8(more, static_cast<uint8_t>(wire::PropertyId::kSubscriptionId));
            wire::AppendVarInt(more, id);
        };
        if (queued.subscription_id != 0) append_id(queued.subscription_id);
        if (queued.more_ids) {
            for (uint32_t id : *queued.more_ids) append_id(id);
        }
        if (client_alias_maximum_ > 0) {
            if (!aliases_out_) aliases_out_ = std::make_unique<std::unordered_map<std::string, uint16_t>>();
            auto known = aliases_out_->find(message.topic);
            uint16_t alias = 0;
            if (known != aliases_out_->end()) {
                alias = known->second;
                parts.topic = {};
            } else if (aliases_out_->size() < client_alias_maximum_) {
                alias = static_cast<uint16_t>(aliases_out_->size() + 1);
            }
            if (alias != 0) {
                wire::AppendU8(more, static_cast<uint8_t>(wire::PropertyId::kTopicAlias));
                wire::AppendU16(more, alias);
            }
            parts.more_properties = more;
            if (wire::PublishSize(version_, parts) > client_packet_limit_) return false;
            if (alias != 0 && !parts.topic.empty()) aliases_out_->emplace(message.topic, alias);
        }
        parts.more_properties = more;
    }
    if (wire::PublishSize(version_, parts) > client_packet_limit_) return false;
    wire::AppendPublishParts(out, version_, parts);
    core_.counters.sent.fetch_add(1, std::memory_order_relaxed);
    return true;
}

void Connection::JournalDone(Session& session, std::vector<uint64_t> numbers) {
    if (!core_.journal || !session.journaled) return;
    base::Bytes group;
    JournalOp op;
    op.type = JournalOpType::kDone;
    op.session = session.number;
    op.numbers = std::move(numbers);
    AppendJournalOp(group, op);
    core_.journal->Add(group);
}

void Connection::HandleAck(PacketType type, base::ByteView body, Reading& reading) {
    wire::Ack ack;
    if (auto read = wire::DecodeAck(type, body, version_, ack); !read) return Fail(read.error());
    Session& session = *session_;
    std::lock_guard lock(session.mutex);
    if (session.connection.get() != this) return;
    if (type == PacketType::kPubrec) return HandlePubrec(ack, session, reading);
    const size_t i = session.FindInFlight(ack.packet_id);
    // An answer to what was never asked: a repeated one, after both sides had forgotten. No harm.
    if (i == session.in_flight.size() || i >= session.next_to_send) return;
    InFlight& flight = session.in_flight[i];
    if (type == PacketType::kPuback) {
        if (flight.queued.qos != 1) return;
        reading.done.push_back(flight.queued.message->number);
    } else {
        if (!flight.released) return;
        if (core_.journal && session.journaled) {
            base::Bytes group;
            AppendJournalOp(group, {.type = JournalOpType::kCompleted,
                                    .session = session.number,
                                    .packet_id = ack.packet_id});
            core_.journal->Add(group);
        }
    }
    if (session.outstanding > 0) --session.outstanding;
    session.FinishInFlight(i);
}

void Connection::HandlePubrec(const wire::Ack& ack, Session& session, Reading& reading) {
    const size_t i = session.FindInFlight(ack.packet_id);
    const bool known = i < session.next_to_send && session.in_flight[i].queued.qos == 2;
    if (ack.reason >= ReasonCode::kUnspecifiedError) {  // [MQTT-4.3.3-4]: refused, and so over
        if (!known || session.in_flight[i].released) return;
        reading.done.push_back(session.in_flight[i].queued.message->number);
        if (session.outstanding > 0) --session.outstanding;
        session.FinishInFlight(i);
        return;
    }
    if (known && !session.in_flight[i].released) {
        InFlight& flight = session.in_flight[i];
        session.Unaccount(*flight.queued.message);
        flight.released = true;
        flight.queued.message = nullptr;
        if (core_.journal && session.durable) {
            // Durable before PUBREL: after it the client has forgotten the identifier and would take the message again.
            base::Bytes group;
            AppendJournalOp(group, {.type = JournalOpType::kReleased,
                                    .session = session.number,
                                    .packet_id = ack.packet_id});
            flight.ticket = core_.journal->Add(group);
            reading.batch.ticket = flight.ticket;
        }
    }
    reading.batch.acks.push_back({ack.packet_id, PacketType::kPubrel,
                                  known || !v5() ? ReasonCode::kSuccess : ReasonCode::kPacketIdentifierNotFound});
}

}  // namespace wellhead::mqtt
