#include "mqtt/connection.h"

#include <boost/asio/post.hpp>

#include "base/log.h"
#include "codec/mqtt/encode.h"
#include "mqtt/ingest.h"
#include "mqtt/inside_publisher.h"

namespace wellhead::mqtt {

namespace wire = codec::mqtt;

void WakeList::Tell() {
    if (connections_.empty()) return;
    for (size_t home = 0; home < core_.homes.size(); ++home) {
        std::vector<std::shared_ptr<Connection>> of_home;
        for (auto& connection : connections_) {
            if (connection->home() == home) of_home.push_back(connection);
        }
        if (of_home.empty()) continue;
        boost::asio::post(core_.homes[home]->executor, [of_home = std::move(of_home)] {
            for (const auto& connection : of_home) connection->Wake();
        });
    }
    connections_.clear();
}

Connection::Connection(Core& core, size_t home, ConnectionOrigin origin, std::shared_ptr<const Profile> profile,
                       ConnectionDriver& driver)
    : core_(core), home_(home), driver_(&driver), origin_(std::move(origin)), profile_(std::move(profile)),
      last_packet_(core.clock.Ticks()) {
    core_.counters.connections.fetch_add(1, std::memory_order_relaxed);
}

Connection::~Connection() { core_.counters.connections.fetch_sub(1, std::memory_order_relaxed); }

void Connection::Wake() {
    if (driver_ != nullptr) driver_->Wake();
}

bool Connection::paused() const {
    return phase_ == Phase::kAuthorizing || unacknowledged_bytes_ > core_.settings.max_unacknowledged_bytes;
}

bool Connection::HoldInput(size_t size) {
    if (phase_ == Phase::kConnected && held_bytes_ == 0) return true;
    const size_t counted = phase_ == Phase::kConnected ? 0 : size;
    const size_t total = core_.unauthenticated_bytes.fetch_add(counted, std::memory_order_relaxed) + counted;
    core_.unauthenticated_bytes.fetch_sub(held_bytes_, std::memory_order_relaxed);
    const size_t before = held_bytes_;
    held_bytes_ = counted;
    return counted <= before || total - before <= core_.settings.max_unauthenticated_bytes;
}

// The limits that hold before a packet's body is even there.
bool Connection::Accept(const wire::FixedHeader& header) {
    if (FromClient(phase_, header.type) == Legality::kIllegal) {
        Fail({ReasonCode::kProtocolError, "a packet that is not legal now"});
        return false;
    }
    const size_t size = header.size + size_t{header.remaining};
    if (phase_ == Phase::kAwaitConnect ? size > core_.settings.max_first_packet : size > profile_->maximum_packet_size) {
        Fail({ReasonCode::kPacketTooLarge, "the packet is larger than the limit"});
        return false;
    }
    return true;
}

size_t Connection::Receive(base::ByteView bytes) {
    thread_local wire::Publish publish;  // keeps its memory from one packet to the next
    Reading reading{core_.clock.Now(), {}, WakeList(core_), {}, {}, false, 0, publish};
    reading_ = &reading;
    size_t used = 0;
    while (phase_ != Phase::kFinished && phase_ != Phase::kAuthorizing) {
        auto header = wire::DecodeFixedHeader(bytes.substr(used));
        if (!header) {
            Fail(header.error());
            break;
        }
        if (header->size == 0 || !Accept(*header)) break;
        if (header->overlong && phase_ == Phase::kConnected && v5()) {
            Fail({ReasonCode::kMalformedPacket, "a remaining length in more bytes than it needs"});
            break;
        }
        if (bytes.size() - used - header->size < header->remaining) break;
        base::ByteView body = bytes.substr(used + header->size, header->remaining);
        used += header->size + header->remaining;
        if (!HandlePacket(*header, body, reading)) break;
    }
    if (used > 0) last_packet_ = core_.clock.Ticks();
    FinishReading(reading, used);
    reading_ = nullptr;
    return used;
}

bool Connection::HandlePacket(const wire::FixedHeader& header, base::ByteView body, Reading& reading) {
    // Subscriptions change, and sessions come and go, only without the shared lock; everything else is under it.
    const bool shares = header.type >= PacketType::kPublish && header.type <= PacketType::kPubcomp;
    if (!shares) {
        reading.routing_lock.reset();
    } else if (!reading.routing_lock) {
        reading.routing_lock.emplace(core_.routing);
    }
    switch (header.type) {
        case PacketType::kConnect: HandleConnect(body); break;
        case PacketType::kPublish: HandlePublish(header.flags, body, reading); break;
        case PacketType::kPuback:
        case PacketType::kPubrec:
        case PacketType::kPubcomp: HandleAck(header.type, body, reading); break;
        case PacketType::kPubrel: HandleRelease(body, reading); break;
        case PacketType::kSubscribe: HandleSubscribe(body, reading); break;
        case PacketType::kUnsubscribe: HandleUnsubscribe(body, reading); break;
        case PacketType::kPingreq:
            if (auto ping = wire::DecodePing(body); !ping) {
                Fail(ping.error());
            } else if (connack_sent_) {
                // At once: a client must not give up because the disk or a rule is slow. [MQTT-3.12.4-1]
                wire::AppendPing(output_, PacketType::kPingresp);
            } else {
                wire::AppendPing(reading.batch.bytes, PacketType::kPingresp);
            }
            break;
        case PacketType::kDisconnect: HandleNotice(body); break;
        default: Fail({ReasonCode::kProtocolError, "not a packet of a client"});
    }
    return phase_ != Phase::kFinished;
}

void Connection::HandleNotice(base::ByteView body) {
    wire::Notice notice;
    if (auto read = wire::DecodeNotice(PacketType::kDisconnect, body, version_, notice); !read) {
        return Fail(read.error());
    }
    std::optional<uint32_t> expiry;
    if (notice.properties.Has(wire::PropertyId::kSessionExpiry)) {
        expiry = std::min(notice.properties.session_expiry_s, profile_->max_session_expiry_s);
        if (connect_expiry_s_ == 0 && *expiry > 0) {  // 3.14.2.2.2
            return Fail({ReasonCode::kProtocolError, "a session expiry after a CONNECT without one"});
        }
    }
    Announce({.kind = ClientEvent::Kind::kDisconnected,
              .by_client = true,
              .reason = static_cast<uint8_t>(notice.reason)});
    // [MQTT-3.14.4-3], and 0x04 asks for the will.
    Leave(notice.reason == ReasonCode::kSuccess ? Parting::kClean : Parting::kWithWill, expiry);
}

void Connection::FinishReading(Reading& reading, size_t used) {
    if (!reading.done.empty()) {
        if (!reading.routing_lock) reading.routing_lock.emplace(core_.routing);
        std::lock_guard lock(session_->mutex);
        JournalDone(*session_, std::move(reading.done));
    }
    reading.routing_lock.reset();
    if (reading.publishes > 0) core_.counters.received.fetch_add(reading.publishes, std::memory_order_relaxed);
    if (reading.ingested) core_.homes[home_]->ingest->Start();
    Batch& batch = reading.batch;
    if (phase_ == Phase::kFinished) return;
    if (batch.bytes.empty() && batch.acks.empty() && !batch.sink_waiting) return;
    const bool waits = batch.sink_waiting || (batch.ticket != 0 && !core_.journal->durable(batch.ticket));
    if (!waits && batches_.empty()) return EmitBatch(batch);
    batch.input_bytes = used;
    unacknowledged_bytes_ += used;
    batches_.push_back(std::move(batch));
    FlushBatches();
}

void Connection::EmitBatch(const Batch& batch) {
    output_.append(batch.bytes);
    for (const auto& ack : batch.acks) {
        if (ack.type == PacketType::kPuback && qos1_pending_ > 0) --qos1_pending_;
        wire::AppendAck(output_, ack.type, version_, {.packet_id = ack.packet_id, .reason = ack.reason, .properties = {}});
    }
    if (batch.is_connack) connack_sent_ = true;
}

// Answers leave in the order of their questions ([MQTT-4.6.0-2, -3]), each once what it stands for is durable.
void Connection::FlushBatches() {
    while (!batches_.empty() && phase_ != Phase::kFinished) {
        Batch& batch = batches_.front();
        if (batch.sink_waiting) return;
        if (batch.ticket != 0 && !core_.journal->durable(batch.ticket)) {
            if (core_.journal->failed()) {
                return Disconnect(ReasonCode::kImplementationSpecificError, "the journal cannot be written");
            }
            if (batch.journal_waiting) return;
            batch.journal_waiting = true;
            auto executor = core_.homes[home_]->executor;
            core_.journal->WhenDurable(batch.ticket, [self = weak_from_this(), executor](bool) {
                boost::asio::post(executor, [self] {
                    auto connection = self.lock();
                    if (!connection) return;
                    connection->FlushBatches();
                    connection->Wake();
                });
            });
            return;
        }
        EmitBatch(batch);
        unacknowledged_bytes_ -= batch.input_bytes;
        batches_.pop_front();
        ++first_batch_;
    }
}

void Connection::Fail(const wire::DecodeError& error) {
    core_.counters.protocol_errors.fetch_add(1, std::memory_order_relaxed);
    base::LogInfo("mqtt", "client '{}' at {} broke the protocol: {}", client_id_, origin_.peer_address, error.what);
    Disconnect(error.reason, error.what);
}

wire::Properties Connection::Problem(const char* why) const {
    wire::Properties properties;
    if (!problem_information_ || why == nullptr) return properties;  // [MQTT-3.1.2-29]
    properties.reason_string = why;
    properties.Mark(wire::PropertyId::kReasonString);
    return properties;
}

void Connection::Disconnect(ReasonCode reason, const std::string& why) {
    if (phase_ == Phase::kFinished) return;
    // [MQTT-3.14.0-1]: no DISCONNECT before a CONNACK with success. 3.1.1 has none from the server.
    if (v5() && connack_sent_) {
        wire::Notice notice;
        notice.reason = reason;
        notice.properties.reason_string = why;
        if (!why.empty()) notice.properties.Mark(wire::PropertyId::kReasonString);
        base::Bytes packet;
        wire::AppendNotice(packet, PacketType::kDisconnect, version_, notice);
        if (packet.size() <= client_packet_limit_) output_.append(packet);
    }
    Announce({.kind = ClientEvent::Kind::kDisconnected, .reason = static_cast<uint8_t>(reason)});
    Leave(Parting::kWithWill, std::nullopt);
    Wake();
}

// Only of what has a session: a connection that was refused never was one.
void Connection::Announce(ClientEvent event) {
    if (core_.events == nullptr || !session_ || core_.closing) return;
    event.client_id = client_id_;
    event.principal = principal_;
    event.peer_address = origin_.peer_address;
    event.session = session_->number;
    event.connection = session_connection_;
    event.at = core_.clock.Now();
    if (auto message = core_.events->Announce(event)) PublishInBackground(core_, std::move(*message));
}

void Connection::RequestDisconnect(ReasonCode reason, std::string why) {
    boost::asio::post(core_.homes[home_]->executor, [self = shared_from_this(), reason, why = std::move(why)] {
        if (self->phase_ != Phase::kFinished) {
            base::LogInfo("mqtt", "client '{}' is disconnected: {}", self->client_id_, why);
        }
        self->Disconnect(reason, why);
    });
}

void Connection::Leave(Parting parting, std::optional<uint32_t> new_expiry_s) {
    phase_ = Phase::kFinished;
    batches_.clear();
    unacknowledged_bytes_ = 0;
    HoldInput(0);
    if (reading_ != nullptr) reading_->routing_lock.reset();  // Detach takes locks that come before it
    if (session_) core_.sessions->Detach(*session_, *this, parting, new_expiry_s, core_.clock.Now());
}

void Connection::Lost() {
    driver_ = nullptr;
    if (phase_ != Phase::kFinished) {
        Announce({.kind = ClientEvent::Kind::kDisconnected});
        Leave(Parting::kWithWill, std::nullopt);
    }
    core_.homes[home_]->connections.erase(this);
}

void Connection::CheckTime(base::Tick now) {
    if (phase_ == Phase::kFinished) return;
    if (phase_ != Phase::kConnected) {
        if (now - last_packet_ > core_.settings.connect_limit) Disconnect(ReasonCode::kServerBusy, "no CONNECT in time");
        return;
    }
    // [MQTT-3.1.2-22]: one and a half times the keep alive.
    if (keep_alive_s_ > 0 && now - last_packet_ > std::chrono::milliseconds(1500) * keep_alive_s_) {
        base::LogInfo("mqtt", "client '{}' was silent for too long", client_id_);
        Disconnect(ReasonCode::kKeepAliveTimeout, "nothing came within the keep alive");
    }
}

}  // namespace wellhead::mqtt
