#pragma once
// A topic rule ready to run: its SQL and the texts of its actions compiled.

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/metrics.h"
#include "services/iot/records.h"
#include "sql/iot/statement.h"

namespace wellhead::services::iot {

using TextTemplate = std::shared_ptr<const sql::iot::Template>;

struct KinesisAction {
    TextTemplate stream_name;
    TextTemplate partition_key;  // null: a new UUID for each record
};
struct FirehoseAction {
    TextTemplate stream_name;
    std::string separator;
    bool batch = false;  // an array becomes a record an item
};
struct S3Action {
    TextTemplate bucket;
    TextTemplate key;
};
struct RepublishHeaders {
    TextTemplate payload_format, content_type, response_topic, correlation_data, expiry;
    std::vector<std::pair<TextTemplate, TextTemplate>> user_properties;
};
struct RepublishAction {
    TextTemplate topic;
    int qos = 0;
    RepublishHeaders headers;
};
using RuleAction = std::variant<KinesisAction, FirehoseAction, S3Action, RepublishAction>;

// "KinesisAction", as AWS names it in error messages.
std::string_view ActionName(const RuleAction& action);

struct RuleCounters {
    base::Counter& matched;
    base::Counter& passed;        // WHERE held
    base::Counter& parse_errors;  // the payload was not JSON where it had to be
    base::Counter& actions_succeeded;
    base::Counter& actions_failed;
    base::Counter& error_actions_failed;
};

// Immutable but for its counters; thread-safe.
struct CompiledRule {
    std::string name;
    std::shared_ptr<const sql::iot::Statement> statement;
    std::vector<RuleAction> actions;
    std::optional<RuleAction> error_action;
    RuleCounters counters;
};

// Why a rule cannot be: sql says that its SQL is at fault (SqlParseException), otherwise its actions are.
struct RuleProblem {
    bool sql = false;
    std::string message;
};

// Whether every action is one that is served, and everything in it compiles.
std::expected<std::shared_ptr<const CompiledRule>, RuleProblem> CompileRule(const TopicRule& rule);

}  // namespace wellhead::services::iot
