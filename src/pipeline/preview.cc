// What a deployment would do: checked and compared, nothing touched.

#include <fmt/format.h>

#include <ranges>
#include <set>

#include "pipeline/deployer.h"

namespace wellhead::pipeline {

namespace {

namespace json = boost::json;
using api::Outcome;

api::ServiceError InvalidTemplate(const base::Error& error) { return ValidationError(error.message); }

std::vector<std::string> ChangedProperties(const json::object& before, const json::object& after) {
    std::vector<std::string> changed;
    for (const auto& [name, value] : after) {
        const json::value* old = before.if_contains(name);
        if (old == nullptr || *old != value) changed.emplace_back(name);
    }
    for (const auto& [name, value] : before) {
        if (!after.contains(name)) changed.emplace_back(name);
    }
    return changed;
}

}  // namespace

Outcome<Template> Deployer::Check(const StackWish& wish) const {
    auto parsed = ParseTemplate(wish.template_text);
    if (!parsed) return std::unexpected(ValidationError("Template format error: " + parsed.error().message));
    for (const auto& resource : parsed->resources) {
        if (!providers_.contains(resource.type)) {
            return std::unexpected(ValidationError(
                fmt::format("Resources/{}: the type {} is not served", resource.logical_id, resource.type)));
        }
    }
    auto parameters = ResolveParameters(*parsed, wish.parameters);
    if (!parameters) return std::unexpected(InvalidTemplate(parameters.error()));
    return std::move(*parsed);
}

EvaluationScope Deployer::ScopeOf(const api::CallContext& context, const Stack& stack, const Template& parsed,
                                  const StackWish& wish) const {
    EvaluationScope scope;
    scope.source = &parsed;
    if (auto parameters = ResolveParameters(parsed, wish.parameters)) scope.parameters = std::move(*parameters);
    scope.parameters["AWS::Region"] = context.region;
    scope.parameters["AWS::AccountId"] = context.account_id;
    scope.parameters["AWS::Partition"] = "aws";
    scope.parameters["AWS::URLSuffix"] = "amazonaws.com";
    scope.parameters["AWS::StackName"] = stack.name;
    scope.parameters["AWS::StackId"] = stack.id;
    json::array arns;
    for (const auto& arn : stack.notification_arns) arns.emplace_back(arn);
    scope.parameters["AWS::NotificationARNs"] = std::move(arns);
    return scope;
}

Outcome<std::vector<PlannedChange>> Deployer::Preview(const api::CallContext& context, const Stack& stack,
                                                      const StackWish& wish) const {
    auto parsed = Check(wish);
    if (!parsed) return std::unexpected(parsed.error());
    EvaluationScope scope = ScopeOf(context, stack, *parsed, wish);
    std::map<std::string, std::string> exports;
    for (auto& [name, found] : store_.ExportsBeside(stack.id)) exports[name] = found.value;
    scope.exports = &exports;
    scope.known_later = true;
    std::vector<PlannedChange> changes;
    std::set<std::string> wanted_ids;
    auto order = OrderOfCreation(*parsed);
    for (const auto& logical_id : *order) {
        const TemplateResource& resource = *parsed->Find(logical_id);
        if (!resource.condition.empty()) {
            auto wanted = EvaluateCondition(resource.condition, scope);
            if (!wanted) return std::unexpected(InvalidTemplate(wanted.error()));
            if (!*wanted) continue;
        }
        wanted_ids.insert(logical_id);
        auto evaluated = Evaluate(json::value(resource.properties), scope);
        const StackResource* standing = stack.Find(logical_id);
        if (standing == nullptr || standing->type != resource.type) {
            changes.push_back({PlannedChange::Action::kAdd, logical_id, "", resource.type, false, {}});
            continue;
        }
        PlannedChange change{PlannedChange::Action::kModify, logical_id, standing->values.physical_id,
                             resource.type, false, {}};
        // What cannot be said before the others stand counts as a change.
        const json::object after = evaluated ? evaluated->get_object() : json::object();
        change.properties = ChangedProperties(standing->properties, after);
        if (!change.properties.empty()) {
            change.replacement = providers_.find(resource.type)->second->ChangeFor(standing->properties, after) ==
                                 Change::kReplacement;
            changes.push_back(change);
        }
        if (!change.replacement) scope.resources[logical_id] = standing->values;
    }
    for (const auto& resource : std::views::reverse(stack.resources)) {
        const TemplateResource* again = parsed->Find(resource.logical_id);
        if (wanted_ids.contains(resource.logical_id) && again->type == resource.type) continue;
        changes.push_back({PlannedChange::Action::kRemove, resource.logical_id, resource.values.physical_id,
                           resource.type, false, {}});
    }
    return changes;
}

Outcome<bool> Deployer::Changes(const api::CallContext& context, const Stack& stack, const StackWish& wish) const {
    auto planned = Preview(context, stack, wish);
    if (!planned) return std::unexpected(planned.error());
    if (!planned->empty() || wish.tags != stack.now.tags) return true;
    auto parsed = Check(wish);
    auto before = ParseTemplate(stack.now.template_text);
    if (!before || before->outputs != parsed->outputs || before->description != parsed->description) return true;
    // A parameter may appear in an output alone.
    auto values_before = ResolveParameters(*before, stack.now.parameters);
    auto values = ResolveParameters(*parsed, wish.parameters);
    return !values_before || !values || *values_before != *values;
}

}  // namespace wellhead::pipeline
