#include "pipeline/deployer.h"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>
#include <set>

namespace wellhead::pipeline {

namespace {

namespace json = boost::json;
using api::Outcome;
using Kind = StackOperation::Kind;
using OnFailure = StackOperation::OnFailure;

constexpr size_t kEventLimit = 2000;
constexpr const char* kStackType = "AWS::CloudFormation::Stack";

api::ServiceError FromError(const base::Error& error) { return ValidationError(error.message); }

std::string Describe(const api::ServiceError& error) { return fmt::format("{}: {}", error.code, error.message); }

api::ServiceError InResource(std::string_view logical_id, const api::ServiceError& error) {
    if (error.code == Deployer::kGivenUp) return error;
    return ValidationError(fmt::format("Resources/{}: {}", logical_id, Describe(error)));
}

const StackResource* FindIncarnation(const std::vector<StackResource>& resources, std::string_view incarnation) {
    for (const auto& resource : resources) {
        if (resource.incarnation == incarnation) return &resource;
    }
    return nullptr;
}

void Erase(std::vector<StackResource>& resources, std::string_view incarnation) {
    std::erase_if(resources, [&](const StackResource& r) { return r.incarnation == incarnation; });
}

std::string Listed(const std::vector<std::string>& names) { return fmt::format("[{}]", fmt::join(names, ", ")); }

}  // namespace

// One operation: what it works on.
struct Deployer::Run {
    api::CallContext context;
    Stack& stack;
    const std::atomic<bool>& give_up;
    EvaluationScope scope;
    std::map<std::string, std::string> exports;
    std::set<std::string> imported;

