#include "pipeline/stack.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "env/posix/posix.h"
#include "env/scope.h"

namespace wellhead::pipeline {
namespace {

namespace json = boost::json;
using api::Outcome;

// A world of named things with one property, in which a name can be made to fail.
struct World {
    std::map<std::string, std::string> things;
    std::string failing;
    std::vector<std::string> calls;
};

class ThingProvider final : public ResourceProvider {
  public:
    explicit ThingProvider(World& world) : world_(world) {}

    env::Task<Outcome<ResourceValues>> Create(ResourceRequest request) override {
        std::string name = *TextProperty(request.properties, "Name");
        world_.calls.push_back("create " + name);
        if (name == world_.failing) co_return std::unexpected(ValidationError("refused"));
        if (world_.things.contains(name)) co_return std::unexpected(ValidationError("exists"));
        world_.things[name] = TextProperty(request.properties, "Color").value_or("");
        co_return ResourceValues{name, {{"Arn", "arn:" + name}}};
    }
    env::Task<Outcome<std::optional<ResourceValues>>> Adopt(ResourceRequest request) override {
        std::string name = *TextProperty(request.properties, "Name");
        if (!world_.things.contains(name)) co_return std::optional<ResourceValues>();
        co_return std::optional<ResourceValues>(ResourceValues{name, {{"Arn", "arn:" + name}}});
    }
    Change ChangeFor(const json::object& before, const json::object& after) const override {
        return before.at("Name") == after.at("Name") ? Change::kInPlace : Change::kReplacement;
    }
    env::Task<Outcome<ResourceValues>> Update(ResourceRequest request, ResourceValues existing) override {
        std::string color = TextProperty(request.properties, "Color").value_or("");
        world_.calls.push_back("update " + existing.physical_id);
        if (color == world_.failing) co_return std::unexpected(ValidationError("refused"));
        world_.things[existing.physical_id] = color;
        co_return existing;
    }
    env::Task<Outcome<void>> Delete(ResourceRequest, ResourceValues existing) override {
        world_.calls.push_back("delete " + existing.physical_id);
        world_.things.erase(existing.physical_id);
        co_return Outcome<void>();
    }

  private:
    World& world_;
};

class MemoryStore final : public StackStore {
  public:
    env::Task<base::Result<std::vector<Stack>>> LoadAll() override {
        std::vector<Stack> all;
        for (const auto& [name, text] : saved) all.push_back(*StackFromJson(text));
        co_return all;
    }
    env::Task<base::Result<void>> Save(Stack stack) override {
        saved[stack.name] = StackToJson(stack);
        co_return base::Result<void>();
    }
    env::Task<base::Result<void>> Remove(std::string name) override {
        saved.erase(name);
        co_return base::Result<void>();
    }
    std::map<std::string, json::value> saved;
};

class DeployerTest : public testing::Test {
  protected:
    DeployerTest() {
        providers_["T"] = std::make_unique<ThingProvider>(world_);
        stack_.name = "s";
    }

    Outcome<void> Deploy(std::string text) {
        return Run([](DeployerTest& test, std::string body) {
            return test.deployer_.Deploy({}, test.stack_, {std::move(body), {}}, {});
        }, std::move(text));
    }
    Outcome<void> Delete() {
        return Run([](DeployerTest& test, std::string) {
            return test.deployer_.Delete({}, test.stack_, {});
        }, "");
    }

    static env::Task<void> Keep(env::Task<Outcome<void>> task, Outcome<void>& out) {
        out = co_await std::move(task);
    }
    template <class Start>
    Outcome<void> Run(Start start, std::string text) {
        boost::asio::io_context io;
        env::Scope scope;
        Outcome<void> out = std::unexpected(ValidationError("did not finish"));
        Spawn(scope, io.get_executor(), "deploy", Keep(start(*this, std::move(text)), out));
        io.run();
        return out;
    }

