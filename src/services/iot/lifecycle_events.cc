#include "services/iot/lifecycle_events.h"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "codec/mqtt/types.h"

namespace wellhead::services::iot {

namespace {

namespace json = boost::json;
using Kind = mqtt::ClientEvent::Kind;
using codec::mqtt::ReasonCode;

constexpr std::string_view kEvents = "$aws/events/";

// In the words of AWS.
std::string_view DisconnectReason(const mqtt::ClientEvent& event) {
    if (event.by_client) return "CLIENT_INITIATED_DISCONNECT";
    if (!event.reason) return "CONNECTION_LOST";
    switch (static_cast<ReasonCode>(*event.reason)) {
        case ReasonCode::kSessionTakenOver: return "DUPLICATE_CLIENTID";
        case ReasonCode::kKeepAliveTimeout: return "MQTT_KEEP_ALIVE_TIMEOUT";
        case ReasonCode::kNotAuthorized: return "FORBIDDEN_ACCESS";
        case ReasonCode::kQuotaExceeded: return "THROTTLED";
        case ReasonCode::kAdministrativeAction:
        case ReasonCode::kServerShuttingDown:
        case ReasonCode::kUnspecifiedError:
        case ReasonCode::kImplementationSpecificError: return "SERVER_ERROR";
        default: return "CLIENT_ERROR";
    }
}

struct KindName {
    std::string_view group;
    std::string_view name;
};

KindName NameOf(Kind kind) {
    switch (kind) {
        case Kind::kConnected: return {"presence", "connected"};
        case Kind::kDisconnected: return {"presence", "disconnected"};
        case Kind::kSubscribed: return {"subscriptions", "subscribed"};
        case Kind::kUnsubscribed: break;
    }
    return {"subscriptions", "unsubscribed"};
}

}  // namespace

bool IsEventTopic(std::string_view topic) { return topic.starts_with(kEvents); }

std::optional<mqtt::PublishedMessage> LifecycleEvents::Announce(const mqtt::ClientEvent& event) {
    // They would name another topic, or none at all.
    if (event.client_id.find_first_of("+#") != std::string_view::npos) return std::nullopt;
    const KindName name = NameOf(event.kind);
    json::object document;
    document["clientId"] = event.client_id;
    document["timestamp"] = base::ToUnixMs(event.at);
    document["eventType"] = name.name;
    if (event.kind == Kind::kDisconnected) {
        document["clientInitiatedDisconnect"] = event.by_client;
        document["disconnectReason"] = DisconnectReason(event);
    }
    const uint64_t mixed = (seed_ ^ event.session) * 0x9E3779B97F4A7C15ULL;
    document["sessionIdentifier"] =
        fmt::format("{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}", seed_ >> 32, seed_ >> 16 & 0xFFFF, seed_ & 0xFFF,
                    mixed >> 52, event.session & 0xFFFFFFFFFFFFULL);
    document["principalIdentifier"] = event.principal;
    if (event.kind == Kind::kConnected || event.kind == Kind::kDisconnected) {
        document["ipAddress"] = event.peer_address;
        document["versionNumber"] = event.connection;
    } else {
        json::array topics;
        for (std::string_view filter : event.filters) topics.emplace_back(filter);
        document["topics"] = std::move(topics);
    }
    mqtt::PublishedMessage published;
    published.message.topic = fmt::format("{}{}/{}/{}", kEvents, name.group, name.name, event.client_id);
    published.message.payload = json::serialize(document);
    published.arrival = event.at;
    return published;
}

}  // namespace wellhead::services::iot
