#include "services/iot/rules_engine.h"

#include <gtest/gtest.h>

#include <map>

#include "env/run_task.h"
#include "services/iot/topic_tree.h"

namespace wellhead::services::iot {
namespace {

class Surroundings final : public sql::iot::Surroundings {
  public:
    std::string NewUuid() override { return "uuid-" + std::to_string(++count_); }
    double RandomFraction() override { return 0; }
    std::string_view account_id() const override { return "123456789012"; }
    std::optional<std::string> ThingShadow(std::string_view, std::string_view) override { return std::nullopt; }
    std::optional<int> ZoneOffset(std::string_view, base::Instant) override { return 0; }

  private:
    int count_ = 0;
};

// Remembers what it got; fails as many times as it was told to.
class Targets final : public RuleTargets {
  public:
    env::Task<std::vector<base::Result<void>>> PutToStream(std::string stream,
                                                           std::vector<StreamRecord> records) override {
        std::vector<base::Result<void>> results;
        calls.push_back(records.size());
        for (StreamRecord& record : records) {
            results.push_back(Outcome(record.data));
            if (results.back()) taken[stream].push_back(record.partition_key + "=" + record.data);
            if (record.token) tokens.push_back(record.token->token);
        }
        co_return results;
    }
    env::Task<std::vector<base::Result<void>>> PutToDelivery(std::string stream,
                                                             std::vector<DeliveryRecord> records) override {
        std::vector<base::Result<void>> results;
        for (DeliveryRecord& record : records) {
            results.push_back(Outcome(record.data));
            if (results.back()) taken[stream].push_back(record.data);
        }
        co_return results;
    }
    env::Task<base::Result<void>> PutObject(std::string bucket, std::string key, base::Bytes data) override {
        taken[bucket + "/" + key].push_back(data);
        co_return Outcome(data);
    }
    env::Task<base::Result<void>> Publish(mqtt::PublishedMessage message) override {
        taken[message.message.topic].push_back(message.message.payload);
        last_published = message;
        co_return base::Result<void>();
    }

    std::map<std::string, std::vector<std::string>> taken;
    std::vector<size_t> calls;
    std::vector<base::Bytes> tokens;
    std::string fail_on;
    base::ErrorCode code = base::ErrorCode::kNotFound;
    int failures = 1000;
    mqtt::PublishedMessage last_published;

  private:
    base::Result<void> Outcome(const base::Bytes& data) {
        if (fail_on.empty() || data.find(fail_on) == std::string::npos || failures-- <= 0) return {};
        return base::Fail(code, "refused");
    }
};

constexpr const char* kToStream = R"([{"kinesis":{"streamName":"readings","partitionKey":"${topic(2)}","roleArn":"r"}}])";

class RulesEngineTest : public testing::Test {
  protected:
    void Rule(const std::string& sql, const std::string& actions = kToStream, const std::string& error_action = "") {
        TopicRule rule;
        rule.name = "rule" + std::to_string(rules_.size());
        rule.sql = sql;
        rule.actions_json = actions;
        rule.error_action_json = error_action;
        auto compiled = CompileRule(rule);
        ASSERT_TRUE(compiled) << compiled.error().message;
        rules_.push_back(*compiled);
        engine_.SetRules(rules_);
    }
    static mqtt::PublishedMessage Message(std::string topic, std::string payload) {
        mqtt::PublishedMessage message;
        message.message.topic = std::move(topic);
        message.message.payload = std::move(payload);
        message.client_id = "client";
        return message;
    }
    std::vector<base::Result<void>> Deliver(const std::vector<mqtt::PublishedMessage>& messages) {
        return env::RunTask(engine_.Deliver(messages));
    }

