#include "services/iot/shadow_service.h"

#include <gtest/gtest.h>

#include "env/run_task.h"
#include "storage/table/memory/memory_table.h"

namespace wellhead::services::iot {
namespace {

class FixedClock final : public env::Clock {
  public:
    base::Instant Now() override { return base::FromUnixMs(1'800'000'000'000); }
    base::Tick Ticks() override { return base::Tick(); }
};

class Broker final : public mqtt::BrokerControl {
  public:
    env::Task<base::Result<void>> Publish(mqtt::PublishedMessage message) override {
        topics.push_back(message.message.topic);
        payloads.push_back(message.message.payload);
        co_return base::Result<void>();
    }
    env::Task<base::Result<std::vector<mqtt::Message>>> RetainedMessages() override {
        co_return std::vector<mqtt::Message>();
    }
    void DisconnectPrincipal(std::string_view, std::string) override {}
    bool IsConnected(std::string_view) const override { return false; }

    std::vector<std::string> topics, payloads;
};

class ShadowServiceTest : public testing::Test {
  protected:
    void SetUp() override {
        table_ = storage::memory::MakeTable();
        Restart();
    }
    void Restart() {
        service_ = std::make_unique<ShadowService>(*table_, clock_);
        ASSERT_TRUE(env::RunTask(service_->Load()));
        service_->SetBroker(&broker_);
    }
    void Publish(const std::string& topic, const std::string& payload) {
        mqtt::PublishedMessage message;
        message.message.topic = topic;
        message.message.payload = payload;
        auto parsed = ParseShadowTopic(message.message.topic);
        ASSERT_TRUE(parsed);
        EXPECT_TRUE(env::RunTask(service_->Handle(*parsed, message)));
    }

    FixedClock clock_;
    Broker broker_;
    std::unique_ptr<storage::Table> table_;
    std::unique_ptr<ShadowService> service_;
};

TEST(ShadowTopic, IsKnownByItsForm) {
    auto classic = ParseShadowTopic("$aws/things/well/shadow/update");
    ASSERT_TRUE(classic);
    EXPECT_EQ(classic->thing, "well");
    EXPECT_EQ(classic->name, "");
    auto named = ParseShadowTopic("$aws/things/well/shadow/name/pump/get");
    ASSERT_TRUE(named);
    EXPECT_EQ(named->name, "pump");
    EXPECT_FALSE(ParseShadowTopic("$aws/things/well/shadow/update/accepted"));
    EXPECT_FALSE(ParseShadowTopic("$aws/things//shadow/update"));
    EXPECT_FALSE(ParseShadowTopic("$aws/things/well/jobs/get"));
}

TEST_F(ShadowServiceTest, TellsAnUpdateToItsTopics) {
    Publish("$aws/things/well/shadow/update", R"({"state":{"desired":{"a":1}}})");
    EXPECT_EQ(broker_.topics, (std::vector<std::string>{"$aws/things/well/shadow/update/accepted",
                                                        "$aws/things/well/shadow/update/delta",
                                                        "$aws/things/well/shadow/update/documents"}));
    broker_.topics.clear();
    Publish("$aws/things/well/shadow/update", "nonsense");
    EXPECT_EQ(broker_.topics, (std::vector<std::string>{"$aws/things/well/shadow/update/rejected"}));
}

TEST_F(ShadowServiceTest, KeepsShadowsOverARestart) {
    Publish("$aws/things/well/shadow/name/pump/update", R"({"state":{"reported":{"on":true}}})");
    Restart();
    auto got = service_->Get("well", "pump", "");
    ASSERT_TRUE(got);
    EXPECT_NE(got->find(R"("reported":{"on":true})"), std::string::npos);
    EXPECT_EQ(service_->Names("well", "", 10), (std::vector<std::string>{"pump"}));
    EXPECT_EQ(service_->Get("well", "", "").error().code, 404);
    ASSERT_TRUE(env::RunTask(service_->Delete("well", "pump", "")));
    EXPECT_TRUE(service_->Names("well", "", 10).empty());
}

TEST_F(ShadowServiceTest, AnswersAGet) {
    Publish("$aws/things/well/shadow/get", R"({"clientToken":"x"})");
    EXPECT_EQ(broker_.topics.back(), "$aws/things/well/shadow/get/rejected");
    EXPECT_EQ(broker_.payloads.back(),
              R"({"code":404,"message":"No shadow exists with name: 'well'","timestamp":1800000000,"clientToken":"x"})");
}

}  // namespace
}  // namespace wellhead::services::iot
