// The parts of the broker that are tables and structures.

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <set>

#include "mqtt/fifo.h"
#include "mqtt/legal_packets.h"
#include "mqtt/retained.h"
#include "mqtt/session.h"
#include "mqtt/subscription_tree.h"
#include "mqtt/topic.h"

namespace wellhead::mqtt {
namespace {

using codec::mqtt::PacketType;

TEST(LegalPackets, AreExactlyTheseInEveryPhase) {  // 3.1.0-1, 3.1.0-2, CVE-2021-28166, CVE-2021-34432
    const std::set<int> from_connected_client = {3, 4, 5, 6, 7, 8, 10, 12, 14};
    for (int type = 1; type <= 15; ++type) {
        auto packet = static_cast<PacketType>(type);
        EXPECT_EQ(FromClient(Phase::kAwaitConnect, packet), type == 1 ? Legality::kLegal : Legality::kIllegal);
        EXPECT_EQ(FromClient(Phase::kAuthorizing, packet), Legality::kLater);
        EXPECT_EQ(FromClient(Phase::kFinished, packet), Legality::kLater);
        EXPECT_EQ(FromClient(Phase::kConnected, packet),
                  from_connected_client.contains(type) ? Legality::kLegal : Legality::kIllegal)
            << type;
    }
}

TEST(Topics, AreMatchedByFilters) {  // 4.7.1-1 .. 4.7.3
    EXPECT_TRUE(FilterMatches("a/b", "a/b"));
    EXPECT_FALSE(FilterMatches("a/b", "A/b"));
    EXPECT_TRUE(FilterMatches("a/#", "a"));
    EXPECT_TRUE(FilterMatches("a/#", "a/b/c"));
    EXPECT_TRUE(FilterMatches("#", "a/b"));
    EXPECT_TRUE(FilterMatches("+", "a"));
    EXPECT_FALSE(FilterMatches("+", "/a"));
    EXPECT_TRUE(FilterMatches("/+", "/a"));
    EXPECT_TRUE(FilterMatches("+/+", "/a"));
    EXPECT_TRUE(FilterMatches("a/+/c", "a//c"));
    EXPECT_FALSE(FilterMatches("a/+", "a"));
    EXPECT_FALSE(FilterMatches("a/+", "a/b/c"));
    EXPECT_TRUE(FilterMatches("a/+/#", "a/b"));
    EXPECT_FALSE(FilterMatches("#", "$SYS/x"));
    EXPECT_FALSE(FilterMatches("+/x", "$SYS/x"));
    EXPECT_TRUE(FilterMatches("$SYS/#", "$SYS/x"));
}

TEST(Topics, AreCheckedForWildcards) {
    EXPECT_TRUE(IsTopicFilter("#") && IsTopicFilter("a/+/b/#") && IsTopicFilter("/") && IsTopicFilter(" "));
    for (const char* bad : {"", "a#", "a/#/b", "a+", "+a/b", "##"}) EXPECT_FALSE(IsTopicFilter(bad)) << bad;
    EXPECT_TRUE(IsTopicName("/") && !IsTopicName("a/+") && !IsTopicName("#") && !IsTopicName(""));
    EXPECT_FALSE(ParseShared("$share/g/"));
    EXPECT_TRUE(ParseShared("$share/g//"));
}

TEST(SubscriptionTree, FindsWhatComparingEveryFilterFinds) {
    std::mt19937 random(3);
    const char* levels[] = {"a", "b", "", "+", "#", "$x"};
    std::atomic<size_t> total{0};
    std::vector<std::unique_ptr<Session>> sessions;
    for (uint64_t i = 0; i < 8; ++i) sessions.push_back(std::make_unique<Session>("s", i, total));
    SubscriptionTree tree;
    std::set<std::pair<std::string, Session*>> all;
    auto random_topic = [&](bool filter) {
        std::string topic;
        const unsigned depth = 1 + random() % 4;
        for (unsigned i = 0; i < depth; ++i) {
            unsigned pick = random() % (filter ? 5 : 3);
            if (i == 0 && random() % 5 == 0) pick = 5;
            if (i > 0) topic += '/';
            topic += levels[pick];
            if (pick == 4) break;
        }
        return topic;
    };
    for (int round = 0; round < 20'000; ++round) {
        Session* session = sessions[random() % sessions.size()].get();
        std::string filter = random_topic(true);
        if (IsTopicFilter(filter)) {
            if (random() % 2 == 0) {
                EXPECT_EQ(tree.Add(filter, session, {1, false, false, 0}), all.emplace(filter, session).second);
            } else {
                EXPECT_EQ(tree.Remove(filter, session), all.erase({filter, session}) == 1);
            }
        }
        std::string topic = random_topic(false);
        std::set<Session*> expected;
        for (const auto& [each, owner] : all) {
            if (FilterMatches(each, topic)) expected.insert(owner);
        }
        Matches matches;
        tree.Find(topic, matches);
        std::set<Session*> found;
        for (const auto& match : matches.sessions) EXPECT_TRUE(found.insert(match.session).second);
        ASSERT_EQ(found, expected) << topic;
    }
}

TEST(RetainedStore, FindsWhatComparingEveryTopicFinds) {
    RetainedStore store;
    std::vector<std::string> topics = {"a", "a/b", "a/b/c", "ab", "b", "/", "/a", "$x/a", "a/"};
    for (const auto& topic : topics) {
        auto message = std::make_shared<StoredMessage>();
        message->topic = topic;
        EXPECT_TRUE(store.Set({message, 0}, 100, 1 << 20));
    }
    for (const char* filter : {"#", "a/#", "a", "a/+", "+", "+/+", "a/b/#", "$x/#", "/#", "x", "+/b/c"}) {
        std::set<std::string> expected, found;
        for (const auto& topic : topics) {
            if (FilterMatches(filter, topic)) expected.insert(topic);
        }
        for (const auto& retained : store.Find(filter, {})) found.insert(retained.message->topic);
        EXPECT_EQ(found, expected) << filter;
    }
    auto extra = std::make_shared<StoredMessage>();
    extra->topic = "one more";
    EXPECT_FALSE(store.Set({extra, 0}, topics.size(), 1 << 20));
    EXPECT_FALSE(store.Set({extra, 0}, 100, 10));
}

TEST(RetainedStore, LetsGoOfWhatExpired) {
    RetainedStore store;
    const base::Instant start = base::FromUnixMs(1'000'000);
    for (int i = 0; i < 100; ++i) {
        auto message = std::make_shared<StoredMessage>();
        message->topic = "t/" + std::to_string(i);
        if (i % 2 == 0) message->expires = start + std::chrono::seconds(i);
        ASSERT_TRUE(store.Set({message, 1}, 100, SIZE_MAX));
    }
    for (int step = 0; step < 20; ++step) store.Sweep(start + std::chrono::seconds(50), 7);
    EXPECT_EQ(store.size(), 74u);
    for (int step = 0; step < 20; ++step) store.Sweep(start + std::chrono::hours(1), 7);
    EXPECT_EQ(store.size(), 50u);
    EXPECT_EQ(store.Find("#", start + std::chrono::hours(1)).size(), 50u);
}

TEST(Session, GivesEachPacketIdentifierOnceUntilItIsFree) {  // 2.2.1-4
    std::atomic<size_t> total{0};
    Session session("s", 1, total);
    auto message = std::make_shared<StoredMessage>();
    for (int i = 0; i < 65535; ++i) {
        InFlight flight;
        flight.packet_id = session.NextPacketId();
        ASSERT_EQ(flight.packet_id, i + 1);
        flight.queued.message = message;
        session.Account(*message);
        session.in_flight.push_back(std::move(flight));
    }
    EXPECT_EQ(session.NextPacketId(), 0);
    session.FinishInFlight(session.FindInFlight(2));
    EXPECT_EQ(session.NextPacketId(), 0);  // the oldest is still out: the circle is closed
    session.FinishInFlight(session.FindInFlight(1));
    EXPECT_EQ(session.NextPacketId(), 1);
}

TEST(Fifo, BehavesAsADeque) {
    std::mt19937 random(5);
    Fifo<std::unique_ptr<int>> fifo;
    std::deque<int> model;
    for (int i = 0; i < 50'000; ++i) {
        switch (random() % 5) {
            case 0:
            case 1:
                fifo.push_back(std::make_unique<int>(i));
                model.push_back(i);
                break;
            case 2:
            case 3:
                if (model.empty()) break;
                ASSERT_EQ(*fifo.front(), model.front());
                fifo.pop_front();
                model.pop_front();
                break;
            default:
                if (model.empty()) break;
                size_t at = random() % model.size();
                ASSERT_EQ(*fifo[at], model[at]);
                fifo.erase(at);
                model.erase(model.begin() + static_cast<std::ptrdiff_t>(at));
        }
        ASSERT_EQ(fifo.size(), model.size());
    }
}

}  // namespace
}  // namespace wellhead::mqtt
