#include "pipeline/template.h"

#include <gtest/gtest.h>

#include "pipeline/evaluate.h"
#include "pipeline/yaml.h"

namespace wellhead::pipeline {
namespace {

namespace json = boost::json;

constexpr std::string_view kTwoResources = R"(
Parameters:
  Name: {Type: String, Default: readings}
Conditions:
  Big: !Equals [!Ref Name, big]
Resources:
  Rule:
    Type: AWS::IoT::TopicRule
    Properties:
      Key: ${topic(2)}
      Arn: !GetAtt Stream.Arn
      Text: !Sub 'a ${Stream} ${!keep} ${AWS::Region}'
      Size: !If [Big, 2, 1]
      None: !If [Big, 2, !Ref AWS::NoValue]
  Stream:
    Type: AWS::Kinesis::Stream
    Properties: {Name: !Ref Name, Account: '000000000012'}
)";

EvaluationScope ScopeOf(const Template& parsed) {
    EvaluationScope scope;
    scope.source = &parsed;
    scope.parameters = ResolveParameters(parsed, {}).value();
    scope.parameters["AWS::Region"] = "eu-west-1";
    scope.resources["Stream"] = {"readings-1", {{"Arn", "arn:x"}}};
    return scope;
}

TEST(Template, AResourceComesAfterWhatItRefersTo) {
    auto parsed = ParseTemplate(kTwoResources);
    ASSERT_TRUE(parsed) << parsed.error().message;
    EXPECT_EQ(OrderOfCreation(*parsed).value(), (std::vector<std::string>{"Stream", "Rule"}));
}

TEST(Template, FunctionsAreReplacedByTheirResults) {
    auto parsed = ParseTemplate(kTwoResources);
    ASSERT_TRUE(parsed);
    auto value = Evaluate(json::value(parsed->Find("Rule")->properties), ScopeOf(*parsed));
    ASSERT_TRUE(value) << value.error().message;
    EXPECT_EQ(json::serialize(*value),
              R"({"Key":"${topic(2)}","Arn":"arn:x","Text":"a readings-1 ${keep} eu-west-1","Size":1})");
    auto stream = Evaluate(json::value(parsed->Find("Stream")->properties), ScopeOf(*parsed));
    EXPECT_EQ(json::serialize(*stream), R"({"Name":"readings","Account":"000000000012"})");
}

TEST(Template, ListFunctionsWork) {
    auto parsed = ParseTemplate(kTwoResources);
    ASSERT_TRUE(parsed);
    auto text = ParseYaml("!Join ['-', [a, !Select [1, !Split [',', 'x,y,z']], 3]]");
    ASSERT_TRUE(text);
    EXPECT_EQ(Evaluate(*text, ScopeOf(*parsed)).value(), json::value("a-y-3"));
}

TEST(Template, BadTemplatesAreRefusedWithThePlace) {
    const std::pair<std::string, std::string> kCases[] = {
        {"Resources: [", "line 1"},
        {"Resources:\n  A: {Type: T, Properties: {X: !Ref B}}", "Resources/A refers to B"},
        {"Resources:\n  A: {Type: T, DependsOn: B}\n  B: {Type: T, DependsOn: A}", "circular"},
        {"Resources:\n  A: {Properties: {}}", "Resources/A has no Type"},
        {"Resources:\n  A: {Type: T}\n  A: {Type: T}", "stands twice"},
        {"Transform: X\nResources: {A: {Type: T}}", "Transform"},
        {"Resources:\n  A: {Type: T, UpdatePolicy: {}}", "UpdatePolicy is not served"},
        {"- a", "a template is a map"},
        {"", "a template is a map"},
    };
    for (const auto& [text, part] : kCases) {
        auto parsed = ParseTemplate(text);
        ASSERT_FALSE(parsed) << text;
        EXPECT_NE(parsed.error().message.find(part), std::string::npos) << parsed.error().message;
    }
}

TEST(Template, AliasesDoNotExplode) {
    std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 9; ++i) {
        std::string last = "*a" + std::to_string(i - 1);
        bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last;
        for (int k = 1; k < 10; ++k) bomb += ", " + last;
        bomb += "]\n";
    }
    auto parsed = ParseYaml(bomb);
    ASSERT_FALSE(parsed);
    EXPECT_NE(parsed.error().message.find("too many values"), std::string::npos);
}

TEST(Template, ParametersAreCheckedAgainstTheTemplate) {
    auto parsed = ParseTemplate(
        "Parameters:\n  A: {Type: String, AllowedValues: [x, y]}\nResources: {R: {Type: T}}");
    ASSERT_TRUE(parsed);
    EXPECT_FALSE(ResolveParameters(*parsed, {}));
    EXPECT_FALSE(ResolveParameters(*parsed, {{"A", "z"}}));
    EXPECT_FALSE(ResolveParameters(*parsed, {{"A", "x"}, {"B", "x"}}));
    EXPECT_TRUE(ResolveParameters(*parsed, {{"A", "x"}}));
}

}  // namespace
}  // namespace wellhead::pipeline
