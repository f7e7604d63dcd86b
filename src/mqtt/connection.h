#pragma once
// Connection: one client's connection as a state machine. Bytes in, bytes out; no socket. Used on its home's executor,
// but for what says otherwise.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "codec/mqtt/decode.h"
#include "codec/mqtt/packets.h"
#include "mqtt/core.h"
#include "mqtt/fifo.h"
#include "mqtt/ingest.h"
#include "mqtt/legal_packets.h"
#include "mqtt/router.h"
#include "mqtt/session_registry.h"

namespace wellhead::mqtt {

// What the transport knows of the other side.
struct ConnectionOrigin {
    std::string peer_address;
    std::string server_name;
    bool tls = false;
    base::Bytes client_certificate_der;
    std::string signed_access_key_id;
};

// Whoever carries the bytes. Called on the home executor.
struct ReceivedEnd;

class ConnectionDriver {
  public:
    virtual ~ConnectionDriver() = default;
    // There is output, input is wanted again, or the connection is finished: look.
    virtual void Wake() = 0;
};

class Connection : public std::enable_shared_from_this<Connection> {
  public:
    Connection(Core& core, size_t home, ConnectionOrigin origin, std::shared_ptr<const Profile> profile,
               ConnectionDriver& driver);
    ~Connection();

    // --- for the driver ---
    // Takes whole packets off the front; returns how many bytes were used. The rest is offered again with more behind.
    size_t Receive(base::ByteView bytes);
    // Do not read: an answer must come first.
    bool paused() const;
    // Bytes kept by the driver for a packet that is not whole yet; false: over the budget of clients that have not
    // connected, close.
    bool HoldInput(size_t size);
    // Appends what is to be sent, until about limit bytes; true when there is more.
    bool TakeOutput(base::Bytes& out, size_t limit);
    // Close the transport once all output is sent.
    bool finished() const { return phase_ == Phase::kFinished; }
    // The transport is gone. The driver is not called any more.
    void Lost();

    // --- for the broker ---
    size_t home() const { return home_; }
    void Wake();
    void CheckTime(base::Tick now);
    // Ends the connection from the server's side.
    void Disconnect(codec::mqtt::ReasonCode reason, const std::string& why);
    // The same from any thread; takes effect soon.
    void RequestDisconnect(codec::mqtt::ReasonCode reason, std::string why);
    void OnDelivered(uint64_t batch, std::span<PublishedMessage> messages, std::span<const IngestMark> marks,
                     std::span<base::Result<void>> results);
    // A delivery that began on another connection has ended: to the one that asked for it. From any thread.
    static void Answer(const ReceivedEnd& end, uint16_t packet_id);
    const std::string& principal() const { return principal_; }
    const std::string& client_id() const { return client_id_; }

  private:
    using Version = codec::mqtt::Version;
    using ReasonCode = codec::mqtt::ReasonCode;
    using PacketType = codec::mqtt::PacketType;

    struct PendingAck {
        uint16_t packet_id;
        PacketType type;
        ReasonCode reason;
    };
    // What one read brought, as far as its answers wait.
    struct Batch {
        base::Bytes bytes;
        std::vector<PendingAck> acks;
        Journal::Ticket ticket{};
        bool sink_waiting = false;
        bool journal_waiting = false;
        size_t input_bytes{};
        bool is_connack = false;
    };
    // While bytes are worked through.
    struct Reading {
        base::Instant now;
        Batch batch;
        WakeList wakes;
        std::optional<ReadMostlyLock::Reader> routing_lock;
        std::vector<uint64_t> done;  // messages that the client acknowledged
        bool ingested = false;
        uint32_t publishes{};
        codec::mqtt::Publish& publish;  // the packet at hand
    };
    // A CONNECT between its arrival and its answer.
    struct PendingConnect {
        ConnectAttempt attempt;
        AttachRequest request;
        bool assigned_id = false;
        bool wants_response_information = false;
        uint32_t asked_expiry_s{};
        uint16_t asked_keep_alive_s{};
    };

