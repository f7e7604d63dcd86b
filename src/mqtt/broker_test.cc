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

TEST(Mqtt311, RefusesAnEmptyClientIdThatWantsASession) {  // 3.1.1 3.1.3-8
    TestBroker broker;
    TestClient client(broker, Version::k311);
    EXPECT_EQ(client.Connect("", false).reason, ReasonCode::kClientIdentifierNotValid);
    TestClient clean(broker, Version::k311);
    EXPECT_EQ(clean.Connect("", true).reason, ReasonCode::kSuccess);
}

TEST(Mqtt311, RefusesOtherProtocolLevels) {  // 3.1.2-2
    TestBroker broker;
    TestClient client(broker, Version::k311);
    client.Send(base::ByteView("\x10\x0e\x00\x06MQIsdp\x03\x02\x00\x3c\x00\x00", 16));
    EXPECT_EQ(client.Next(kConnack).connack.reason, ReasonCode::kUnsupportedProtocolVersion);
    EXPECT_TRUE(client.closed());
}

TEST(Mqtt5, AssignsAClientId) {  // 3.1.3-6, 3.2.2-16
    TestBroker broker;
    TestClient client(broker, Version::k5);
    auto connack = client.Connect("");
    EXPECT_TRUE(connack.properties.Has(kAssignedClientId));
    EXPECT_GT(connack.properties.assigned_client_id.size(), 10u);
}

TEST(Mqtt5, RefusesEnhancedAuthentication) {  // 4.12.0-1
    TestBroker broker;
    TestClient client(broker, Version::k5);
    wire::Connect connect;
    connect.version = Version::k5;
    connect.client_id = "c";
    connect.properties.authentication_method = "SCRAM-SHA-1";
    connect.properties.Mark(kAuthenticationMethod);
    EXPECT_EQ(client.Connect(connect).reason, ReasonCode::kBadAuthenticationMethod);
    EXPECT_TRUE(client.closed());
}

TEST(Mqtt5, ResolvesTopicAliasesFromTheClient) {  // 3.3.2-8 .. -12
    TestBroker broker;
    TestClient client(broker, Version::k5);
    client.Connect("c");
    client.Subscribe("#");
    wire::Publish publish;
    publish.topic = "long/topic";
    publish.properties.topic_alias = 3;
    publish.properties.Mark(kTopicAlias);
    client.Send(publish);
    EXPECT_EQ(client.Next(kPublish).publish.topic, "long/topic");
    publish.topic = "";
    client.Send(publish);
    auto second = client.Next(kPublish);
    EXPECT_EQ(second.publish.topic, "long/topic");
    EXPECT_FALSE(second.publish.properties.Has(kTopicAlias));
    publish.properties.topic_alias = 4;
    client.Send(publish);
    EXPECT_TRUE(client.closed());
    EXPECT_EQ(client.Next(kDisconnect).notice.reason, ReasonCode::kProtocolError);
    TestClient other(broker, Version::k5);
    other.Connect("o");
    publish.topic = "t";
    publish.properties.topic_alias = 65;
    other.Send(publish);
    EXPECT_EQ(other.Next(kDisconnect).notice.reason, ReasonCode::kTopicAliasInvalid);
}

TEST(Mqtt5, UsesTopicAliasesTowardsTheClient) {  // 3.1.2-26
    TestBroker broker;
    TestClient client(broker, Version::k5);
    wire::Connect connect;
    connect.version = Version::k5;
    connect.client_id = "c";
    connect.properties.topic_alias_maximum = 1;
    connect.properties.Mark(kTopicAliasMaximum);
    client.Connect(connect);
    client.Subscribe("#");
    client.SendPublish("first", "1");
    client.SendPublish("second", "2");
    client.SendPublish("first", "3");
    auto first = client.Next(kPublish);
    EXPECT_EQ(first.publish.topic, "first");
    EXPECT_EQ(first.publish.properties.topic_alias, 1);
    auto second = client.Next(kPublish);
    EXPECT_EQ(second.publish.topic, "second");
    EXPECT_FALSE(second.publish.properties.Has(kTopicAlias));
    auto third = client.Next(kPublish);
    EXPECT_EQ(third.publish.topic, "");
    EXPECT_EQ(third.publish.properties.topic_alias, 1);
}

