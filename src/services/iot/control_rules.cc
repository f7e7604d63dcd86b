// Topic rules.

#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "apis/iot/errors.h"
#include "base/log.h"
#include "services/iot/iot_control.h"
#include "services/iot/paging.h"
#include "services/iot/rule_wire.h"
#include "services/iot/topic_tree.h"

namespace wellhead::services::iot {

namespace {

namespace json = boost::json;

constexpr size_t kMaxActions = 10;

// AWS hides whether a rule is missing or someone else's.
api::ServiceError Denied(const std::string& name) {
    return wire::UnauthorizedException(fmt::format("Access to topic rule '{}' was denied", name));
}

api::Outcome<TopicRule> RuleFrom(const std::string& name, const wire::TopicRulePayload& payload, base::Instant now) {
    TopicRule rule;
    rule.name = name;
    rule.sql = payload.sql;
    rule.description = payload.description.value_or("");
    rule.sql_version = payload.awsIotSqlVersion.value_or("2015-10-08");
    rule.created = now;
    rule.disabled = payload.ruleDisabled.value_or(false);
    if (rule.sql_version != "2015-10-08" && rule.sql_version != "2016-03-23" && rule.sql_version != "beta") {
        return std::unexpected(wire::InvalidRequestException("The SQL version " + rule.sql_version + " is not known"));
    }
    if (payload.actions.size() > kMaxActions) {
        return std::unexpected(wire::InvalidRequestException(fmt::format("A rule has at most {} actions", kMaxActions)));
    }
    json::array actions;
    for (const wire::Action& action : payload.actions) {
        auto value = ActionToJson(action);
        if (!value) return std::unexpected(value.error());
        actions.push_back(std::move(*value));
    }
    rule.actions_json = json::serialize(actions);
    if (payload.errorAction) {
        auto value = ActionToJson(*payload.errorAction);
        if (!value) return std::unexpected(value.error());
        rule.error_action_json = json::serialize(*value);
    }
    auto compiled = CompileRule(rule);
    if (!compiled) {
        return std::unexpected(compiled.error().sql ? wire::SqlParseException(compiled.error().message)
                                                    : wire::InvalidRequestException(compiled.error().message));
    }
    return rule;
}

std::string TopicPatternOf(const TopicRule& rule) {
    auto statement = sql::iot::Statement::Compile(rule.sql);
    return statement ? (*statement)->topic_filter() : std::string();
}

// "a=b&c=d" of the header x-amz-tagging.
std::optional<std::vector<wire::Tag>> TagsOfHeader(const std::optional<std::string>& header) {
    if (!header || header->empty()) return std::nullopt;
    std::vector<wire::Tag> tags;
    std::string_view rest = *header;
    while (!rest.empty()) {
        size_t end = std::min(rest.find('&'), rest.size());
        std::string_view pair = rest.substr(0, end);
        size_t equals = std::min(pair.find('='), pair.size());
        wire::Tag tag;
        tag.Key = std::string(pair.substr(0, equals));
        tag.Value = equals < pair.size() ? std::string(pair.substr(equals + 1)) : std::string();
        tags.push_back(std::move(tag));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return tags;
}

}  // namespace

base::Result<void> IotControl::RefreshRules() {
    std::vector<std::shared_ptr<const CompiledRule>> compiled;
    for (const auto& rule : registry_.topic_rules.All()) {
        if (rule->disabled) continue;
        auto one = CompileRule(*rule);
        if (!one) {
            // Kept by an older version that served more, or edited by hand: the others go on.
            base::LogError("iot", "rule {} does not run: {}", rule->name, one.error().message);
            continue;
        }
        compiled.push_back(std::move(*one));
    }
    rules_.SetRules(std::move(compiled));
    return {};
}

env::Task<api::Outcome<void>> IotControl::KeepRule(TopicRule rule) {
    Change change;
    change.Put(registry_.topic_rules, std::move(rule));
    auto committed = co_await Commit(std::move(change));
    if (!committed) co_return std::unexpected(committed.error());
    auto refreshed = RefreshRules();
    if (!refreshed) co_return std::unexpected(Broken(refreshed.error()));
    co_return api::Outcome<void>();
}

env::Task<api::Outcome<wire::CreateTopicRuleOutput>> IotControl::CreateTopicRule(const api::CallContext&,
                                                                                 wire::CreateTopicRuleRequest input) {
    auto rule = RuleFrom(input.ruleName, input.topicRulePayload, clock_.Now());
    if (!rule) co_return std::unexpected(rule.error());
    auto pass = co_await registry_.BeginChange();
    std::string arn = Arn("rule", input.ruleName);
    if (registry_.topic_rules.Find(input.ruleName)) {
        auto error = wire::ResourceAlreadyExistsException(
            fmt::format("Rule already exists, ruleName={}", input.ruleName));
        error.members["resourceId"] = input.ruleName;
        error.members["resourceArn"] = arn;
        co_return std::unexpected(error);
    }
    auto tags = TagsOfHeader(input.tags);
    if (tags) {
        Change change;
        AddTags(change, arn, tags);
        auto committed = co_await Commit(std::move(change));
        if (!committed) co_return std::unexpected(committed.error());
    }
    auto kept = co_await KeepRule(std::move(*rule));
    if (!kept) co_return std::unexpected(kept.error());
    co_return wire::CreateTopicRuleOutput();
}

env::Task<api::Outcome<wire::ReplaceTopicRuleOutput>> IotControl::ReplaceTopicRule(
    const api::CallContext&, wire::ReplaceTopicRuleRequest input) {
    auto rule = RuleFrom(input.ruleName, input.topicRulePayload, clock_.Now());
    if (!rule) co_return std::unexpected(rule.error());
    auto pass = co_await registry_.BeginChange();
    auto existing = registry_.topic_rules.Find(input.ruleName);
    if (!existing) co_return std::unexpected(Denied(input.ruleName));
    rule->created = existing->created;
    auto kept = co_await KeepRule(std::move(*rule));
    if (!kept) co_return std::unexpected(kept.error());
    co_return wire::ReplaceTopicRuleOutput();
}

env::Task<api::Outcome<wire::DeleteTopicRuleOutput>> IotControl::DeleteTopicRule(const api::CallContext&,
                                                                                 wire::DeleteTopicRuleRequest input) {
    auto pass = co_await registry_.BeginChange();
    if (registry_.topic_rules.Find(input.ruleName)) {
        Change change;
        change.Delete(registry_.topic_rules, input.ruleName);
        change.Delete(registry_.tags, Arn("rule", input.ruleName));
        auto committed = co_await Commit(std::move(change));
        if (!committed) co_return std::unexpected(committed.error());
        auto refreshed = RefreshRules();
        if (!refreshed) co_return std::unexpected(Broken(refreshed.error()));
    }
    co_return wire::DeleteTopicRuleOutput();
}

env::Task<api::Outcome<void>> IotControl::SetRuleDisabled(std::string name, bool disabled) {
    auto pass = co_await registry_.BeginChange();
    auto existing = registry_.topic_rules.Find(name);
    if (!existing) co_return std::unexpected(Denied(name));
    if (existing->disabled == disabled) co_return api::Outcome<void>();
    TopicRule rule = *existing;
    rule.disabled = disabled;
    co_return co_await KeepRule(std::move(rule));
}

env::Task<api::Outcome<wire::EnableTopicRuleOutput>> IotControl::EnableTopicRule(const api::CallContext&,
                                                                                 wire::EnableTopicRuleRequest input) {
    auto set = co_await SetRuleDisabled(std::move(input.ruleName), false);
    if (!set) co_return std::unexpected(set.error());
    co_return wire::EnableTopicRuleOutput();
}

env::Task<api::Outcome<wire::DisableTopicRuleOutput>> IotControl::DisableTopicRule(
    const api::CallContext&, wire::DisableTopicRuleRequest input) {
    auto set = co_await SetRuleDisabled(std::move(input.ruleName), true);
    if (!set) co_return std::unexpected(set.error());
    co_return wire::DisableTopicRuleOutput();
}

env::Task<api::Outcome<wire::GetTopicRuleResponse>> IotControl::GetTopicRule(const api::CallContext&,
                                                                             wire::GetTopicRuleRequest input) {
    auto rule = registry_.topic_rules.Find(input.ruleName);
    if (!rule) co_return std::unexpected(Denied(input.ruleName));
    wire::TopicRule described;
    described.ruleName = rule->name;
    described.sql = rule->sql;
    if (!rule->description.empty()) described.description = rule->description;
    described.createdAt = rule->created;
    described.ruleDisabled = rule->disabled;
    described.awsIotSqlVersion = rule->sql_version;
    described.actions.emplace();
    boost::system::error_code error;
    json::value actions = json::parse(rule->actions_json, error);
    if (!error && actions.is_array()) {
        for (const json::value& action : actions.as_array()) described.actions->push_back(ActionFromJson(action));
    }
    if (!rule->error_action_json.empty()) {
        json::value action = json::parse(rule->error_action_json, error);
        if (!error) described.errorAction = ActionFromJson(action);
    }
    wire::GetTopicRuleResponse response;
    response.ruleArn = Arn("rule", rule->name);
    response.rule = std::move(described);
    co_return response;
}

env::Task<api::Outcome<wire::ListTopicRulesResponse>> IotControl::ListTopicRules(const api::CallContext&,
                                                                                 wire::ListTopicRulesRequest input) {
    auto keep = [&](const TopicRule& rule) {
        if (input.ruleDisabled && rule.disabled != *input.ruleDisabled) return false;
        return !input.topic || TopicPatternOf(rule) == *input.topic;
    };
    auto page = TakeRecords<TopicRule>(registry_.topic_rules, {}, "ListTopicRules", input.nextToken,
                                       PageLimit(input.maxResults), keep);
    if (!page) co_return std::unexpected(page.error());
    wire::ListTopicRulesResponse response;
    response.rules.emplace();
    for (const auto& rule : page->items) {
        wire::TopicRuleListItem item;
        item.ruleArn = Arn("rule", rule->name);
        item.ruleName = rule->name;
        item.topicPattern = TopicPatternOf(*rule);
        item.createdAt = rule->created;
        item.ruleDisabled = rule->disabled;
        response.rules->push_back(std::move(item));
    }
    response.nextToken = page->next;
    co_return response;
}

}  // namespace wellhead::services::iot