    World world_;
    ResourceProviders providers_;
    MemoryStore store_;
    std::unique_ptr<env::Clock> clock_ = env::posix::MakeClock();
    std::unique_ptr<env::Random> random_ = env::posix::MakeRandom();
    Deployer deployer_{providers_, store_, *clock_, *random_};
    Stack stack_;
};

constexpr char kTwo[] = R"(
Resources:
  B: {Type: T, Properties: {Name: b, Color: !GetAtt A.Arn}}
  A: {Type: T, Properties: {Name: a}}
Outputs: {First: {Value: !Ref A}}
)";

TEST_F(DeployerTest, CreatesInOrderOfReferencesAndComputesOutputs) {
    ASSERT_TRUE(Deploy(kTwo));
    EXPECT_EQ(world_.calls, (std::vector<std::string>{"create a", "create b"}));
    EXPECT_EQ(world_.things["b"], "arn:a");
    EXPECT_EQ(stack_.status, "CREATE_COMPLETE");
    EXPECT_EQ(stack_.outputs["First"], "a");
}

TEST_F(DeployerTest, TheSameTemplateAgainChangesNothing) {
    ASSERT_TRUE(Deploy(kTwo));
    world_.calls.clear();
    ASSERT_TRUE(Deploy(kTwo));
    EXPECT_TRUE(world_.calls.empty());
    EXPECT_EQ(stack_.status, "UPDATE_COMPLETE");
}

TEST_F(DeployerTest, AFailedCreationIsRolledBackAndNamed) {
    world_.failing = "b";
    auto result = Deploy(kTwo);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().message, "Resources/B: ValidationError: refused");
    EXPECT_TRUE(world_.things.empty());
    EXPECT_TRUE(stack_.resources.empty());
    EXPECT_EQ(stack_.status, "ROLLBACK_COMPLETE");
}

TEST_F(DeployerTest, AFailedUpdateLeavesWhatStoodBefore) {
    ASSERT_TRUE(Deploy(kTwo));
    world_.failing = "red";
    auto result = Deploy(
        "Resources:\n"
        "  A: {Type: T, Properties: {Name: a, Color: blue}}\n"
        "  C: {Type: T, Properties: {Name: c, Color: !Ref A}}\n"
        "  B: {Type: T, DependsOn: C, Properties: {Name: b, Color: red}}\n");
    ASSERT_FALSE(result);
    EXPECT_EQ(world_.things, (std::map<std::string, std::string>{{"a", ""}, {"b", "arn:a"}}));
    EXPECT_EQ(stack_.status, "UPDATE_ROLLBACK_COMPLETE");
    EXPECT_EQ(stack_.resources.size(), 2u);
}

TEST_F(DeployerTest, WhatTheTemplateNoLongerNamesIsRemoved) {
    ASSERT_TRUE(Deploy(kTwo));
    ASSERT_TRUE(Deploy("Resources:\n  A: {Type: T, Properties: {Name: a}}\n"));
    EXPECT_EQ(world_.things.size(), 1u);
    EXPECT_EQ(stack_.resources.size(), 1u);
}

TEST_F(DeployerTest, AReplacementStandsBeforeItsPredecessorGoes) {
    ASSERT_TRUE(Deploy("Resources:\n  A: {Type: T, Properties: {Name: a}}\n"));
    ASSERT_TRUE(Deploy("Resources:\n  A: {Type: T, Properties: {Name: a2}}\n"));
    EXPECT_EQ(world_.calls, (std::vector<std::string>{"create a", "create a2", "delete a"}));
    EXPECT_EQ(stack_.Find("A")->values.physical_id, "a2");
}

TEST_F(DeployerTest, ACreationCutOffByACrashIsTakenOver) {
    ASSERT_TRUE(Deploy(kTwo));
    // What a crash between the API's answer and our note of it leaves.
    stack_.Find("B")->status = "CREATE_IN_PROGRESS";
    world_.calls.clear();
    ASSERT_TRUE(Deploy(kTwo));
    EXPECT_TRUE(world_.calls.empty());
    EXPECT_EQ(stack_.Find("B")->values.physical_id, "b");
}

TEST_F(DeployerTest, AnUnservedTypeIsRefusedBeforeAnythingIsMade) {
    auto result = Deploy("Resources:\n  A: {Type: T, Properties: {Name: a}}\n  X: {Type: AWS::No::Such}\n");
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().message, "Resources/X: the type AWS::No::Such is not served");
    EXPECT_TRUE(world_.calls.empty());
}

TEST_F(DeployerTest, DeletingGoesInReverseAndRetainsWhatIsToStay) {
    ASSERT_TRUE(Deploy(
        "Resources:\n"
        "  A: {Type: T, DeletionPolicy: Retain, Properties: {Name: a}}\n"
        "  B: {Type: T, Properties: {Name: b, Color: !Ref A}}\n"));
    ASSERT_TRUE(Delete());
    EXPECT_EQ(world_.things, (std::map<std::string, std::string>{{"a", ""}}));
    EXPECT_EQ(stack_.status, "DELETE_COMPLETE");
}

TEST_F(DeployerTest, AStackSurvivesBeingWrittenAndReadAgain) {
    ASSERT_TRUE(Deploy(kTwo));
    auto read = StackFromJson(store_.saved["s"]);
    ASSERT_TRUE(read);
    EXPECT_EQ(StackToJson(*read), StackToJson(stack_));
    EXPECT_FALSE(StackFromJson(json::value{{"name", "x"}}));
}

}  // namespace
}  // namespace wellhead::pipeline
