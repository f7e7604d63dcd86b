#pragma once
// A stack: what a template became. Deployer brings a stack to what a template says, or leaves it as it was.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "api/service.h"
#include "base/result.h"
#include "base/time.h"
#include "env/clock.h"
#include "env/random.h"
#include "env/task.h"
#include "pipeline/evaluate.h"
#include "pipeline/resource_provider.h"
#include "pipeline/template.h"

namespace wellhead::pipeline {

// Status words are CloudFormation's: CREATE_IN_PROGRESS, CREATE_COMPLETE, UPDATE_ROLLBACK_COMPLETE, ...
struct StackResource {
    std::string logical_id;
    std::string type;
    std::string status;
    std::string reason;
    ResourceValues values;
    boost::json::object properties;  // evaluated, as last applied
    std::string deletion_policy = "Delete";
    base::Instant changed;
};

struct StackEvent {
    std::string id;
    std::string logical_id;
    std::string physical_id;
    std::string type;
    std::string status;
    std::string reason;
    base::Instant at;
};

struct Stack {
    std::string name;
    std::string id;  // arn:aws:cloudformation:...:stack/name/uuid
    std::string status;
    std::string reason;
    std::string template_text;
    std::map<std::string, std::string> parameters;  // as given
    std::map<std::string, std::string> outputs;
    std::map<std::string, std::string> output_descriptions;
    std::vector<StackResource> resources;  // in order of creation
    std::vector<StackEvent> events;        // oldest first, bounded
    base::Instant created;
    base::Instant updated;

    StackResource* Find(std::string_view logical_id);
};

boost::json::value StackToJson(const Stack& stack);
base::Result<Stack> StackFromJson(const boost::json::value& value);

// Where stacks are kept between runs. Thread-safe; Save is durable when it succeeds.
class StackStore {
  public:
    virtual ~StackStore() = default;
    virtual env::Task<base::Result<std::vector<Stack>>> LoadAll() = 0;
    virtual env::Task<base::Result<void>> Save(Stack stack) = 0;
    virtual env::Task<base::Result<void>> Remove(std::string name) = 0;
};

// Told about every step while it happens; called on the deploying task's executor.
using StackProgress = std::function<void(const StackEvent&)>;

class Deployer {
  public:
    Deployer(ResourceProviders& providers, StackStore& store, env::Clock& clock, env::Random& random);

    struct Wanted {
        std::string template_text;
        std::map<std::string, std::string> parameters;
    };

    // Brings stack to wanted, step by step, each step saved. On a failure everything is put back as it was and the
    // error names the resource and the cause. One deployment of a stack at a time: the caller sees to it.
    env::Task<api::Outcome<void>> Deploy(api::CallContext context, Stack& stack, Wanted wanted,
                                         StackProgress progress);

    // Removes the resources in reverse order; those with DeletionPolicy Retain stay.
    env::Task<api::Outcome<void>> Delete(api::CallContext context, Stack& stack,
                                         StackProgress progress);

    bool Serves(std::string_view type) const { return providers_.contains(type); }

  private:
    struct Run;
    env::Task<api::Outcome<void>> Apply(Run& run, const TemplateResource& resource);
    env::Task<api::Outcome<void>> CreateOne(Run& run, ResourceRequest request, std::string type,
                                            std::string deletion_policy);
    env::Task<api::Outcome<void>> UpdateOne(Run& run, ResourceRequest request, std::string type);
    env::Task<void> RollBack(Run& run);
    env::Task<api::Outcome<void>> RemoveOne(Run& run, StackResource resource);
    env::Task<api::Outcome<void>> RemoveUnwanted(Run& run, const Template& parsed);
    env::Task<api::Outcome<void>> Save(Run& run);
    api::Outcome<void> ComputeOutputs(Run& run, const Template& parsed);
    void Note(Run& run, StackResource& resource, std::string status, std::string reason);
    void NoteStack(Run& run, std::string status, std::string reason);

    ResourceProviders& providers_;
    StackStore& store_;
    env::Clock& clock_;
    env::Random& random_;
};

}  // namespace wellhead::pipeline
