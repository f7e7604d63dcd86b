// Random histories (F4, F9): a publisher and a subscriber that keep to the protocol, connections that break and processes
// that end at any moment, disks that are slow. In the end every message was delivered exactly once and in order.

#include <map>
#include <random>

#include "mqtt/test_broker.h"

namespace wellhead::mqtt::testing {
namespace {

using wire::ReasonCode;
using wire::Version;
using enum wire::PacketType;

class History {
  public:
    explicit History(uint32_t seed) : random_(seed) {
        logs_ = std::make_unique<TestLogs>();
        broker_ = std::make_unique<TestBroker>(BrokerSettings{}, nullptr, logs_.get());
        ConnectSubscriber(false);
        subscriber_->Subscribe("t", 2);
        ConnectPublisher(false);
    }
    ~History() {
        publisher_.reset();
        subscriber_.reset();
        broker_.reset();
    }

    void Run(int steps) {
        while (steps-- > 0) Step();
        logs_->log->gate.Open();
        for (int round = 0; round < 200 && !Finished(); ++round) {
            if (publisher_->closed()) ConnectPublisher(true);
            if (subscriber_->closed()) ConnectSubscriber(true);
            while (TakeOne(*publisher_, true) || TakeOne(*subscriber_, false)) {
            }
            publisher_->Pump();
            subscriber_->Pump();
        }
        EXPECT_TRUE(Finished());
    }
    const std::vector<std::string>& delivered() const { return delivered_; }
    std::vector<std::string> published() const {
        std::vector<std::string> all;
        for (int i = 0; i < next_payload_; ++i) all.push_back(std::to_string(i));
        return all;
    }

  private:
    struct Outgoing {
        std::string payload;
        bool released = false;
    };

    bool Finished() { return outgoing_.empty() && delivered_.size() >= static_cast<size_t>(next_payload_); }

