// The broker by the normative statements that MQTT 5.0 has alone, and by the limits of AWS IoT.

#include "mqtt/test_broker.h"

namespace wellhead::mqtt::testing {
namespace {

using wire::ReasonCode;
using enum wire::PacketType;
using enum wire::PropertyId;
using wire::Version;

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
