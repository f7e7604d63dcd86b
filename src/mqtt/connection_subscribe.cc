// SUBSCRIBE and UNSUBSCRIBE (3.8, 3.10).

#include <algorithm>

#include "base/log.h"
#include "codec/mqtt/encode.h"
#include "mqtt/connection.h"
#include "mqtt/topic.h"

namespace wellhead::mqtt {

namespace wire = codec::mqtt;
using Id = wire::PropertyId;

wire::ReasonCode Connection::SubscribeOne(const wire::SubscribeFilter& wanted, uint32_t id, Reading& reading) {
    std::string_view filter = wanted.filter;
    const bool shared = IsShared(filter);
    if (shared) {
        auto parts = ParseShared(filter);
        if (!parts) return ReasonCode::kTopicFilterInvalid;
        filter = parts->filter;
    }
    if (!IsTopicFilter(filter) || filter.size() > profile_->max_topic_bytes ||
        CountSlashes(filter) > profile_->max_topic_slashes) {
        return ReasonCode::kTopicFilterInvalid;
    }
    if (!permissions_->MaySubscribe(filter)) {
        core_.counters.refused_permission.fetch_add(1, std::memory_order_relaxed);
        return ReasonCode::kNotAuthorized;
    }
    {
        std::lock_guard lock(session_->mutex);
        if (session_->subscriptions.size() >= profile_->max_subscriptions &&
            !session_->subscriptions.contains(wanted.filter)) {
            return ReasonCode::kQuotaExceeded;
        }
    }
    Subscription subscription;
    subscription.qos = std::min(wanted.qos, profile_->maximum_qos);
    subscription.no_local = wanted.no_local;
    subscription.retain_as_published = wanted.retain_as_published;
    subscription.id = id;
    bool first = false;
    auto ticket = core_.sessions->Subscribe(*session_, wanted.filter, subscription, first);
    reading.batch.ticket = std::max(reading.batch.ticket, ticket);
    // [MQTT-3.3.1-9, -10, -11]; none for shared ones (4.8.2).
    if (!shared && (wanted.retain_handling == 0 || (wanted.retain_handling == 1 && first))) {
        ReadMostlyLock::Reader routing_lock(core_.routing);
        Routing routing{reading.now, reading.wakes, cache_};
        for (const auto& retained : core_.retained.Find(filter, reading.now)) {
            QueueRetained(core_, *session_, retained, subscription, routing);
        }
    }
    return static_cast<ReasonCode>(subscription.qos);
}

void Connection::HandleSubscribe(base::ByteView body, Reading& reading) {
    wire::Subscribe subscribe;
    if (auto read = wire::DecodeSubscribe(body, version_, subscribe); !read) return Fail(read.error());
    if (subscribe.filters.size() > profile_->max_filters_per_subscribe) {
        return Fail({v5() ? ReasonCode::kQuotaExceeded : ReasonCode::kProtocolError, "too many filters in one SUBSCRIBE"});
    }
    uint32_t id = subscribe.properties.subscription_ids.empty() ? 0 : subscribe.properties.subscription_ids.front();
    wire::FilterAck ack;
    ack.packet_id = subscribe.packet_id;
    ClientEvent event{.kind = ClientEvent::Kind::kSubscribed};
    for (const auto& wanted : subscribe.filters) {
        if (wanted.no_local && IsShared(wanted.filter)) {  // [MQTT-3.8.3-4]
            return Fail({ReasonCode::kProtocolError, "no local on a shared subscription"});
        }
        ack.reasons.push_back(SubscribeOne(wanted, id, reading));
        if (ack.reasons.back() < ReasonCode::kUnspecifiedError) event.filters.push_back(wanted.filter);
        if (ack.reasons.back() == ReasonCode::kNotAuthorized && profile_->close_on_denied && !v5()) {
            base::LogInfo("mqtt", "a SUBSCRIBE of client '{}' was refused: not allowed", client_id_);
            return Disconnect(ReasonCode::kNotAuthorized, "not allowed");
        }
    }
    if (!event.filters.empty()) Announce(std::move(event));
    wire::AppendFilterAck(reading.batch.bytes, PacketType::kSuback, version_, ack);  // [MQTT-3.8.4-1, -6]
}

void Connection::HandleUnsubscribe(base::ByteView body, Reading& reading) {
    wire::Unsubscribe unsubscribe;
    if (auto read = wire::DecodeUnsubscribe(body, version_, unsubscribe); !read) return Fail(read.error());
    wire::FilterAck ack;
    ack.packet_id = unsubscribe.packet_id;
    ClientEvent event{.kind = ClientEvent::Kind::kUnsubscribed};
    for (base::ByteView filter : unsubscribe.filters) {
        const bool well_formed = IsShared(filter) ? ParseShared(filter).has_value() : IsTopicFilter(filter);
        if (!well_formed) {
            ack.reasons.push_back(ReasonCode::kTopicFilterInvalid);
            continue;
        }
        Journal::Ticket ticket = 0;
        const bool was = core_.sessions->Unsubscribe(*session_, filter, ticket);
        reading.batch.ticket = std::max(reading.batch.ticket, ticket);
        if (was) event.filters.push_back(filter);
        ack.reasons.push_back(was ? ReasonCode::kSuccess : ReasonCode::kNoSubscriptionExisted);
    }
    if (!event.filters.empty()) Announce(std::move(event));
    wire::AppendFilterAck(reading.batch.bytes, PacketType::kUnsuback, version_, ack);  // [MQTT-3.10.4-4, -5]
}

}  // namespace wellhead::mqtt
