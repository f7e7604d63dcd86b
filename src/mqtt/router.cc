#include "mqtt/router.h"

#include <algorithm>

#include "codec/mqtt/properties.h"
#include "mqtt/connection.h"
#include "mqtt/journal_format.h"
#include "mqtt/session.h"

namespace wellhead::mqtt {

namespace wire = codec::mqtt;

namespace {

struct Target {
    Session* session;
    Subscription subscription;
    const std::vector<uint32_t>* more_ids;
};

// A session whose client went away takes shared messages only when nobody of the group is there. ([MQTT-4.8.2-4]: to
// one member.)
const ShareGroup::Member* ChooseMember(const ShareGroup& group) {
    const size_t count = group.members.size();
    if (count == 0) return nullptr;
    const size_t start = group.turn.fetch_add(1, std::memory_order_relaxed) % count;
    for (size_t i = 0; i < count; ++i) {
        const auto& member = group.members[(start + i) % count];
        std::lock_guard lock(member.session->mutex);
        if (member.session->connection) return &member;
    }
    return &group.members[start];
}

bool IsFull(const Core& core, const Session& session) {
    return session.queued_messages.load(std::memory_order_relaxed) >= core.settings.max_queued_messages ||
           session.queued_bytes.load(std::memory_order_relaxed) >= core.settings.max_queued_bytes ||
           core.queued_bytes.load(std::memory_order_relaxed) >= core.settings.max_total_queued_bytes;
}

void Told(Session& session, WakeList& wakes) {
    if (!session.connection || session.wake_pending) return;
    session.wake_pending = true;
    wakes.Add(session.connection);
}

QueuedMessage MakeQueued(const MessagePtr& message, uint8_t qos, bool retain, uint32_t id,
                         const std::vector<uint32_t>* more_ids) {
    QueuedMessage queued;
    queued.message = message;
    queued.qos = qos;
    queued.retain = retain;
    queued.subscription_id = id;
    if (more_ids != nullptr && !more_ids->empty()) {
        queued.more_ids = std::make_unique<std::vector<uint32_t>>(*more_ids);
    }
    return queued;
}

// Room for one more, by the policy. Under the session's mutex.
bool MakeRoom(Core& core, Session& session, Routing& routing) {
    if (!IsFull(core, session)) return true;
    if (session.durable && core.settings.queue_full == QueueFullPolicy::kRefuse) return true;  // seen before, in Route
    if (!session.durable) {
        // It lives only as long as its connection, and nothing of it was promised: a consumer this slow loses it.
        core.counters.dropped_queue.fetch_add(1, std::memory_order_relaxed);
        if (session.connection) {
            session.connection->RequestDisconnect(wire::ReasonCode::kQuotaExceeded, "too many messages are queued");
        }
        return false;
    }
    if (session.queue.empty()) return false;
    const MessagePtr oldest = session.queue.front().message;
    session.Unaccount(*oldest);
    session.queue.pop_front();
    core.counters.dropped_queue.fetch_add(1, std::memory_order_relaxed);
    if (core.journal) {
        base::Bytes group;
        AppendJournalOp(group, {.type = JournalOpType::kDone, .session = session.number, .numbers = {oldest->number}});
        routing.ticket = core.journal->Add(group);
    }
    return true;
}

void Enqueue(Core& core, const Target& target, const Inward& inward, const MessagePtr& message, Routing& routing) {
    Session& session = *target.session;
    const uint8_t qos = std::min(inward.qos, target.subscription.qos);
    // [MQTT-3.3.1-12, -13]: the flag as published only when the subscriber asked for it.
    const bool retain = inward.retain && target.subscription.retain_as_published;
    std::lock_guard lock(session.mutex);
    if (session.removed) return;
    if (qos == 0) {
        if (!session.connection) return;
        if (session.fleeting_bytes > core.settings.max_unsent_qos0_bytes) {
            core.counters.dropped_qos0.fetch_add(1, std::memory_order_relaxed);
            return;
        }
        session.fleeting_bytes += message->bytes();
        session.fleeting.push_back(
            MakeQueued(message, 0, retain, target.subscription.id, target.more_ids));
    } else {
        if (!MakeRoom(core, session, routing)) return;
        session.Enqueue(MakeQueued(message, qos, retain, target.subscription.id, target.more_ids));
    }
    Told(session, routing.wakes);
}

MessagePtr MakeMessage(Core& core, const Inward& inward, base::Instant now) {
    auto message = std::make_shared<StoredMessage>();
    message->number = core.next_message.fetch_add(1, std::memory_order_relaxed);
    message->topic = inward.topic;
    message->properties = inward.properties;
    message->payload = inward.payload;
    if (inward.expiry_s > 0) message->expires = now + std::chrono::seconds(inward.expiry_s);
    return message;
}

JournalOp MessageOp(JournalOpType type, const StoredMessage& message) {
    JournalOp op;
    op.type = type;
    op.message = message.number;
    op.time_us = message.expires == base::Instant::max() ? INT64_MAX : base::ToUnixUs(message.expires);
    op.text = message.topic;
    op.properties = message.properties;
    op.payload = message.payload;
    return op;
}

JournalTarget TargetOp(const Session& session, uint8_t qos, bool retain, uint32_t id,
                       const std::vector<uint32_t>* more_ids) {
    JournalTarget op{session.number, static_cast<uint8_t>(qos | (retain ? 4 : 0)), {}};
    if (id != 0) op.ids.push_back(id);
    if (more_ids != nullptr) op.ids.insert(op.ids.end(), more_ids->begin(), more_ids->end());
    return op;
}

void JournalMessage(Core& core, const Inward& inward, const std::vector<Target>& targets, const MessagePtr& message,
                    Routing& routing) {
    if (!core.journal) return;
    JournalOp enqueued;
    enqueued.type = JournalOpType::kEnqueued;
    if (inward.qos > 0) {
        for (const auto& target : targets) {
            const uint8_t qos = std::min(inward.qos, target.subscription.qos);
            if (qos == 0 || !target.session->durable) continue;
            enqueued.targets.push_back(TargetOp(*target.session, qos,
                                                inward.retain && target.subscription.retain_as_published,
                                                target.subscription.id, target.more_ids));
        }
    }
    base::Bytes group;
    if (!enqueued.targets.empty()) {
        enqueued.message = message->number;
        AppendJournalOp(group, MessageOp(JournalOpType::kMessage, *message));
        AppendJournalOp(group, enqueued);
    }
    if (inward.retain) {
        if (inward.payload.empty()) {
            AppendJournalOp(group, {.type = JournalOpType::kRetainedCleared, .text = inward.topic});
        } else {
            JournalOp op = MessageOp(JournalOpType::kRetained, *message);
            op.flags = inward.qos;
            AppendJournalOp(group, op);
        }
    }
    if (inward.received_id != 0 && inward.publisher->durable) {
        AppendJournalOp(group, {.type = JournalOpType::kReceived,
                                .session = inward.publisher->number,
                                .packet_id = inward.received_id});
    }
    if (!group.empty()) routing.ticket = core.journal->Add(group);
}

}  // namespace

Routed Route(Core& core, const Inward& inward, Routing& routing) {
    MatchCache& cache = routing.cache;
    if (cache.version != core.tree.version() || cache.topic != inward.topic) {
        core.tree.Find(inward.topic, cache.matches);
        cache.topic = inward.topic;
        cache.version = core.tree.version();
    }
    thread_local std::vector<Target> targets;
    targets.clear();
    for (const auto& match : cache.matches.sessions) {
        // [MQTT-3.8.3-3]
        if (match.subscription.no_local && match.session == inward.publisher) continue;
        targets.push_back({match.session, match.subscription, &match.more_ids});
    }
    for (const ShareGroup* group : cache.matches.groups) {
        if (const auto* member = ChooseMember(*group)) {
            targets.push_back({member->session, member->subscription, nullptr});
        }
    }
    const bool remembers = inward.received_id != 0 && inward.publisher->durable && core.journal;
    if (targets.empty() && !inward.retain && !remembers) return Routed::kNobody;
    if (inward.qos > 0 && core.settings.queue_full == QueueFullPolicy::kRefuse) {
        for (const auto& target : targets) {
            if (target.subscription.qos > 0 && target.session->durable && IsFull(core, *target.session)) {
                core.counters.refused_quota.fetch_add(1, std::memory_order_relaxed);
                return Routed::kQuota;
            }
        }
    }
    MessagePtr message = MakeMessage(core, inward, routing.now);
    if (inward.retain) {  // [MQTT-3.3.1-5, -6]
        if (inward.payload.empty()) {
            core.retained.Clear(inward.topic);
        } else if (!core.retained.Set({message, inward.qos}, core.settings.max_retained_messages,
                                      core.settings.max_retained_bytes)) {
            core.counters.refused_quota.fetch_add(1, std::memory_order_relaxed);
            return Routed::kQuota;
        }
    }
    JournalMessage(core, inward, targets, message, routing);
    for (const auto& target : targets) Enqueue(core, target, inward, message, routing);
    return targets.empty() ? Routed::kNobody : Routed::kDelivered;
}

void QueueRetained(Core& core, Session& session, const RetainedMessage& retained, const Subscription& subscription,
                   Routing& routing) {
    const uint8_t qos = std::min(retained.qos, subscription.qos);
    const MessagePtr& message = retained.message;
    std::lock_guard lock(session.mutex);
    if (session.removed || !session.connection) return;
    if (qos == 0) {
        session.fleeting_bytes += message->bytes();
        session.fleeting.push_back(MakeQueued(message, 0, true, subscription.id, nullptr));
    } else {
        if (IsFull(core, session)) {
            core.counters.dropped_queue.fetch_add(1, std::memory_order_relaxed);
            return;
        }
        if (session.durable && core.journal) {
            base::Bytes group;
            AppendJournalOp(group, MessageOp(JournalOpType::kMessage, *message));
            JournalOp op;
            op.type = JournalOpType::kEnqueued;
            op.message = message->number;
            op.targets.push_back(TargetOp(session, qos, true, subscription.id, nullptr));
            AppendJournalOp(group, op);
            routing.ticket = core.journal->Add(group);
        }
        session.Enqueue(MakeQueued(message, qos, true, subscription.id, nullptr));
    }
    Told(session, routing.wakes);
}

base::Bytes EncodeForwarded(const Message& message) {
    using enum wire::PropertyId;
    wire::Properties p;
    p.payload_format = message.payload_format;
    if (message.payload_format != 0) p.Mark(kPayloadFormat);
    p.content_type = message.content_type;
    if (!message.content_type.empty()) p.Mark(kContentType);
    p.response_topic = message.response_topic;
    if (!message.response_topic.empty()) p.Mark(kResponseTopic);
    p.correlation_data = message.correlation_data;
    if (!message.correlation_data.empty()) p.Mark(kCorrelationData);
    for (const auto& [name, value] : message.user_properties) p.user_properties.emplace_back(name, value);
    if (!message.user_properties.empty()) p.Mark(kUserProperty);
    base::Bytes out;
    wire::AppendForwardedProperties(out, p);
    return out;
}

void DecodeForwarded(base::ByteView properties, Message& message) {
    if (properties.empty()) return;
    base::Bytes block;
    wire::AppendVarInt(block, static_cast<uint32_t>(properties.size()));
    block.append(properties);
    wire::Cursor cursor(block);
    wire::Properties p;
    if (!wire::DecodeProperties(cursor, wire::PropertyPlace::kPublish, p)) return;
    message.payload_format = p.payload_format;
    message.content_type = p.content_type;
    message.response_topic = p.response_topic;
    message.correlation_data = p.correlation_data;
    for (const auto& [name, value] : p.user_properties) {
        message.user_properties.emplace_back(std::string(name), std::string(value));
    }
}

}  // namespace wellhead::mqtt
