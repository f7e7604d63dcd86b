#include "pipeline/deployer.h"

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
    env::Task<base::Result<void>> Save(Stack stack) override {
        if (crash_after > 0 && --crash_after == 0) throw std::runtime_error("crash");
        saved[stack.name] = StackToJson(stack);
        co_return base::Result<void>();
    }
    std::map<std::string, Export> ExportsBeside(const std::string&) const override { return exports; }
    std::vector<std::string> ImportersOf(const std::string& name) const override {
        auto found = importers.find(name);
        return found == importers.end() ? std::vector<std::string>() : found->second;
    }
    std::map<std::string, json::value> saved;
    std::map<std::string, Export> exports;
    std::map<std::string, std::vector<std::string>> importers;
    int crash_after = 0;  // the process ends at this Save
};

class DeployerTest : public testing::Test {
  protected:
    DeployerTest() {
        providers_["T"] = std::make_unique<ThingProvider>(world_);
        stack_.name = "s";
        stack_.id = "id";
    }

    Outcome<void> Deploy(std::string text, StackOperation::OnFailure on_failure = StackOperation::OnFailure::kRollBack) {
        StackOperation operation;
        operation.kind = stack_.status.empty() ? StackOperation::Kind::kCreate : StackOperation::Kind::kUpdate;
        operation.wish.template_text = std::move(text);
        operation.on_failure = on_failure;
        deployer_.Begin(stack_, std::move(operation));
        return Carry();
    }
    Outcome<void> Delete(std::vector<std::string> retain = {}) {
        StackOperation operation;
        operation.kind = StackOperation::Kind::kDelete;
        operation.retain = std::move(retain);
        deployer_.Begin(stack_, std::move(operation));
        return Carry();
    }
    Outcome<void> Carry() {
        boost::asio::io_context io;
        env::Scope scope;
        Outcome<void> out = std::unexpected(ValidationError("did not finish"));
        Spawn(scope, io.get_executor(), "deploy", Keep(deployer_.Carry({}, stack_, give_up_), out));
        io.run();
        return out;
    }
    static env::Task<void> Keep(env::Task<Outcome<void>> task, Outcome<void>& out) {
        out = co_await std::move(task);
    }
    std::vector<std::string> EventsOf(const std::string& logical_id) {
        std::vector<std::string> statuses;
        for (const auto& event : stack_.events) {
            if (event.logical_id == logical_id) statuses.push_back(event.status);
        }
        return statuses;
    }

    World world_;
    ResourceProviders providers_;
    MemoryStore store_;
    std::atomic<bool> give_up_{false};
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
    ASSERT_EQ(stack_.outputs.size(), 1u);
    EXPECT_EQ(stack_.outputs[0].value, "a");
    EXPECT_FALSE(stack_.under_way);
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

// At every step the process may end; what was saved goes on and comes to the same end.
TEST_F(DeployerTest, AfterACrashTheOperationGoesOnFromWhereItWas) {
    for (int crash = 1; crash < 40; ++crash) {
        world_ = {};
        store_ = {};
        stack_ = {};
        stack_.name = "s";
        ASSERT_TRUE(Deploy("Resources:\n  A: {Type: T, Properties: {Name: a}}\n  Z: {Type: T, Properties: {Name: z}}\n"));
        // In place, replaced, new, gone.
        StackOperation operation;
        operation.kind = StackOperation::Kind::kUpdate;
        operation.wish.template_text =
            "Resources:\n  A: {Type: T, Properties: {Name: a2}}\n  B: {Type: T, Properties: {Name: b}}\n";
        deployer_.Begin(stack_, std::move(operation));
        store_.saved["s"] = StackToJson(stack_);
        store_.crash_after = crash;
        bool crashed = !Carry();
        store_.crash_after = 0;
        stack_ = *StackFromJson(store_.saved["s"]);
        if (!crashed && !stack_.under_way) return;
        ASSERT_TRUE(Carry()) << crash;
        EXPECT_EQ(stack_.status, "UPDATE_COMPLETE") << crash;
        EXPECT_EQ(world_.things, (std::map<std::string, std::string>{{"a2", ""}, {"b", ""}})) << crash;
        EXPECT_EQ(stack_.resources.size(), 2u) << crash;
    }
    FAIL() << "it never came to its end without a crash";
}

TEST_F(DeployerTest, AfterACrashARollbackGoesOnFromWhereItWas) {
    for (int crash = 1; crash < 40; ++crash) {
        world_ = {};
        store_ = {};
        stack_ = {};
        stack_.name = "s";
        ASSERT_TRUE(Deploy(kTwo));
        world_.failing = "bad";
        StackOperation operation;
        operation.kind = StackOperation::Kind::kUpdate;
        operation.wish.template_text =
            "Resources:\n"
            "  A: {Type: T, Properties: {Name: a, Color: blue}}\n"
            "  B: {Type: T, DependsOn: A, Properties: {Name: b2}}\n"
            "  C: {Type: T, DependsOn: B, Properties: {Name: bad}}\n";
        deployer_.Begin(stack_, std::move(operation));
        store_.saved["s"] = StackToJson(stack_);
        store_.crash_after = crash;
        static_cast<void>(Carry());
        bool crashed = store_.crash_after == 0;
        store_.crash_after = 0;
        stack_ = *StackFromJson(store_.saved["s"]);
        if (crashed) {
            ASSERT_FALSE(Carry()) << crash;
        }
        EXPECT_EQ(stack_.status, "UPDATE_ROLLBACK_COMPLETE") << crash;
        EXPECT_EQ(world_.things, (std::map<std::string, std::string>{{"a", ""}, {"b", "arn:a"}})) << crash;
        if (!crashed) return;
    }
    FAIL() << "it never came to its end without a crash";
}

TEST_F(DeployerTest, AFailureMayBeLeftAsItIsAndMendedByAnUpdate) {
    world_.failing = "b";
    ASSERT_FALSE(Deploy(kTwo, StackOperation::OnFailure::kDoNothing));
    EXPECT_EQ(stack_.status, "CREATE_FAILED");
    EXPECT_TRUE(world_.things.contains("a"));
    world_.failing.clear();
    ASSERT_TRUE(Deploy(kTwo));
    EXPECT_EQ(world_.things.size(), 2u);
    EXPECT_EQ(EventsOf("B"), (std::vector<std::string>{"CREATE_IN_PROGRESS", "CREATE_FAILED", "CREATE_IN_PROGRESS",
                                                       "CREATE_COMPLETE"}));
}

TEST_F(DeployerTest, AFailedCreationMayBeDeleted) {
    world_.failing = "b";
    ASSERT_FALSE(Deploy(kTwo, StackOperation::OnFailure::kDelete));
    EXPECT_EQ(stack_.status, "DELETE_COMPLETE");
    EXPECT_TRUE(world_.things.empty());
}

TEST_F(DeployerTest, ACreationGivesUpBetweenResources) {
    give_up_ = true;
    auto result = Deploy(kTwo);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Deployer::kGivenUp);
    EXPECT_TRUE(stack_.under_way);
    give_up_ = false;
    ASSERT_TRUE(Delete());
    EXPECT_TRUE(world_.things.empty());
}

