// CONNECT and its answer (3.1, 3.2).

#include <algorithm>

#include "base/log.h"
#include "codec/mqtt/encode.h"
#include "mqtt/connection.h"
#include "mqtt/topic.h"

namespace wellhead::mqtt {

namespace wire = codec::mqtt;
using Id = wire::PropertyId;

void Connection::HandleConnect(base::ByteView body) {
    wire::Connect connect;
    if (auto read = wire::DecodeConnect(body, connect); !read) {
        if (read.error().reason == ReasonCode::kUnsupportedProtocolVersion) {
            // [MQTT-3.1.2-2]; to a level above 5 in the form of 5, below in the form of 3.1.1.
            const auto level = body.size() > 6 ? static_cast<uint8_t>(body[2 + static_cast<uint8_t>(body[1])]) : 0;
            version_ = level > 5 ? Version::k5 : Version::k311;
            return Refuse(read.error().reason, read.error().what);
        }
        version_ = connect.version;
        // [MQTT-3.1.4-1] of 5 allows to say why; that of 3.1.1 closes without a CONNACK.
        if (!v5()) return Fail(read.error());
        core_.counters.protocol_errors.fetch_add(1, std::memory_order_relaxed);
        return Refuse(read.error().reason, read.error().what);
    }
    version_ = connect.version;
    client_id_ = connect.client_id;
    problem_information_ = connect.properties.request_problem_information;
    client_packet_limit_ = connect.properties.maximum_packet_size;
    if (auto refusal = CheckConnect(connect)) return Refuse(*refusal, "the CONNECT is not acceptable");
    KeepConnect(connect);
    phase_ = Phase::kAuthorizing;
    env::Spawn(core_.scope, core_.homes[home_]->executor, "mqtt connect", Authorize(shared_from_this()));
}

std::optional<wire::ReasonCode> Connection::CheckConnect(const wire::Connect& connect) const {
    // Nothing but user name, password, certificate and signature is understood. [MQTT-4.12.0-1]
    if (connect.properties.Has(Id::kAuthenticationMethod)) return ReasonCode::kBadAuthenticationMethod;
    if (connect.client_id.size() > profile_->max_client_id_bytes) return ReasonCode::kClientIdentifierNotValid;
    // 3.1.1 [MQTT-3.1.3-8]
    if (connect.client_id.empty() && !v5() && !connect.clean_start) return ReasonCode::kClientIdentifierNotValid;
    if (!connect.will) return std::nullopt;
    const wire::Will& will = *connect.will;
    if (!IsTopicName(will.topic) || will.topic.size() > profile_->max_topic_bytes ||
        CountSlashes(will.topic) > profile_->max_topic_slashes) {
        return ReasonCode::kTopicNameInvalid;
    }
    if (will.qos > profile_->maximum_qos) return ReasonCode::kQoSNotSupported;  // [MQTT-3.2.2-12]
    if (will.properties.Has(Id::kPayloadFormat) && will.properties.payload_format == 1 &&
        !wire::IsMqttUtf8(will.payload)) {
        return ReasonCode::kPayloadFormatInvalid;
    }
    return std::nullopt;
}

// What the body says, as values of our own: the bytes go away before the answer is known.
void Connection::KeepConnect(const wire::Connect& connect) {
    pending_ = std::make_unique<PendingConnect>();
    PendingConnect& pending = *pending_;
    if (client_id_.empty()) {  // [MQTT-3.1.3-6]
        client_id_ = "auto-" + env::RandomHex(core_.random, 12);
        pending.assigned_id = true;
    }
    ConnectAttempt& attempt = pending.attempt;
    attempt.client_id = client_id_;
    attempt.user_name = connect.user_name.value_or("");
    attempt.password = connect.password.value_or("");
    attempt.has_password = connect.password.has_value();
    attempt.client_certificate_der = origin_.client_certificate_der;
    attempt.signed_access_key_id = origin_.signed_access_key_id;
    attempt.peer_address = origin_.peer_address;
    attempt.server_name = origin_.server_name;
    attempt.tls = origin_.tls;
    attempt.will = connect.will.has_value();

    AttachRequest& request = pending.request;
    request.client_id = client_id_;
    request.clean_start = connect.clean_start;
    const wire::Properties& properties = connect.properties;
    pending.asked_expiry_s = v5()                  ? properties.session_expiry_s
                             : connect.clean_start ? 0
                                                   : profile_->v311_session_expiry_s;
    request.expiry_s = std::min(pending.asked_expiry_s, profile_->max_session_expiry_s);
    connect_expiry_s_ = request.expiry_s;
    if (connect.will) {
        const wire::Will& will = *connect.will;
        attempt.will_topic = will.topic;
        request.will.emplace();
        request.will->topic = will.topic;
        request.will->payload = will.payload;
        wire::AppendForwardedProperties(request.will->properties, will.properties);
        request.will->expiry_s = will.properties.message_expiry_s;
        request.will->delay_s = will.properties.will_delay_s;
        request.will->qos = will.qos;
        request.will->retain = will.retain;
    }
    pending.asked_keep_alive_s = connect.keep_alive_s;
    pending.wants_response_information = properties.request_response_information;
    keep_alive_s_ = KeepAliveFor(connect.keep_alive_s);
    send_window_ = v5() ? properties.receive_maximum : profile_->default_send_window;
    client_alias_maximum_ = std::min(properties.topic_alias_maximum, profile_->topic_alias_maximum);
}

uint16_t Connection::KeepAliveFor(uint16_t asked) const {
    uint16_t keep_alive = asked;
    if (profile_->keep_alive_max_s > 0 && (asked == 0 || asked > profile_->keep_alive_max_s)) {
        keep_alive = profile_->keep_alive_max_s;
    }
    if (keep_alive > 0) keep_alive = std::max(keep_alive, profile_->keep_alive_min_s);
    return keep_alive;
}

env::Task<void> Connection::Authorize(std::shared_ptr<Connection> self) {
    base::Result<std::shared_ptr<const Permissions>> permissions =
        base::Fail(base::ErrorCode::kUnavailable, "the authorizer failed");
    try {
        permissions = co_await self->core_.authorizer.Connect(self->pending_->attempt);
    } catch (const std::exception& failure) {
        base::LogError("mqtt", "authorizing '{}' failed: {}", self->client_id_, failure.what());
    }
    self->Authorized(std::move(permissions));
}

void Connection::Authorized(base::Result<std::shared_ptr<const Permissions>> permissions) {
    if (phase_ != Phase::kAuthorizing) return;  // gone meanwhile
    std::unique_ptr<PendingConnect> pending = std::move(pending_);
    if (core_.closing) return Refuse(ReasonCode::kServerShuttingDown, "the server is stopping");
    if (!permissions) {
        core_.counters.refused_permission.fetch_add(1, std::memory_order_relaxed);
        const bool denied = permissions.error().code == base::ErrorCode::kPermission;
        return Refuse(denied ? ReasonCode::kNotAuthorized : ReasonCode::kServerUnavailable,
                      permissions.error().message);
    }
    permissions_ = std::move(*permissions);
    principal_ = std::string(permissions_->principal());
    if (pending->request.will) {
        const WillMessage& will = *pending->request.will;
        if (!permissions_->MayPublish(will.topic, will.retain)) {
            core_.counters.refused_permission.fetch_add(1, std::memory_order_relaxed);
            return Refuse(ReasonCode::kNotAuthorized, "the will's topic is not allowed");
        }
    }
    pending->request.principal = principal_;
    Attached attached = core_.sessions->Attach(std::move(pending->request), shared_from_this(), core_.clock.Now());
    if (!attached.session) return Refuse(ReasonCode::kQuotaExceeded, "there are too many sessions");
    session_ = attached.session;
    session_connection_ = attached.connection;
    phase_ = Phase::kConnected;
    HoldInput(0);
    core_.counters.connects.fetch_add(1, std::memory_order_relaxed);
    Announce({.kind = ClientEvent::Kind::kConnected});
    SendConnack(*pending, attached);
    Wake();
}

void Connection::SendConnack(const PendingConnect& pending, const Attached& attached) {
    wire::Connack connack;
    connack.session_present = attached.present;  // [MQTT-3.2.2-2, -3]
    wire::Properties& p = connack.properties;
    if (v5()) {
        p.receive_maximum = profile_->receive_maximum;
        p.Mark(Id::kReceiveMaximum);
        p.topic_alias_maximum = profile_->topic_alias_maximum;
        p.Mark(Id::kTopicAliasMaximum);
        p.maximum_packet_size = profile_->maximum_packet_size;
        p.Mark(Id::kMaximumPacketSize);
        p.maximum_qos = profile_->maximum_qos;
        if (profile_->maximum_qos < 2) p.Mark(Id::kMaximumQoS);  // [MQTT-3.2.2-9]
        if (pending.asked_expiry_s != connect_expiry_s_) {
            p.session_expiry_s = connect_expiry_s_;
            p.Mark(Id::kSessionExpiry);
        }
        if (pending.assigned_id) {  // [MQTT-3.2.2-16]
            p.assigned_client_id = client_id_;
            p.Mark(Id::kAssignedClientId);
        }
        if (pending.asked_keep_alive_s != keep_alive_s_) {  // [MQTT-3.2.2-21]
            p.server_keep_alive_s = keep_alive_s_;
            p.Mark(Id::kServerKeepAlive);
        }
        if (pending.wants_response_information && !profile_->response_information.empty()) {
            p.response_information = profile_->response_information;
            p.Mark(Id::kResponseInformation);
        }
    }
    Batch batch;
    wire::AppendConnack(batch.bytes, version_, connack);
    if (batch.bytes.size() > client_packet_limit_) {  // [MQTT-3.1.2-24]: and without it there is no connection
        base::LogInfo("mqtt", "client '{}' takes no packet as large as its CONNACK", client_id_);
        return Leave(Parting::kWithWill, std::nullopt);
    }
    batch.ticket = attached.ticket;
    batch.is_connack = true;
    batches_.push_back(std::move(batch));
    FlushBatches();
}

void Connection::Refuse(ReasonCode reason, const std::string& why) {
    base::LogInfo("mqtt", "client '{}' at {} was refused: {}", client_id_, origin_.peer_address, why);
    wire::Connack connack;
    connack.reason = reason;
    if (v5()) connack.properties = Problem(why.c_str());
    base::Bytes packet;
    wire::AppendConnack(packet, version_, connack);
    if (packet.size() > client_packet_limit_) {  // [MQTT-3.2.2-19]
        packet.clear();
        connack.properties = {};
        wire::AppendConnack(packet, version_, connack);
    }
    if (packet.size() <= client_packet_limit_) output_.append(packet);
    pending_.reset();
    Leave(Parting::kClean, std::nullopt);
    Wake();
}

}  // namespace wellhead::mqtt