TEST(Mqtt5, KeepsTheClientsReceiveMaximum) {  // 3.3.4-9
    TestBroker broker;
    TestClient client(broker, Version::k5);
    TestClient publisher(broker, Version::k5);
    publisher.Connect("p");
    wire::Connect connect;
    connect.version = Version::k5;
    connect.client_id = "c";
    connect.properties.receive_maximum = 2;
    connect.properties.Mark(kReceiveMaximum);
    client.Connect(connect);
    client.Subscribe("t", 2);
    for (uint16_t i = 1; i <= 5; ++i) publisher.SendPublish("t", std::to_string(i), 1 + i % 2, i);
    auto one = client.Next(kPublish);
    auto two = client.Next(kPublish);
    EXPECT_TRUE(client.Quiet());
    client.SendAck(kPubrec, one.publish.packet_id);
    client.Next(kPubrel);
    EXPECT_TRUE(client.Quiet());  // a PUBREC frees nothing yet
    client.SendAck(kPubcomp, one.publish.packet_id);
    client.Next(kPublish);
    EXPECT_TRUE(client.Quiet());
    client.SendAck(kPuback, two.publish.packet_id);
    client.Next(kPublish);
    EXPECT_TRUE(client.Quiet());
}

TEST(Mqtt5, EnforcesItsOwnReceiveMaximum) {  // 3.3.4-9, 0x93
    Profile profile;
    profile.receive_maximum = 2;
    TestBroker broker;
    TestClient client(broker, Version::k5, profile);
    EXPECT_EQ(client.Connect("c").properties.receive_maximum, 2);
    client.SendPublish("t", "1", 2, 1);
    client.SendPublish("t", "2", 2, 2);
    client.SendPublish("t", "2", 2, 2, false, true);
    EXPECT_FALSE(client.closed());
    client.SendPublish("t", "3", 2, 3);
    EXPECT_TRUE(client.closed());
}

TEST(Mqtt5, KeepsTheClientsMaximumPacketSize) {  // 3.1.2-24, -25
    TestBroker broker;
    TestClient client(broker, Version::k5);
    wire::Connect connect;
    connect.version = Version::k5;
    connect.client_id = "c";
    connect.properties.maximum_packet_size = 40;
    connect.properties.Mark(kMaximumPacketSize);
    client.Connect(connect);
    client.Subscribe("t", 1);
    TestClient publisher(broker, Version::k5);
    publisher.Connect("p");
    publisher.SendPublish("t", std::string(100, 'x'), 1, 1);
    publisher.SendPublish("t", std::string(100, 'x'), 0);
    publisher.SendPublish("t", "small", 1, 2);
    EXPECT_EQ(client.TakeAll(), std::vector<std::string>{"small"});
}

TEST(Mqtt5, ForwardsPropertiesUnaltered) {  // 3.3.2-4, -15, -16, -17, -18, -20
    TestBroker broker;
    TestClient client(broker, Version::k5);
    client.Connect("c");
    client.Subscribe("t", 0, 77);
    wire::Publish publish;
    publish.topic = "t";
    auto& p = publish.properties;
    p.payload_format = 1;
    p.content_type = "text/plain";
    p.response_topic = "answer";
    p.correlation_data = "42";
    p.user_properties = {{"b", "1"}, {"a", "2"}, {"b", "3"}};
    for (auto id : {kPayloadFormat, kContentType, kResponseTopic, kCorrelationData, kUserProperty}) p.Mark(id);
    client.Send(publish);
    auto received = client.Next(kPublish);
    const auto& r = received.publish.properties;
    EXPECT_EQ(r.payload_format, 1);
    EXPECT_EQ(r.content_type, "text/plain");
    EXPECT_EQ(r.response_topic, "answer");
    EXPECT_EQ(r.correlation_data, "42");
    EXPECT_EQ(r.user_properties, p.user_properties);
    EXPECT_EQ(r.subscription_ids, std::vector<uint32_t>{77});  // 3.3.4-3
}

