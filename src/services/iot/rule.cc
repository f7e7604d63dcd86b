#include "services/iot/rule.h"

#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "services/iot/topic_tree.h"

namespace wellhead::services::iot {

namespace {

namespace json = boost::json;

template <class T>
using Compiled = std::expected<T, RuleProblem>;

std::unexpected<RuleProblem> Refuse(std::string message) {
    return std::unexpected(RuleProblem{false, std::move(message)});
}

// Reads the members of one action and compiles its texts; the first problem is kept.
class ActionReader {
  public:
    ActionReader(std::string_view action, const json::object& object, const sql::iot::Statement& statement)
        : action_(action), object_(object), statement_(statement) {}

    TextTemplate Required(std::string_view member) {
        TextTemplate text = Optional(member);
        if (!text && !problem_) problem_ = RuleProblem{false, fmt::format("the {} action needs {}", action_, member)};
        return text;
    }
    TextTemplate Optional(std::string_view member) {
        const auto* value = object_.if_contains(member);
        if (value == nullptr || !value->is_string()) return nullptr;
        return Compile(std::string_view(value->as_string()), member);
    }
    std::string Plain(std::string_view member) {
        const auto* value = object_.if_contains(member);
        return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
    }
    bool Flag(std::string_view member) {
        const auto* value = object_.if_contains(member);
        return value != nullptr && value->is_bool() && value->as_bool();
    }
    int Number(std::string_view member) {
        const auto* value = object_.if_contains(member);
        return value != nullptr && value->is_int64() ? static_cast<int>(value->as_int64()) : 0;
    }
    TextTemplate Compile(std::string_view text, std::string_view member) {
        auto compiled = sql::iot::Template::Compile(text, &statement_);
        if (compiled) return *compiled;
        if (!problem_) {
            problem_ = RuleProblem{
                true, fmt::format("{} of the {} action, line {}, column {}: {}", member, action_,
                                  compiled.error().at.line, compiled.error().at.column, compiled.error().message)};
        }
        return nullptr;
    }
    const json::object& object() const { return object_; }
    const std::optional<RuleProblem>& problem() const { return problem_; }

