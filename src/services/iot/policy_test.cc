#include <gtest/gtest.h>

#include <map>
#include <random>

#include "services/iot/permissions.h"
#include "services/iot/policy_document.h"

namespace wellhead::services::iot {
namespace {

class MapContext final : public PolicyContext {
  public:
    explicit MapContext(std::map<std::string, std::string> values) : values_(std::move(values)) {}
    std::optional<std::string> Get(std::string_view key) const override {
        auto found = values_.find(std::string(key));
        if (found == values_.end()) return std::nullopt;
        return found->second;
    }

  private:
    std::map<std::string, std::string> values_;
};

PermissionSet Permit(const std::string& json, std::map<std::string, std::string> context = {}) {
    auto document = PolicyDocument::Parse(json);
    EXPECT_TRUE(document) << document.error().message;
    return PermissionSet({*document}, MapContext(std::move(context)), "arn:aws:iot:us-east-1:123456789012:");
}

std::string Statement(const std::string& effect, const std::string& action, const std::string& resource,
                      const std::string& condition = "") {
    return R"({"Effect":")" + effect + R"(","Action":")" + action + R"(","Resource":")" + resource + R"(")" +
           (condition.empty() ? "" : R"(,"Condition":)" + condition) + "}";
}
std::string Document(const std::string& statements) {
    return R"({"Version":"2012-10-17","Statement":[)" + statements + "]}";
}
const std::string kArn = "arn:aws:iot:us-east-1:123456789012:";

TEST(Policy, DeniesWhatNoStatementAllows) {
    auto permissions = Permit(Document(Statement("Allow", "iot:Publish", kArn + "topic/oilfield/*")));
    EXPECT_TRUE(permissions.MayPublish("oilfield/well-07/telemetry", false));
    EXPECT_FALSE(permissions.MayPublish("other", false));
    EXPECT_FALSE(permissions.MayPublish("oilfield/well-07/telemetry", true));
    EXPECT_FALSE(permissions.MayReceive("oilfield/well-07/telemetry"));
    EXPECT_FALSE(permissions.MayConnect("well-07"));
}

TEST(Policy, LetsDenyWin) {
    auto permissions = Permit(Document(Statement("Allow", "iot:*", "*") + "," +
                                       Statement("Deny", "iot:Publish", kArn + "topic/secret/*")));
    EXPECT_TRUE(permissions.MayPublish("open", true));
    EXPECT_FALSE(permissions.MayPublish("secret/a", false));
    EXPECT_TRUE(permissions.MaySubscribe("secret/#"));
}

TEST(Policy, TakesTopicFiltersLiterally) {
    auto permissions = Permit(Document(Statement("Allow", "iot:Subscribe", kArn + "topicfilter/oilfield/+/telemetry")));
    EXPECT_TRUE(permissions.MaySubscribe("oilfield/+/telemetry"));
    EXPECT_FALSE(permissions.MaySubscribe("oilfield/well-07/telemetry"));
    EXPECT_FALSE(permissions.MaySubscribe("oilfield/#"));
}

TEST(Policy, PutsVariablesIntoResourcesAndKeepsTheirWildcardsLiteral) {
    std::string json = Document(Statement("Allow", "iot:Connect", kArn + "client/${iot:ClientId}") + "," +
                                Statement("Allow", "iot:Publish", kArn + "topic/${iot:Connection.Thing.ThingName}/*"));
    auto well = Permit(json, {{"iot:ClientId", "well-07"}, {"iot:Connection.Thing.ThingName", "well-07"}});
    EXPECT_TRUE(well.MayConnect("well-07"));
    EXPECT_FALSE(well.MayConnect("well-08"));
    EXPECT_TRUE(well.MayPublish("well-07/telemetry", false));
    EXPECT_FALSE(well.MayPublish("well-08/telemetry", false));
    auto sly = Permit(json, {{"iot:ClientId", "*"}, {"iot:Connection.Thing.ThingName", "*"}});
    EXPECT_FALSE(sly.MayConnect("well-07"));
    EXPECT_FALSE(sly.MayPublish("well-07/telemetry", false));
    auto unknown = Permit(json, {{"iot:ClientId", "well-07"}});
    EXPECT_FALSE(unknown.MayPublish("well-07/telemetry", false));
}

TEST(Policy, MatchesWildcardsWithinTheArn) {
    auto permissions = Permit(Document(Statement("Allow", "iot:Publish", "arn:aws:iot:*:*:topic/a?c")));
    EXPECT_TRUE(permissions.MayPublish("abc", false));
    EXPECT_FALSE(permissions.MayPublish("ac", false));
}

TEST(Policy, DoesNotMatchOtherRegions) {
    auto permissions = Permit(Document(Statement("Allow", "iot:Publish", "arn:aws:iot:eu-west-1:123456789012:topic/*")));
    EXPECT_FALSE(permissions.MayPublish("a", false));
}

TEST(Policy, AsksConditions) {
    auto allow = [](const std::string& condition, std::map<std::string, std::string> context) {
        return Permit(Document(Statement("Allow", "iot:Publish", "*", condition)), std::move(context))
            .MayPublish("a", false);
    };
    EXPECT_TRUE(allow(R"({"Bool":{"iot:Connection.Thing.IsAttached":["true"]}})",
                      {{"iot:Connection.Thing.IsAttached", "true"}}));
    EXPECT_FALSE(allow(R"({"Bool":{"iot:Connection.Thing.IsAttached":true}})", {}));
    EXPECT_TRUE(allow(R"({"IpAddress":{"aws:SourceIp":["10.0.0.0/8","127.0.0.1"]}})", {{"aws:SourceIp", "10.1.2.3"}}));
    EXPECT_FALSE(allow(R"({"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}})", {{"aws:SourceIp", "11.1.2.3"}}));
    EXPECT_FALSE(allow(R"({"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}})", {{"aws:SourceIp", "10.1.2.3"}}));
    EXPECT_TRUE(allow(R"({"StringLike":{"iot:ClientId":"well-*"}})", {{"iot:ClientId", "well-07"}}));
    EXPECT_FALSE(allow(R"({"StringEquals":{"iot:ClientId":"well-*"}})", {{"iot:ClientId", "well-07"}}));
    EXPECT_TRUE(allow(R"({"StringEqualsIfExists":{"iot:DomainName":"x"}})", {}));
    EXPECT_TRUE(allow(R"({"Null":{"iot:DomainName":"true"}})", {}));
    EXPECT_TRUE(allow(R"({"DateLessThan":{"aws:CurrentTime":"2030-01-01T00:00:00Z"}})",
                      {{"aws:CurrentTime", "2026-11-24T08:00:00Z"}}));
    EXPECT_TRUE(allow(R"({"NumericGreaterThan":{"aws:EpochTime":"1000"}})", {{"aws:EpochTime", "2000"}}));
}

