// Inbound QoS 2 and the sink across a kill: docs/exactly_once.md.

#include "mqtt/test_broker.h"

namespace wellhead::mqtt::testing {
namespace {

using wire::ReasonCode;
using wire::Version;
using enum wire::PacketType;

TEST(ExactlyOnce, IsJournaledBeforeTheSinkSeesIt) {
    TestSink sink;
    TestLogs logs;
    TestBroker broker({}, &sink, &logs);
    TestClient publisher(broker, Version::k5);
    publisher.Connect("p", false, 1000);
    logs.log->gate.Close();
    publisher.SendPublish("t", "x", 2, 1);
    EXPECT_EQ(sink.taken.size(), 0u);
    EXPECT_TRUE(publisher.Quiet());
    logs.log->gate.Open();
    publisher.Pump();
    ASSERT_EQ(sink.taken.size(), 1u);
    ASSERT_TRUE(sink.taken[0].once);
    EXPECT_EQ(sink.taken[0].once->token.size(), 16u);
    EXPECT_FALSE(sink.taken[0].once->done_since);
    EXPECT_EQ(publisher.Next(kPubrec).ack.packet_id, 1);
    // Others go the short way.
    publisher.SendPublish("t", "y", 1, 2);
    publisher.Next(kPuback);
    EXPECT_FALSE(sink.taken[1].once);
    TestClient fleeting(broker, Version::k5);
    fleeting.Connect("f");
    fleeting.SendPublish("t", "z", 2, 1);
    fleeting.Next(kPubrec);
    EXPECT_FALSE(sink.taken[2].once);
}

// The journal as it was after each of its records; in each the message is finished once, with the same token.
TEST(ExactlyOnce, IsFinishedAfterAKillAtEveryPoint) {
    TestLogs logs;
    base::Bytes token;
    size_t before = 0;
    {
        TestSink sink;
        TestBroker broker({}, &sink, &logs);
        TestClient subscriber(broker, Version::k5);
        subscriber.Connect("s", false, 1000);
        subscriber.Subscribe("t", 1);
        subscriber.Disconnect();
        TestClient publisher(broker, Version::k5);
        publisher.Connect("p", false, 1000);
        before = logs.log->records.size();
        wire::Publish publish;
        publish.topic = "t";
        publish.payload = "x";
        publish.qos = 2;
        publish.packet_id = 7;
        publish.properties.user_properties = {{"a", "1"}, {"a", "2"}};
        publish.properties.Mark(wire::PropertyId::kUserProperty);
        publisher.Send(publish);
        publisher.Next(kPubrec);
        token = sink.taken.at(0).once->token;
    }
    ASSERT_GE(logs.log->records.size(), before + 2);
    for (size_t kept = before; kept <= before + 2; ++kept) {
        TestLogs crashed;
        for (size_t i = 0; i < kept; ++i) crashed.log->records.push_back(logs.log->records[i]);
        TestSink sink;
        TestBroker broker({}, &sink, &crashed);
        const size_t finished = broker.Await(broker.broker->FinishDeliveries());
        EXPECT_EQ(finished, kept == before + 1 ? 1u : 0u) << kept;
        if (finished == 1) {
            ASSERT_EQ(sink.taken.size(), 1u);
            EXPECT_EQ(sink.taken[0].once->token, token);
            EXPECT_TRUE(sink.taken[0].once->done_since);
            EXPECT_EQ(sink.taken[0].client_id, "p");
            EXPECT_EQ(sink.taken[0].message.payload, "x");
            EXPECT_EQ(sink.taken[0].message.user_properties.size(), 2u);
        }
        TestClient publisher(broker, Version::k5);
        EXPECT_TRUE(publisher.Connect("p", false, 1000).session_present);
        publisher.SendPublish("t", "x", 2, 7, false, true);
        EXPECT_EQ(publisher.Next(kPubrec).ack.reason, ReasonCode::kSuccess);
        EXPECT_EQ(sink.taken.size(), kept == before + 2 ? 0u : 1u) << kept;
        publisher.SendAck(kPubrel, 7);
        EXPECT_EQ(publisher.Next(kPubcomp).ack.reason, ReasonCode::kSuccess);
        TestClient subscriber(broker, Version::k5);
        subscriber.Connect("s", false, 1000);
        EXPECT_EQ(subscriber.TakeAll(), std::vector<std::string>{"x"}) << kept;
    }
}

TEST(ExactlyOnce, IsAnsweredWhenTheClientIsBackBeforeItIsFinished) {
    TestLogs logs;
    {
        TestSink sink;
        TestBroker broker({}, &sink, &logs);
        TestClient publisher(broker, Version::k5);
        publisher.Connect("p", false, 1000);
        sink.gate.Close();
        publisher.SendPublish("t", "x", 2, 1);
        EXPECT_TRUE(publisher.Quiet());
        TestLogs crashed;
        for (const auto& record : logs.log->records) crashed.log->records.push_back(record);
        std::swap(logs.log, crashed.log);
        sink.gate.Open();
        publisher.Pump();
    }
    TestSink sink;
    TestBroker broker({}, &sink, &logs);
    TestClient publisher(broker, Version::k5);
    publisher.Connect("p", false, 1000);
    publisher.SendPublish("t", "x", 2, 1, false, true);
    EXPECT_TRUE(publisher.Quiet());
    EXPECT_EQ(broker.Await(broker.broker->FinishDeliveries()), 1u);
    publisher.Pump();
    EXPECT_EQ(publisher.Next(kPubrec).ack.packet_id, 1);
    EXPECT_EQ(sink.taken.size(), 1u);
}

TEST(ExactlyOnce, IsFreeAgainWhenItCannotBeFinished) {
    TestLogs logs;
    {
        TestSink sink;
        TestBroker broker({}, &sink, &logs);
        TestClient publisher(broker, Version::k5);
        publisher.Connect("p", false, 1000);
        publisher.SendPublish("refuse", "x", 2, 1);
        EXPECT_EQ(publisher.Next(kPubrec).ack.reason, ReasonCode::kUnspecifiedError);
    }
    TestSink sink;
    TestBroker broker({}, &sink, &logs);
    EXPECT_EQ(broker.Await(broker.broker->FinishDeliveries()), 0u);
}

TEST(ExactlyOnce, SurvivesACheckpoint) {
    TestLogs logs;
    TestLogs crashed;
    {
        TestSink sink;
        TestBroker broker({}, &sink, &logs);
        TestClient publisher(broker, Version::k5);
        publisher.Connect("p", false, 1000);
        sink.gate.Close();
        publisher.SendPublish("t", "x", 2, 1);
        EXPECT_TRUE(broker.Await(broker.broker->Checkpoint()));
        for (const auto& record : logs.log->records) crashed.log->records.push_back(record);
        crashed.log->first = logs.log->first;
        sink.gate.Open();
        publisher.Pump();
    }
    TestSink sink;
    TestBroker broker({}, &sink, &crashed);
    EXPECT_EQ(broker.Await(broker.broker->FinishDeliveries()), 1u);
    EXPECT_EQ(sink.taken.size(), 1u);
}

}  // namespace
}  // namespace wellhead::mqtt::testing
