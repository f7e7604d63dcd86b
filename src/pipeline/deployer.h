#pragma once
// Deployer: brings a stack to what its operation says, or leaves it as it was.

#include <atomic>
#include <string>
#include <vector>

#include "api/service.h"
#include "env/clock.h"
#include "env/random.h"
#include "env/task.h"
#include "pipeline/resource_provider.h"
#include "pipeline/stack.h"
#include "pipeline/template.h"

namespace wellhead::pipeline {

// What an update would do with a resource.
struct PlannedChange {
    enum class Action { kAdd, kModify, kRemove };
    Action action;
    std::string logical_id;
    std::string physical_id;  // of what stands
    std::string type;
    bool replacement = false;
    std::vector<std::string> properties;  // whose values change
};

class Deployer {
  public:
    // All outlive it.
    Deployer(ResourceProviders& providers, StackStore& store, env::Clock& clock, env::Random& random);

    // Whether the template and the parameters could be deployed at all; ValidationError says what is wrong and where.
    api::Outcome<Template> Check(const StackWish& wish) const;

    // What would change, in the order it would happen. Values that only come to be by then count as changed.
    api::Outcome<std::vector<PlannedChange>> Preview(const api::CallContext& context, const Stack& stack,
                                                     const StackWish& wish) const;
    // Whether anything at all would: resources, outputs, tags.
    api::Outcome<bool> Changes(const api::CallContext& context, const Stack& stack, const StackWish& wish) const;

    // Makes operation what is under way, and notes it in the stack's status and events. The caller saves the stack.
    void Begin(Stack& stack, StackOperation operation);

    // A stack that only has a change set yet.
    void Review(Stack& stack) { SetStatus(stack, "REVIEW_IN_PROGRESS", "User Initiated"); }

    // Carries stack.under_way out to its end, step by step, each step saved: after a crash it goes on from there. On a
    // failure everything is put back as it was (or what on_failure says), and the error names the resource and the cause.
    // Once give_up is set a creation or an update ends where it is, with the operation still under way, and the error
    // kGivenUp. One operation of a stack at a time: the caller sees to it.
    env::Task<api::Outcome<void>> Carry(api::CallContext context, Stack& stack, const std::atomic<bool>& give_up);
    static constexpr const char* kGivenUp = "GivenUp";

  private:
    struct Run;
    EvaluationScope ScopeOf(const api::CallContext& context, const Stack& stack, const Template& parsed,
                            const StackWish& wish) const;
    env::Task<api::Outcome<void>> ApplyAll(Run& run, const Template& parsed);
    env::Task<api::Outcome<void>> Apply(Run& run, const TemplateResource& resource);
    env::Task<api::Outcome<void>> CreateOne(Run& run, StackResource fresh);
    env::Task<api::Outcome<void>> UpdateOne(Run& run, StackResource fresh);
    api::Outcome<void> ComputeOutputs(Run& run, const Template& parsed);
    env::Task<api::Outcome<void>> RemoveObsolete(Run& run, const Template& parsed);
    env::Task<api::Outcome<void>> Failed(Run& run, api::ServiceError error);
    env::Task<api::Outcome<void>> RollBack(Run& run);
    env::Task<api::Outcome<void>> TakeBackCreated(Run& run, StackResource created);
    env::Task<api::Outcome<void>> TakeBackUpdated(Run& run, StackResource before);
    env::Task<api::Outcome<void>> RemoveOne(Run& run, StackResource resource, std::string policy);
    env::Task<api::Outcome<void>> Delete(Run& run);
    env::Task<api::Outcome<void>> DeleteAll(Run& run);
    void AddEvent(Stack& stack, StackEvent event);
    void SetStatus(Stack& stack, std::string status, std::string reason);
    env::Task<api::Outcome<void>> Save(Run& run);
    env::Task<api::Outcome<void>> Note(Run& run, StackResource& resource, std::string status, std::string reason);
    env::Task<api::Outcome<void>> NoteStack(Run& run, std::string status, std::string reason);
    env::Task<api::Outcome<void>> Finish(Run& run, std::string status, std::string reason);

    ResourceProviders& providers_;
    StackStore& store_;
    env::Clock& clock_;
    env::Random& random_;
};

}  // namespace wellhead::pipeline
