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
    scope.resources["Stream"] = {"readings-1", {{"Arn", "arn:x"}, {"A.B", "deep"}}};
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

TEST(Template, FunctionsOfOneArgumentWork) {
    auto parsed = ParseTemplate(kTwoResources);
    ASSERT_TRUE(parsed);
    EvaluationScope scope = ScopeOf(*parsed);
    std::map<std::string, std::string> exports = {{"shared", "theirs"}};
    std::set<std::string> imported;
    scope.exports = &exports;
    scope.imported = &imported;
    const std::pair<std::string, std::string> kCases[] = {
        {"!Base64 abc", R"("YWJj")"},
        {"!ImportValue shared", R"("theirs")"},
        {"Fn::ImportValue: !Sub sha${!x}", ""},
        {"!GetAZs ''", R"(["eu-west-1a"])"},
        {"!Select [0, !GetAZs {Ref: 'AWS::Region'}]", R"("eu-west-1a")"},
        {"Fn::GetAtt: Stream.Arn", R"("arn:x")"},
        {"Fn::GetAtt: [Stream, A.B]", R"("deep")"},
        {"!GetAtt Stream.A.B", R"("deep")"},
        {"!Sub ['${x}-${Stream.Arn}', {x: !Ref Name}]", R"("readings-arn:x")"},
        {"Fn::Length: [1, 2]", "2"},
    };
    for (const auto& [text, expected] : kCases) {
        auto value = Evaluate(*ParseYaml(text), scope);
        if (expected.empty()) {
            EXPECT_FALSE(value) << text;
        } else {
            ASSERT_TRUE(value) << text << ": " << value.error().message;
            EXPECT_EQ(json::serialize(*value), expected) << text;
        }
    }
    EXPECT_EQ(imported, std::set<std::string>{"shared"});
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
        {"Resources: {A: {Type: T, Condition: No}}", "condition No"},
        {"Resources: {A: {Type: T}}\nOutputs: {O: {Value: !Ref B}}", "Unresolved resource dependencies [B]"},
        {"Resources: {A: {Type: T}}\nOutputs: {O: {Value: x, Export: {}}}", "Export has no Name"},
        {"Resources: {A: {Type: T, DeletionPolicy: Snapshot}}", "Snapshot is not served"},
        {"Parameters: {P: {Type: 'AWS::SSM::Parameter::Value<String>'}}\nResources: {A: {Type: T}}", "is not served"},
        {"Resources: " + std::string(2000, '['), "line"},
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

// A small template must not become a large one, nor take long.
TEST(Template, FunctionsOfFunctionsDoNotExplode) {
    std::string value = "x";
    for (int i = 0; i < 20; ++i) value = "!Sub ['${a}${a}${a}${a}', {a: " + value + "}]";
    std::string conditions = "  C0: !Equals [a, a]\n";
    for (int i = 1; i < 15; ++i) {
        std::string last = "{Condition: C" + std::to_string(i - 1) + "}";
        conditions += "  C" + std::to_string(i) + ": !And [" + last;
        for (int k = 0; k < 9; ++k) conditions += ", " + last;
        conditions += "]\n";
    }
    auto parsed = ParseTemplate("Conditions:\n" + conditions + "Resources: {R: {Type: T, Properties: {Name: " + value + "}}}");
    ASSERT_TRUE(parsed) << parsed.error().message;
    EvaluationScope scope;
    scope.source = &*parsed;
    auto evaluated = Evaluate(json::value(parsed->Find("R")->properties), scope);
    ASSERT_FALSE(evaluated);
    EXPECT_NE(evaluated.error().message.find("more than"), std::string::npos) << evaluated.error().message;
    EXPECT_TRUE(EvaluateCondition("C14", scope).value());
}

TEST(Template, TooManyResourcesAreRefused) {
    std::string text = "Resources:\n";
    for (int i = 0; i <= 500; ++i) text += "  R" + std::to_string(i) + ": {Type: T}\n";
    auto parsed = ParseTemplate(text);
    ASSERT_FALSE(parsed);
    EXPECT_NE(parsed.error().message.find("more than 500"), std::string::npos);
}

TEST(Template, ParametersHoldToTheirConstraints) {
    auto parsed = ParseTemplate(
        "Parameters:\n"
        "  Short: {Type: String, MaxLength: 3, MinLength: 2, Default: ab}\n"
        "  Small: {Type: Number, MinValue: 1, MaxValue: '10', Default: 5}\n"
        "  Like: {Type: String, AllowedPattern: '[a-z]+', ConstraintDescription: letters, Default: a}\n"
        "  List: {Type: List<Number>, Default: '1, 2'}\n"
        "Resources: {R: {Type: T}}");
    ASSERT_TRUE(parsed) << parsed.error().message;
    auto values = ResolveParameters(*parsed, {});
    ASSERT_TRUE(values);
    EXPECT_EQ(json::serialize((*values)["List"]), R"(["1","2"])");
    const std::pair<std::string, std::string> kBad[] = {{"Short", "a"},    {"Short", "abcd"}, {"Small", "0"},
                                                        {"Small", "11"},   {"Small", "x"},    {"Like", "A"},
                                                        {"List", "1,two"}};
    for (const auto& [name, value] : kBad) EXPECT_FALSE(ResolveParameters(*parsed, {{name, value}})) << name << value;
    EXPECT_NE(ResolveParameters(*parsed, {{"Like", "A"}}).error().message.find("letters"), std::string::npos);
}

}  // namespace
}  // namespace wellhead::pipeline
