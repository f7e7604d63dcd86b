#include "services/iot_gateway/gateway.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <deque>

#include "codec/mqtt/decode.h"
#include "codec/mqtt/encode.h"
#include "net/memory_stream.h"

namespace wellhead::services::iot_gateway {
namespace {

namespace wire = codec::mqtt;

class Everything final : public mqtt::Permissions {
  public:
    bool MayPublish(std::string_view, bool) const override { return true; }
    bool MaySubscribe(std::string_view) const override { return true; }
    bool MayReceive(std::string_view) const override { return true; }
    std::string_view principal() const override { return "anyone"; }
};

class AllowAll final : public mqtt::Authorizer {
  public:
    env::Task<base::Result<std::shared_ptr<const mqtt::Permissions>>> Connect(const mqtt::ConnectAttempt& a) override {
        last = a;
        std::shared_ptr<const mqtt::Permissions> permissions = std::make_shared<Everything>();
        co_return permissions;
    }
    mqtt::ConnectAttempt last;
};

class StepClock final : public env::Clock {
  public:
    base::Instant Now() override { return base::FromUnixMs(1'700'000'000'000); }
    base::Tick Ticks() override { return base::Tick(); }
};

class Counting final : public env::Random {
  public:
    void Fill(std::span<uint8_t> out) override {
        for (auto& byte : out) byte = next_++;
    }