    // connection.cc
    bool HandlePacket(const codec::mqtt::FixedHeader& header, base::ByteView body, Reading& reading);
    void HandleNotice(base::ByteView body);
    void FinishReading(Reading& reading, size_t used);
    void FlushBatches();
    void EmitBatch(const Batch& batch);
    void Fail(const codec::mqtt::DecodeError& error);
    void Leave(Parting parting, std::optional<uint32_t> new_expiry_s);
    void Announce(ClientEvent event);
    bool Accept(const codec::mqtt::FixedHeader& header);
    // connection_connect.cc
    void HandleConnect(base::ByteView body);
    std::optional<ReasonCode> CheckConnect(const codec::mqtt::Connect& connect) const;
    void KeepConnect(const codec::mqtt::Connect& connect);
    uint16_t KeepAliveFor(uint16_t asked) const;
    static env::Task<void> Authorize(std::shared_ptr<Connection> self);
    void Authorized(base::Result<std::shared_ptr<const Permissions>> permissions);
    void Refuse(ReasonCode reason, const std::string& why);
    void SendConnack(const PendingConnect& pending, const Attached& attached);
    // connection_publish.cc
    void HandlePublish(uint8_t flags, base::ByteView body, Reading& reading);
    bool ResolveTopic(const codec::mqtt::Publish& publish, std::string_view& topic);
    bool CheckPublish(const codec::mqtt::Publish& publish, std::string_view topic);
    void RouteNow(std::string_view topic, Reading& reading);
    void HandToSink(std::string_view topic, Reading& reading);
    bool BeginReceived(Reading& reading);
    void RefusePublish(ReasonCode reason, const char* why, Reading& reading);
    Journal::Ticket JournalDelivering(PublishedMessage& published, const Reading& reading);
    void EndDelivered(const PublishedMessage& published, uint16_t packet_id, bool taken, Batch& batch, PendingAck& ack);
    void AnswerReceived(uint16_t packet_id, Journal::Ticket ticket);
    void HandleRelease(base::ByteView body, Reading& reading);
    // connection_subscribe.cc
    void HandleSubscribe(base::ByteView body, Reading& reading);
    void HandleUnsubscribe(base::ByteView body, Reading& reading);
    ReasonCode SubscribeOne(const codec::mqtt::SubscribeFilter& filter, uint32_t id, Reading& reading);
    // connection_output.cc
    void HandleAck(PacketType type, base::ByteView body, Reading& reading);
    void HandlePubrec(const codec::mqtt::Ack& ack, Session& session, Reading& reading);
    bool FillFromSession(base::Bytes& out, size_t limit);
    void AssignQueued(Session& session, base::Instant now);
    bool SendInFlight(Session& session, base::Bytes& out, size_t limit, base::Instant now);
    void SendFleeting(Session& session, base::Bytes& out, size_t limit, base::Instant now);
    bool Sendable(const QueuedMessage& queued, base::Instant now) const;
    bool EncodePublish(const QueuedMessage& queued, uint16_t packet_id, bool dup, base::Instant now, base::Bytes& out);
    void JournalDone(Session& session, std::vector<uint64_t> numbers);

    bool v5() const { return version_ == Version::k5; }
    codec::mqtt::Properties Problem(const char* why) const;

    Core& core_;
    const size_t home_;
    ConnectionDriver* driver_;
    ConnectionOrigin origin_;
    std::shared_ptr<const Profile> profile_;
    Phase phase_ = Phase::kAwaitConnect;
    Version version_ = Version::k311;
    bool problem_information_ = true;
    bool connack_sent_ = false;
    uint8_t lane_{};
    uint16_t keep_alive_s_{};
    uint16_t send_window_{};
    uint16_t client_alias_maximum_{};
    uint32_t client_packet_limit_ = codec::mqtt::kMaxRemainingLength + 5;
    uint32_t connect_expiry_s_{};
    uint32_t session_connection_{};  // which of its session's connections, from 0
    base::Tick last_packet_;
    std::string client_id_;
    std::string principal_;
    std::shared_ptr<Session> session_;
    std::shared_ptr<const Permissions> permissions_;
    std::unique_ptr<PendingConnect> pending_;

    Reading* reading_ = nullptr;  // while Receive runs

    base::Bytes output_;
    Fifo<Batch> batches_;
    uint64_t first_batch_{};
    size_t unacknowledged_bytes_{};
    size_t held_bytes_{};
    size_t qos1_pending_{};   // inbound QoS 1 without PUBACK yet
    size_t in_sink_{};        // messages on their way to the sink
    MatchCache cache_;
    std::unique_ptr<std::unordered_map<uint16_t, std::string>> aliases_in_;
    std::unique_ptr<std::unordered_map<std::string, uint16_t>> aliases_out_;
};

}  // namespace wellhead::mqtt