TEST(Policy, SaysWhatIsMalformed) {
    auto problem = [](const std::string& json) {
        auto document = PolicyDocument::Parse(json);
        return document ? "" : document.error().message;
    };
    EXPECT_TRUE(problem("{").starts_with("the policy document is not JSON"));
    EXPECT_EQ(problem("{}"), "the policy document needs a Statement");
    EXPECT_EQ(problem(R"({"Version":"2020-01-01","Statement":[]})"), "Version must be 2012-10-17 or 2008-10-17");
    EXPECT_EQ(problem(Document(Statement("Maybe", "iot:Publish", "*"))), "Effect must be Allow or Deny");
    EXPECT_EQ(problem(Document(Statement("Allow", "s3:GetObject", "*"))), "the action s3:GetObject is not one of AWS IoT");
    EXPECT_EQ(problem(Document(Statement("Allow", "iot:Publish", "topic/a"))), "the resource topic/a is not an ARN");
    EXPECT_EQ(problem(Document(Statement("Allow", "iot:Publish", "*", R"({"StringMatches":{"iot:ClientId":"a"}})"))),
              "the condition operator StringMatches is not known");
    EXPECT_EQ(problem(Document(Statement("Allow", "iot:Publish", "*", R"({"StringEquals":{"aws:Nope":"a"}})"))),
              "the condition key aws:Nope is not served");
    EXPECT_EQ(problem(Document(R"({"Effect":"Allow","NotAction":"iot:Publish","Resource":"*"})")),
              "a Statement has no element NotAction");
    EXPECT_EQ(problem(Document(Statement("Allow", "iot:Publish", "arn:aws:iot:x:y:topic/${iot:ClientId"))),
              "a policy variable is not closed");
}

TEST(Policy, EndsOnRandomDocuments) {
    std::mt19937 random(3);
    std::string seed = Document(Statement("Allow", "iot:*", kArn + "topic/${iot:ClientId}/*",
                                          R"({"StringLike":{"iot:ClientId":["a*"]}})"));
    for (int round = 0; round < 5000; ++round) {
        std::string json = seed;
        for (int i = static_cast<int>(random() % 4); i >= 0; --i) {
            json[random() % json.size()] = static_cast<char>(random() % 128);
        }
        auto document = PolicyDocument::Parse(json);
        if (document) {
            PermissionSet set({*document}, MapContext(std::map<std::string, std::string>{{"iot:ClientId", "a"}}), kArn);
            (void)set.MayPublish("a/b", true);
        }
    }
}

TEST(Glob, MatchesManyStarsInReasonableTime) {
    Glob glob;
    for (int i = 0; i < 40; ++i) {
        glob.AppendAny();
        glob.AppendLiteral("a");
    }
    EXPECT_FALSE(glob.Matches(std::string(2000, 'a') + "b"));
}

}  // namespace
}  // namespace wellhead::services::iot
