// Operations on stacks: create, update, delete.

#include "services/cloudformation/cloudformation_service.h"

#include <fmt/format.h>

#include <algorithm>

#include "apis/cloudformation/errors.h"
#include "base/log.h"

namespace wellhead::services::cloudformation {

using api::CallContext;
using api::Outcome;
using base::Result;
using pipeline::Stack;
using pipeline::StackOperation;
using std::unexpected;
namespace errors = apis::cloudformation;
using Kind = StackOperation::Kind;
using OnFailure = StackOperation::OnFailure;

namespace {

api::ServiceError Internal(const base::Error& error) {
    return {.code = "InternalFailure", .message = error.message, .http_status = 500, .members = {}};
}

bool CanBeUpdated(const std::string& status) {
    return status == "CREATE_COMPLETE" || status == "UPDATE_COMPLETE" || status == "UPDATE_ROLLBACK_COMPLETE" ||
           status == "CREATE_FAILED" || status == "UPDATE_FAILED";
}

// A setting that would be accepted and then do nothing.
template <class Input>
Outcome<void> RefuseUnserved(const Input& input) {
    auto refuse = [](std::string_view what) {
        return unexpected(errors::ValidationError(fmt::format("{} is not served.", what)));
    };
    if (input.NotificationARNs && !input.NotificationARNs->empty()) return refuse("NotificationARNs");
    if (input.ResourceTypes && !input.ResourceTypes->empty()) return refuse("ResourceTypes");
    if (input.RollbackConfiguration && input.RollbackConfiguration->RollbackTriggers &&
        !input.RollbackConfiguration->RollbackTriggers->empty()) {
        return refuse("RollbackConfiguration");
    }
    if (input.StackPolicyBody || input.StackPolicyURL) return refuse("A stack policy");
    return {};
}

Outcome<void> CheckStackName(const std::string& name) {
    bool good = !name.empty() && name.size() <= 128 && std::isalpha(static_cast<unsigned char>(name[0])) != 0 &&
                std::ranges::all_of(name, [](unsigned char c) { return std::isalnum(c) != 0 || c == '-'; });
    if (good) return {};
    return unexpected(errors::ValidationError(
        fmt::format("1 validation error detected: Value '{}' at 'stackName' failed to satisfy constraint: Member must "
                    "satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*",
                    name)));
}

Outcome<OnFailure> FailureRule(const std::optional<std::string>& on_failure, const std::optional<bool>& disable) {
    if (on_failure && disable) {
        return unexpected(errors::ValidationError("You can specify either DisableRollback or OnFailure, but not both."));
    }
    if (disable.value_or(false) || on_failure == wire::OnFailure::kDoNothing) return OnFailure::kDoNothing;
    return on_failure == wire::OnFailure::kDelete ? OnFailure::kDelete : OnFailure::kRollBack;
}

}  // namespace

CloudFormationService::CloudFormationService(CloudFormationDependencies dependencies, CloudFormationSettings settings)
    : deps_(std::move(dependencies)),
      settings_(std::move(settings)),
      shelf_(deps_.table),
      deployer_(deps_.providers, shelf_, deps_.clock, deps_.random) {}

CloudFormationService::~CloudFormationService() = default;

env::Task<Result<std::unique_ptr<CloudFormationService>>> CloudFormationService::Open(
    CloudFormationDependencies dependencies, CloudFormationSettings settings) {
    std::unique_ptr<CloudFormationService> service(
        new CloudFormationService(std::move(dependencies), std::move(settings)));
    CO_RETURN_IF_ERROR(co_await service->shelf_.Load());
    co_return std::move(service);
}

void CloudFormationService::Resume() {
    for (const auto& stack : shelf_.All()) {
        if (!stack->under_way) continue;
        CallContext context;
        context.request_id = env::RandomUuid(deps_.random);
        context.account_id = settings_.account_id;
        context.region = settings_.region;
        context.caller = {.account_id = settings_.account_id,
                          .arn = fmt::format("arn:aws:iam::{}:root", settings_.account_id),
                          .access_key_id = {},
                          .authenticated = true,
                          .root = true};
        base::LogInfo("cloudformation", "stack {} goes on, {}", stack->name, stack->status);
        SpawnWork(std::move(context), stack->id, stack->change_set_id);
    }
}

env::Task<void> CloudFormationService::Close() {
    {
        std::lock_guard lock(mutex_);
        for (auto& [id, working] : working_) working->give_up = true;
    }
    co_await scope_.Close();
}

std::string CloudFormationService::ArnOf(std::string_view kind, std::string_view name) {
    return fmt::format("arn:aws:cloudformation:{}:{}:{}/{}/{}", settings_.region, settings_.account_id, kind, name,
                       env::RandomUuid(deps_.random));
}

Stack CloudFormationService::NewStack(std::string name) {
    Stack stack;
    stack.id = ArnOf("stack", name);
    stack.name = std::move(name);
    stack.created = deps_.clock.Now();
    return stack;
}

Outcome<StackShelf::StackPointer> CloudFormationService::Existing(const std::string& name_or_id) const {
    auto stack = shelf_.Find(name_or_id);
    if (stack != nullptr) return stack;
    return unexpected(errors::ValidationError(fmt::format("Stack with id {} does not exist", name_or_id)));
}

// --- in the background

env::Task<Outcome<void>> CloudFormationService::Start(const CallContext& context, Stack stack, StackOperation operation,
                                                      std::string change_set_id) {
    if (!change_set_id.empty()) stack.change_set_id = change_set_id;
    deployer_.Begin(stack, std::move(operation));
    std::string id = stack.id;
    auto saved = co_await shelf_.Save(std::move(stack));
    if (!saved) co_return unexpected(Internal(saved.error()));
    SpawnWork(context, std::move(id), std::move(change_set_id));
    co_return Outcome<void>();
}

void CloudFormationService::SpawnWork(CallContext context, std::string stack_id, std::string change_set_id) {
    auto working = std::make_shared<Working>();
    working->change_sets = shelf_.ChangeSetsOf(stack_id);
    {
        std::lock_guard lock(mutex_);
        working_[stack_id] = working;
    }
    Stack stack = *shelf_.Find(stack_id);
    env::Spawn(scope_, deps_.executor, "stack " + stack.name,
               Work(std::move(context), std::move(stack), working, std::move(change_set_id)));
}

env::Task<void> CloudFormationService::Work(CallContext context, Stack stack, std::shared_ptr<Working> working,
                                            std::string change_set_id) {
    for (;;) {
        auto done = co_await deployer_.Carry(context, stack, working->give_up);
        if (done) break;
        if (done.error().code != pipeline::Deployer::kGivenUp) {
            base::LogWarning("cloudformation", "stack {}: {}", stack.name, done.error().message);
            break;
        }
        std::optional<StackOperation> next;
        {
            std::lock_guard lock(mutex_);
            next = std::exchange(working->then, std::nullopt);
            working->give_up = false;
        }
        if (!next) co_return;  // the program ends; it goes on with the next start
        deployer_.Begin(stack, std::move(*next));
        auto saved = co_await shelf_.Save(stack);
        if (!saved) base::LogError("cloudformation", "stack {}: {}", stack.name, saved.error().message);
    }
    co_await EndWork(std::move(stack), std::move(working), std::move(change_set_id));
}

env::Task<void> CloudFormationService::EndWork(Stack stack, std::shared_ptr<Working> working,
                                               std::string change_set_id) {
    bool gone = stack.status == "DELETE_COMPLETE";
    bool good = stack.status == "CREATE_COMPLETE" || stack.status == "UPDATE_COMPLETE";
    // What was made for the stack as it was before.
    for (const auto& set : working->change_sets) {
        Result<void> saved;
        if (gone) {
            saved = co_await shelf_.RemoveChangeSet(set->id);
        } else {
            ChangeSet next = *set;
            next.execution_status = set->id != change_set_id ? wire::ExecutionStatus::kObsolete
                                    : good                   ? wire::ExecutionStatus::kExecuteComplete
                                                             : wire::ExecutionStatus::kExecuteFailed;
            saved = co_await shelf_.SaveChangeSet(std::move(next));
        }
        if (!saved) base::LogError("cloudformation", "change set {}: {}", set->name, saved.error().message);
    }
    std::lock_guard lock(mutex_);
    // The next operation may have begun already.
    if (auto found = working_.find(stack.id); found != working_.end() && found->second == working) working_.erase(found);
}

// --- operations

env::Task<Outcome<wire::CreateStackOutput>> CloudFormationService::CreateStack(const CallContext& context,
                                                                               wire::CreateStackInput input) {
    CO_RETURN_IF_ERROR(CheckStackName(input.StackName));
    CO_RETURN_IF_ERROR(RefuseUnserved(input));
    auto on_failure = FailureRule(input.OnFailure, input.DisableRollback);
    if (!on_failure) co_return unexpected(on_failure.error());
    auto pass = co_await turnstile_.Enter();
    if (auto there = shelf_.Find(input.StackName)) {
        bool again = input.ClientRequestToken && *input.ClientRequestToken == there->request_token;
        if (again) co_return wire::CreateStackOutput{.StackId = there->id};
        co_return unexpected(errors::AlreadyExistsException(fmt::format("Stack [{}] already exists", input.StackName)));
    }
    WishRequest request = RequestOf(input);
    auto wish = co_await WishOf(context, std::move(request), nullptr);
    if (!wish) co_return unexpected(wish.error());
    Stack stack = NewStack(input.StackName);
    stack.termination_protection = input.EnableTerminationProtection.value_or(false);
    stack.disable_rollback = *on_failure == OnFailure::kDoNothing;
    stack.timeout_minutes = input.TimeoutInMinutes.value_or(0);
    stack.role_arn = input.RoleARN.value_or("");
    stack.request_token = input.ClientRequestToken.value_or("");
    stack.now.tags = wish->tags;
    StackOperation operation;
    operation.kind = Kind::kCreate;
    operation.wish = std::move(*wish);
    operation.on_failure = *on_failure;
    operation.timeout_minutes = stack.timeout_minutes;
    wire::CreateStackOutput output{.StackId = stack.id};
    auto started = co_await Start(context, std::move(stack), std::move(operation), "");
    if (!started) co_return unexpected(started.error());
    co_return output;
}

env::Task<Outcome<wire::UpdateStackOutput>> CloudFormationService::UpdateStack(const CallContext& context,
                                                                               wire::UpdateStackInput input) {
    CO_RETURN_IF_ERROR(RefuseUnserved(input));
    if (input.StackPolicyDuringUpdateBody || input.StackPolicyDuringUpdateURL) {
        co_return unexpected(errors::ValidationError("A stack policy is not served."));
    }
    auto pass = co_await turnstile_.Enter();
    auto there = shelf_.Find(input.StackName);
    if (there == nullptr || there->status == "DELETE_COMPLETE") {
        co_return unexpected(errors::ValidationError(fmt::format("Stack [{}] does not exist", input.StackName)));
    }
    if (input.ClientRequestToken && *input.ClientRequestToken == there->request_token) {
        co_return wire::UpdateStackOutput{.StackId = there->id};
    }
    if (!CanBeUpdated(there->status)) {
        co_return unexpected(errors::ValidationError(
            fmt::format("Stack:{} is in {} state and can not be updated.", there->id, there->status)));
    }
    WishRequest request = RequestOf(input);
    auto wish = co_await WishOf(context, std::move(request), there.get());
    if (!wish) co_return unexpected(wish.error());
    auto changes = deployer_.Changes(context, *there, *wish);
    if (!changes) co_return unexpected(changes.error());
    if (!*changes && there->status.ends_with("_COMPLETE")) {
        co_return unexpected(errors::ValidationError("No updates are to be performed."));
    }
    Stack stack = *there;
    stack.disable_rollback = input.DisableRollback.value_or(false);
    stack.role_arn = input.RoleARN.value_or(stack.role_arn);
    stack.request_token = input.ClientRequestToken.value_or("");
    StackOperation operation;
    operation.kind = Kind::kUpdate;
    operation.wish = std::move(*wish);
    operation.on_failure = stack.disable_rollback ? OnFailure::kDoNothing : OnFailure::kRollBack;
    wire::UpdateStackOutput output{.StackId = stack.id};
    auto started = co_await Start(context, std::move(stack), std::move(operation), "");
    if (!started) co_return unexpected(started.error());
    co_return output;
}

env::Task<Outcome<wire::DeleteStackOutput>> CloudFormationService::DeleteStack(const CallContext& context,
                                                                               wire::DeleteStackInput input) {
    auto pass = co_await turnstile_.Enter();
    auto there = shelf_.Find(input.StackName);
    if (there == nullptr || there->status == "DELETE_COMPLETE" || there->status == "DELETE_IN_PROGRESS") {
        co_return wire::DeleteStackOutput{};
    }
    if (there->termination_protection) {
        co_return unexpected(errors::ValidationError(
            fmt::format("Stack [{}] cannot be deleted while TerminationProtection is enabled", there->name)));
    }
    StackOperation operation;
    operation.kind = Kind::kDelete;
    operation.wish = there->now;
    if (input.RetainResources && !input.RetainResources->empty()) {
        if (there->status != "DELETE_FAILED") {
            co_return unexpected(errors::ValidationError(fmt::format(
                "Invalid operation on stack [{}]. RetainResources is valid only for stacks in DELETE_FAILED state.",
                there->name)));
        }
        operation.retain = *input.RetainResources;
    }
    if (input.DeletionMode == wire::DeletionMode::kForceDeleteStack) {
        for (const auto& resource : there->resources) {
            if (resource.status == "DELETE_FAILED") operation.retain.push_back(resource.logical_id);
        }
    }
    if (there->under_way) {
        // A creation gives way to its deletion; anything else is to end first.
        std::lock_guard lock(mutex_);
        auto working = working_.find(there->id);
        if (working != working_.end() && there->status == "CREATE_IN_PROGRESS") {
            working->second->then = std::move(operation);
            working->second->give_up = true;
            co_return wire::DeleteStackOutput{};
        }
        co_return unexpected(errors::ValidationError(
            fmt::format("Stack [{}] cannot be deleted while in status {}", there->name, there->status)));
    }
    Stack stack = *there;
    stack.request_token = input.ClientRequestToken.value_or("");
    auto started = co_await Start(context, std::move(stack), std::move(operation), "");
    if (!started) co_return unexpected(started.error());
    co_return wire::DeleteStackOutput{};
}

env::Task<Outcome<wire::UpdateTerminationProtectionOutput>> CloudFormationService::UpdateTerminationProtection(
    const CallContext&, wire::UpdateTerminationProtectionInput input) {
    auto pass = co_await turnstile_.Enter();
    auto there = Existing(input.StackName);
    if (!there) co_return unexpected(there.error());
    if ((*there)->under_way || (*there)->status == "DELETE_COMPLETE") {
        co_return unexpected(errors::ValidationError(
            fmt::format("Stack [{}] cannot be changed while in status {}", (*there)->name, (*there)->status)));
    }
    Stack stack = **there;
    stack.termination_protection = input.EnableTerminationProtection;
    wire::UpdateTerminationProtectionOutput output{.StackId = stack.id};
    auto saved = co_await shelf_.Save(std::move(stack));
    if (!saved) co_return unexpected(Internal(saved.error()));
    co_return output;
}

// --- change sets

env::Task<Outcome<wire::CreateChangeSetOutput>> CloudFormationService::CreateChangeSet(
    const CallContext& context, wire::CreateChangeSetInput input) {
    std::string type = input.ChangeSetType.value_or(std::string(wire::ChangeSetType::kUpdate));
    if (type == wire::ChangeSetType::kImport || input.ResourcesToImport || input.ImportExistingResources.value_or(false)) {
        co_return unexpected(errors::ValidationError("Importing resources is not served."));
    }
    if (input.NotificationARNs && !input.NotificationARNs->empty()) {
        co_return unexpected(errors::ValidationError("NotificationARNs is not served."));
    }
    bool create = type == wire::ChangeSetType::kCreate;
    auto pass = co_await turnstile_.Enter();
    auto there = shelf_.Find(input.StackName);
    if (there != nullptr && there->status == "DELETE_COMPLETE") there = nullptr;
    if (there == nullptr && !create) {
        co_return unexpected(errors::ValidationError(fmt::format("Stack [{}] does not exist", input.StackName)));
    }
    if (there != nullptr && create && there->status != "REVIEW_IN_PROGRESS") {
        co_return unexpected(errors::ValidationError(
            fmt::format("Stack [{}] already exists and cannot be created again with the changeSet [{}].",
                        input.StackName, input.ChangeSetName)));
    }
    if (there != nullptr && !create && !CanBeUpdated(there->status)) {
        co_return unexpected(errors::ValidationError(
            fmt::format("Stack:{} is in {} state and can not be updated.", there->id, there->status)));
    }
    if (there != nullptr && shelf_.FindChangeSet(input.ChangeSetName, there->id) != nullptr) {
        co_return unexpected(
            errors::AlreadyExistsException(fmt::format("ChangeSet {} already exists", input.ChangeSetName)));
    }
    WishRequest request = RequestOf(input);
    const auto* before = create ? nullptr : there.get();
    auto wish = co_await WishOf(context, std::move(request), before);
    if (!wish) co_return unexpected(wish.error());
    Stack stack;
    if (there == nullptr) {
        CO_RETURN_IF_ERROR(CheckStackName(input.StackName));
        stack = NewStack(input.StackName);
        deployer_.Review(stack);
        auto saved = co_await shelf_.Save(stack);
        if (!saved) co_return unexpected(Internal(saved.error()));
    } else {
        stack = *there;
    }
    auto changes = deployer_.Preview(context, stack, *wish);
    if (!changes) co_return unexpected(changes.error());
    auto any = deployer_.Changes(context, stack, *wish);
    bool empty = !create && any && !*any;
    ChangeSet set;
    set.name = input.ChangeSetName;
    set.id = ArnOf("changeSet", input.ChangeSetName);
    set.stack_id = stack.id;
    set.stack_name = stack.name;
    set.description = input.Description.value_or("");
    set.status = empty ? wire::ChangeSetStatus::kFailed : wire::ChangeSetStatus::kCreateComplete;
    if (empty) {
        set.reason = "The submitted information didn't contain changes. Submit different information to create a change set.";
    }
    set.execution_status = empty ? wire::ExecutionStatus::kUnavailable : wire::ExecutionStatus::kAvailable;
    set.wish = std::move(*wish);
    set.changes = std::move(*changes);
    set.on_failure = input.OnStackFailure == wire::OnStackFailure::kDelete       ? OnFailure::kDelete
                     : input.OnStackFailure == wire::OnStackFailure::kDoNothing ? OnFailure::kDoNothing
                                                                                : OnFailure::kRollBack;
    set.created = deps_.clock.Now();
    wire::CreateChangeSetOutput output{.Id = set.id, .StackId = set.stack_id};
    auto saved = co_await shelf_.SaveChangeSet(std::move(set));
    if (!saved) co_return unexpected(Internal(saved.error()));
    co_return output;
}

env::Task<Outcome<wire::ExecuteChangeSetOutput>> CloudFormationService::ExecuteChangeSet(
    const CallContext& context, wire::ExecuteChangeSetInput input) {
    auto pass = co_await turnstile_.Enter();
    auto set = ExistingSet(input.ChangeSetName, input.StackName);
    if (!set) co_return unexpected(set.error());
    if ((*set)->execution_status != wire::ExecutionStatus::kAvailable) {
        co_return unexpected(errors::InvalidChangeSetStatusException(
            fmt::format("ChangeSet [{}] cannot be executed in its current execution status of [{}]", (*set)->id,
                        (*set)->execution_status)));
    }
    auto there = shelf_.Find((*set)->stack_id);
    bool review = there != nullptr && there->status == "REVIEW_IN_PROGRESS";
    if (there == nullptr || (!review && !CanBeUpdated(there->status))) {
        co_return unexpected(errors::ValidationError(
            fmt::format("Stack [{}] is in {} state and can not be updated.", (*set)->stack_name,
                        there == nullptr ? "DELETE_COMPLETE" : there->status)));
    }
    Stack stack = *there;
    stack.disable_rollback = input.DisableRollback.value_or(false);
    stack.request_token = input.ClientRequestToken.value_or("");
    if (review) stack.now.tags = (*set)->wish.tags;
    StackOperation operation;
    operation.kind = review ? Kind::kCreate : Kind::kUpdate;
    operation.wish = (*set)->wish;
    operation.on_failure = stack.disable_rollback ? OnFailure::kDoNothing : (*set)->on_failure;
    ChangeSet next = **set;
    next.execution_status = wire::ExecutionStatus::kExecuteInProgress;
    std::string id = next.id;
    auto saved = co_await shelf_.SaveChangeSet(std::move(next));
    if (!saved) co_return unexpected(Internal(saved.error()));
    auto started = co_await Start(context, std::move(stack), std::move(operation), std::move(id));
    if (!started) co_return unexpected(started.error());
    co_return wire::ExecuteChangeSetOutput{};
}

env::Task<Outcome<wire::DeleteChangeSetOutput>> CloudFormationService::DeleteChangeSet(
    const CallContext&, wire::DeleteChangeSetInput input) {
    auto pass = co_await turnstile_.Enter();
    auto set = ExistingSet(input.ChangeSetName, input.StackName);
    // One that is not there is as good as deleted, of a stack that is.
    if (!set && set.error().code != "ChangeSetNotFound") co_return unexpected(set.error());
    if (!set) co_return wire::DeleteChangeSetOutput{};
    if ((*set)->execution_status == wire::ExecutionStatus::kExecuteInProgress) {
        co_return unexpected(errors::InvalidChangeSetStatusException(
            fmt::format("ChangeSet [{}] is being executed", (*set)->id)));
    }
    auto removed = co_await shelf_.RemoveChangeSet((*set)->id);
    if (!removed) co_return unexpected(Internal(removed.error()));
    co_return wire::DeleteChangeSetOutput{};
}

}  // namespace wellhead::services::cloudformation
