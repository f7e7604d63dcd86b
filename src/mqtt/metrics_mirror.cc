#include "mqtt/metrics_mirror.h"

#include "mqtt/broker.h"

namespace wellhead::mqtt {

namespace {
base::Counter* Count(std::string_view name, std::string_view help, base::MetricLabels labels = {}) {
    return &base::Metrics::Global().GetCounter(name, help, std::move(labels));
}
base::Gauge& Level(std::string_view name, std::string_view help) { return base::Metrics::Global().GetGauge(name, help); }
constexpr std::string_view kDropped = "wellhead_mqtt_messages_dropped_total";
constexpr std::string_view kDroppedHelp = "Messages that a subscriber was too slow for.";
constexpr std::string_view kRefused = "wellhead_mqtt_refused_total";
constexpr std::string_view kRefusedHelp = "What clients wanted and did not get.";
}  // namespace

MetricsMirror::MetricsMirror()
    : connects_{Count("wellhead_mqtt_connects_total", "Accepted CONNECT packets."), 0},
      received_{Count("wellhead_mqtt_messages_received_total", "PUBLISH packets from clients."), 0},
      sent_{Count("wellhead_mqtt_messages_sent_total", "PUBLISH packets to clients."), 0},
      dropped_qos0_{Count(kDropped, kDroppedHelp, {{"qos", "0"}}), 0},
      dropped_queue_{Count(kDropped, kDroppedHelp, {{"qos", "1"}}), 0},
      refused_quota_{Count(kRefused, kRefusedHelp, {{"reason", "quota"}}), 0},
      refused_permission_{Count(kRefused, kRefusedHelp, {{"reason", "permission"}}), 0},
      protocol_errors_{Count(kRefused, kRefusedHelp, {{"reason", "protocol"}}), 0},
      connections_(Level("wellhead_mqtt_connections", "Open MQTT connections.")),
      sessions_(Level("wellhead_mqtt_sessions", "MQTT sessions, connected or not.")),
      retained_(Level("wellhead_mqtt_retained_messages", "Retained messages.")),
      queued_bytes_(Level("wellhead_mqtt_queued_bytes", "Messages in the queues of sessions.")) {}

void MetricsMirror::Update(const BrokerFigures& f) {
    connects_.Reach(f.connects);
    received_.Reach(f.received);
    sent_.Reach(f.sent);
    dropped_qos0_.Reach(f.dropped_qos0);
    dropped_queue_.Reach(f.dropped_queue);
    refused_quota_.Reach(f.refused_quota);
    refused_permission_.Reach(f.refused_permission);
    protocol_errors_.Reach(f.protocol_errors);
    connections_.Set(static_cast<int64_t>(f.connections));
    sessions_.Set(static_cast<int64_t>(f.sessions));
    retained_.Set(static_cast<int64_t>(f.retained));
    queued_bytes_.Set(static_cast<int64_t>(f.queued_bytes));
}

}  // namespace wellhead::mqtt
