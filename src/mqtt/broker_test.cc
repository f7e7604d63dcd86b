// The broker by the normative statements of MQTT 5.0 (and 3.1.1 where they differ).

#include "mqtt/test_broker.h"

namespace wellhead::mqtt::testing {
namespace {

using wire::ReasonCode;
using enum wire::PacketType;
using enum wire::PropertyId;
using wire::Version;

std::string Payload(const Received& packet) {
    EXPECT_EQ(packet.type, kPublish);
    return std::string(packet.publish.payload);
}

class BothVersions : public ::testing::TestWithParam<Version> {};
INSTANTIATE_TEST_SUITE_P(Mqtt, BothVersions, ::testing::Values(Version::k311, Version::k5),
                         [](const auto& test) { return test.param == Version::k5 ? "v5" : "v311"; });

TEST_P(BothVersions, DeliversEachQoSAsTheLowerOfPublishedAndGranted) {  // 3.8.4-8
    for (uint8_t granted = 0; granted <= 2; ++granted) {
        for (uint8_t published = 0; published <= 2; ++published) {
            TestBroker broker;
            TestClient subscriber(broker, GetParam());
            TestClient publisher(broker, GetParam());
            subscriber.Connect("s");
            publisher.Connect("p");
            EXPECT_EQ(subscriber.Subscribe("a/+", granted), std::vector{static_cast<ReasonCode>(granted)});
            publisher.SendPublish("a/b", "hello", published, published > 0 ? 7 : 0);
            auto packet = subscriber.Next(kPublish);
            EXPECT_EQ(packet.publish.payload, "hello");
            EXPECT_EQ(packet.publish.topic, "a/b");
            EXPECT_EQ(packet.publish.qos, std::min(granted, published));
            EXPECT_FALSE(packet.publish.dup);
            EXPECT_FALSE(packet.publish.retain);
            if (published == 1) {
                EXPECT_EQ(publisher.Next(kPuback).ack.packet_id, 7);
            }
            if (published == 2) {
                EXPECT_EQ(publisher.Next(kPubrec).ack.packet_id, 7);
                publisher.SendAck(kPubrel, 7);
                EXPECT_EQ(publisher.Next(kPubcomp).ack.packet_id, 7);
            }
            EXPECT_TRUE(publisher.Quiet());
            if (packet.publish.qos == 2) {
                subscriber.SendAck(kPubrec, packet.publish.packet_id);
                EXPECT_EQ(subscriber.Next(kPubrel).ack.packet_id, packet.publish.packet_id);
                subscriber.SendAck(kPubcomp, packet.publish.packet_id);
            }
            EXPECT_TRUE(subscriber.Quiet());
        }
    }
}

TEST_P(BothVersions, AnswersPing) {  // 3.12.4-1
    TestBroker broker;
    TestClient client(broker, GetParam());
    client.Connect("c");
    client.Send(base::ByteView("\xc0\0", 2));
    client.Next(kPingresp);
}

TEST_P(BothVersions, RefusesASecondConnect) {  // 3.1.0-2
    TestBroker broker;
    TestClient client(broker, GetParam());
    client.Connect("c");
    wire::Connect again;
    again.version = GetParam();
    again.client_id = "c";
    base::Bytes bytes;
    wire::AppendConnect(bytes, again);
    client.Send(bytes);
    EXPECT_TRUE(client.closed());
    if (GetParam() == Version::k5) {
        EXPECT_EQ(client.Next(kDisconnect).notice.reason, ReasonCode::kProtocolError);
    }
}

TEST_P(BothVersions, TakesOverASession) {  // 3.1.4-3
    TestBroker broker;
    TestClient old(broker, GetParam());
    TestClient fresh(broker, GetParam());
    old.Connect("c");
    fresh.Connect("c");
    EXPECT_TRUE(old.closed());
    EXPECT_FALSE(fresh.closed());
    if (GetParam() == Version::k5) {
        EXPECT_EQ(old.Next(kDisconnect).notice.reason, ReasonCode::kSessionTakenOver);
    }
    EXPECT_TRUE(broker.broker->IsConnected("c"));
}

TEST_P(BothVersions, ResumesASessionWithItsSubscriptionsAndQueue) {  // 3.1.2-5, 4.4.0-1
    TestBroker broker;
    TestClient publisher(broker, GetParam());
    publisher.Connect("p");
    {
        TestClient subscriber(broker, GetParam());
        EXPECT_FALSE(subscriber.Connect("s", false, 100).session_present);
        subscriber.Subscribe("t", 1);
        subscriber.Disconnect();
    }
    for (int i = 0; i < 5; ++i) publisher.SendPublish("t", std::to_string(i), 1, static_cast<uint16_t>(i + 1));
    publisher.SendPublish("t", "not kept", 0);
    TestClient subscriber(broker, GetParam());
    EXPECT_TRUE(subscriber.Connect("s", false, 100).session_present);
    EXPECT_EQ(subscriber.TakeAll(), (std::vector<std::string>{"0", "1", "2", "3", "4"}));
}

TEST_P(BothVersions, ForgetsTheSessionOnACleanStart) {  // 3.1.2-4
    TestBroker broker;
    {
        TestClient subscriber(broker, GetParam());
        subscriber.Connect("s", false, 100);
        subscriber.Subscribe("t", 1);
        subscriber.Disconnect();
    }
    TestClient subscriber(broker, GetParam());
    EXPECT_FALSE(subscriber.Connect("s", true, 100).session_present);
    TestClient publisher(broker, GetParam());
    publisher.Connect("p");
    publisher.SendPublish("t", "x", 0);
    EXPECT_TRUE(subscriber.Quiet());
}

TEST_P(BothVersions, SendsUnacknowledgedMessagesAgainInOrderWithDup) {  // 4.4.0-1, 3.3.1-1
    TestBroker broker;
    TestClient publisher(broker, GetParam());
    publisher.Connect("p");
    std::vector<uint16_t> ids;
    {
        TestClient subscriber(broker, GetParam());
        subscriber.Connect("s", false, 100);
        subscriber.Subscribe("t", 2);
        publisher.SendPublish("t", "one", 1, 1);
        publisher.SendPublish("t", "two", 2, 2);
        publisher.SendPublish("t", "three", 1, 3);
        for (int i = 0; i < 3; ++i) ids.push_back(subscriber.Next(kPublish).publish.packet_id);
        subscriber.SendAck(kPubrec, ids[1]);
        subscriber.Next(kPubrel);
        subscriber.Cut();
    }
    TestClient subscriber(broker, GetParam());
    EXPECT_TRUE(subscriber.Connect("s", false, 100).session_present);
    auto one = subscriber.Next(kPublish);
    EXPECT_TRUE(one.publish.dup);
    EXPECT_EQ(one.publish.packet_id, ids[0]);
    EXPECT_EQ(Payload(one), "one");
    EXPECT_EQ(subscriber.Next(kPubrel).ack.packet_id, ids[1]);
    auto three = subscriber.Next(kPublish);
    EXPECT_TRUE(three.publish.dup);
    EXPECT_EQ(three.publish.packet_id, ids[2]);
    EXPECT_TRUE(subscriber.Quiet());
}

TEST_P(BothVersions, DeliversAnInboundQoS2Once) {  // 4.3.3-10
    TestBroker broker;
    TestClient subscriber(broker, GetParam());
    subscriber.Connect("s");
    subscriber.Subscribe("t", 0);
    {
        TestClient publisher(broker, GetParam());
        publisher.Connect("p", false, 100);
        publisher.SendPublish("t", "x", 2, 9);
        publisher.Next(kPubrec);
        publisher.SendPublish("t", "x", 2, 9, false, true);
        publisher.Next(kPubrec);
        publisher.Cut();
    }
    TestClient publisher(broker, GetParam());
    EXPECT_TRUE(publisher.Connect("p", false, 100).session_present);
    publisher.SendPublish("t", "x", 2, 9, false, true);
    publisher.Next(kPubrec);
    publisher.SendAck(kPubrel, 9);
    EXPECT_EQ(publisher.Next(kPubcomp).ack.reason, ReasonCode::kSuccess);
    EXPECT_EQ(subscriber.TakeAll(), std::vector<std::string>{"x"});
    publisher.SendPublish("t", "y", 2, 9);
    publisher.Next(kPubrec);
    EXPECT_EQ(subscriber.TakeAll(), std::vector<std::string>{"y"});
}

TEST_P(BothVersions, KeepsAndClearsRetainedMessages) {  // 3.3.1-5, -6, -8
    TestBroker broker;
    TestClient publisher(broker, GetParam());
    publisher.Connect("p");
    publisher.SendPublish("a/b", "old", 0, 0, true);
    publisher.SendPublish("a/b", "new", 1, 1, true);
    publisher.SendPublish("a/b", "not retained", 0);
    TestClient subscriber(broker, GetParam());
    subscriber.Connect("s");
    subscriber.Subscribe("a/#", 1);
    auto retained = subscriber.Next(kPublish);
    EXPECT_TRUE(retained.publish.retain);
    EXPECT_EQ(Payload(retained), "new");
    EXPECT_EQ(retained.publish.qos, 1);
    publisher.SendPublish("a/b", "", 0, 0, true);
    EXPECT_FALSE(subscriber.Next(kPublish).publish.retain);  // 3.3.1-12
    TestClient later(broker, GetParam());
    later.Connect("l");
    later.Subscribe("a/b", 1);
    EXPECT_TRUE(later.Quiet());
}

TEST_P(BothVersions, HidesDollarTopicsFromWildcards) {  // 4.7.2-1
    TestBroker broker;
    TestClient client(broker, GetParam());
    client.Connect("c");
    client.Subscribe("#");
    client.Subscribe("+/x");
    client.SendPublish("$aws/x", "hidden");
    client.SendPublish("$aws", "hidden");
    EXPECT_TRUE(client.Quiet());
    client.Subscribe("$aws/#");
    client.SendPublish("$aws/x", "seen");
    EXPECT_EQ(Payload(client.Next(kPublish)), "seen");
    EXPECT_TRUE(client.Quiet());
}

TEST_P(BothVersions, DeliversOverlappingSubscriptionsOnceWithTheHighestQoS) {  // 3.3.4-2
    TestBroker broker;
    TestClient client(broker, GetParam());
    client.Connect("c");
    client.Subscribe("a/#", 0);
    client.Subscribe("a/+", 2);
    client.Subscribe("a/b", 1);
    client.SendPublish("a/b", "x", 2, 1);
    client.Next(kPubrec);
    EXPECT_EQ(client.Next(kPublish).publish.qos, 2);
    EXPECT_TRUE(client.Quiet());
}

TEST_P(BothVersions, UnsubscribesOnlyTheNamedFilter) {  // 3.10.4-1
    TestBroker broker;
    TestClient client(broker, GetParam());
    client.Connect("c");
    client.Subscribe("a/+");
    client.Subscribe("a/b");
    EXPECT_EQ(client.Unsubscribe("a/b"), ReasonCode::kSuccess);
    client.SendPublish("a/b", "x");
    EXPECT_EQ(Payload(client.Next(kPublish)), "x");
    if (GetParam() == Version::k5) {
        EXPECT_EQ(client.Unsubscribe("a/b"), ReasonCode::kNoSubscriptionExisted);
    }
}

TEST_P(BothVersions, PublishesTheWillUnlessToldGoodbye) {  // 3.1.2-8, 3.14.4-3
    TestBroker broker;
    TestClient watcher(broker, GetParam());
    watcher.Connect("w");
    watcher.Subscribe("gone");
    auto connect = [&](TestClient& client) {
        wire::Connect packet;
        packet.version = GetParam();
        packet.client_id = "c";
        packet.will.emplace();
        packet.will->topic = "gone";
        packet.will->payload = "c is gone";
        client.Connect(packet);
    };
    TestClient polite(broker, GetParam());
    connect(polite);
    polite.Disconnect();
    watcher.Pump();
    EXPECT_TRUE(watcher.Quiet());
    TestClient rude(broker, GetParam());
    connect(rude);
    rude.Cut();
    broker.Run();
    EXPECT_EQ(Payload(watcher.Next(kPublish)), "c is gone");
}

TEST_P(BothVersions, EndsAConnectionThatIsSilentForOneAndAHalfKeepAlives) {  // 3.1.2-22
    TestBroker broker;
    TestClient client(broker, GetParam());
    wire::Connect connect;
    connect.version = GetParam();
    connect.client_id = "c";
    connect.keep_alive_s = 10;
    client.Connect(connect);
    broker.Pass(std::chrono::seconds(14));
    EXPECT_FALSE(client.closed());
    client.Send(base::ByteView("\xc0\0", 2));
    broker.Pass(std::chrono::seconds(14));
    EXPECT_FALSE(client.closed());
    broker.Pass(std::chrono::seconds(2));
    EXPECT_TRUE(client.closed());
}

TEST_P(BothVersions, RefusesWhatAPolicyDenies) {
    TestBroker broker;
    TestClient banned(broker, GetParam());
    EXPECT_EQ(banned.Connect("banned-1").reason, ReasonCode::kNotAuthorized);
    EXPECT_TRUE(banned.closed());
    TestClient client(broker, GetParam());
    client.Connect("c");
    EXPECT_GE(client.Subscribe("secret/#", 1).front(), ReasonCode::kUnspecifiedError);
    EXPECT_FALSE(client.closed());
    client.SendPublish("secret/a", "x", 1, 1);
    if (GetParam() == Version::k5) {
        EXPECT_EQ(client.Next(kPuback).ack.reason, ReasonCode::kNotAuthorized);
    } else {
        EXPECT_TRUE(client.closed());
    }
}

TEST_P(BothVersions, WithholdsWhatMayNotBeReceived) {
    TestBroker broker;
    TestClient client(broker, GetParam());
    client.Connect("c");
    client.Subscribe("#", 1);
    client.SendPublish("unseen", "x", 1, 1);
    client.SendPublish("seen", "y", 1, 2);
    client.Next(kPuback);
    client.Next(kPuback);
    EXPECT_EQ(client.TakeAll(), std::vector<std::string>{"y"});
}

TEST_P(BothVersions, ClosesOnBytesThatAreNoPacket) {
    TestBroker broker;
    TestClient early(broker, GetParam());
    early.Send("GET / HTTP/1.1\r\n\r\n");
    EXPECT_TRUE(early.closed());
    TestClient client(broker, GetParam());
    client.Connect("c");
    client.Send(base::ByteView("\x36\x03\x00\x01x", 5));
    EXPECT_TRUE(client.closed());
    if (GetParam() == Version::k5) {
        EXPECT_EQ(client.Next(kDisconnect).notice.reason, ReasonCode::kMalformedPacket);
    }
    TestClient huge(broker, GetParam());
    huge.Send(base::ByteView("\x10\xff\xff\xff\x7f", 5));
    EXPECT_TRUE(huge.closed());
}

TEST_P(BothVersions, AnswersEverythingThatCameInOneRead) {
    TestBroker broker;
    TestClient client(broker, GetParam());
    wire::Connect connect;
    connect.version = GetParam();
    connect.client_id = "c";
    base::Bytes bytes;
    wire::AppendConnect(bytes, connect);
    for (uint16_t id = 1; id <= 100; ++id) {
        wire::Publish publish;
        publish.topic = "t";
        publish.qos = 1;
        publish.packet_id = id;
        wire::AppendPublish(bytes, GetParam(), publish);
    }
    client.Send(bytes);
    client.Next(kConnack);
    for (uint16_t id = 1; id <= 100; ++id) EXPECT_EQ(client.Next(kPuback).ack.packet_id, id);
}

}  // namespace
}  // namespace wellhead::mqtt::testing
