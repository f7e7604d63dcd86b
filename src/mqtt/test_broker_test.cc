#include "mqtt/test_broker.h"

#include <boost/asio/post.hpp>

namespace wellhead::mqtt::testing {

namespace {
using enum wire::PacketType;

env::Task<void> Yield() {
    auto executor = co_await boost::asio::this_coro::executor;
    co_await boost::asio::post(executor, boost::asio::use_awaitable);
}

class TestPermissions final : public Permissions {
  public:
    explicit TestPermissions(std::string who) : who_(std::move(who)) {}
    bool MayPublish(std::string_view topic, bool) const override { return !Secret(topic); }
    bool MaySubscribe(std::string_view filter) const override { return !Secret(filter); }
    bool MayReceive(std::string_view topic) const override { return topic.find("unseen") == std::string_view::npos; }
    std::string_view principal() const override { return who_; }

  private:
    static bool Secret(std::string_view topic) { return topic.find("secret") != std::string_view::npos; }
    std::string who_;
};
}  // namespace

env::Task<void> Gate::Pass() {
    if (!closed_) co_return;
    env::Event event(co_await boost::asio::this_coro::executor);
    waiting_.push_back(&event);
    co_await event.Wait();
}

env::Task<base::Result<storage::AppendedRange>> TestLog::Append(std::vector<storage::NewLogRecord> added) {
    co_await Yield();
    co_await gate.Pass();
    if (broken) co_return base::Fail(base::ErrorCode::kReadOnly, "broken");
    storage::AppendedRange range{extent().next, {}};
    for (const auto& record : added) {
        records.push_back({extent().next, {}, base::Bytes(record.key), base::Bytes(record.data)});
    }
    co_return range;
}

env::Task<base::Result<std::vector<storage::LogRecord>>> TestLog::Read(storage::LogOffset from, size_t max_records,
                                                                       size_t) {
    std::vector<storage::LogRecord> out;
    for (const auto& record : records) {
        if (record.offset >= from && out.size() < max_records) out.push_back(record);
    }
    co_return out;
}

env::Task<base::Result<void>> TestLog::Trim(storage::LogOffset offset) {
    while (!records.empty() && records.front().offset < offset) records.pop_front();
    first = offset;
    co_return base::Result<void>();
}

env::Task<base::Result<std::shared_ptr<const Permissions>>> TestAuthorizer::Connect(const ConnectAttempt& attempt) {
    std::string id = attempt.client_id;
    co_await Yield();
    if (id.starts_with("banned")) co_return base::Fail(base::ErrorCode::kPermission, "banned");
    std::shared_ptr<const Permissions> permissions = std::make_shared<TestPermissions>("principal-of-" + id);
    co_return permissions;
}

env::Task<std::vector<base::Result<void>>> TestSink::Deliver(std::span<const PublishedMessage> messages) {
    ++deliveries;
    co_await Yield();
    co_await gate.Pass();
    std::vector<base::Result<void>> results;
    for (const auto& message : messages) {
        if (message.message.topic.find("refuse") != std::string::npos) {
            results.push_back(base::Fail(base::ErrorCode::kUnavailable, "refused"));
            continue;
        }
        taken.push_back(message);
        results.push_back({});
    }
    co_return results;
}

TestBroker::TestBroker(BrokerSettings settings, TestSink* sink, TestLogs* logs) {
    std::vector<env::Executor> homes{io.get_executor()};
    broker = std::make_unique<Broker>(std::move(settings), homes, clock, random, authorizer, sink);
    if (logs == nullptr) return;
    EXPECT_TRUE(Await(broker->Open(*logs)));
}

namespace {
env::Task<void> CloseBroker(Broker& broker, bool& closed) {
    co_await broker.Close();
    closed = true;
}
}  // namespace

TestBroker::~TestBroker() {
    while (!clients.empty()) clients.back()->Cut();
    bool closed = false;
    env::Spawn(scope_, io.get_executor(), "close", CloseBroker(*broker, closed));
    for (int i = 0; i < 2'000'000 && !closed; ++i) Run();
    EXPECT_TRUE(closed);
    broker.reset();
}

void TestBroker::Run() {
    for (int i = 0; i < 200; ++i) {
        io.restart();
        if (io.poll() == 0) break;
    }
}

void TestBroker::Pass(base::Duration duration) {
    for (base::Duration step = std::chrono::milliseconds(500); duration > base::Duration(0); duration -= step) {
        clock.Pass(std::min(step, duration));
        broker->Tick(0);
        Run();
    }
    for (auto* client : clients) client->Pump();
}

TestClient::TestClient(TestBroker& broker, wire::Version client_version, Profile profile)
    : version(client_version), broker_(broker) {
    ConnectionOrigin origin;
    origin.peer_address = "192.0.2.1";
    connection = broker.broker->Connect(0, origin, std::make_shared<const Profile>(std::move(profile)), *this);
    broker.clients.push_back(this);
}

TestClient::~TestClient() { Cut(); }

void TestClient::Cut() {
    std::erase(broker_.clients, this);
    if (!connection) return;
    connection->Lost();
    connection = nullptr;
    unsent_.clear();
    unread_.clear();
    broker_.Run();
}

void TestClient::Pump() {
    for (int round = 0; round < 1000 && connection; ++round) {
        if (!connection->paused() && !unsent_.empty()) unsent_.erase(0, connection->Receive(unsent_));
        broker_.Run();
        base::Bytes out;
        connection->TakeOutput(out, 64 * 1024);
        unread_ += out;
        if (out.empty()) break;
    }
    ReadOutput();
}

void TestClient::Send(base::ByteView bytes) {
    unsent_ += bytes;
    Pump();
    for (auto* client : broker_.clients) {
        if (client != this) client->Pump();
    }
    Pump();
}

void TestClient::ReadOutput() {
    for (;;) {
        auto header = wire::DecodeFixedHeader(unread_);
        ASSERT_TRUE(header);
        if (header->size == 0 || unread_.size() - header->size < header->remaining) return;
        Received packet;
        packet.type = header->type;
        packet.flags = header->flags;
        packet.body = std::make_shared<base::Bytes>(unread_.substr(header->size, header->remaining));
        unread_.erase(0, header->size + header->remaining);
        const base::Bytes& body = *packet.body;
        wire::Decoded<void> read;
        switch (packet.type) {
            case kConnack: read = wire::DecodeConnack(body, version, packet.connack); break;
            case kPublish: read = wire::DecodePublish(packet.flags, body, version, packet.publish); break;
            case kSuback:
            case kUnsuback: read = wire::DecodeFilterAck(packet.type, body, version, packet.filter_ack); break;
            case kDisconnect: read = wire::DecodeNotice(packet.type, body, version, packet.notice); break;
            case kPingresp: read = wire::DecodePing(body); break;
            default: read = wire::DecodeAck(packet.type, body, version, packet.ack);
        }
        ASSERT_TRUE(read) << wire::PacketName(packet.type);
        packets.push_back(std::move(packet));
    }
}

void TestClient::Send(const wire::Publish& publish) {
    base::Bytes bytes;
    wire::AppendPublish(bytes, version, publish);
    Send(bytes);
}

void TestClient::SendPublish(std::string_view topic, std::string_view payload, uint8_t qos, uint16_t id, bool retain,
                             bool dup) {
    wire::Publish publish;
    publish.topic = topic;
    publish.payload = payload;
    publish.qos = qos;
    publish.packet_id = id;
    publish.retain = retain;
    publish.dup = dup;
    Send(publish);
}

void TestClient::SendAck(wire::PacketType type, uint16_t id, wire::ReasonCode reason) {
    base::Bytes bytes;
    wire::AppendAck(bytes, type, version, {.packet_id = id, .reason = reason, .properties = {}});
    Send(bytes);
}

wire::Connack TestClient::Connect(const wire::Connect& connect) {
    base::Bytes bytes;
    wire::AppendConnect(bytes, connect);
    Send(bytes);
    kept_.push_back(Next(kConnack));  // the answer's views stay good
    return kept_.back().connack;
}

wire::Connack TestClient::Connect(std::string_view id, bool clean, uint32_t expiry_s) {
    wire::Connect connect;
    connect.version = version;
    connect.client_id = id;
    connect.clean_start = clean;
    if (expiry_s > 0 && version == wire::Version::k5) {
        connect.properties.session_expiry_s = expiry_s;
        connect.properties.Mark(wire::PropertyId::kSessionExpiry);
    }
    return Connect(connect);
}

std::vector<wire::ReasonCode> TestClient::Subscribe(std::string_view filter, uint8_t qos, uint32_t id) {
    wire::Subscribe subscribe;
    subscribe.packet_id = next_id_++;
    subscribe.filters.push_back({filter, qos, false, false, 0});
    if (id != 0) {
        subscribe.properties.subscription_ids = {id};
        subscribe.properties.Mark(wire::PropertyId::kSubscriptionId);
    }
    base::Bytes bytes;
    wire::AppendSubscribe(bytes, version, subscribe);
    Send(bytes);
    for (auto it = packets.begin(); it != packets.end(); ++it) {
        if (it->type != kSuback) continue;
        auto reasons = it->filter_ack.reasons;
        packets.erase(it);
        return reasons;
    }
    return {};
}

wire::ReasonCode TestClient::Unsubscribe(std::string_view filter) {
    wire::Unsubscribe unsubscribe;
    unsubscribe.packet_id = next_id_++;
    unsubscribe.filters.push_back(filter);
    base::Bytes bytes;
    wire::AppendUnsubscribe(bytes, version, unsubscribe);
    Send(bytes);
    auto reasons = Next(kUnsuback).filter_ack.reasons;
    return reasons.empty() ? wire::ReasonCode::kSuccess : reasons.front();
}

void TestClient::Disconnect(wire::ReasonCode reason) {
    base::Bytes bytes;
    wire::Notice notice;
    notice.reason = reason;
    wire::AppendNotice(bytes, kDisconnect, version, notice);
    Send(bytes);
    Cut();
}

Received TestClient::Next() {
    if (packets.empty()) Pump();
    if (packets.empty()) {
        ADD_FAILURE() << "no packet came";
        return {};
    }
    Received packet = std::move(packets.front());
    packets.pop_front();
    return packet;
}

Received TestClient::Next(wire::PacketType type) {
    Received packet = Next();
    EXPECT_EQ(wire::PacketName(packet.type), wire::PacketName(type));
    return packet;
}

std::vector<std::string> TestClient::TakeAll() {
    std::vector<std::string> payloads;
    Pump();
    while (!packets.empty()) {
        Received packet = Next();
        if (packet.type == kPublish) {
            payloads.emplace_back(packet.publish.payload);
            if (packet.publish.qos == 1) SendAck(kPuback, packet.publish.packet_id);
            if (packet.publish.qos == 2) SendAck(kPubrec, packet.publish.packet_id);
        } else if (packet.type == kPubrel) {
            SendAck(kPubcomp, packet.ack.packet_id);
        } else {
            ADD_FAILURE() << "unexpected " << wire::PacketName(packet.type);
        }
    }
    return payloads;
}

}  // namespace wellhead::mqtt::testing