TEST(Mqtt5, NamesEveryMatchingSubscription) {  // 3.3.4-4
    TestBroker broker;
    TestClient client(broker, Version::k5);
    client.Connect("c");
    client.Subscribe("a/#", 0, 1);
    client.Subscribe("a/+", 0, 2);
    client.SendPublish("a/b", "x");
    auto ids = client.Next(kPublish).publish.properties.subscription_ids;
    std::sort(ids.begin(), ids.end());
    EXPECT_EQ(ids, (std::vector<uint32_t>{1, 2}));
    EXPECT_TRUE(client.Quiet());
}

TEST(Mqtt5, HonoursNoLocalRetainAsPublishedAndRetainHandling) {  // 3.8.3-3, 3.3.1-9 .. -13
    TestBroker broker;
    TestClient client(broker, Version::k5);
    client.Connect("c");
    auto subscribe = [&](wire::SubscribeFilter filter) {
        wire::Subscribe packet;
        packet.packet_id = 5;
        packet.filters = {filter};
        base::Bytes bytes;
        wire::AppendSubscribe(bytes, Version::k5, packet);
        client.Send(bytes);
    };
    subscribe({"mine", 0, true, false, 0});
    client.Next(kSuback);
    client.SendPublish("mine", "x");
    EXPECT_TRUE(client.Quiet());
    subscribe({"kept", 0, false, true, 0});
    client.Next(kSuback);
    client.SendPublish("kept", "x", 0, 0, true);
    EXPECT_TRUE(client.Next(kPublish).publish.retain);
    auto count_after = [&](uint8_t handling) {
        subscribe({"kept", 0, false, true, handling});
        size_t publishes = 0;
        while (!client.Quiet()) publishes += client.Next().type == kPublish ? 1 : 0;
        return publishes;
    };
    EXPECT_EQ(count_after(0), 1u);
    EXPECT_EQ(count_after(1), 0u);
    client.Unsubscribe("kept");
    EXPECT_EQ(count_after(1), 1u);
    client.Unsubscribe("kept");
    EXPECT_EQ(count_after(2), 0u);
}

TEST(Mqtt5, SharesASubscriptionAmongItsMembers) {  // 4.8.2-1 .. -4
    TestBroker broker;
    TestClient one(broker, Version::k5);
    TestClient two(broker, Version::k5);
    TestClient publisher(broker, Version::k5);
    one.Connect("1");
    two.Connect("2");
    publisher.Connect("p");
    one.Subscribe("$share/g/t/+", 1);
    two.Subscribe("$share/g/t/+", 1);
    for (uint16_t i = 1; i <= 10; ++i) publisher.SendPublish("t/x", std::to_string(i), 1, i);
    auto first = one.TakeAll();
    auto second = two.TakeAll();
    EXPECT_EQ(first.size() + second.size(), 10u);
    EXPECT_EQ(first.size(), 5u);
    one.Cut();
    for (uint16_t i = 11; i <= 14; ++i) publisher.SendPublish("t/x", std::to_string(i), 1, i);
    EXPECT_EQ(two.TakeAll().size(), 4u);
    EXPECT_EQ(two.Subscribe("$share/g", 0).front(), ReasonCode::kTopicFilterInvalid);
    EXPECT_EQ(two.Subscribe("$share/+/t", 0).front(), ReasonCode::kTopicFilterInvalid);
    EXPECT_EQ(two.Subscribe("$share//t", 0).front(), ReasonCode::kTopicFilterInvalid);
}

