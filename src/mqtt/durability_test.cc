// What an acknowledgement promises (D1, D3), across a process that ends at any moment.

#include "mqtt/journal_format.h"
#include "mqtt/test_broker.h"

namespace wellhead::mqtt::testing {
namespace {

using wire::ReasonCode;
using wire::Version;
using enum wire::PacketType;

// The disk as it is right now; the process that wrote it might end here.
std::unique_ptr<TestLogs> Crash(const TestLogs& logs) {
    auto copy = std::make_unique<TestLogs>();
    copy->log->records = logs.log->records;
    copy->log->first = logs.log->first;
    return copy;
}

void MakeOfflineSession(TestBroker& broker, uint8_t qos, std::string_view filter = "t") {
    TestClient client(broker, Version::k5);
    client.Connect("s", false, 1'000'000);
    client.Subscribe(filter, qos);
    client.Disconnect();
}

std::vector<std::string> TakeFromSession(TestLogs& logs) {
    TestBroker broker({}, nullptr, &logs);
    TestClient client(broker, Version::k5);
    EXPECT_TRUE(client.Connect("s", false, 1'000'000).session_present);
    return client.TakeAll();
}

TEST(Durability, AcknowledgesOnlyWhatIsOnDisk) {  // D1
    TestLogs logs;
    TestBroker broker({}, nullptr, &logs);
    MakeOfflineSession(broker, 1);
    TestClient publisher(broker, Version::k5);
    publisher.Connect("p");
    logs.log->gate.Close();
    publisher.SendPublish("t", "x", 1, 1);
    publisher.SendPublish("elsewhere", "x", 1, 2);  // no durable receiver, but answers keep their order
    EXPECT_TRUE(publisher.Quiet());
    publisher.Send(base::ByteView("\xc0\0", 2));
    publisher.Next(kPingresp);  // is not held up
    EXPECT_TRUE(publisher.Quiet());
    auto crashed = Crash(logs);
    logs.log->gate.Open();
    publisher.Pump();
    EXPECT_EQ(publisher.Next(kPuback).ack.packet_id, 1);
    EXPECT_EQ(publisher.Next(kPuback).ack.packet_id, 2);
    EXPECT_EQ(TakeFromSession(*crashed).size(), 0u);
    auto after = Crash(logs);
    EXPECT_EQ(TakeFromSession(*after), std::vector<std::string>{"x"});
}

TEST(Durability, AcknowledgesAtOnceWhenNothingHasToLast) {
    TestLogs logs;
    TestBroker broker({}, nullptr, &logs);
    TestClient publisher(broker, Version::k5);
    publisher.Connect("p");
    logs.log->gate.Close();
    publisher.SendPublish("t", "x", 1, 1);
    publisher.Next(kPuback);
    logs.log->gate.Open();
}

TEST(Durability, Keeps20000MessagesOfAnOfflineSession) {  // F10
    TestLogs logs;
    TestBroker broker({}, nullptr, &logs);
    MakeOfflineSession(broker, 1);
    TestClient publisher(broker, Version::k311);
    publisher.Connect("p");
    int acknowledged = 0;
    for (int i = 0; i < 20'000; i += 100) {
        base::Bytes bytes;
        for (int k = 0; k < 100; ++k) {
            wire::Publish publish;
            std::string payload = std::to_string(i + k);
            publish.topic = "t";
            publish.payload = payload;
            publish.qos = 1;
            publish.packet_id = static_cast<uint16_t>(k + 1);
            wire::AppendPublish(bytes, Version::k311, publish);
        }
        publisher.Send(bytes);
        while (!publisher.Quiet()) acknowledged += publisher.Next().type == kPuback ? 1 : 0;
    }
    EXPECT_EQ(acknowledged, 20'000);
    auto crashed = Crash(logs);
    auto taken = TakeFromSession(*crashed);
    ASSERT_EQ(taken.size(), 20'000u);
    for (int i = 0; i < 20'000; ++i) ASSERT_EQ(taken[static_cast<size_t>(i)], std::to_string(i));
    EXPECT_EQ(TakeFromSession(*crashed).size(), 0u);
}

TEST(Durability, KeepsSubscriptionsRetainedMessagesAndWills) {
    TestLogs logs;
    TestBroker broker({}, nullptr, &logs);
    {
        TestClient client(broker, Version::k5);
        client.Connect("s", false, 1000);
        client.Subscribe("a/#", 1, 5);
        client.Subscribe("b", 1);
        client.Unsubscribe("b");
        client.SendPublish("kept", "old", 1, 1, true);
        client.SendPublish("kept", "new", 1, 2, true);
        client.SendPublish("cleared", "x", 1, 3, true);
        client.SendPublish("cleared", "", 1, 4, true);
        client.Cut();
    }
    TestClient willing(broker, Version::k5);
    wire::Connect connect;
    connect.version = Version::k5;
    connect.client_id = "w";
    connect.will.emplace();
    connect.will->topic = "a/will";
    connect.will->payload = "w is gone";
    connect.will->qos = 1;
    willing.Connect(connect);
    auto crashed = Crash(logs);
    TestBroker again({}, nullptr, crashed.get());
    again.Pass(std::chrono::seconds(1));
    TestClient client(again, Version::k5);
    EXPECT_TRUE(client.Connect("s", false, 1000).session_present);
    EXPECT_EQ(client.TakeAll(), std::vector<std::string>{"w is gone"});
    client.SendPublish("b", "not any more", 0);
    EXPECT_TRUE(client.Quiet());
    client.SendPublish("a/x", "here", 1, 1);
    client.Next(kPuback);
    auto here = client.Next(kPublish);
    EXPECT_EQ(here.publish.properties.subscription_ids, std::vector<uint32_t>{5});
    client.SendAck(kPuback, here.publish.packet_id);
    client.Subscribe("kept", 0);
    client.Subscribe("cleared", 0);
    EXPECT_EQ(client.TakeAll(), std::vector<std::string>{"new"});
    EXPECT_EQ(again.broker->Figures().sessions, 1u);
}

TEST(Durability, EndsExpiredSessionsAfterARestart) {
    TestLogs logs;
    TestBroker broker({}, nullptr, &logs);
    {
        TestClient client(broker, Version::k5);
        client.Connect("s", false, 10);
        client.Disconnect();
    }
    auto crashed = Crash(logs);
    TestBroker again({}, nullptr, crashed.get());
    EXPECT_EQ(again.broker->Figures().sessions, 1u);
    again.Pass(std::chrono::seconds(11));
    EXPECT_EQ(again.broker->Figures().sessions, 0u);
    auto later = Crash(*crashed);
    TestBroker third({}, nullptr, later.get());
    EXPECT_EQ(third.broker->Figures().sessions, 0u);
}

// F9 for a QoS 2 from the client: the process ends (and the connection with it) after every packet.
TEST(Durability, TakesAnInboundQoS2ExactlyOnceWhereverItIsCut) {
    for (int cut_after = 0; cut_after <= 4; ++cut_after) {
        for (bool crash : {false, true}) {
            auto logs = std::make_unique<TestLogs>();
            auto broker = std::make_unique<TestBroker>(BrokerSettings{}, nullptr, logs.get());
            MakeOfflineSession(*broker, 2);
            auto client = std::make_unique<TestClient>(*broker, Version::k5);
            client->Connect("p", false, 1000);
            bool received = false;
            if (cut_after >= 1) client->SendPublish("t", "x", 2, 5);
            if (cut_after >= 2) {
                client->Next(kPubrec);
                received = true;
            }
            if (cut_after >= 3) client->SendAck(kPubrel, 5);
            if (cut_after >= 4) client->Next(kPubcomp);
            std::unique_ptr<TestLogs> crashed;
            if (crash) {
                crashed = Crash(*logs);
                client.reset();
                broker.reset();
                broker = std::make_unique<TestBroker>(BrokerSettings{}, nullptr, crashed.get());
            }
            client = std::make_unique<TestClient>(*broker, Version::k5);
            EXPECT_TRUE(client->Connect("p", false, 1000).session_present);
            if (cut_after < 4) {
                if (!received) {
                    client->SendPublish("t", "x", 2, 5, false, cut_after >= 1);
                    client->Next(kPubrec);
                }
                client->SendAck(kPubrel, 5);
                client->Next(kPubcomp);
            }
            client->SendPublish("t", "y", 2, 5);  // the identifier is free again
            client->Next(kPubrec);
            client->SendAck(kPubrel, 5);
            client->Next(kPubcomp);
            {
                TestClient subscriber(*broker, Version::k5);
                subscriber.Connect("s", false, 1'000'000);
                EXPECT_EQ(subscriber.TakeAll(), (std::vector<std::string>{"x", "y"})) << cut_after << crash;
            }
            client.reset();
            broker.reset();
        }
    }
}

// F9 for messages to the client. The client keeps what MQTT asks a receiver to keep.
TEST(Durability, DeliversOutboundQoS2ExactlyOnceAndQoS1AtLeastOnceWhereverItIsCut) {
    for (uint8_t qos : {1, 2}) {
        for (int cut_after = 0; cut_after <= 4; ++cut_after) {
            for (bool crash : {false, true}) {
                auto logs = std::make_unique<TestLogs>();
                auto broker = std::make_unique<TestBroker>(BrokerSettings{}, nullptr, logs.get());
                MakeOfflineSession(*broker, qos);
                {
                    TestClient publisher(*broker, Version::k5);
                    publisher.Connect("p");
                    publisher.SendPublish("t", "x", 1, 1);
                    publisher.SendPublish("t", "y", 2, 2);
                    publisher.SendAck(kPubrel, 2);
                }
                std::map<uint16_t, bool> seen;  // QoS 2 identifiers received and not released
                std::vector<std::string> taken;
                auto work = [&](TestClient& client, int steps) {
                    client.Connect("s", false, 1'000'000);
                    while (steps-- > 0 && !client.Quiet()) {
                        auto packet = client.Next();
                        if (packet.type == kPublish && packet.publish.qos == 1) {
                            taken.emplace_back(packet.publish.payload);
                            client.SendAck(kPuback, packet.publish.packet_id);
                        } else if (packet.type == kPublish) {
                            if (!seen[packet.publish.packet_id]) taken.emplace_back(packet.publish.payload);
                            seen[packet.publish.packet_id] = true;
                            client.SendAck(kPubrec, packet.publish.packet_id);
                        } else {
                            EXPECT_EQ(packet.type, kPubrel);
                            seen[packet.ack.packet_id] = false;
                            client.SendAck(kPubcomp, packet.ack.packet_id);
                        }
                    }
                };
                auto client = std::make_unique<TestClient>(*broker, Version::k5);
                work(*client, cut_after);
                std::unique_ptr<TestLogs> crashed;
                if (crash) {
                    crashed = Crash(*logs);
                    client.reset();
                    broker.reset();
                    broker = std::make_unique<TestBroker>(BrokerSettings{}, nullptr, crashed.get());
                }
                client = std::make_unique<TestClient>(*broker, Version::k5);
                work(*client, 100);
                if (qos == 2) {
                    std::sort(taken.begin(), taken.end());
                    EXPECT_EQ(std::count(taken.begin(), taken.end(), "y"), 1) << cut_after << crash;
                    EXPECT_GE(std::count(taken.begin(), taken.end(), "x"), 1) << cut_after << crash;
                } else {
                    for (const char* payload : {"x", "y"}) {
                        EXPECT_GE(std::count(taken.begin(), taken.end(), payload), 1) << cut_after << crash;
                    }
                }
                client.reset();
                EXPECT_EQ(broker->broker->Figures().queued_bytes, 0u);
                broker.reset();
            }
        }
    }
}

TEST(Durability, SaysNothingOnceTheJournalIsBroken) {  // F5
    TestLogs logs;
    TestBroker broker({}, nullptr, &logs);
    MakeOfflineSession(broker, 1);
    TestClient publisher(broker, Version::k5);
    publisher.Connect("p");
    logs.log->broken = true;
    publisher.SendPublish("t", "x", 1, 1);
    EXPECT_EQ(publisher.Next().type, kDisconnect);
    EXPECT_TRUE(publisher.closed());
}

TEST(Durability, ForgetsNothingAtACheckpoint) {
    TestLogs logs;
    TestBroker broker({}, nullptr, &logs);
    MakeOfflineSession(broker, 2);
    TestClient publisher(broker, Version::k5);
    publisher.Connect("p", false, 1000);
    for (uint16_t i = 1; i <= 10; ++i) publisher.SendPublish("t", std::to_string(i), 1 + i % 2, i, i == 10);
    {
        // Some are in flight, one of them half-way.
        TestClient client(broker, Version::k5);
        client.Connect("s", false, 1'000'000);
        while (!client.Quiet()) {
            auto packet = client.Next();
            if (packet.type == kPublish && packet.publish.payload == "1") client.SendAck(kPubrec, packet.publish.packet_id);
            if (packet.type == kPublish && packet.publish.payload == "2") client.SendAck(kPuback, packet.publish.packet_id);
        }
        client.Cut();
    }
    const auto before = logs.log->records.size();
    EXPECT_TRUE(broker.Await(broker.broker->Checkpoint()));
    EXPECT_LT(logs.log->records.size(), before);
    EXPECT_GT(logs.log->first, 0u);
    publisher.SendPublish("t", "11", 1, 20);
    auto crashed = Crash(logs);
    TestBroker again({}, nullptr, crashed.get());
    TestClient client(again, Version::k5);
    EXPECT_TRUE(client.Connect("s", false, 1'000'000).session_present);
    auto taken = client.TakeAll();
    std::sort(taken.begin(), taken.end());
    EXPECT_EQ(taken, (std::vector<std::string>{"10", "11", "3", "4", "5", "6", "7", "8", "9"}));
    client.Subscribe("t", 0);
    EXPECT_EQ(client.TakeAll(), std::vector<std::string>{"10"});
    // The publisher's open QoS 2 identifiers are remembered.
    TestClient resumed(again, Version::k5);
    EXPECT_TRUE(resumed.Connect("p", false, 1000).session_present);
    resumed.SendAck(kPubrel, 3);
    EXPECT_EQ(resumed.Next(kPubcomp).ack.reason, ReasonCode::kSuccess);
}

TEST(Durability, PassesOverADamagedRecord) {  // D5
    TestLogs logs;
    TestBroker broker({}, nullptr, &logs);
    MakeOfflineSession(broker, 1);
    TestClient publisher(broker, Version::k5);
    publisher.Connect("p");
    publisher.SendPublish("t", "x", 1, 1);
    publisher.SendPublish("t", "y", 1, 2);
    auto crashed = Crash(logs);
    auto& records = crashed->log->records;
    records[records.size() - 2].data = "\x07garbage";
    EXPECT_EQ(TakeFromSession(*crashed), std::vector<std::string>{"y"});
}

TEST(Durability, DecodesWhatItEncodesAndRefusesTheRest) {
    JournalOp op;
    op.type = JournalOpType::kEnqueued;
    op.message = 1'000'000'000'000;
    op.targets = {{7, 5, {1, 2}}, {8, 1, {}}};
    base::Bytes bytes;
    AppendJournalOp(bytes, op);
    JournalReader reader(bytes);
    auto read = reader.Next();
    ASSERT_TRUE(read);
    EXPECT_EQ(read->message, op.message);
    ASSERT_EQ(read->targets.size(), 2u);
    EXPECT_EQ(read->targets[0].ids, op.targets[0].ids);
    EXPECT_TRUE(reader.done());
    for (size_t cut = 0; cut < bytes.size(); ++cut) {
        JournalReader torn(base::ByteView(bytes).substr(0, cut));
        if (cut > 0) {
            EXPECT_FALSE(torn.Next());
        }
    }
}

// --- topic rules behind the broker ---

TEST(Sink, TakesAllMessagesOfAReadAtOnceAndIsAwaited) {
    TestSink sink;
    TestBroker broker({}, &sink);
    TestClient publisher(broker, Version::k5);
    publisher.Connect("p");
    sink.gate.Close();
    base::Bytes bytes;
    for (uint16_t id = 1; id <= 50; ++id) {
        wire::Publish publish;
        publish.topic = "t";
        publish.qos = id % 3 == 0 ? 0 : 1;
        publish.packet_id = publish.qos > 0 ? id : uint16_t{0};
        wire::AppendPublish(bytes, Version::k5, publish);
    }
    publisher.Send(bytes);
    EXPECT_TRUE(publisher.Quiet());
    EXPECT_EQ(sink.deliveries, 1u);
    sink.gate.Open();
    publisher.Pump();
    for (uint16_t id = 1; id <= 50; ++id) {
        if (id % 3 != 0) {
            EXPECT_EQ(publisher.Next(kPuback).ack.packet_id, id);
        }
    }
    EXPECT_EQ(sink.taken.size(), 50u);
    EXPECT_EQ(sink.taken[0].client_id, "p");
    EXPECT_EQ(sink.taken[0].principal, "principal-of-p");
}

TEST(Sink, IsAnsweredWithAReasonOrByClosing) {
    TestSink sink;
    TestBroker broker({}, &sink);
    TestClient fresh(broker, Version::k5);
    fresh.Connect("5");
    fresh.SendPublish("refuse", "x", 1, 1);
    EXPECT_EQ(fresh.Next(kPuback).ack.reason, ReasonCode::kUnspecifiedError);
    fresh.SendPublish("refuse", "x", 2, 2);
    EXPECT_EQ(fresh.Next(kPubrec).ack.reason, ReasonCode::kUnspecifiedError);
    fresh.SendPublish("fine", "x", 2, 2);  // the identifier is free
    EXPECT_EQ(fresh.Next(kPubrec).ack.reason, ReasonCode::kSuccess);
    TestClient old(broker, Version::k311);
    old.Connect("3");
    old.SendPublish("refuse", "x", 1, 1);
    EXPECT_TRUE(old.closed());
}

TEST(Sink, GetsAQoS2OnceAlthoughItIsSentAgainMeanwhile) {
    TestSink sink;
    TestBroker broker({}, &sink);
    TestClient subscriber(broker, Version::k5);
    subscriber.Connect("s");
    subscriber.Subscribe("t");
    TestClient first(broker, Version::k5);
    first.Connect("p", false, 1000);
    sink.gate.Close();
    first.SendPublish("t", "x", 2, 1);
    first.Cut();
    TestClient second(broker, Version::k5);
    EXPECT_TRUE(second.Connect("p", false, 1000).session_present);
    second.SendPublish("t", "x", 2, 1, false, true);
    EXPECT_TRUE(second.Quiet());
    sink.gate.Open();
    second.Pump();
    EXPECT_EQ(second.Next(kPubrec).ack.packet_id, 1);
    EXPECT_EQ(sink.taken.size(), 1u);
    EXPECT_EQ(subscriber.TakeAll().size(), 1u);
}

TEST(Sink, KeepsReservedTopicsFromSubscribers) {
    TestSink sink;
    TestBroker broker({}, &sink);
    TestClient client(broker, Version::k5);
    client.Connect("c");
    client.Subscribe("$aws/#");
    client.SendPublish("$aws/rules/r/t", "x", 1, 1);
    client.Next(kPuback);
    EXPECT_TRUE(client.Quiet());
    EXPECT_EQ(sink.taken.size(), 1u);
}

TEST(Sink, GetsWhatIsPublishedFromInside) {
    TestSink sink;
    TestBroker broker({}, &sink);
    TestClient client(broker, Version::k5);
    client.Connect("c");
    client.Subscribe("t", 1);
    PublishedMessage message;
    message.message.topic = "t";
    message.message.payload = "from inside";
    message.message.qos = QoS::kAtLeastOnce;
    message.message.retain = true;
    message.message.content_type = "text/plain";
    EXPECT_TRUE(broker.Await(broker.broker->Publish(message)));
    EXPECT_EQ(sink.taken.size(), 1u);
    auto packet = client.Next(kPublish);
    EXPECT_EQ(packet.publish.payload, "from inside");
    EXPECT_EQ(packet.publish.properties.content_type, "text/plain");
    auto retained = broker.Await(broker.broker->RetainedMessages());
    ASSERT_TRUE(retained);
    ASSERT_EQ(retained->size(), 1u);
    EXPECT_EQ(retained->front().content_type, "text/plain");
    broker.broker->DisconnectPrincipal("principal-of-c", "revoked");
    client.Pump();
    EXPECT_EQ(client.Next(kDisconnect).notice.reason, ReasonCode::kAdministrativeAction);
}

}  // namespace
}  // namespace wellhead::mqtt::testing
