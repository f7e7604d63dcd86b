// Operations that look at stacks and change sets.

#include <fmt/format.h>

#include <algorithm>
#include <ranges>

#include "apis/cloudformation/errors.h"
#include "services/cloudformation/cloudformation_service.h"

namespace wellhead::services::cloudformation {

using api::CallContext;
using api::Outcome;
using pipeline::PlannedChange;
using pipeline::Stack;
using std::unexpected;
namespace errors = apis::cloudformation;

namespace {

constexpr size_t kPageSize = 100;

std::optional<std::string> IfAny(const std::string& text) {
    return text.empty() ? std::nullopt : std::optional<std::string>(text);
}

// One page of items beginning at the token, which is the key of the first; next_token is set when there are more.
template <class T, class KeyOf>
Outcome<std::vector<T>> Page(std::vector<T> items, const std::optional<std::string>& token,
                             std::optional<std::string>& next_token, KeyOf key_of) {
    auto first = items.begin();
    if (token) {
        first = std::ranges::find_if(items, [&](const T& item) { return key_of(item) == *token; });
        if (first == items.end()) return unexpected(errors::ValidationError("NextToken is not valid."));
    }
    auto last = items.end() - first > static_cast<ptrdiff_t>(kPageSize) ? first + kPageSize : items.end();
    if (last != items.end()) next_token = key_of(*last);
    return std::vector<T>(std::make_move_iterator(first), std::make_move_iterator(last));
}

// With the defaults that hold, and without what is secret.
std::vector<wire::Parameter> ParametersOf(const pipeline::StackWish& wish) {
    std::vector<wire::Parameter> parameters;
    auto parsed = pipeline::ParseTemplate(wish.template_text);
    if (!parsed) return parameters;
    for (const auto& [name, declared] : parsed->parameters) {
        auto given = wish.parameters.find(name);
        wire::Parameter parameter;
        parameter.ParameterKey = name;
        if (declared.no_echo) {
            parameter.ParameterValue = "****";
        } else if (given != wish.parameters.end()) {
            parameter.ParameterValue = given->second;
        } else {
            parameter.ParameterValue = pipeline::ScalarText(declared.default_value);
        }
        parameters.push_back(std::move(parameter));
    }
    return parameters;
}

std::vector<wire::Tag> TagsOf(const pipeline::StackWish& wish) {
    std::vector<wire::Tag> tags;
    for (const auto& [key, value] : wish.tags) tags.push_back({key, value});
    return tags;
}

const pipeline::StackWish& ShownWish(const Stack& stack) {
    bool first = stack.now.template_text.empty() && stack.under_way;
    return first ? stack.under_way->wish : stack.now;
}

wire::Stack Shown(const Stack& stack) {
    const pipeline::StackWish& wish = ShownWish(stack);
    wire::Stack shown;
    shown.StackId = stack.id;
    shown.StackName = stack.name;
    shown.ChangeSetId = IfAny(stack.change_set_id);
    shown.Description = IfAny(stack.description);
    shown.Parameters = ParametersOf(wish);
    shown.CreationTime = stack.created;
    shown.LastUpdatedTime = stack.updated;
    shown.DeletionTime = stack.deleted;
    shown.RollbackConfiguration.emplace();
    shown.StackStatus = stack.status;
    shown.StackStatusReason = IfAny(stack.reason);
    shown.DisableRollback = stack.disable_rollback;
    shown.NotificationARNs = stack.notification_arns;
    if (stack.timeout_minutes > 0) shown.TimeoutInMinutes = static_cast<int32_t>(stack.timeout_minutes);
    shown.Capabilities = wish.capabilities;
    shown.Outputs.emplace();
    for (const auto& output : stack.outputs) {
        shown.Outputs->push_back({output.name, output.value, IfAny(output.description), IfAny(output.export_name)});
    }
    shown.RoleARN = IfAny(stack.role_arn);
    shown.Tags = TagsOf(stack.now);
    shown.EnableTerminationProtection = stack.termination_protection;
    shown.DriftInformation = wire::StackDriftInformation{std::string(wire::StackDriftStatus::kNotChecked), {}};
    return shown;
}

// The stack's resources; of one that was deleted or never stood, what was removed.
std::vector<pipeline::StackResource> ResourcesOf(const Stack& stack) {
    std::vector<pipeline::StackResource> resources = stack.gone;
    resources.insert(resources.end(), stack.resources.begin(), stack.resources.end());
    std::ranges::stable_sort(resources, {}, &pipeline::StackResource::logical_id);
    return resources;
}

wire::StackResource ShownResource(const Stack& stack, const pipeline::StackResource& resource) {
    wire::StackResource shown;
    shown.StackName = stack.name;
    shown.StackId = stack.id;
    shown.LogicalResourceId = resource.logical_id;
    shown.PhysicalResourceId = IfAny(resource.values.physical_id);
    shown.ResourceType = resource.type;
    shown.Timestamp = resource.changed;
    shown.ResourceStatus = resource.status;
    shown.ResourceStatusReason = IfAny(resource.reason);
    shown.DriftInformation =
        wire::StackResourceDriftInformation{std::string(wire::StackResourceDriftStatus::kNotChecked), {}};
    return shown;
}

wire::Change ShownChange(const PlannedChange& planned) {
    using Action = PlannedChange::Action;
    wire::ResourceChange change;
    std::string_view action = planned.action == Action::kAdd      ? wire::ChangeAction::kAdd
                              : planned.action == Action::kModify ? wire::ChangeAction::kModify
                                                                  : wire::ChangeAction::kRemove;
    change.Action = action;
    change.LogicalResourceId = planned.logical_id;
    change.PhysicalResourceId = IfAny(planned.physical_id);
    change.ResourceType = planned.type;
    change.Scope.emplace();
    change.Details.emplace();
    if (planned.action == Action::kModify) {
        change.Replacement = planned.replacement ? wire::Replacement::kTrue : wire::Replacement::kFalse;
        change.Scope->emplace_back(wire::ResourceAttribute::kProperties);
        for (const auto& name : planned.properties) {
            wire::ResourceTargetDefinition target;
            target.Attribute = wire::ResourceAttribute::kProperties;
            target.Name = name;
            target.RequiresRecreation =
                planned.replacement ? wire::RequiresRecreation::kConditionally : wire::RequiresRecreation::kNever;
            wire::ResourceChangeDetail detail;
            detail.Target = std::move(target);
            detail.Evaluation = wire::EvaluationType::kStatic;
            detail.ChangeSource = wire::ChangeSource::kDirectModification;
            change.Details->push_back(std::move(detail));
        }
    }
    wire::Change shown;
    shown.Type = wire::ChangeType::kResource;
    shown.ResourceChange = std::move(change);
    return shown;
}

}  // namespace

Outcome<StackShelf::ChangeSetPointer> CloudFormationService::ExistingSet(
    const std::string& name_or_id, const std::optional<std::string>& stack_name) const {
    std::string stack_id;
    if (stack_name) {
        auto stack = Existing(*stack_name);
        if (!stack) return unexpected(stack.error());
        stack_id = (*stack)->id;
    } else if (!name_or_id.starts_with("arn:")) {
        return unexpected(errors::ValidationError("StackName must be specified if ChangeSetName is not specified as an ARN."));
    }
    auto set = shelf_.FindChangeSet(name_or_id, stack_id);
    if (set != nullptr) return set;
    return unexpected(errors::ChangeSetNotFoundException(fmt::format("ChangeSet [{}] does not exist", name_or_id)));
}

env::Task<Outcome<wire::DescribeStacksOutput>> CloudFormationService::DescribeStacks(const CallContext&,
                                                                                     wire::DescribeStacksInput input) {
    wire::DescribeStacksOutput output;
    output.Stacks.emplace();
    if (input.StackName) {
        auto stack = Existing(*input.StackName);
        if (!stack) co_return unexpected(stack.error());
        output.Stacks->push_back(Shown(**stack));
        co_return output;
    }
    auto all = shelf_.All();
    std::erase_if(all, [](const auto& stack) { return stack->status == "DELETE_COMPLETE"; });
    auto page = Page(std::move(all), input.NextToken, output.NextToken, [](const auto& stack) { return stack->id; });
    if (!page) co_return unexpected(page.error());
    for (const auto& stack : *page) output.Stacks->push_back(Shown(*stack));
    co_return output;
}

env::Task<Outcome<wire::ListStacksOutput>> CloudFormationService::ListStacks(const CallContext&,
                                                                             wire::ListStacksInput input) {
    wire::ListStacksOutput output;
    auto all = shelf_.All();
    if (input.StackStatusFilter && !input.StackStatusFilter->empty()) {
        std::erase_if(all, [&](const auto& stack) {
            return std::ranges::find(*input.StackStatusFilter, stack->status) == input.StackStatusFilter->end();
        });
    }
    auto page = Page(std::move(all), input.NextToken, output.NextToken, [](const auto& stack) { return stack->id; });
    if (!page) co_return unexpected(page.error());
    output.StackSummaries.emplace();
    for (const auto& stack : *page) {
        wire::StackSummary summary;
        summary.StackId = stack->id;
        summary.StackName = stack->name;
        summary.TemplateDescription = IfAny(stack->description);
        summary.CreationTime = stack->created;
        summary.LastUpdatedTime = stack->updated;
        summary.DeletionTime = stack->deleted;
        summary.StackStatus = stack->status;
        summary.StackStatusReason = IfAny(stack->reason);
        summary.DriftInformation =
            wire::StackDriftInformationSummary{std::string(wire::StackDriftStatus::kNotChecked), {}};
        output.StackSummaries->push_back(std::move(summary));
    }
    co_return output;
}

env::Task<Outcome<wire::DescribeStackEventsOutput>> CloudFormationService::DescribeStackEvents(
    const CallContext&, wire::DescribeStackEventsInput input) {
    auto stack = Existing(input.StackName);
    if (!stack) co_return unexpected(stack.error());
    wire::DescribeStackEventsOutput output;
    std::vector<pipeline::StackEvent> newest_first((*stack)->events.rbegin(), (*stack)->events.rend());
    auto page = Page(std::move(newest_first), input.NextToken, output.NextToken, [](const auto& event) { return event.id; });
    if (!page) co_return unexpected(page.error());
    output.StackEvents.emplace();
    for (const auto& event : *page) {
        wire::StackEvent shown;
        shown.StackId = (*stack)->id;
        shown.EventId = event.id;
        shown.StackName = (*stack)->name;
        shown.LogicalResourceId = event.logical_id;
        shown.PhysicalResourceId = event.physical_id;
        shown.ResourceType = event.type;
        shown.Timestamp = event.at;
        shown.ResourceStatus = event.status;
        shown.ResourceStatusReason = IfAny(event.reason);
        shown.ClientRequestToken = IfAny((*stack)->request_token);
        output.StackEvents->push_back(std::move(shown));
    }
    co_return output;
}

env::Task<Outcome<wire::DescribeStackResourceOutput>> CloudFormationService::DescribeStackResource(
    const CallContext&, wire::DescribeStackResourceInput input) {
    auto stack = Existing(input.StackName);
    if (!stack) co_return unexpected(stack.error());
    for (const auto& resource : ResourcesOf(**stack)) {
        if (resource.logical_id != input.LogicalResourceId) continue;
        wire::StackResourceDetail detail;
        detail.StackName = (*stack)->name;
        detail.StackId = (*stack)->id;
        detail.LogicalResourceId = resource.logical_id;
        detail.PhysicalResourceId = IfAny(resource.values.physical_id);
        detail.ResourceType = resource.type;
        detail.LastUpdatedTimestamp = resource.changed;
        detail.ResourceStatus = resource.status;
        detail.ResourceStatusReason = IfAny(resource.reason);
        detail.Metadata = "{}";
        detail.DriftInformation =
            wire::StackResourceDriftInformation{std::string(wire::StackResourceDriftStatus::kNotChecked), {}};
        wire::DescribeStackResourceOutput output;
        output.StackResourceDetail = std::move(detail);
        co_return output;
    }
    co_return unexpected(errors::ValidationError(
        fmt::format("Resource {} does not exist for stack {}", input.LogicalResourceId, (*stack)->name)));
}

env::Task<Outcome<wire::DescribeStackResourcesOutput>> CloudFormationService::DescribeStackResources(
    const CallContext&, wire::DescribeStackResourcesInput input) {
    StackShelf::StackPointer stack;
    if (input.StackName) {
        auto found = Existing(*input.StackName);
        if (!found) co_return unexpected(found.error());
        stack = *found;
    } else if (input.PhysicalResourceId) {
        for (const auto& candidate : shelf_.All()) {
            bool owns = std::ranges::any_of(candidate->resources, [&](const auto& resource) {
                return resource.values.physical_id == *input.PhysicalResourceId;
            });
            if (owns) stack = candidate;
        }
        if (stack == nullptr) {
            co_return unexpected(
                errors::ValidationError(fmt::format("Stack for {} does not exist", *input.PhysicalResourceId)));
        }
    } else {
        co_return unexpected(errors::ValidationError("Either StackName or PhysicalResourceId must be specified"));
    }
    wire::DescribeStackResourcesOutput output;
    output.StackResources.emplace();
    for (const auto& resource : ResourcesOf(*stack)) {
        if (input.LogicalResourceId && resource.logical_id != *input.LogicalResourceId) continue;
        if (output.StackResources->size() < kPageSize) output.StackResources->push_back(ShownResource(*stack, resource));
    }
    if (input.LogicalResourceId && output.StackResources->empty()) {
        co_return unexpected(errors::ValidationError(
            fmt::format("Resource {} does not exist for stack {}", *input.LogicalResourceId, stack->name)));
    }
    co_return output;
}

env::Task<Outcome<wire::ListStackResourcesOutput>> CloudFormationService::ListStackResources(
    const CallContext&, wire::ListStackResourcesInput input) {
    auto stack = Existing(input.StackName);
    if (!stack) co_return unexpected(stack.error());
    wire::ListStackResourcesOutput output;
    auto page = Page(ResourcesOf(**stack), input.NextToken, output.NextToken,
                     [](const auto& resource) { return resource.incarnation; });
    if (!page) co_return unexpected(page.error());
    output.StackResourceSummaries.emplace();
    for (const auto& resource : *page) {
        wire::StackResourceSummary summary;
        summary.LogicalResourceId = resource.logical_id;
        summary.PhysicalResourceId = IfAny(resource.values.physical_id);
        summary.ResourceType = resource.type;
        summary.LastUpdatedTimestamp = resource.changed;
        summary.ResourceStatus = resource.status;
        summary.ResourceStatusReason = IfAny(resource.reason);
        summary.DriftInformation =
            wire::StackResourceDriftInformationSummary{std::string(wire::StackResourceDriftStatus::kNotChecked), {}};
        output.StackResourceSummaries->push_back(std::move(summary));
    }
    co_return output;
}

env::Task<Outcome<wire::ListExportsOutput>> CloudFormationService::ListExports(const CallContext&,
                                                                               wire::ListExportsInput input) {
    std::vector<wire::Export> exports;
    for (const auto& stack : shelf_.All()) {
        for (const auto& output : stack->outputs) {
            if (!output.export_name.empty()) exports.push_back({stack->id, output.export_name, output.value});
        }
    }
    std::ranges::sort(exports, {}, &wire::Export::Name);
    wire::ListExportsOutput output;
    auto page = Page(std::move(exports), input.NextToken, output.NextToken, [](const auto& one) { return *one.Name; });
    if (!page) co_return unexpected(page.error());
    output.Exports = std::move(*page);
    co_return output;
}

env::Task<Outcome<wire::ListImportsOutput>> CloudFormationService::ListImports(const CallContext&,
                                                                               wire::ListImportsInput input) {
    wire::ListImportsOutput output;
    auto page = Page(shelf_.ImportersOf(input.ExportName), input.NextToken, output.NextToken,
                     [](const std::string& name) { return name; });
    if (!page) co_return unexpected(page.error());
    if (page->empty()) {
        co_return unexpected(
            errors::ValidationError(fmt::format("Export '{}' is not imported by any stack.", input.ExportName)));
    }
    output.Imports = std::move(*page);
    co_return output;
}

env::Task<Outcome<wire::DescribeChangeSetOutput>> CloudFormationService::DescribeChangeSet(
    const CallContext&, wire::DescribeChangeSetInput input) {
    auto found = ExistingSet(input.ChangeSetName, input.StackName);
    if (!found) co_return unexpected(found.error());
    const ChangeSet& set = **found;
    wire::DescribeChangeSetOutput output;
    output.ChangeSetName = set.name;
    output.ChangeSetId = set.id;
    output.StackId = set.stack_id;
    output.StackName = set.stack_name;
    output.Description = IfAny(set.description);
    output.Parameters = ParametersOf(set.wish);
    output.CreationTime = set.created;
    output.ExecutionStatus = set.execution_status;
    output.Status = set.status;
    output.StatusReason = IfAny(set.reason);
    output.NotificationARNs.emplace();
    output.RollbackConfiguration.emplace();
    output.Capabilities = set.wish.capabilities;
    output.Tags = TagsOf(set.wish);
    output.IncludeNestedStacks = false;
    auto page = Page(set.changes, input.NextToken, output.NextToken, [](const auto& change) { return change.logical_id; });
    if (!page) co_return unexpected(page.error());
    output.Changes.emplace();
    for (const auto& change : *page) output.Changes->push_back(ShownChange(change));
    co_return output;
}

env::Task<Outcome<wire::ListChangeSetsOutput>> CloudFormationService::ListChangeSets(const CallContext&,
                                                                                     wire::ListChangeSetsInput input) {
    auto stack = Existing(input.StackName);
    if (!stack) co_return unexpected(stack.error());
    wire::ListChangeSetsOutput output;
    auto page = Page(shelf_.ChangeSetsOf((*stack)->id), input.NextToken, output.NextToken,
                     [](const auto& set) { return set->id; });
    if (!page) co_return unexpected(page.error());
    output.Summaries.emplace();
    for (const auto& set : *page) {
        wire::ChangeSetSummary summary;
        summary.StackId = set->stack_id;
        summary.StackName = set->stack_name;
        summary.ChangeSetId = set->id;
        summary.ChangeSetName = set->name;
        summary.ExecutionStatus = set->execution_status;
        summary.Status = set->status;
        summary.StatusReason = IfAny(set->reason);
        summary.CreationTime = set->created;
        summary.Description = IfAny(set->description);
        summary.IncludeNestedStacks = false;
        output.Summaries->push_back(std::move(summary));
    }
    co_return output;
}

}  // namespace wellhead::services::cloudformation