    Surroundings surroundings_;
    Targets targets_;
    RulesEngine engine_{targets_, surroundings_};
    std::vector<std::shared_ptr<const CompiledRule>> rules_;
};

TEST_F(RulesEngineTest, SendsMatchingMessagesToTheirStreamInOneCall) {
    Rule("SELECT * FROM 'oilfield/+/telemetry'");
    auto results = Deliver({Message("oilfield/well-01/telemetry", "a"), Message("other", "b"),
                            Message("oilfield/well-02/telemetry", "c")});
    EXPECT_EQ(targets_.taken["readings"], (std::vector<std::string>{"well-01=a", "well-02=c"}));
    EXPECT_EQ(targets_.calls, (std::vector<size_t>{2}));
    for (const auto& result : results) EXPECT_TRUE(result);
}

TEST_F(RulesEngineTest, SplitsLargeBatchesAndKeepsTheirOrder) {
    Rule("SELECT * FROM 'a/#'", R"([{"kinesis":{"streamName":"s","partitionKey":"k"}}])");
    std::vector<mqtt::PublishedMessage> messages;
    for (int i = 0; i < 1200; ++i) messages.push_back(Message("a/b", std::to_string(i)));
    Deliver(messages);
    EXPECT_EQ(targets_.calls, (std::vector<size_t>{500, 500, 200}));
    ASSERT_EQ(targets_.taken["s"].size(), 1200u);
    EXPECT_EQ(targets_.taken["s"][777], "k=777");
}

TEST_F(RulesEngineTest, RunsEveryRuleAndActionOfATopic) {
    Rule("SELECT a FROM 't'", R"([{"firehose":{"deliveryStreamName":"lake","separator":"\n"}},
                                  {"s3":{"bucketName":"raw","key":"${topic()}/${a}.json"}}])");
    Rule("SELECT a AS b FROM '#' WHERE a > 1", R"([{"republish":{"topic":"out/${a}","qos":1}}])");
    Deliver({Message("t", R"({"a":2})")});
    EXPECT_EQ(targets_.taken["lake"], (std::vector<std::string>{"{\"a\":2}\n"}));
    EXPECT_EQ(targets_.taken["raw/t/2.json"], (std::vector<std::string>{"{\"a\":2}"}));
    EXPECT_EQ(targets_.taken["out/2"], (std::vector<std::string>{"{\"b\":2}"}));
    EXPECT_EQ(targets_.last_published.republished, 1);
}

TEST_F(RulesEngineTest, WithholdsTheAcknowledgementOfAFailedActionAlone) {
    Rule("SELECT * FROM 't'");
    targets_.fail_on = "bad";
    auto results = Deliver({Message("t", "good"), Message("t", "bad")});
    EXPECT_TRUE(results[0]);
    ASSERT_FALSE(results[1]);
    EXPECT_EQ(results[1].error().message, "refused");
}

TEST_F(RulesEngineTest, TriesAgainWhatMayPass) {
    Rule("SELECT * FROM 't'", R"([{"kinesis":{"streamName":"s","partitionKey":"k"}}])");
    targets_.fail_on = "slow";
    targets_.code = base::ErrorCode::kLimit;
    targets_.failures = 2;
    auto results = Deliver({Message("t", "slow"), Message("t", "good")});
    EXPECT_TRUE(results[0]);
    EXPECT_TRUE(results[1]);
    EXPECT_EQ(targets_.taken["s"], (std::vector<std::string>{"k=good", "k=slow"}));
}

TEST_F(RulesEngineTest, HandsAFailureToTheErrorAction) {
    Rule("SELECT * FROM 't'", kToStream, R"({"s3":{"bucketName":"errors","key":"${replace(topic(), '/', '-')}"}})");
    targets_.fail_on = "bad";
    auto results = Deliver({Message("t", "bad")});
    EXPECT_TRUE(results[0]);
    ASSERT_EQ(targets_.taken["errors/t"].size(), 1u);
    const std::string& document = targets_.taken["errors/t"][0];
    EXPECT_NE(document.find(R"("ruleName":"rule0","topic":"t")"), std::string::npos) << document;
    EXPECT_NE(document.find(R"("base64OriginalPayload":"YmFk")"), std::string::npos) << document;
    EXPECT_NE(document.find(R"("failedAction":"KinesisAction","failedResource":"readings")"), std::string::npos);
}

TEST_F(RulesEngineTest, AcknowledgesAPayloadThatNoRuleCanRead) {
    Rule("SELECT a FROM 't'");
    EXPECT_TRUE(Deliver({Message("t", "not json")})[0]);
    EXPECT_TRUE(targets_.taken.empty());
    Rule("SELECT a FROM 't'", kToStream, R"({"firehose":{"deliveryStreamName":"errors"}})");
    EXPECT_TRUE(Deliver({Message("t", "not json")})[0]);
    ASSERT_EQ(targets_.taken["errors"].size(), 1u);
    EXPECT_NE(targets_.taken["errors"][0].find("the payload is not JSON"), std::string::npos);
}

TEST_F(RulesEngineTest, RunsOneRuleByBasicIngest) {
    Rule("SELECT *, topic() AS t FROM 'never'");
    Rule("SELECT * FROM '#'");
    Deliver({Message("$aws/rules/rule0/a/well", "{}")});
    EXPECT_EQ(targets_.taken["readings"], (std::vector<std::string>{"well={\"t\":\"a/well\"}"}));
}

TEST_F(RulesEngineTest, EndsRulesThatFeedEachOther) {
    Rule("SELECT * FROM 't'", R"([{"republish":{"topic":"t"}}])");
    auto message = Message("t", "x");
    message.republished = 8;
    EXPECT_TRUE(Deliver({message})[0]);
    EXPECT_TRUE(targets_.taken.empty());
}

TEST_F(RulesEngineTest, DoesNotLoseAReadingForWantOfAPartitionKey) {
    Rule("SELECT * FROM 't'");
    Deliver({Message("t", "x")});
    EXPECT_EQ(targets_.taken["readings"], (std::vector<std::string>{"uuid-1=x"}));
}

TEST(CompileRule, RefusesActionsThatAreNotServed) {
    TopicRule rule;
    rule.name = "r";
    rule.sql = "SELECT * FROM 'a'";
    rule.actions_json = R"([{"lambda":{"functionArn":"arn"}}])";
    EXPECT_EQ(CompileRule(rule).error().message,
              "the action lambda is not served; kinesis, firehose, s3 and republish are");
    rule.actions_json = R"([{"kinesis":{"streamName":"s","partitionKey":"${foo("}}])";
    EXPECT_TRUE(CompileRule(rule).error().sql);
    rule.actions_json = "[]";
    rule.sql = "SELECT * FROM 'a/#/b'";
    EXPECT_EQ(CompileRule(rule).error().message,
              "'#' must be the whole last level of a topic filter at line 1, column 15");
}

TEST(TopicTree, MatchesAsMqttDoes) {
    TopicTree tree;
    std::vector<std::string> filters = {"a/b", "a/+", "a/#", "#", "+/b", "$aws/#", "a//c", "+"};
    for (size_t i = 0; i < filters.size(); ++i) tree.Add(filters[i], i);
    auto match = [&](std::string_view topic) {
        std::vector<size_t> found;
        tree.Match(topic, found);
        std::sort(found.begin(), found.end());
        return found;
    };
    EXPECT_EQ(match("a/b"), (std::vector<size_t>{0, 1, 2, 3, 4}));
    EXPECT_EQ(match("a"), (std::vector<size_t>{2, 3, 7}));
    EXPECT_EQ(match("a/"), (std::vector<size_t>{1, 2, 3}));
    EXPECT_EQ(match("a//c"), (std::vector<size_t>{2, 3, 6}));
    EXPECT_EQ(match("$aws/b"), (std::vector<size_t>{5}));
}

TEST_F(RulesEngineTest, GivesTheSameRecordsAndTokensWhenAMessageIsDeliveredAgain) {
    Rule("SELECT newuuid() AS id, newuuid() AS other, traceid() AS trace FROM 't'",
         R"([{"kinesis":{"streamName":"a"}},{"kinesis":{"streamName":"b","partitionKey":"${newuuid()}"}}])");
    auto message = Message("t", "{}");
    message.once = std::make_shared<const mqtt::OnceOnly>(mqtt::OnceOnly{"0123456789abcdef", std::nullopt});
    Deliver({message});
    Deliver({message});
    for (const char* stream : {"a", "b"}) {
        ASSERT_EQ(targets_.taken[stream].size(), 2u);
        EXPECT_EQ(targets_.taken[stream][0], targets_.taken[stream][1]);
    }
    ASSERT_EQ(targets_.tokens.size(), 4u);
    EXPECT_EQ(targets_.tokens[0], targets_.tokens[2]);
    EXPECT_EQ(targets_.tokens[1], targets_.tokens[3]);
    EXPECT_NE(targets_.tokens[0], targets_.tokens[1]);
    EXPECT_EQ(targets_.tokens[0].size(), 24u);
    Deliver({Message("t", "{}")});
    EXPECT_NE(targets_.taken["a"][2], targets_.taken["a"][0]);
    EXPECT_EQ(targets_.tokens.size(), 4u);
}

}  // namespace
}  // namespace wellhead::services::iot