    void ConnectPublisher(bool expect_session) {
        publisher_.reset();
        publisher_ = std::make_unique<TestClient>(*broker_, Version::k5);
        EXPECT_EQ(publisher_->Connect("p", false, 1'000'000).session_present, expect_session);
        for (auto& [id, message] : outgoing_) {  // [MQTT-4.4.0-1]
            if (message.released) {
                publisher_->SendAck(kPubrel, id);
            } else {
                publisher_->SendPublish("t", message.payload, 2, id, false, true);
            }
        }
    }
    void ConnectSubscriber(bool expect_session) {
        subscriber_.reset();
        subscriber_ = std::make_unique<TestClient>(*broker_, Version::k5);
        EXPECT_EQ(subscriber_->Connect("s", false, 1'000'000).session_present, expect_session);
    }
    void Crash() {
        auto disk = std::make_unique<TestLogs>();
        disk->log->records = logs_->log->records;
        disk->log->first = logs_->log->first;
        logs_->log->gate.Open();
        publisher_.reset();
        subscriber_.reset();
        broker_.reset();
        logs_ = std::move(disk);
        broker_ = std::make_unique<TestBroker>(BrokerSettings{}, nullptr, logs_.get());
        ConnectSubscriber(true);
        ConnectPublisher(true);
    }
    bool TakeOne(TestClient& client, bool is_publisher) {
        if (client.Quiet()) return false;
        auto packet = client.Next();
        const uint16_t id = packet.type == kPublish ? packet.publish.packet_id : packet.ack.packet_id;
        if (is_publisher && packet.type == kPubrec) {
            if (outgoing_.contains(id)) outgoing_[id].released = true;
            client.SendAck(kPubrel, id);
        } else if (is_publisher) {
            EXPECT_EQ(packet.type, kPubcomp);
            outgoing_.erase(id);
        } else if (packet.type == kPublish) {
            if (!held_[id]) delivered_.emplace_back(packet.publish.payload);
            held_[id] = true;
            client.SendAck(kPubrec, id);
        } else {
            EXPECT_EQ(packet.type, kPubrel);
            held_[id] = false;
            client.SendAck(kPubcomp, id);
        }
        return true;
    }
    void Step() {
        switch (random_() % 24) {
            case 0: return Crash();
            case 1:
                logs_->log->gate.Open();
                return ConnectPublisher(true);
            case 2:
                logs_->log->gate.Open();
                return ConnectSubscriber(true);
            case 3: return logs_->log->gate.Close();
            case 4: return logs_->log->gate.Open();
            case 5:
                logs_->log->gate.Open();
                EXPECT_TRUE(broker_->Await(broker_->broker->Checkpoint()));
                return;
            case 6:
            case 7:
            case 8:
            case 9:
            case 10: {
                if (outgoing_.size() >= 20) return;
                const std::string payload = std::to_string(next_payload_++);
                const auto id = static_cast<uint16_t>(next_id_++ % 30'000 + 1);
                outgoing_[id] = {payload, false};
                return publisher_->SendPublish("t", payload, 2, id);
            }
            default:
                if (random_() % 2 == 0) {
                    TakeOne(*publisher_, true);
                } else {
                    TakeOne(*subscriber_, false);
                }
        }
    }

    std::mt19937 random_;
    std::unique_ptr<TestLogs> logs_;
    std::unique_ptr<TestBroker> broker_;
    std::unique_ptr<TestClient> publisher_;
    std::unique_ptr<TestClient> subscriber_;
    std::map<uint16_t, Outgoing> outgoing_;  // identifiers ascend, so this is their order
    std::map<uint16_t, bool> held_;          // what a receiver must remember
    std::vector<std::string> delivered_;
    int next_payload_ = 0;
    unsigned next_id_ = 0;
};

TEST(Histories, DeliverQoS2ExactlyOnceAndInOrder) {
    for (uint32_t seed = 1; seed <= 60; ++seed) {
        History history(seed);
        history.Run(300);
        ASSERT_EQ(history.delivered(), history.published()) << "seed " << seed;
    }
}

TEST(Histories, OfRandomBytesHarmNobody) {
    std::mt19937 random(11);
    TestLogs logs;
    TestBroker broker({}, nullptr, &logs);
    TestClient neighbour(broker, Version::k5);
    neighbour.Connect("neighbour");
    for (int round = 0; round < 1500; ++round) {
        const Version version = random() % 2 == 0 ? Version::k5 : Version::k311;
        TestClient client(broker, version);
        client.connection->Receive({});
        base::Bytes bytes;
        wire::Connect connect;
        connect.version = version;
        const std::string id = "c" + std::to_string(random() % 5);
        connect.client_id = id;
        connect.clean_start = random() % 2 == 0;
        wire::AppendConnect(bytes, connect);
        for (unsigned packets = random() % 6; packets > 0; --packets) {
            const auto packet_id = static_cast<uint16_t>(random() % 3 + 1);
            switch (random() % 4) {
                case 0: {
                    wire::Publish publish;
                    publish.topic = "a/b";
                    publish.qos = random() % 3;
                    publish.packet_id = publish.qos > 0 ? packet_id : uint16_t{0};
                    publish.retain = random() % 4 == 0;
                    publish.payload = "payload";
                    wire::AppendPublish(bytes, version, publish);
                    break;
                }
                case 1: {
                    wire::Subscribe subscribe;
                    subscribe.packet_id = packet_id;
                    subscribe.filters = {{random() % 2 == 0 ? "a/#" : "$share/g/+/b", 2, false, false, 0}};
                    wire::AppendSubscribe(bytes, version, subscribe);
                    break;
                }
                default:
                    wire::AppendAck(bytes, static_cast<wire::PacketType>(4 + random() % 4), version,
                                    {.packet_id = packet_id, .reason = {}, .properties = {}});
            }
        }
        if (random() % 2 == 0) bytes[random() % bytes.size()] = static_cast<char>(random());
        size_t at = 0;
        base::Bytes held;
        while (at < bytes.size() && !client.connection->finished()) {
            const size_t size = std::min<size_t>(bytes.size() - at, random() % 20 + 1);
            held.append(bytes, at, size);
            at += size;
            if (!client.connection->paused()) held.erase(0, client.connection->Receive(held));
            broker.Run();
            base::Bytes out;
            client.connection->TakeOutput(out, 1 << 16);
        }
        client.Cut();
        if (round % 100 == 0) {
            EXPECT_TRUE(broker.Await(broker.broker->Checkpoint()));
        }
    }
    neighbour.Send(base::ByteView("\xc0\0", 2));
    neighbour.Next(kPingresp);
}

}  // namespace
}  // namespace wellhead::mqtt::testing