    StackOperation& operation() { return *stack.under_way; }
    bool is_update() { return operation().kind == Kind::kUpdate; }
    ResourceRequest RequestFor(const StackResource& resource) {
        return {.context = context,
                .stack_name = stack.name,
                .logical_id = resource.logical_id,
                .incarnation = resource.incarnation,
                .properties = resource.properties};
    }
};

Deployer::Deployer(ResourceProviders& providers, StackStore& store, env::Clock& clock, env::Random& random)
    : providers_(providers), store_(store), clock_(clock), random_(random) {}

// --- what happened

void Deployer::AddEvent(Stack& stack, StackEvent event) {
    event.id = env::RandomUuid(random_);
    event.at = clock_.Now();
    stack.events.push_back(std::move(event));
    if (stack.events.size() > kEventLimit) stack.events.erase(stack.events.begin());
}

env::Task<Outcome<void>> Deployer::Save(Run& run) {
    auto saved = co_await store_.Save(run.stack);
    if (saved) co_return Outcome<void>();
    co_return std::unexpected(api::ServiceError{
        .code = "InternalFailure", .message = saved.error().message, .http_status = 500, .members = {}});
}

env::Task<Outcome<void>> Deployer::Note(Run& run, StackResource& resource, std::string status, std::string reason) {
    resource.status = std::move(status);
    resource.reason = std::move(reason);
    resource.changed = clock_.Now();
    AddEvent(run.stack, {.id = {},
                         .logical_id = resource.logical_id,
                         .physical_id = resource.values.physical_id,
                         .type = resource.type,
                         .status = resource.status,
                         .reason = resource.reason,
                         .at = {}});
    co_return co_await Save(run);
}

void Deployer::SetStatus(Stack& stack, std::string status, std::string reason) {
    stack.status = std::move(status);
    stack.reason = std::move(reason);
    AddEvent(stack, {.id = {},
                     .logical_id = stack.name,
                     .physical_id = stack.id,
                     .type = kStackType,
                     .status = stack.status,
                     .reason = stack.reason,
                     .at = {}});
}

env::Task<Outcome<void>> Deployer::NoteStack(Run& run, std::string status, std::string reason) {
    SetStatus(run.stack, std::move(status), std::move(reason));
    co_return co_await Save(run);
}

// The operation is over: nothing is left to go on with.
env::Task<Outcome<void>> Deployer::Finish(Run& run, std::string status, std::string reason) {
    run.stack.under_way.reset();
    co_return co_await NoteStack(run, std::move(status), std::move(reason));
}

void Deployer::Begin(Stack& stack, StackOperation operation) {
    operation.before = stack.resources;
    operation.started = clock_.Now();
    std::string_view word = operation.kind == Kind::kCreate   ? "CREATE"
                            : operation.kind == Kind::kUpdate ? "UPDATE"
                                                              : "DELETE";
    if (operation.kind == Kind::kUpdate) stack.updated = operation.started;
    stack.under_way = std::move(operation);
    SetStatus(stack, fmt::format("{}_IN_PROGRESS", word), "User Initiated");
}

// --- forward

env::Task<Outcome<void>> Deployer::Carry(api::CallContext context, Stack& stack, const std::atomic<bool>& give_up) {
    Run run{.context = std::move(context), .stack = stack, .give_up = give_up, .scope = {}, .exports = {}, .imported = {}};
    if (run.operation().kind == Kind::kDelete) co_return co_await Delete(run);
    if (run.operation().rolling_back) co_return co_await RollBack(run);
    auto parsed = Check(run.operation().wish);
    if (!parsed) co_return co_await Failed(run, parsed.error());
    run.scope = ScopeOf(run.context, stack, *parsed, run.operation().wish);
    for (auto& [name, found] : store_.ExportsBeside(stack.id)) run.exports[name] = found.value;
    run.scope.exports = &run.exports;
    run.scope.imported = &run.imported;

    auto applied = co_await ApplyAll(run, *parsed);
    if (applied) applied = ComputeOutputs(run, *parsed);
    if (!applied) {
        if (applied.error().code == kGivenUp) co_return applied;
        co_return co_await Failed(run, applied.error());
    }
    stack.now = run.operation().wish;
    stack.description = parsed->description;
    stack.imports.assign(run.imported.begin(), run.imported.end());
    std::string reason;
    if (run.is_update()) {
        auto noted = co_await NoteStack(run, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "");
        if (!noted) co_return noted;
        auto removed = co_await RemoveObsolete(run, *parsed);
        if (!removed) reason = removed.error().message;
    }
    std::string status = run.is_update() ? "UPDATE_COMPLETE" : "CREATE_COMPLETE";
    co_return co_await Finish(run, std::move(status), std::move(reason));
}

env::Task<Outcome<void>> Deployer::ApplyAll(Run& run, const Template& parsed) {
    auto order = OrderOfCreation(parsed);
    if (!order) co_return std::unexpected(FromError(order.error()));
    int64_t minutes = run.operation().timeout_minutes;
    for (const auto& logical_id : *order) {
        if (run.give_up.load()) {
            co_return std::unexpected(api::ServiceError{.code = kGivenUp, .message = {}, .http_status = 400, .members = {}});
        }
        if (minutes > 0 && clock_.Now() - run.operation().started > std::chrono::minutes(minutes)) {
            co_return std::unexpected(ValidationError(fmt::format("the stack did not stand within {} minutes", minutes)));
        }
        auto applied = co_await Apply(run, *parsed.Find(logical_id));
        if (!applied) co_return std::unexpected(InResource(logical_id, applied.error()));
    }
    co_return Outcome<void>();
}

env::Task<Outcome<void>> Deployer::Apply(Run& run, const TemplateResource& resource) {
    if (!resource.condition.empty()) {
        auto wanted = EvaluateCondition(resource.condition, run.scope);
        if (!wanted) co_return std::unexpected(FromError(wanted.error()));
        if (!*wanted) co_return Outcome<void>();
    }
    auto properties = Evaluate(json::value(resource.properties), run.scope);
    if (!properties) co_return std::unexpected(FromError(properties.error()));
    StackResource fresh{.logical_id = resource.logical_id,
                        .type = resource.type,
                        .status = {},
                        .reason = {},
                        .incarnation = env::RandomHex(random_, 6),
                        .values = {},
                        .properties = properties->get_object(),
                        .needs = {},
                        .deletion_policy = resource.deletion_policy,
                        .replace_policy = resource.replace_policy,
                        .changed = {}};
    std::set<std::string> needs = ReferencesOf(json::value(resource.properties));
    needs.insert(resource.depends_on.begin(), resource.depends_on.end());
    fresh.needs.assign(needs.begin(), needs.end());

    StackResource* standing = run.stack.Find(resource.logical_id);
    bool stands = standing != nullptr && standing->type == resource.type && !standing->status.starts_with("CREATE_F") &&
                  standing->status != "CREATE_IN_PROGRESS";
    Outcome<void> result;
    if (stands && providers_.find(resource.type)->second->ChangeFor(standing->properties, fresh.properties) ==
                      Change::kReplacement) {
        stands = false;
    }
    if (!stands) {
        result = co_await CreateOne(run, std::move(fresh));
    } else if (standing->properties != fresh.properties || !standing->status.ends_with("_COMPLETE")) {
        result = co_await UpdateOne(run, std::move(fresh));
    } else {
        standing->needs = std::move(fresh.needs);
        standing->deletion_policy = resource.deletion_policy;
        standing->replace_policy = resource.replace_policy;
    }
    if (!result) co_return result;
    run.scope.resources[resource.logical_id] = run.stack.Find(resource.logical_id)->values;
    co_return result;
}

env::Task<Outcome<void>> Deployer::CreateOne(Run& run, StackResource fresh) {
    ResourceProvider& provider = *providers_.find(fresh.type)->second;
    std::string logical_id = fresh.logical_id;
    StackResource* slot = run.stack.Find(logical_id);
    // A creation that was noted but never completed was cut off by a crash: what it made is taken over.
    bool interrupted = slot != nullptr && slot->type == fresh.type && slot->status == "CREATE_IN_PROGRESS" &&
                       slot->properties == fresh.properties;
    if (!interrupted) {
        if (slot != nullptr) Erase(run.stack.resources, std::string(slot->incarnation));
        slot = &run.stack.resources.emplace_back(std::move(fresh));
        auto noted = co_await Note(run, *slot, "CREATE_IN_PROGRESS", "");
        if (!noted) co_return noted;
    }
    std::optional<ResourceValues> values;
    if (interrupted) {
        ResourceRequest request = run.RequestFor(*slot);
        auto adopted = co_await provider.Adopt(std::move(request));
        if (!adopted) co_return std::unexpected(adopted.error());
        values = std::move(*adopted);
    }
    if (!values) {
        ResourceRequest request = run.RequestFor(*slot);
        auto created = co_await provider.Create(std::move(request));
        slot = run.stack.Find(logical_id);
        if (!created) {
            auto noted = co_await Note(run, *slot, "CREATE_FAILED", Describe(created.error()));
            if (!noted) co_return noted;
            co_return std::unexpected(created.error());
        }
        values = std::move(*created);
    }
    slot = run.stack.Find(logical_id);
    slot->values = std::move(*values);
    co_return co_await Note(run, *slot, "CREATE_COMPLETE", "");
}

env::Task<Outcome<void>> Deployer::UpdateOne(Run& run, StackResource fresh) {
    ResourceProvider& provider = *providers_.find(fresh.type)->second;
    StackResource* slot = run.stack.Find(fresh.logical_id);
    fresh.incarnation = slot->incarnation;
    auto noted = co_await Note(run, *slot, "UPDATE_IN_PROGRESS", "");
    if (!noted) co_return noted;
    ResourceValues existing = slot->values;
    ResourceRequest request = run.RequestFor(fresh);
    auto updated = co_await provider.Update(std::move(request), std::move(existing));
    slot = run.stack.Find(fresh.logical_id);
    if (!updated) {
        noted = co_await Note(run, *slot, "UPDATE_FAILED", Describe(updated.error()));
        if (!noted) co_return noted;
        co_return std::unexpected(updated.error());
    }
    fresh.values = std::move(*updated);
    *slot = std::move(fresh);
    co_return co_await Note(run, *slot, "UPDATE_COMPLETE", "");
}

Outcome<void> Deployer::ComputeOutputs(Run& run, const Template& parsed) {
    std::vector<StackOutput> outputs;
    auto taken = store_.ExportsBeside(run.stack.id);
    for (const auto& [name, output] : parsed.outputs) {
        if (!output.condition.empty()) {
            auto wanted = EvaluateCondition(output.condition, run.scope);
            if (!wanted) return std::unexpected(FromError(wanted.error()));
            if (!*wanted) continue;
        }
        auto value = Evaluate(output.value, run.scope);
        auto exported = Evaluate(output.export_name, run.scope);
        if (!value || !exported) {
            const base::Error& error = value ? exported.error() : value.error();
            return std::unexpected(ValidationError(fmt::format("Outputs/{}: {}", name, error.message)));
        }
        StackOutput out{name, ScalarText(*value), output.description,
                        exported->is_null() ? std::string() : ScalarText(*exported)};
        if (auto other = taken.find(out.export_name); !out.export_name.empty() && other != taken.end()) {
            return std::unexpected(ValidationError(fmt::format("Export with name {} is already exported by stack {}",
                                                               out.export_name, other->second.stack_name)));
        }
        outputs.push_back(std::move(out));
    }
    for (const auto& before : run.stack.outputs) {
        if (before.export_name.empty()) continue;
        bool same = std::ranges::any_of(outputs, [&](const StackOutput& after) {
            return after.export_name == before.export_name && after.value == before.value;
        });
        auto users = store_.ImportersOf(before.export_name);
        if (!same && !users.empty()) {
            return std::unexpected(ValidationError(fmt::format("Export {} cannot be updated as it is in use by {}",
                                                               before.export_name, fmt::join(users, " and "))));
        }
    }
    run.stack.outputs = std::move(outputs);
    return {};
}

env::Task<Outcome<void>> Deployer::RemoveObsolete(Run& run, const Template& parsed) {
    std::vector<std::pair<StackResource, std::string>> obsolete;  // with its policy
    for (const auto& before : run.operation().before) {
        if (FindIncarnation(run.stack.resources, before.incarnation) == nullptr) {
            obsolete.emplace_back(before, before.replace_policy);
        }
    }
    for (const auto& resource : run.stack.resources) {
        bool wanted = parsed.Find(resource.logical_id) != nullptr && run.scope.resources.contains(resource.logical_id);
        if (!wanted) obsolete.emplace_back(resource, resource.deletion_policy);
    }
    std::vector<std::string> failed;
    for (auto& [resource, policy] : std::views::reverse(obsolete)) {
        std::string incarnation = resource.incarnation;
        std::string logical_id = resource.logical_id;
        bool made = resource.status != "CREATE_FAILED";
        Outcome<void> removed;
        if (made) removed = co_await RemoveOne(run, std::move(resource), std::move(policy));
        if (!removed) failed.push_back(logical_id);
        Erase(run.stack.resources, incarnation);
        Erase(run.operation().before, incarnation);
    }
    if (failed.empty()) co_return Outcome<void>();
    co_return std::unexpected(ValidationError("One or more resources could not be deleted: " + Listed(failed)));
}

// --- backward

env::Task<Outcome<void>> Deployer::Failed(Run& run, api::ServiceError error) {
    StackOperation& operation = run.operation();
    operation.failure = error.message;
    bool update = run.is_update();
    if (operation.on_failure == OnFailure::kDoNothing) {
        if (!update) run.stack.now = operation.wish;
        std::string status = update ? "UPDATE_FAILED" : "CREATE_FAILED";
        auto finished = co_await Finish(run, std::move(status), error.message);
        if (!finished) co_return finished;
        co_return std::unexpected(std::move(error));
    }
    if (!update && operation.on_failure == OnFailure::kDelete) {
        operation.kind = Kind::kDelete;
        auto noted = co_await NoteStack(run, "DELETE_IN_PROGRESS", error.message);
        if (noted) noted = co_await Delete(run);
        if (!noted) co_return noted;
        co_return std::unexpected(std::move(error));
    }
    operation.rolling_back = true;
    std::string status = update ? "UPDATE_ROLLBACK_IN_PROGRESS" : "ROLLBACK_IN_PROGRESS";
    auto noted = co_await NoteStack(run, std::move(status), error.message);
    if (!noted) co_return noted;
    co_return co_await RollBack(run);
}

env::Task<Outcome<void>> Deployer::RollBack(Run& run) {
    StackOperation& operation = run.operation();
    bool update = run.is_update();
    std::string prefix = update ? "UPDATE_ROLLBACK" : "ROLLBACK";
    std::vector<std::string> failed;
    std::vector<StackResource> standing = run.stack.resources;
    for (auto& resource : std::views::reverse(standing)) {
        std::string logical_id = resource.logical_id;
        const StackResource* before = FindIncarnation(operation.before, resource.incarnation);
        Outcome<void> undone;
        if (before == nullptr) {
            undone = co_await TakeBackCreated(run, std::move(resource));
        } else if (before->properties != resource.properties || !resource.status.ends_with("_COMPLETE")) {
            undone = co_await TakeBackUpdated(run, *before);
        }
        if (!undone) failed.push_back(logical_id);
    }
    // What was replaced still stands, and is the stack's again.
    for (const auto& before : operation.before) {
        if (FindIncarnation(run.stack.resources, before.incarnation) == nullptr) run.stack.resources.push_back(before);
    }
    std::string failure = operation.failure;
    std::string status = prefix + (failed.empty() ? "_COMPLETE" : "_FAILED");
    std::string reason = failure;
    if (!failed.empty()) reason += " Taking it back failed for " + Listed(failed) + ".";
    if (!update) run.stack.now = operation.wish;
    auto finished = co_await Finish(run, std::move(status), std::move(reason));
    if (!finished) co_return finished;
    co_return std::unexpected(ValidationError(std::move(failure)));
}

env::Task<Outcome<void>> Deployer::TakeBackCreated(Run& run, StackResource created) {
    bool made = created.status != "CREATE_FAILED";
    if (created.status == "CREATE_IN_PROGRESS") {
        ResourceRequest request = run.RequestFor(created);
        auto adopted = co_await providers_.find(created.type)->second->Adopt(std::move(request));
        if (!adopted) co_return std::unexpected(adopted.error());
        made = adopted->has_value();
        if (made) created.values = std::move(**adopted);
    }
    StackResource trace = created;
    std::string policy = created.deletion_policy == "RetainExceptOnCreate" ? "Delete" : created.deletion_policy;
    Outcome<void> removed;
    if (made) removed = co_await RemoveOne(run, std::move(created), std::move(policy));
    if (!removed) co_return removed;
    Erase(run.stack.resources, trace.incarnation);
    trace.status = "DELETE_COMPLETE";
    trace.changed = clock_.Now();
    if (!run.is_update()) run.stack.gone.push_back(std::move(trace));
    co_return co_await Save(run);
}

env::Task<Outcome<void>> Deployer::TakeBackUpdated(Run& run, StackResource before) {
    std::string logical_id = before.logical_id;
    StackResource* slot = run.stack.Find(logical_id);
    ResourceValues existing = slot->values;
    ResourceProvider& provider = *providers_.find(before.type)->second;
    ResourceRequest request = run.RequestFor(before);
    auto restored = co_await provider.Update(std::move(request), std::move(existing));
    slot = run.stack.Find(logical_id);
    if (!restored) {
        auto noted = co_await Note(run, *slot, "UPDATE_FAILED", Describe(restored.error()));
        if (!noted) co_return noted;
        co_return std::unexpected(restored.error());
    }
    before.values = std::move(*restored);
    *slot = std::move(before);
    co_return co_await Note(run, *slot, "UPDATE_COMPLETE", "rolled back");
}

// Leaves the lists as they are: whoever calls takes the resource out once it is gone.
env::Task<Outcome<void>> Deployer::RemoveOne(Run& run, StackResource resource, std::string policy) {
    StackResource* slot = run.stack.Find(resource.logical_id);
    StackResource& noted = slot != nullptr && slot->incarnation == resource.incarnation ? *slot : resource;
    auto provider = providers_.find(resource.type);
    if (policy.starts_with("Retain") || provider == providers_.end()) {
        co_return co_await Note(run, noted, "DELETE_SKIPPED", "");
    }
    auto saved = co_await Note(run, noted, "DELETE_IN_PROGRESS", "");
    if (!saved) co_return saved;
    ResourceValues values = resource.values;
    ResourceRequest request = run.RequestFor(resource);
    auto deleted = co_await provider->second->Delete(std::move(request), std::move(values));
    if (!deleted) {
        saved = co_await Note(run, noted, "DELETE_FAILED", Describe(deleted.error()));
        if (!saved) co_return saved;
        co_return std::unexpected(deleted.error());
    }
    co_return co_await Note(run, noted, "DELETE_COMPLETE", "");
}

env::Task<Outcome<void>> Deployer::Delete(Run& run) {
    auto deleted = co_await DeleteAll(run);
    if (!deleted) {
        auto finished = co_await Finish(run, "DELETE_FAILED", deleted.error().message);
        if (!finished) co_return finished;
        co_return deleted;
    }
    run.stack.deleted = clock_.Now();
    run.stack.outputs.clear();
    run.stack.imports.clear();
    co_return co_await Finish(run, "DELETE_COMPLETE", "");
}

env::Task<Outcome<void>> Deployer::DeleteAll(Run& run) {
    for (const auto& output : run.stack.outputs) {
        auto users = store_.ImportersOf(output.export_name);
        if (output.export_name.empty() || users.empty()) continue;
        co_return std::unexpected(ValidationError(fmt::format("Export {} cannot be deleted as it is in use by {}",
                                                              output.export_name, fmt::join(users, " and "))));
    }
    std::vector<StackResource> left = run.stack.resources;
    std::vector<std::string> failed;
    std::string cause;
    while (!left.empty()) {
        // From the newest on; what another one that still stands refers to waits for it.
        auto is_needed = [&](const StackResource& resource) {
            auto refers = [&](const StackResource& other) {
                return std::ranges::find(other.needs, resource.logical_id) != other.needs.end();
            };
            return std::ranges::any_of(run.stack.resources, refers);
        };
        auto next = std::ranges::find_if_not(left.rbegin(), left.rend(), is_needed);
        if (next == left.rend()) break;
        StackResource resource = *next;
        left.erase(std::next(next).base());
        bool retained = std::ranges::find(run.operation().retain, resource.logical_id) != run.operation().retain.end();
        StackResource trace = resource;
        Outcome<void> removed;
        if (resource.status == "CREATE_IN_PROGRESS" || resource.status == "CREATE_FAILED") {
            removed = co_await TakeBackCreated(run, std::move(resource));
        } else {
            std::string policy = retained ? "Retain" : trace.deletion_policy;
            removed = co_await RemoveOne(run, std::move(resource), std::move(policy));
            if (removed) trace.status = run.stack.Find(trace.logical_id)->status;
            if (removed) run.stack.gone.push_back(trace);
        }
        if (removed) {
            Erase(run.stack.resources, trace.incarnation);
            continue;
        }
        failed.push_back(trace.logical_id);
        if (cause.empty()) cause = InResource(trace.logical_id, removed.error()).message;
    }
    if (failed.empty()) co_return Outcome<void>();
    co_return std::unexpected(
        ValidationError(fmt::format("The following resource(s) failed to delete: {}. {}", Listed(failed), cause)));
}

}  // namespace wellhead::pipeline
