#include "pipeline/stack.h"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>

namespace wellhead::pipeline {

namespace {

namespace json = boost::json;
using api::Outcome;

constexpr size_t kEventLimit = 1000;

api::ServiceError FromError(const base::Error& error) { return ValidationError(error.message); }

std::string Describe(const api::ServiceError& error) {
    return fmt::format("{}: {}", error.code, error.message);
}

}  // namespace

// One deployment: what it works on, what it changed so far.
struct Deployer::Run {
    api::CallContext context;
    Stack& stack;
    StackProgress progress;
    EvaluationScope scope;
    std::vector<std::string> created;  // logical ids, in order
    struct Updated {
        std::string logical_id;
        json::object properties_before;
    };
    std::vector<Updated> updated;
    // Replaced resources whose predecessors are removed once everything stands.
    std::vector<StackResource> replaced;
};

StackResource* Stack::Find(std::string_view logical_id) {
    for (auto& resource : resources) {
        if (resource.logical_id == logical_id) return &resource;
    }
    return nullptr;
}

Deployer::Deployer(ResourceProviders& providers, StackStore& store, env::Clock& clock,
                   env::Random& random)
    : providers_(providers), store_(store), clock_(clock), random_(random) {}

void Deployer::Note(Run& run, StackResource& resource, std::string status, std::string reason) {
    resource.status = std::move(status);
    resource.reason = std::move(reason);
    resource.changed = clock_.Now();
    StackEvent event{.id = env::RandomUuid(random_),
                     .logical_id = resource.logical_id,
                     .physical_id = resource.values.physical_id,
                     .type = resource.type,
                     .status = resource.status,
                     .reason = resource.reason,
                     .at = resource.changed};
    if (run.progress) run.progress(event);
    auto& events = run.stack.events;
    events.push_back(std::move(event));
    if (events.size() > kEventLimit) events.erase(events.begin());
}

void Deployer::NoteStack(Run& run, std::string status, std::string reason) {
    StackResource self{.logical_id = run.stack.name,
                       .type = "AWS::CloudFormation::Stack",
                       .status = {},
                       .reason = {},
                       .values = {run.stack.id, {}},
                       .properties = {},
                       .changed = {}};
    run.stack.status = status;
    run.stack.reason = reason;
    Note(run, self, std::move(status), std::move(reason));
}

env::Task<Outcome<void>> Deployer::Save(Run& run) {
    run.stack.updated = clock_.Now();
    auto saved = co_await store_.Save(run.stack);
    if (!saved) {
        co_return std::unexpected(api::ServiceError{.code = "InternalFailure",
                                                    .message = saved.error().message,
                                                    .http_status = 500,
                                                    .members = {}});
    }
    co_return Outcome<void>();
}

env::Task<Outcome<void>> Deployer::Deploy(api::CallContext context, Stack& stack, Wanted wanted,
                                          StackProgress progress) {
    auto parsed = ParseTemplate(wanted.template_text);
    if (!parsed) co_return std::unexpected(FromError(parsed.error()));
    auto parameters = ResolveParameters(*parsed, wanted.parameters);
    if (!parameters) co_return std::unexpected(FromError(parameters.error()));
    for (const auto& resource : parsed->resources) {
        if (!Serves(resource.type)) {
            co_return std::unexpected(ValidationError(
                fmt::format("Resources/{}: the type {} is not served", resource.logical_id, resource.type)));
        }
    }

    bool update = !stack.resources.empty();
    Run run{.context = context, .stack = stack, .progress = std::move(progress), .scope = {},
            .created = {}, .updated = {}, .replaced = {}};
    run.scope.source = &*parsed;
    run.scope.parameters = std::move(*parameters);
    run.scope.parameters["AWS::Region"] = context.region;
    run.scope.parameters["AWS::AccountId"] = context.account_id;
    run.scope.parameters["AWS::Partition"] = "aws";
    run.scope.parameters["AWS::URLSuffix"] = "amazonaws.com";
    run.scope.parameters["AWS::StackName"] = stack.name;
    run.scope.parameters["AWS::StackId"] = stack.id;
    NoteStack(run, update ? "UPDATE_IN_PROGRESS" : "CREATE_IN_PROGRESS", "");

    Outcome<void> result;
    auto order = OrderOfCreation(*parsed);
    for (const auto& logical_id : *order) {
        result = co_await Apply(run, *parsed->Find(logical_id));
        if (!result) {
            result.error().message = fmt::format("Resources/{}: {}", logical_id, Describe(result.error()));
            result.error().code = "ValidationError";
            break;
        }
    }
    if (result) result = ComputeOutputs(run, *parsed);
    if (!result) {
        NoteStack(run, update ? "UPDATE_ROLLBACK_IN_PROGRESS" : "ROLLBACK_IN_PROGRESS",
                  result.error().message);
        co_await RollBack(run);
        NoteStack(run, update ? "UPDATE_ROLLBACK_COMPLETE" : "ROLLBACK_COMPLETE", result.error().message);
        auto saved = co_await Save(run);
        if (!saved) co_return saved;
        co_return result;
    }
    stack.template_text = std::move(wanted.template_text);
    stack.parameters = std::move(wanted.parameters);
    auto removed = co_await RemoveUnwanted(run, *parsed);
    NoteStack(run, update ? "UPDATE_COMPLETE" : "CREATE_COMPLETE", removed ? "" : removed.error().message);
    co_return co_await Save(run);
}

env::Task<Outcome<void>> Deployer::Apply(Run& run, const TemplateResource& resource) {
    if (!resource.condition.empty()) {
        auto wanted = EvaluateCondition(resource.condition, run.scope);
        if (!wanted) co_return std::unexpected(FromError(wanted.error()));
        if (!*wanted) co_return Outcome<void>();
    }
    auto properties = Evaluate(json::value(resource.properties), run.scope);
    if (!properties) co_return std::unexpected(FromError(properties.error()));
    ResourceRequest request{.context = run.context,
                            .stack_name = run.stack.name,
                            .logical_id = resource.logical_id,
                            .properties = properties->get_object()};
    StackResource* existing = run.stack.Find(resource.logical_id);
    Outcome<void> result;
    if (existing == nullptr || existing->type != resource.type || !existing->status.ends_with("_COMPLETE")) {
        result = co_await CreateOne(run, std::move(request), resource.type, resource.deletion_policy);
    } else if (existing->properties != request.properties) {
        result = co_await UpdateOne(run, std::move(request), resource.type);
    }
    if (!result) co_return result;
    StackResource* standing = run.stack.Find(resource.logical_id);
    standing->deletion_policy = resource.deletion_policy;
    run.scope.resources[resource.logical_id] = standing->values;
    co_return result;
}

env::Task<Outcome<void>> Deployer::CreateOne(Run& run, ResourceRequest request, std::string type,
                                             std::string deletion_policy) {
    ResourceProvider& provider = *providers_.find(type)->second;
    StackResource* slot = run.stack.Find(request.logical_id);
    // A creation that was noted but never completed was cut off by a crash: what it made is taken over.
    bool interrupted = slot != nullptr && slot->type == type && slot->status == "CREATE_IN_PROGRESS";
    if (slot != nullptr && !interrupted && slot->status.ends_with("_COMPLETE")) {
        run.replaced.push_back(*slot);
    }
    if (slot == nullptr) slot = &run.stack.resources.emplace_back();
    slot->logical_id = request.logical_id;
    slot->type = type;
    slot->deletion_policy = std::move(deletion_policy);
    slot->values = {};
    slot->properties = request.properties;
    std::string logical_id = request.logical_id;
    Note(run, *slot, "CREATE_IN_PROGRESS", "");
    auto saved = co_await Save(run);
    if (!saved) co_return saved;

    std::optional<ResourceValues> values;
    if (interrupted) {
        auto adopted = co_await provider.Adopt(request);
        if (!adopted) co_return std::unexpected(adopted.error());
        values = std::move(*adopted);
    }
    if (!values) {
        auto created = co_await provider.Create(std::move(request));
        if (!created) {
            slot = run.stack.Find(logical_id);
            Note(run, *slot, "CREATE_FAILED", Describe(created.error()));
            co_return std::unexpected(created.error());
        }
        values = std::move(*created);
    }
    slot = run.stack.Find(logical_id);
    slot->values = std::move(*values);
    run.created.push_back(logical_id);
    Note(run, *slot, "CREATE_COMPLETE", "");
    co_return co_await Save(run);
}

env::Task<Outcome<void>> Deployer::UpdateOne(Run& run, ResourceRequest request, std::string type) {
    ResourceProvider& provider = *providers_.find(type)->second;
    std::string logical_id = request.logical_id;
    StackResource* slot = run.stack.Find(logical_id);
    if (provider.ChangeFor(slot->properties, request.properties) == Change::kReplacement) {
        co_return co_await CreateOne(run, std::move(request), std::move(type), slot->deletion_policy);
    }
    Note(run, *slot, "UPDATE_IN_PROGRESS", "");
    json::object before = slot->properties;
    json::object after = request.properties;
    ResourceValues existing = slot->values;
    auto updated = co_await provider.Update(std::move(request), std::move(existing));
    slot = run.stack.Find(logical_id);
    if (!updated) {
        Note(run, *slot, "UPDATE_FAILED", Describe(updated.error()));
        slot->status = "UPDATE_COMPLETE";  // it still stands as it was
        co_return std::unexpected(updated.error());
    }
    run.updated.push_back({logical_id, std::move(before)});
    slot->values = std::move(*updated);
    slot->properties = std::move(after);
    Note(run, *slot, "UPDATE_COMPLETE", "");
    co_return co_await Save(run);
}

env::Task<void> Deployer::RollBack(Run& run) {
    for (const auto& step : std::views::reverse(run.updated)) {
        StackResource* slot = run.stack.Find(step.logical_id);
        ResourceRequest request{.context = run.context,
                                .stack_name = run.stack.name,
                                .logical_id = step.logical_id,
                                .properties = step.properties_before};
        ResourceValues existing = slot->values;
        ResourceProvider& provider = *providers_.find(slot->type)->second;
        auto restored = co_await provider.Update(std::move(request), std::move(existing));
        slot = run.stack.Find(step.logical_id);
        if (restored) {
            slot->values = std::move(*restored);
            slot->properties = step.properties_before;
            Note(run, *slot, "UPDATE_COMPLETE", "rolled back");
        } else {
            Note(run, *slot, "UPDATE_FAILED", Describe(restored.error()));
        }
    }
    for (const auto& logical_id : std::views::reverse(run.created)) {
        StackResource slot = *run.stack.Find(logical_id);
        auto removed = co_await RemoveOne(run, std::move(slot));
        static_cast<void>(removed);  // noted in the stack's events
    }
    std::erase_if(run.stack.resources, [](const StackResource& resource) {
        return resource.status == "DELETE_COMPLETE" || resource.status == "CREATE_FAILED" ||
               resource.status == "CREATE_IN_PROGRESS";
    });
    for (auto& before : run.replaced) run.stack.resources.push_back(std::move(before));
}

env::Task<Outcome<void>> Deployer::RemoveOne(Run& run, StackResource resource) {
    StackResource* slot = run.stack.Find(resource.logical_id);
    StackResource& noted = slot != nullptr && slot->values.physical_id == resource.values.physical_id
                               ? *slot
                               : resource;
    auto provider = providers_.find(resource.type);
    if (resource.deletion_policy == "Retain" || provider == providers_.end()) {
        Note(run, noted, "DELETE_COMPLETE", "retained");
        co_return Outcome<void>();
    }
    Note(run, noted, "DELETE_IN_PROGRESS", "");
    ResourceRequest request{.context = run.context,
                            .stack_name = run.stack.name,
                            .logical_id = resource.logical_id,
                            .properties = resource.properties};
    auto deleted = co_await provider->second->Delete(std::move(request), resource.values);
    if (!deleted) {
        Note(run, noted, "DELETE_FAILED", Describe(deleted.error()));
        co_return std::unexpected(deleted.error());
    }
    Note(run, noted, "DELETE_COMPLETE", "");
    co_return Outcome<void>();
}

env::Task<Outcome<void>> Deployer::RemoveUnwanted(Run& run, const Template& parsed) {
    std::vector<StackResource> unwanted = std::move(run.replaced);
    run.replaced.clear();
    for (const auto& resource : run.stack.resources) {
        if (parsed.Find(resource.logical_id) == nullptr ||
            !run.scope.resources.contains(resource.logical_id)) {
            unwanted.push_back(resource);
        }
    }
    Outcome<void> result;
    for (auto& resource : std::views::reverse(unwanted)) {
        auto removed = co_await RemoveOne(run, resource);
        if (!removed) result = std::move(removed);
    }
    std::erase_if(run.stack.resources,
                  [](const StackResource& resource) { return resource.status == "DELETE_COMPLETE"; });
    co_return result;
}

Outcome<void> Deployer::ComputeOutputs(Run& run, const Template& parsed) {
    std::map<std::string, std::string> outputs;
    std::map<std::string, std::string> descriptions;
    for (const auto& [name, output] : parsed.outputs) {
        if (!output.condition.empty()) {
            auto wanted = EvaluateCondition(output.condition, run.scope);
            if (!wanted) return std::unexpected(FromError(wanted.error()));
            if (!*wanted) continue;
        }
        auto value = Evaluate(output.value, run.scope);
        if (!value) {
            return std::unexpected(ValidationError(fmt::format("Outputs/{}: {}", name, value.error().message)));
        }
        outputs[name] = value->is_string() ? std::string(value->get_string()) : json::serialize(*value);
        descriptions[name] = output.description;
    }
    run.stack.outputs = std::move(outputs);
    run.stack.output_descriptions = std::move(descriptions);
    return {};
}

env::Task<Outcome<void>> Deployer::Delete(api::CallContext context, Stack& stack,
                                          StackProgress progress) {
    Run run{.context = std::move(context), .stack = stack, .progress = std::move(progress), .scope = {},
            .created = {}, .updated = {}, .replaced = {}};
    NoteStack(run, "DELETE_IN_PROGRESS", "");
    std::vector<StackResource> doomed = stack.resources;
    Outcome<void> result;
    for (auto& resource : std::views::reverse(doomed)) {
        std::string logical_id = resource.logical_id;
        result = co_await RemoveOne(run, std::move(resource));
        if (!result) {
            result.error().message = fmt::format("Resources/{}: {}", logical_id, Describe(result.error()));
            break;
        }
        std::erase_if(stack.resources, [&](const StackResource& r) { return r.logical_id == logical_id; });
        auto saved = co_await Save(run);
        if (!saved) co_return saved;
    }
    NoteStack(run, result ? "DELETE_COMPLETE" : "DELETE_FAILED", result ? "" : result.error().message);
    auto saved = co_await Save(run);
    if (!saved) co_return saved;
    co_return result;
}

}  // namespace wellhead::pipeline
