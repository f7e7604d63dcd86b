// PUBLISH from the client, and PUBREL, which ends an inbound QoS 2 (3.3, 3.6, 4.3).

#include <algorithm>
#include <boost/asio/post.hpp>

#include "base/log.h"
#include "mqtt/connection.h"
#include "mqtt/ingest.h"
#include "mqtt/journal_format.h"
#include "mqtt/received.h"
#include "mqtt/topic.h"

namespace wellhead::mqtt {

namespace wire = codec::mqtt;
using Id = wire::PropertyId;

// Topic aliases of the client (3.3.2.3.4). False: the connection was ended.
bool Connection::ResolveTopic(const wire::Publish& publish, std::string_view& topic) {
    const wire::Properties& p = publish.properties;
    topic = publish.topic;
    if (!p.Has(Id::kTopicAlias)) {
        if (!topic.empty()) return true;
        Fail({ReasonCode::kProtocolError, "PUBLISH without a topic"});
        return false;
    }
    if (p.topic_alias > profile_->topic_alias_maximum) {  // [MQTT-3.3.2-9]
        Fail({ReasonCode::kTopicAliasInvalid, "a topic alias above the maximum"});
        return false;
    }
    if (!aliases_in_) aliases_in_ = std::make_unique<std::unordered_map<uint16_t, std::string>>();
    if (!topic.empty()) {  // [MQTT-3.3.2-12]
        (*aliases_in_)[p.topic_alias] = topic;
        return true;
    }
    auto found = aliases_in_->find(p.topic_alias);
    if (found == aliases_in_->end()) {
        Fail({ReasonCode::kProtocolError, "a topic alias that was never set"});
        return false;
    }
    topic = found->second;
    return true;
}

// What ends the connection. False: it was.
bool Connection::CheckPublish(const wire::Publish& publish, std::string_view topic) {
    const wire::Properties& p = publish.properties;
    auto fail = [this](ReasonCode reason, const char* why) {
        Fail({reason, why});
        return false;
    };
    if (!IsTopicName(topic)) return fail(ReasonCode::kTopicNameInvalid, "a topic name with a wildcard");  // [MQTT-3.3.2-2]
    if (topic.size() > profile_->max_topic_bytes || CountSlashes(topic) > profile_->max_topic_slashes) {
        return fail(ReasonCode::kTopicNameInvalid, "the topic name is too long or too deep");
    }
    if (publish.qos > profile_->maximum_qos) {  // [MQTT-3.2.2-11]
        return fail(ReasonCode::kQoSNotSupported, "a QoS above the maximum");
    }
    if (p.present == 0) return true;
    if (p.Has(Id::kSubscriptionId)) {  // [MQTT-3.3.4-6]
        return fail(ReasonCode::kProtocolError, "a subscription identifier from a client");
    }
    if (p.Has(Id::kResponseTopic) && !IsTopicName(p.response_topic)) {  // [MQTT-3.3.2-14]
        return fail(ReasonCode::kProtocolError, "a response topic with a wildcard");
    }
    return true;
}

void Connection::RefusePublish(ReasonCode reason, const char* why, Reading& reading) {
    // 3.1.1 has no way to say no but to close ([MQTT-3.3.5-2] there).
    const bool denied_qos0 = reading.publish.qos == 0 && reason == ReasonCode::kNotAuthorized;
    if (!v5() || (denied_qos0 && profile_->close_on_denied)) {
        base::LogInfo("mqtt", "a PUBLISH of client '{}' was refused: {}", client_id_, why);
        return Disconnect(reason, why);
    }
    if (reading.publish.qos == 0) return;
    reading.batch.acks.push_back({reading.publish.packet_id,
                                  reading.publish.qos == 1 ? PacketType::kPuback : PacketType::kPubrec, reason});
}

// The QoS 2 packet identifier is new and now taken. False: it was here before, and has been answered as far as due.
bool Connection::BeginReceived(Reading& reading) {
    std::lock_guard lock(session_->mutex);
    auto [entry, inserted] = session_->inbound.try_emplace(reading.publish.packet_id);
    if (inserted) return true;
    if (entry->second.state == Inbound::kReceived) {  // [MQTT-4.3.3-10]: acknowledged again, not delivered again
        reading.batch.acks.push_back({reading.publish.packet_id, PacketType::kPubrec, ReasonCode::kSuccess});
        // Its own entry may still be on its way to the disk.
        if (core_.journal && session_->durable) reading.batch.ticket = core_.journal->Add({});
    } else {
        entry->second.state = Inbound::kDeliveringAsked;
    }
    return false;
}

void Connection::HandlePublish(uint8_t flags, base::ByteView body, Reading& reading) {
    if (auto read = wire::DecodePublish(flags, body, version_, reading.publish); !read) return Fail(read.error());
    ++reading.publishes;
    std::string_view topic;
    if (!ResolveTopic(reading.publish, topic) || !CheckPublish(reading.publish, topic)) return;
    if (reading.publish.qos > 0 && v5()) {  // [MQTT-3.3.4-9]
        size_t open = qos1_pending_;
        if (reading.publish.qos == 2) {
            std::lock_guard lock(session_->mutex);
            if (!session_->inbound.contains(reading.publish.packet_id)) open += session_->inbound.size();
        }
        if (open >= profile_->receive_maximum) {
            return Fail({ReasonCode::kReceiveMaximumExceeded, "more messages than the receive maximum"});
        }
    }
    if (reading.publish.qos == 1) ++qos1_pending_;  // until its PUBACK leaves
    if (!permissions_->MayPublish(topic, reading.publish.retain)) {
        core_.counters.refused_permission.fetch_add(1, std::memory_order_relaxed);
        return RefusePublish(ReasonCode::kNotAuthorized, "not allowed on this topic", reading);
    }
    if (reading.publish.properties.present != 0 && reading.publish.properties.payload_format == 1 &&
        !wire::IsMqttUtf8(reading.publish.payload)) {
        return RefusePublish(ReasonCode::kPayloadFormatInvalid, "the payload is not UTF-8", reading);
    }
    if (reading.publish.qos == 2 && !BeginReceived(reading)) return;
    // With a sink, QoS 2 is routed only after it has taken the message: both happen once or, when it fails, not at all.
    if (core_.sink != nullptr && reading.publish.qos == 2) return HandToSink(topic, reading);
    RouteNow(topic, reading);
}

void Connection::RouteNow(std::string_view topic, Reading& reading) {
    const uint8_t qos = reading.publish.qos;
    Routed routed = Routed::kNobody;
    if (core_.sink == nullptr || !core_.sink->ReservesTopic(topic)) {
        thread_local base::Bytes forwarded;
        forwarded.clear();
        wire::AppendForwardedProperties(forwarded, reading.publish.properties);
        Inward inward;
        inward.topic = topic;
        inward.payload = reading.publish.payload;
        inward.properties = forwarded;
        inward.qos = qos;
        inward.retain = reading.publish.retain;
        inward.expiry_s = reading.publish.properties.message_expiry_s;
        inward.publisher = session_.get();
        inward.received_id = qos == 2 ? reading.publish.packet_id : uint16_t{0};
        Routing routing{reading.now, reading.wakes, cache_};
        routed = Route(core_, inward, routing);
        if (qos > 0) reading.batch.ticket = std::max(reading.batch.ticket, routing.ticket);
    }
    if (routed == Routed::kQuota) {
        if (qos == 2) {
            std::lock_guard lock(session_->mutex);
            session_->inbound.erase(reading.publish.packet_id);
        }
        return RefusePublish(ReasonCode::kQuotaExceeded, "a queue is full", reading);
    }
    if (core_.sink != nullptr) return HandToSink(topic, reading);
    if (qos == 0) return;
    const bool nobody = routed == Routed::kNobody && v5();
    if (qos == 2) {
        std::lock_guard lock(session_->mutex);
        session_->inbound[reading.publish.packet_id] = {Inbound::kReceived, nullptr};
    }
    reading.batch.acks.push_back({reading.publish.packet_id, qos == 1 ? PacketType::kPuback : PacketType::kPubrec,
                                  nobody ? ReasonCode::kNoMatchingSubscribers : ReasonCode::kSuccess});
}

void Connection::HandToSink(std::string_view topic, Reading& reading) {
    Ingest& ingest = *core_.homes[home_]->ingest;
    if (in_sink_ == 0) lane_ = static_cast<uint8_t>(ingest.ChooseLane());
    PublishedMessage published;
    Message& message = published.message;
    message.topic = topic;
    message.payload = reading.publish.payload;
    message.qos = static_cast<QoS>(reading.publish.qos);
    message.retain = reading.publish.retain;
    const wire::Properties& p = reading.publish.properties;
    if (p.present != 0) {
        for (const auto& [name, value] : p.user_properties) {
            message.user_properties.emplace_back(std::string(name), std::string(value));
        }
        message.content_type = p.content_type;
        message.response_topic = p.response_topic;
        message.correlation_data = p.correlation_data;
        message.payload_format = p.payload_format;
        message.expiry_s = p.message_expiry_s;
    }
    published.client_id = client_id_;
    published.principal = principal_;
    published.arrival = reading.now;
    published.peer_address = origin_.peer_address;
    const Journal::Ticket ticket = reading.publish.qos == 2 ? JournalDelivering(published, reading) : 0;
    IngestMark mark;
    if (reading.publish.qos > 0) {
        mark = {static_cast<uint32_t>(reading.batch.acks.size()), reading.publish.packet_id};
        reading.batch.acks.push_back({reading.publish.packet_id,
                                      reading.publish.qos == 1 ? PacketType::kPuback : PacketType::kPubrec,
                                      ReasonCode::kSuccess});
    }
    reading.batch.sink_waiting = true;
    reading.ingested = true;
    ++in_sink_;
    ingest.Add(lane_, shared_from_this(), first_batch_ + batches_.size(), mark, std::move(published), ticket);
}

// What the sink does to the message is found again after a kill. Returns what has to be durable before it begins; 0 for a
// client without a session, whose repetition after a kill is another message.
Journal::Ticket Connection::JournalDelivering(PublishedMessage& published, const Reading& reading) {
    if (!core_.journal || !session_->durable) return 0;
    OnceOnly once;
    once.token.resize(16);
    core_.random.Fill({reinterpret_cast<uint8_t*>(once.token.data()), once.token.size()});
    published.once = std::make_shared<const OnceOnly>(std::move(once));
    base::Bytes group;
    AppendDelivering(group, session_->number, reading.publish.packet_id, published);
    std::lock_guard lock(session_->mutex);
    session_->inbound[reading.publish.packet_id].message = std::make_shared<const PublishedMessage>(published);
    return core_.journal->Add(group);
}

namespace {
wire::ReasonCode ReasonOf(const base::Error& error) {
    switch (error.code) {
        case base::ErrorCode::kPermission: return wire::ReasonCode::kNotAuthorized;
        case base::ErrorCode::kLimit: return wire::ReasonCode::kQuotaExceeded;
        case base::ErrorCode::kInvalidArgument: return wire::ReasonCode::kPayloadFormatInvalid;
        default: return wire::ReasonCode::kUnspecifiedError;
    }
}
}  // namespace

void Connection::OnDelivered(uint64_t number, std::span<PublishedMessage> messages, std::span<const IngestMark> marks,
                             std::span<base::Result<void>> results) {
    in_sink_ -= messages.size();
    const bool open = phase_ != Phase::kFinished && number >= first_batch_ && number - first_batch_ < batches_.size();
    bool failed = false;
    Batch orphan;  // for messages whose connection is gone: what was begun is ended
    Batch& batch = open ? batches_[number - first_batch_] : orphan;
    if (open) batch.sink_waiting = false;
    for (size_t i = 0; i < messages.size(); ++i) {
        if (marks[i].ack == IngestMark::kNone) continue;
        PendingAck spare{};
        PendingAck& ack = open ? batch.acks[marks[i].ack] : spare;
        if (!results[i]) {
            ack.reason = ReasonOf(results[i].error());
            if (!failed) {
                base::LogWarning("mqtt", "a message of '{}' was not taken: {}", client_id_, results[i].error().message);
            }
        }
        if (messages[i].message.qos == QoS::kExactlyOnce) {
            EndDelivered(messages[i], marks[i].packet_id, results[i].has_value(), batch, ack);
        }
        failed = failed || ack.reason >= ReasonCode::kUnspecifiedError;
    }
    if (!open) return;
    // 3.1.1: without an acknowledgement the client sends again when it is back.
    if (failed && !v5()) return Disconnect(ReasonCode::kUnspecifiedError, "a message could not be stored");
    FlushBatches();
    Wake();
}

// The second half of an inbound QoS 2 with a sink.
void Connection::EndDelivered(const PublishedMessage& published, uint16_t packet_id, bool taken, Batch& batch,
                              PendingAck& ack) {
    ReceivedEnd end = EndReceived(core_, *session_, published, packet_id, taken, cache_);
    if (end.quota) ack.reason = ReasonCode::kQuotaExceeded;
    batch.ticket = std::max(batch.ticket, end.ticket);
    if (end.asked && end.asked.get() != this) Answer(end, packet_id);
}

void Connection::Answer(const ReceivedEnd& end, uint16_t packet_id) {
    const auto& asked = end.asked;
    if (!end.taken) return asked->RequestDisconnect(ReasonCode::kUnspecifiedError, "a message could not be stored");
    boost::asio::post(asked->core_.homes[asked->home()]->executor, [asked, packet_id, ticket = end.ticket] {
        asked->AnswerReceived(packet_id, ticket);
    });
}

void Connection::AnswerReceived(uint16_t packet_id, Journal::Ticket ticket) {
    if (phase_ != Phase::kConnected) return;
    Batch batch;
    batch.acks.push_back({packet_id, PacketType::kPubrec, ReasonCode::kSuccess});
    batch.ticket = ticket;
    batches_.push_back(std::move(batch));
    FlushBatches();
    Wake();
}

void Connection::HandleRelease(base::ByteView body, Reading& reading) {
    wire::Ack release;
    if (auto read = wire::DecodeAck(PacketType::kPubrel, body, version_, release); !read) return Fail(read.error());
    bool known = false;
    {
        std::lock_guard lock(session_->mutex);
        auto entry = session_->inbound.find(release.packet_id);
        known = entry != session_->inbound.end() && entry->second.state == Inbound::kReceived;
        if (known) session_->inbound.erase(entry);
    }
    if (known && core_.journal && session_->durable) {
        // Durable before PUBCOMP: after it the client uses the identifier for another message.
        base::Bytes group;
        AppendJournalOp(group, {.type = JournalOpType::kForgotten,
                                .session = session_->number,
                                .packet_id = release.packet_id});
        reading.batch.ticket = core_.journal->Add(group);
    }
    reading.batch.acks.push_back({release.packet_id, PacketType::kPubcomp,
                                  known || !v5() ? ReasonCode::kSuccess : ReasonCode::kPacketIdentifierNotFound});
}

}  // namespace wellhead::mqtt