TEST(Mqtt5, LetsMessagesExpire) {  // 3.3.2-5, -6
    TestBroker broker;
    TestClient publisher(broker, Version::k5);
    publisher.Connect("p");
    {
        TestClient subscriber(broker, Version::k5);
        subscriber.Connect("s", false, 1000);
        subscriber.Subscribe("t", 1);
        subscriber.Disconnect();
    }
    wire::Publish publish;
    publish.topic = "t";
    publish.qos = 1;
    publish.properties.Mark(kMessageExpiry);
    for (uint32_t seconds : {5u, 60u}) {
        publish.packet_id = static_cast<uint16_t>(seconds);
        publish.properties.message_expiry_s = seconds;
        publisher.Send(publish);
    }
    broker.Pass(std::chrono::seconds(10));
    TestClient subscriber(broker, Version::k5);
    subscriber.Connect("s", false, 1000);
    auto left = subscriber.Next(kPublish);
    EXPECT_EQ(left.publish.properties.message_expiry_s, 50u);
    EXPECT_TRUE(subscriber.Quiet());
}

TEST(Mqtt5, ExpiresSessions) {  // 3.1.2-23
    TestBroker broker;
    {
        TestClient client(broker, Version::k5);
        client.Connect("c", false, 10);
        client.Disconnect();
    }
    broker.Pass(std::chrono::seconds(5));
    {
        TestClient client(broker, Version::k5);
        EXPECT_TRUE(client.Connect("c", false, 10).session_present);
        client.Cut();
    }
    broker.Pass(std::chrono::seconds(11));
    EXPECT_EQ(broker.broker->Figures().sessions, 0u);
    TestClient client(broker, Version::k5);
    EXPECT_FALSE(client.Connect("c", false, 10).session_present);
}

TEST(Mqtt5, DelaysTheWill) {  // 3.1.3-9
    TestBroker broker;
    TestClient watcher(broker, Version::k5);
    watcher.Connect("w");
    watcher.Subscribe("gone");
    wire::Connect connect;
    connect.version = Version::k5;
    connect.client_id = "c";
    connect.clean_start = false;
    connect.properties.session_expiry_s = 100;
    connect.properties.Mark(kSessionExpiry);
    connect.will.emplace();
    connect.will->topic = "gone";
    connect.will->payload = "gone";
    connect.will->properties.will_delay_s = 10;
    connect.will->properties.Mark(kWillDelay);
    {
        TestClient client(broker, Version::k5);
        client.Connect(connect);
        client.Cut();
    }
    broker.Pass(std::chrono::seconds(9));
    EXPECT_TRUE(watcher.Quiet());
    {
        TestClient client(broker, Version::k5);
        client.Connect(connect);
        broker.Pass(std::chrono::seconds(20));
        EXPECT_TRUE(watcher.Quiet());
        client.Cut();
    }
    broker.Pass(std::chrono::seconds(11));
    EXPECT_EQ(watcher.TakeAll(), std::vector<std::string>{"gone"});
}

TEST(Mqtt5, PublishesTheWillOnDisconnectWithWill) {  // 3.14.2.1
    TestBroker broker;
    TestClient watcher(broker, Version::k5);
    watcher.Connect("w");
    watcher.Subscribe("gone");
    wire::Connect connect;
    connect.version = Version::k5;
    connect.client_id = "c";
    connect.will.emplace();
    connect.will->topic = "gone";
    TestClient client(broker, Version::k5);
    client.Connect(connect);
    client.Disconnect(ReasonCode::kDisconnectWithWill);
    broker.Run();
    EXPECT_EQ(watcher.TakeAll().size(), 1u);
}