  private:
    std::string_view action_;
    const json::object& object_;
    const sql::iot::Statement& statement_;
    std::optional<RuleProblem> problem_;
};

RepublishHeaders ReadHeaders(ActionReader& action) {
    RepublishHeaders headers;
    const auto* value = action.object().if_contains("headers");
    if (value == nullptr || !value->is_object()) return headers;
    const json::object& object = value->as_object();
    auto text = [&](std::string_view name) -> TextTemplate {
        const auto* member = object.if_contains(name);
        if (member == nullptr || !member->is_string()) return nullptr;
        return action.Compile(std::string_view(member->as_string()), name);
    };
    headers.payload_format = text("payloadFormatIndicator");
    headers.content_type = text("contentType");
    headers.response_topic = text("responseTopic");
    headers.correlation_data = text("correlationData");
    headers.expiry = text("messageExpiry");
    const auto* properties = object.if_contains("userProperties");
    if (properties == nullptr || !properties->is_array()) return headers;
    for (const json::value& item : properties->as_array()) {
        const auto* pair = item.if_object();
        if (pair == nullptr || !pair->contains("key") || !pair->contains("value")) continue;
        const json::value& key = pair->at("key");
        const json::value& content = pair->at("value");
        if (!key.is_string() || !content.is_string()) continue;
        headers.user_properties.emplace_back(action.Compile(std::string_view(key.as_string()), "userProperties"),
                                             action.Compile(std::string_view(content.as_string()), "userProperties"));
    }
    return headers;
}

Compiled<RuleAction> ReadAction(const json::value& value, const sql::iot::Statement& statement) {
    const auto* object = value.if_object();
    if (object == nullptr || object->size() != 1) return Refuse("an action names exactly one service");
    std::string_view kind = object->begin()->key();
    const auto* body = object->begin()->value().if_object();
    if (body == nullptr) return Refuse(fmt::format("the {} action is not an object", kind));
    ActionReader reader(kind, *body, statement);
    RuleAction action;
    if (kind == "kinesis") {
        action = KinesisAction{reader.Required("streamName"), reader.Optional("partitionKey")};
    } else if (kind == "firehose") {
        FirehoseAction firehose{reader.Required("deliveryStreamName"), reader.Plain("separator"),
                                reader.Flag("batchMode")};
        if (!firehose.separator.empty() && firehose.separator != "\n" && firehose.separator != "\t" &&
            firehose.separator != "\r\n" && firehose.separator != ",") {
            return Refuse("the separator of a firehose action is a newline, a tab, a Windows newline or a comma");
        }
        action = firehose;
    } else if (kind == "s3") {
        action = S3Action{reader.Required("bucketName"), reader.Required("key")};
    } else if (kind == "republish") {
        RepublishAction republish{reader.Required("topic"), reader.Number("qos"), ReadHeaders(reader)};
        if (republish.qos < 0 || republish.qos > 1) return Refuse("the qos of a republish action is 0 or 1");
        if (republish.topic && republish.topic->constant() && !IsPublishableTopic(*republish.topic->constant())) {
            return Refuse("the topic of a republish action holds no wildcards");
        }
        action = std::move(republish);
    } else {
        return Refuse(fmt::format("the action {} is not served; kinesis, firehose, s3 and republish are", kind));
    }
    if (reader.problem()) return std::unexpected(*reader.problem());
    return action;
}

Compiled<json::value> ParseJson(const std::string& text) {
    boost::system::error_code error;
    json::value value = json::parse(text, error);
    if (error) return Refuse("the actions are not JSON");
    return value;
}

RuleCounters CountersOf(const std::string& rule) {
    base::Metrics& metrics = base::Metrics::Global();
    auto counter = [&](std::string_view name, std::string_view help) -> base::Counter& {
        return metrics.GetCounter(name, help, {{"rule", rule}});
    };
    return RuleCounters{
        counter("wellhead_iot_rule_matched_total", "Messages on topics of the rule."),
        counter("wellhead_iot_rule_passed_total", "Messages for which the rule's WHERE held."),
        counter("wellhead_iot_rule_parse_errors_total", "Messages that were not JSON where the rule needs JSON."),
        counter("wellhead_iot_rule_actions_succeeded_total", "Actions of the rule that were carried out."),
        counter("wellhead_iot_rule_actions_failed_total", "Actions of the rule that failed."),
        counter("wellhead_iot_rule_error_actions_failed_total", "Error actions of the rule that failed."),
    };
}

}  // namespace

std::string_view ActionName(const RuleAction& action) {
    constexpr std::string_view kNames[] = {"KinesisAction", "FirehoseAction", "S3Action", "RepublishAction"};
    return kNames[action.index()];
}

std::expected<std::shared_ptr<const CompiledRule>, RuleProblem> CompileRule(const TopicRule& rule) {
    auto statement = sql::iot::Statement::Compile(rule.sql);
    if (!statement) {
        const sql::SyntaxError& error = statement.error();
        return std::unexpected(RuleProblem{
            true, fmt::format("{} at line {}, column {}", error.message, error.at.line, error.at.column)});
    }
    if (!(*statement)->topic_filter().empty()) {
        auto checked = CheckTopicFilter((*statement)->topic_filter());
        sql::Position at = (*statement)->topic_at();
        if (!checked) {
            return std::unexpected(RuleProblem{
                true, fmt::format("{} at line {}, column {}", checked.error().message, at.line, at.column)});
        }
    }
    auto actions = ParseJson(rule.actions_json);
    if (!actions) return std::unexpected(actions.error());
    if (!actions->is_array()) return Refuse("the actions are not a list");
    auto compiled = std::make_shared<CompiledRule>(
        CompiledRule{rule.name, std::move(*statement), {}, std::nullopt, CountersOf(rule.name)});
    for (const json::value& item : actions->as_array()) {
        auto action = ReadAction(item, *compiled->statement);
        if (!action) return std::unexpected(action.error());
        compiled->actions.push_back(std::move(*action));
    }
    if (!rule.error_action_json.empty()) {
        auto error_action = ParseJson(rule.error_action_json);
        if (!error_action) return std::unexpected(error_action.error());
        auto action = ReadAction(*error_action, *compiled->statement);
        if (!action) return std::unexpected(action.error());
        compiled->error_action = std::move(*action);
    }
    return compiled;
}

}  // namespace wellhead::services::iot
