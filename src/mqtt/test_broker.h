#pragma once
// For tests: a broker on one thread with a clock that the test moves, a journal in memory that survives the broker, and
// clients that speak packets.

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "codec/mqtt/decode.h"
#include "codec/mqtt/encode.h"
#include "env/clock.h"
#include "env/event.h"
#include "env/random.h"
#include "mqtt/broker.h"

namespace wellhead::mqtt::testing {

namespace wire = codec::mqtt;

class TestClock final : public env::Clock {
  public:
    base::Instant Now() override { return base::FromUnixMs(1'700'000'000'000) + passed_; }
    base::Tick Ticks() override { return base::Tick(std::chrono::hours(1)) + passed_; }
    void Pass(base::Duration duration) { passed_ += duration; }

  private:
    base::Duration passed_{};
};

class TestRandom final : public env::Random {
  public:
    void Fill(std::span<uint8_t> out) override {
        for (auto& byte : out) byte = static_cast<uint8_t>(next_++ * 37);
    }

  private:
    unsigned next_ = 1;
};

// Work waits at it while it is closed: a slow disk, a slow rule.
class Gate {
  public:
    void Close() { closed_ = true; }
    void Open() {
        closed_ = false;
        for (env::Event* event : std::exchange(waiting_, {})) event->Set();
    }
    env::Task<void> Pass();

  private:
    bool closed_ = false;
    std::vector<env::Event*> waiting_;
};

// A log that keeps what was appended.
class TestLog final : public storage::ShardLog {
  public:
    Gate gate;
    bool broken = false;
    std::deque<storage::LogRecord> records;
    storage::LogOffset first = 0;

    env::Task<base::Result<storage::AppendedRange>> Append(std::vector<storage::NewLogRecord> added) override;
    env::Task<base::Result<std::vector<storage::LogRecord>>> Read(storage::LogOffset from, size_t max_records,
                                                                  size_t max_bytes) override;
    env::Task<base::Result<storage::LogOffset>> Seek(base::Instant) override { co_return first; }
    storage::LogExtent extent() const override { return {first, first + records.size()}; }
    virtual std::optional<storage::LogExtent> lost_at(storage::LogOffset) const { return std::nullopt; }
    env::Task<void> WaitForMore(storage::LogOffset, base::Duration) override { co_return; }
    env::Task<base::Result<void>> Trim(storage::LogOffset offset) override;
    env::Task<base::Result<void>> TrimByTime(base::Instant) override { co_return base::Result<void>(); }
};

class TestLogs final : public storage::ShardLogStore {
  public:
    std::shared_ptr<TestLog> log = std::make_shared<TestLog>();
    env::Task<base::Result<std::shared_ptr<storage::ShardLog>>> Open(std::string) override {
        co_return std::shared_ptr<storage::ShardLog>(log);
    }
    env::Task<base::Result<void>> Remove(std::string) override { co_return base::Result<void>(); }
    env::Task<base::Result<std::vector<std::string>>> List(std::string) override {
        co_return std::vector<std::string>();
    }
};

// Allows everything, but topics and filters that contain "secret", and clients whose id begins with "banned".
class TestAuthorizer final : public Authorizer {
  public:
    env::Task<base::Result<std::shared_ptr<const Permissions>>> Connect(const ConnectAttempt& attempt) override;
};

// Takes everything; topics with "refuse" fail.
class TestSink final : public PublishSink {
  public:
    Gate gate;
    std::vector<PublishedMessage> taken;
    size_t deliveries = 0;
    env::Task<std::vector<base::Result<void>>> Deliver(std::span<const PublishedMessage> messages) override;
    bool ReservesTopic(std::string_view topic) const override { return topic.starts_with("$aws/rules/"); }
};

// A packet that a client received, with what of it tests look at.
struct Received {
    wire::PacketType type;
    uint8_t flags = 0;
    std::shared_ptr<const base::Bytes> body;  // what the views below point into

    wire::Connack connack;
    wire::Publish publish;
    wire::Ack ack;
    wire::FilterAck filter_ack;
    wire::Notice notice;
};

class TestBroker;

class TestClient final : public ConnectionDriver {
  public:
    TestClient(TestBroker& broker, wire::Version client_version, Profile profile = Profile::Standard());
    ~TestClient() override;
    void Wake() override {}

    const wire::Version version;
    // Sends bytes, lets the broker work, reads what came.
    void Send(base::ByteView bytes);
    void SendPublish(std::string_view topic, std::string_view payload, uint8_t qos = 0, uint16_t id = 0,
                     bool retain = false, bool dup = false);
    void Send(const wire::Publish& publish);
    void SendAck(wire::PacketType type, uint16_t id, wire::ReasonCode reason = wire::ReasonCode::kSuccess);
    // Nothing is read from the broker until the next call of another kind.
    void Pump();
    // The transport breaks; nothing is said.
    void Cut();

    wire::Connack Connect(const wire::Connect& connect);
    wire::Connack Connect(std::string_view id, bool clean = true, uint32_t expiry_s = 0);
    std::vector<wire::ReasonCode> Subscribe(std::string_view filter, uint8_t qos = 0, uint32_t id = 0);
    wire::ReasonCode Unsubscribe(std::string_view filter);
    void Disconnect(wire::ReasonCode reason = wire::ReasonCode::kSuccess);

    // The next packet; fails the test when there is none.
    Received Next();
    Received Next(wire::PacketType type);
    bool Quiet() { return packets.empty(); }
    bool closed() const { return connection == nullptr || connection->finished(); }
    // Payloads of PUBLISH packets that came, acknowledged as their QoS asks, until there are no more.
    std::vector<std::string> TakeAll();

    std::shared_ptr<Connection> connection;
    std::deque<Received> packets;

  private:
    void ReadOutput();
    TestBroker& broker_;
    base::Bytes unread_;
    std::deque<Received> kept_;
    base::Bytes unsent_;
    uint16_t next_id_ = 1000;
};

class TestBroker {
  public:
    explicit TestBroker(BrokerSettings settings = {}, TestSink* sink = nullptr, TestLogs* logs = nullptr);
    ~TestBroker();

    // Runs everything that is ready.
    void Run();
    // Time passes, in steps of the timers.
    void Pass(base::Duration duration);
    template <class T>
    T Await(env::Task<T> task) {
        std::optional<T> value;
        env::Spawn(scope_, io.get_executor(), "test", Keep(std::move(task), value));
        for (int i = 0; i < 10'000 && !value; ++i) Run();
        EXPECT_TRUE(value.has_value());
        return std::move(*value);
    }

    boost::asio::io_context io;
    TestClock clock;
    TestRandom random;
    TestAuthorizer authorizer;
    std::unique_ptr<Broker> broker;
    std::vector<TestClient*> clients;

  private:
    template <class T>
    static env::Task<void> Keep(env::Task<T> task, std::optional<T>& out) {
        out.emplace(co_await std::move(task));
    }
    env::Scope scope_;
};

}  // namespace wellhead::mqtt::testing