TEST(Mqtt5, RefusesToProlongASessionThatHadNoExpiry) {  // 3.14.2.2.2
    TestBroker broker;
    TestClient client(broker, Version::k5);
    client.Connect("c");
    wire::Notice notice;
    notice.properties.session_expiry_s = 5;
    notice.properties.Mark(kSessionExpiry);
    base::Bytes bytes;
    wire::AppendNotice(bytes, kDisconnect, Version::k5, notice);
    client.Send(bytes);
    EXPECT_EQ(client.Next(kDisconnect).notice.reason, ReasonCode::kProtocolError);
}

TEST(Mqtt5, KeepsProblemInformationToItselfWhenAsked) {  // 3.1.2-29
    TestBroker broker;
    TestClient client(broker, Version::k5);
    wire::Connect connect;
    connect.version = Version::k5;
    connect.client_id = "c";
    connect.properties.request_problem_information = false;
    connect.properties.Mark(kRequestProblemInformation);
    client.Connect(connect);
    client.SendPublish("secret", "x", 1, 1);
    auto ack = client.Next(kPuback).ack;
    EXPECT_EQ(ack.reason, ReasonCode::kNotAuthorized);
    EXPECT_EQ(ack.properties.present, 0u);
}

TEST(Mqtt5, AnswersAReleaseOfAnUnknownIdentifier) {  // 3.7.2.1
    TestBroker broker;
    TestClient client(broker, Version::k5);
    client.Connect("c");
    client.SendAck(kPubrel, 99);
    EXPECT_EQ(client.Next(kPubcomp).ack.reason, ReasonCode::kPacketIdentifierNotFound);
    client.SendAck(kPubrec, 98);
    EXPECT_EQ(client.Next(kPubrel).ack.reason, ReasonCode::kPacketIdentifierNotFound);
    client.SendAck(kPuback, 97);
    EXPECT_TRUE(client.Quiet());
    EXPECT_FALSE(client.closed());
}

TEST(Mqtt5, SaysThatNobodySubscribed) {
    TestBroker broker;
    TestClient client(broker, Version::k5);
    client.Connect("c");
    client.SendPublish("t", "x", 1, 1);
    EXPECT_EQ(client.Next(kPuback).ack.reason, ReasonCode::kNoMatchingSubscribers);
}

TEST(AwsProfile, AnnouncesItsLimits) {
    TestBroker broker;
    TestClient client(broker, Version::k5, Profile::Aws());
    wire::Connect connect;
    connect.version = Version::k5;
    connect.client_id = "c";
    connect.keep_alive_s = 5;
    connect.properties.session_expiry_s = UINT32_MAX;
    connect.properties.Mark(kSessionExpiry);
    auto p = client.Connect(connect).properties;
    EXPECT_EQ(p.maximum_qos, 1);
    EXPECT_EQ(p.receive_maximum, 100);
    EXPECT_EQ(p.topic_alias_maximum, 8);
    EXPECT_EQ(p.maximum_packet_size, 149504u);
    EXPECT_EQ(p.server_keep_alive_s, 30);
    EXPECT_EQ(p.session_expiry_s, 7u * 24 * 3600);
    EXPECT_EQ(client.Subscribe("a", 2).front(), ReasonCode::kGrantedQoS1);
    EXPECT_EQ(client.Subscribe("1/2/3/4/5/6/7/8/9").front(), ReasonCode::kTopicFilterInvalid);
    client.SendPublish("a", "x", 2, 1);
    EXPECT_EQ(client.Next(kDisconnect).notice.reason, ReasonCode::kQoSNotSupported);
}

TEST(AwsProfile, ClosesOnDeniedSubscribeAndPublish) {
    TestBroker broker;
    TestClient old(broker, Version::k311, Profile::Aws());
    old.Connect("c");
    old.Subscribe("secret");
    EXPECT_TRUE(old.closed());
    TestClient fresh(broker, Version::k5, Profile::Aws());
    fresh.Connect("d");
    EXPECT_EQ(fresh.Subscribe("secret").front(), ReasonCode::kNotAuthorized);
    EXPECT_FALSE(fresh.closed());
}

}  // namespace
}  // namespace wellhead::mqtt::testing