  private:
    uint8_t next_ = 0;
};

env::Task<void> ServeStream(Gateway& gateway, net::Stream& stream, bool& ended) {
    co_await gateway.Serve(stream);
    ended = true;
}

struct Bench {
    Bench() : broker({}, {io.get_executor()}, clock, random, authorizer, nullptr), gateway(broker, {}) {}
    ~Bench() {
        scope.Cancel();
        Run();
    }
    void Run() {
        io.restart();
        io.poll();
    }
    boost::asio::io_context io;
    StepClock clock;
    Counting random;
    AllowAll authorizer;
    mqtt::Broker broker;
    Gateway gateway;
    env::Scope scope;
};

struct Client {
    Client(Bench& bench, std::string_view id, size_t capacity = 64 * 1024) : bench_(bench) {
        auto pair = net::MemoryStream::MakePair(bench.io.get_executor(), capacity);
        near = std::move(pair.first);
        far = std::move(pair.second);
        net::StreamOrigin origin;
        origin.peer.address = "192.0.2.7";
        origin.tls = true;
        origin.client_certificate_der = "der";
        origin.server_name = "iot.example";
        far->set_origin(origin);
        env::Spawn(bench.scope, bench.io.get_executor(), "serve", ServeStream(bench.gateway, *far, ended));
        wire::Connect connect;
        connect.client_id = id;
        wire::AppendConnect(hello, connect);
    }
    void Send(base::ByteView bytes) {
        const base::ByteView pieces[] = {bytes};
        auto taken = near->TryWrite(pieces);
        ASSERT_TRUE(taken && *taken == bytes.size());
        bench_.Run();
    }
    base::Bytes Read(size_t limit = SIZE_MAX) {
        base::Bytes all;
        std::vector<char> buffer(4096);
        while (all.size() < limit) {
            auto read = near->TryRead(std::span(buffer).subspan(0, std::min(buffer.size(), limit - all.size())));
            if (!read || !*read || **read == 0) break;
            all.append(buffer.data(), **read);
            bench_.Run();
        }
        return all;
    }
    Bench& bench_;
    std::unique_ptr<net::MemoryStream> near, far;
    base::Bytes hello;
    bool ended = false;
};

const base::Bytes kConnack("\x20\x02\x00\x00", 4);

TEST(Gateway, SpeaksMqttOnAStreamAndTellsTheAuthorizerWhoIsThere) {
    Bench bench;
    Client client(bench, "c");
    client.Send(client.hello);
    EXPECT_EQ(client.Read(), kConnack);
    EXPECT_EQ(bench.authorizer.last.peer_address, "192.0.2.7");
    EXPECT_EQ(bench.authorizer.last.client_certificate_der, "der");
    EXPECT_EQ(bench.authorizer.last.server_name, "iot.example");
    EXPECT_TRUE(bench.authorizer.last.tls);
    client.Send(base::ByteView("\xe0\x00", 2));
    EXPECT_FALSE(client.ended);  // waits for the client to close
    client.near->Close();
    bench.Run();
    EXPECT_TRUE(client.ended);
    EXPECT_EQ(bench.broker.Figures().connections, 0u);
}

TEST(Gateway, PutsPacketsTogetherFromSingleBytes) {
    Bench bench;
    Client client(bench, "c");
    base::Bytes bytes = client.hello + base::Bytes("\xc0\x00\x30\x04\x00\x01t!\xc0\x00", 10);
    for (char byte : bytes) client.Send(base::ByteView(&byte, 1));
    EXPECT_EQ(client.Read(), kConnack + base::Bytes("\xd0\x00\xd0\x00", 4));
    client.near->Close();
    bench.Run();
    EXPECT_TRUE(client.ended);
}

TEST(Gateway, EndsWhenTheClientDoesNotCloseAfterAnError) {
    Bench bench;
    Client client(bench, "c");
    client.Send(client.hello + base::Bytes("\x00\x00", 2));
    EXPECT_EQ(client.Read(), kConnack);
    EXPECT_FALSE(client.ended);
    client.far->PassReadLimit();
    bench.Run();
    EXPECT_TRUE(client.ended);
}

TEST(Gateway, LetsASlowReaderLoseQoS0ButNothingElse) {  // F12
    Bench bench;
    Client slow(bench, "slow", 1024);
    slow.Send(slow.hello);
    EXPECT_EQ(slow.Read(), kConnack);
    wire::Subscribe subscribe;
    subscribe.packet_id = 1;
    subscribe.filters = {{"q1", 1, false, false, 0}, {"q0", 0, false, false, 0}};
    base::Bytes bytes;
    wire::AppendSubscribe(bytes, wire::Version::k311, subscribe);
    slow.Send(bytes);
    EXPECT_EQ(slow.Read().size(), 6u);
    Client fast(bench, "fast", 16 << 20);
    fast.Send(fast.hello);
    const std::string payload(1000, 'x');
    for (int i = 0; i < 12'000; ++i) {
        bytes.clear();
        wire::Publish publish;
        publish.payload = payload;
        publish.topic = "q0";
        wire::AppendPublish(bytes, wire::Version::k311, publish);
        publish.topic = "q1";
        publish.qos = 1;
        publish.packet_id = static_cast<uint16_t>(i % 60'000 + 1);
        if (i % 100 == 0) wire::AppendPublish(bytes, wire::Version::k311, publish);
        fast.Send(bytes);
    }
    EXPECT_EQ(fast.Read().size(), 4 + 120 * 4u);
    EXPECT_GT(bench.broker.Figures().dropped_qos0, 1000u);
    size_t q1 = 0;
    base::Bytes unread;
    for (;;) {
        base::Bytes more = slow.Read();
        if (more.empty()) break;
        unread += more;
        for (;;) {
            auto header = wire::DecodeFixedHeader(unread);
            ASSERT_TRUE(header);
            if (header->size == 0 || unread.size() < header->size + header->remaining) break;
            wire::Publish publish;
            auto body = base::ByteView(unread).substr(header->size, header->remaining);
            ASSERT_TRUE(wire::DecodePublish(header->flags, body, wire::Version::k311, publish));
            base::Bytes ack;
            if (publish.qos == 1) {
                ++q1;
                wire::AppendAck(ack, wire::PacketType::kPuback, wire::Version::k311, {publish.packet_id, {}, {}});
            }
            unread.erase(0, header->size + header->remaining);
            if (!ack.empty()) slow.Send(ack);
        }
    }
    EXPECT_EQ(q1, 120u);
    slow.near->Close();
    fast.near->Close();
    bench.Run();
    EXPECT_TRUE(slow.ended && fast.ended);
}

TEST(Gateway, EndsAConnectionThatIsStuckInAWrite) {
    Bench bench;
    Client stuck(bench, "stuck", 256);
    stuck.Send(stuck.hello);
    wire::Subscribe subscribe;
    subscribe.packet_id = 1;
    subscribe.filters = {{"t", 0, false, false, 0}};
    base::Bytes bytes;
    wire::AppendSubscribe(bytes, wire::Version::k311, subscribe);
    stuck.Send(bytes);
    Client publisher(bench, "p");
    publisher.Send(publisher.hello);
    bytes.clear();
    const std::string payload(1000, 'x');
    wire::Publish publish;
    publish.topic = "t";
    publish.payload = payload;
    wire::AppendPublish(bytes, wire::Version::k311, publish);
    publisher.Send(bytes);
    EXPECT_FALSE(stuck.ended);
    stuck.far->PassWriteLimit();
    bench.Run();
    EXPECT_TRUE(stuck.ended);
    publisher.near->Close();
    bench.Run();
}

// A WebSocket whose messages come from a list.
class ListSocket final : public net::WebSocket {
  public:
    explicit ListSocket(env::Executor executor) : more(executor) {}
    env::Task<base::Result<Message>> Read() override {
        while (incoming.empty()) {
            if (gone) co_return base::Fail(base::ErrorCode::kUnavailable, "gone");
            more.Reset();
            co_await more.Wait();
        }
        Message message = std::move(incoming.front());
        incoming.pop_front();
        co_return message;
    }
    env::Task<base::Result<void>> Write(bool binary, base::ByteView data) override {
        EXPECT_TRUE(binary);
        written += data;
        co_return base::Result<void>();
    }
    env::Task<void> Close(uint16_t code, std::string) override {
        close_code = code;
        gone = true;
        more.Set();
        co_return;
    }
    std::deque<Message> incoming;
    base::Bytes written;
    env::Event more;
    bool gone = false;
    uint16_t close_code = 0;
};

env::Task<void> ServeSocket(std::shared_ptr<net::WebSocketHandler> handler, net::WebSocket& socket, bool& ended) {
    co_await handler->Serve(socket);
    ended = true;
}

TEST(Gateway, SpeaksMqttOnAWebSocketWhateverTheMessageBorders) {  // 6.0.0-2
    Bench bench;
    ListSocket socket(bench.io.get_executor());
    bool ended = false;
    mqtt::ConnectionOrigin origin;
    origin.signed_access_key_id = "AKIA";
    auto handler = bench.gateway.WebSocketFor(origin);
    env::Spawn(bench.scope, bench.io.get_executor(), "serve", ServeSocket(handler, socket, ended));
    wire::Connect connect;
    connect.client_id = "c";
    base::Bytes bytes;
    wire::AppendConnect(bytes, connect);
    bytes += base::Bytes("\xc0\x00", 2);
    socket.incoming.push_back({true, bytes.substr(0, 5)});
    socket.incoming.push_back({true, bytes.substr(5)});
    socket.more.Set();
    bench.Run();
    EXPECT_EQ(socket.written, kConnack + base::Bytes("\xd0\x00", 2));
    EXPECT_EQ(bench.authorizer.last.signed_access_key_id, "AKIA");
    socket.incoming.push_back({true, base::Bytes("\xe0\x00", 2)});
    socket.more.Set();
    bench.Run();
    EXPECT_TRUE(ended);
    EXPECT_EQ(socket.close_code, 1000);
}

TEST(Gateway, RefusesTextOnAWebSocket) {  // 6.0.0-1
    Bench bench;
    ListSocket socket(bench.io.get_executor());
    bool ended = false;
    auto handler = bench.gateway.WebSocketFor({});
    env::Spawn(bench.scope, bench.io.get_executor(), "serve", ServeSocket(handler, socket, ended));
    socket.incoming.push_back({false, "hello"});
    socket.more.Set();
    bench.Run();
    EXPECT_TRUE(ended);
    EXPECT_EQ(socket.close_code, 1003);
}

}  // namespace
}  // namespace wellhead::services::iot_gateway