TEST_F(DeployerTest, AnUnservedTypeIsRefusedBeforeAnythingIsMade) {
    auto checked = deployer_.Check(
        {.template_text = "Resources:\n  A: {Type: T, Properties: {Name: a}}\n  X: {Type: AWS::No::Such}\n",
         .parameters = {}, .tags = {}, .capabilities = {}});
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().message, "Resources/X: the type AWS::No::Such is not served");
}

TEST_F(DeployerTest, APreviewTellsWhatWouldChange) {
    ASSERT_TRUE(Deploy("Resources:\n  A: {Type: T, Properties: {Name: a}}\n  B: {Type: T, Properties: {Name: b}}\n"));
    StackWish wish;
    wish.template_text =
        "Resources:\n"
        "  A: {Type: T, Properties: {Name: a2}}\n"
        "  B: {Type: T, Properties: {Name: b, Color: !Ref A}}\n"
        "  C: {Type: T, Properties: {Name: c, Color: !GetAtt D.Arn}}\n"
        "  D: {Type: T, Properties: {Name: d}}\n";
    auto changes = deployer_.Preview({}, stack_, wish);
    ASSERT_TRUE(changes) << changes.error().message;
    std::vector<std::string> told;
    for (const auto& change : *changes) {
        std::string_view action = change.action == PlannedChange::Action::kAdd      ? "add "
                                  : change.action == PlannedChange::Action::kModify ? "modify "
                                                                                    : "remove ";
        told.push_back(std::string(action) + change.logical_id + (change.replacement ? " anew" : ""));
    }
    EXPECT_EQ(told, (std::vector<std::string>{"modify A anew", "modify B", "add D", "add C"}));
    EXPECT_EQ((*changes)[1].properties, std::vector<std::string>{"Color"});
    EXPECT_TRUE(*deployer_.Changes({}, stack_, wish));
    EXPECT_FALSE(*deployer_.Changes({}, stack_, stack_.now));
}

TEST_F(DeployerTest, ExportsAreImportedAndKept) {
    store_.exports["shared"] = {"value of another", "other"};
    ASSERT_TRUE(Deploy(
        "Resources:\n  A: {Type: T, Properties: {Name: a, Color: !ImportValue shared}}\n"
        "Outputs: {Mine: {Value: !Ref A, Export: {Name: !Sub '${AWS::StackName}-a'}}}\n"));
    EXPECT_EQ(world_.things["a"], "value of another");
    EXPECT_EQ(stack_.imports, std::vector<std::string>{"shared"});
    EXPECT_EQ(stack_.outputs[0].export_name, "s-a");
    store_.importers["s-a"] = {"user"};
    auto deleted = Delete();
    ASSERT_FALSE(deleted);
    EXPECT_EQ(deleted.error().message, "Export s-a cannot be deleted as it is in use by user");
    EXPECT_EQ(stack_.status, "DELETE_FAILED");
    EXPECT_TRUE(world_.things.contains("a"));
    auto missing = Deploy("Resources:\n  A: {Type: T, Properties: {Name: a, Color: !ImportValue nowhere}}\n");
    ASSERT_FALSE(missing);
    EXPECT_NE(missing.error().message.find("No export named nowhere found."), std::string::npos);
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

TEST_F(DeployerTest, ARetainedResourceIsLeftAlone) {
    ASSERT_TRUE(Deploy(kTwo));
    ASSERT_TRUE(Delete({"B"}));
    EXPECT_EQ(world_.things.size(), 1u);
    EXPECT_EQ(EventsOf("B").back(), "DELETE_SKIPPED");
    EXPECT_EQ(stack_.gone.size(), 2u);
}

TEST_F(DeployerTest, AStackSurvivesBeingWrittenAndReadAgain) {
    ASSERT_TRUE(Deploy(kTwo));
    world_.failing = "z";
    ASSERT_FALSE(Deploy("Resources:\n  Z: {Type: T, Properties: {Name: z}}\n"));
    auto read = StackFromJson(store_.saved["s"]);
    ASSERT_TRUE(read);
    EXPECT_EQ(StackToJson(*read), StackToJson(stack_));
    EXPECT_FALSE(StackFromJson(json::value{{"name", "x"}}));
}

}  // namespace
}  // namespace wellhead::pipeline
