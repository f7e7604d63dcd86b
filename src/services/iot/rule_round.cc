#include "services/iot/rule_round.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <map>

#include "base/log.h"
#include "codec/base64.h"
#include "services/iot/topic_tree.h"
#include "sql/iot/value.h"

namespace wellhead::services::iot {

namespace {

// The limits of PutRecords and PutRecordBatch in one call.
constexpr size_t kMaxRecords = 500;
constexpr size_t kMaxStreamBytes = size_t{4} << 20;
constexpr size_t kMaxDeliveryBytes = size_t{3} << 20;
constexpr int kMaxRepublished = 8;

// Basic Ingest's prefix is not part of what topic() shows.
std::string_view TopicWithoutIngest(std::string_view topic) {
    constexpr std::string_view kPrefix = "$aws/rules/";
    if (!topic.starts_with(kPrefix)) return topic;
    size_t slash = topic.find('/', kPrefix.size());
    return slash == std::string_view::npos ? std::string_view() : topic.substr(slash + 1);
}

bool MayPass(const base::Error& error) {
    return error.code == base::ErrorCode::kUnavailable || error.code == base::ErrorCode::kTimeout ||
           error.code == base::ErrorCode::kLimit;
}

// "SQL" when it was the statement that failed.
std::string_view NameOf(const RuleAction* action) { return action != nullptr ? ActionName(*action) : "SQL"; }

// Where a call that begins with records[first] ends, so that it keeps the limits.
template <class Record, class SizeOf>
size_t EndOfCall(const std::vector<Record>& records, size_t first, size_t max_bytes, SizeOf size_of) {
    size_t bytes = 0;
    size_t end = first;
    while (end < records.size() && end - first < kMaxRecords) {
        bytes += size_of(records[end]);
        if (end > first && bytes > max_bytes) break;
        ++end;
    }
    return end;
}

// records[first, end), moved; the vector itself when that is all.
template <class Record>
std::vector<Record> TakePart(std::vector<Record>& records, size_t first, size_t end) {
    if (first == 0 && end == records.size()) {
        auto all = std::move(records);
        records.resize(end);
        return all;
    }
    auto begin = records.begin() + static_cast<std::ptrdiff_t>(first);
    return std::vector<Record>(std::make_move_iterator(begin),
                               std::make_move_iterator(records.begin() + static_cast<std::ptrdiff_t>(end)));
}

base::Result<std::string> Filled(const TextTemplate& text, sql::iot::Evaluator& evaluator) {
    if (text->constant()) return *text->constant();
    std::string out;
    RETURN_IF_ERROR(evaluator.Substitute(*text, out));
    return out;
}

base::Result<std::string> FilledOrEmpty(const TextTemplate& text, sql::iot::Evaluator& evaluator) {
    if (!text) return std::string();
    return Filled(text, evaluator);
}

}  // namespace

void RuleRound::Begin(size_t index, const mqtt::PublishedMessage& message, sql::iot::Evaluator& evaluator) {
    index_ = index;
    message_ = &message;
    const mqtt::Message& inner = message.message;
    view_.topic = TopicWithoutIngest(inner.topic);
    view_.payload = inner.payload;
    view_.client_id = message.client_id;
    view_.principal = message.principal;
    view_.source_ip = message.peer_address;
    view_.content_type = inner.content_type;
    view_.response_topic = inner.response_topic;
    view_.correlation_data = inner.correlation_data;
    view_.payload_is_utf8 = inner.payload_format == 1;
    view_.user_properties = inner.user_properties;
    view_.now = message.arrival;
    view_.seed = message.once ? std::string_view(message.once->token) : std::string_view();
    evaluator.Begin(view_);
}

void RuleRound::Evaluate(const CompiledRule& rule, sql::iot::Evaluator& evaluator) {
    rule.counters.matched.Add();
    std::string_view payload = message_->message.payload;
    if (!rule.statement->passes_all()) {
        output_.clear();
        auto passed = evaluator.Select(*rule.statement, output_);
        if (!passed) {
            failures_.push_back({{index_, &rule, nullptr}, "", passed.error(), true});
            return;
        }
        if (!*passed) return;
        payload = output_;
    }
    rule.counters.passed.Add();
    for (const RuleAction& action : rule.actions) Gather(action, rule, payload, evaluator);
}

void RuleRound::Gather(const RuleAction& action, const CompiledRule& rule, std::string_view payload,
                       sql::iot::Evaluator& evaluator) {
    Origin origin{index_, &rule, &action};
    base::Result<void> gathered;
    if (const auto* kinesis = std::get_if<KinesisAction>(&action)) {
        gathered = GatherStream(*kinesis, origin, payload, evaluator);
    } else if (const auto* firehose = std::get_if<FirehoseAction>(&action)) {
        gathered = GatherDelivery(*firehose, origin, payload, evaluator);
    } else if (const auto* s3 = std::get_if<S3Action>(&action)) {
        gathered = GatherObject(*s3, origin, payload, evaluator);
    } else {
        gathered = GatherPublish(std::get<RepublishAction>(action), origin, payload, evaluator);
    }
    // A text that cannot be filled from this payload: no sending again would mend it.
    if (!gathered) failures_.push_back({origin, "", gathered.error(), true});
}

std::unique_ptr<const RecordToken> RuleRound::TokenFor(const Origin& origin, size_t item) const {
    if (!message_->once) return nullptr;
    uint64_t hash = 0xCBF29CE484222325ULL;  // FNV-1a
    auto add = [&](unsigned char byte) { hash = (hash ^ byte) * 0x100000001B3ULL; };
    for (char c : origin.rule->name) add(static_cast<unsigned char>(c));
    add(0);
    const bool error_action = origin.rule->error_action && origin.action == &*origin.rule->error_action;
    add(error_action ? 0xFF : static_cast<unsigned char>(origin.action - origin.rule->actions.data()));
    for (int shift = 0; shift < 64; shift += 8) add(static_cast<unsigned char>(item >> shift));
    auto token = std::make_unique<RecordToken>();
    token->token = message_->once->token;
    token->token.append(reinterpret_cast<const char*>(&hash), sizeof hash);
    token->written_since = message_->once->done_since;
    // A first try that seemed to fail may have written.
    if (retrying_ && !token->written_since) token->written_since = message_->arrival - std::chrono::minutes(1);
    return token;
}

base::Result<void> RuleRound::GatherStream(const KinesisAction& action, Origin origin, std::string_view payload,
                                           sql::iot::Evaluator& evaluator) {
    std::string filled;
    const std::string* name = &filled;
    if (action.stream_name->constant()) {
        name = &*action.stream_name->constant();
    } else {
        ASSIGN_OR_RETURN(filled, Filled(action.stream_name, evaluator));
    }
    StreamRecord record;
    // A reading is not lost for want of a key: then any shard will do.
    if (!action.partition_key || !evaluator.Substitute(*action.partition_key, record.partition_key) ||
        record.partition_key.empty()) {
        record.partition_key = evaluator.NewUuid();
    }
    record.data = payload;
    record.token = TokenFor(origin, 0);
    auto batch = std::find_if(streams_.begin(), streams_.end(),
                              [&](const StreamBatch& candidate) { return candidate.name == *name; });
    if (batch == streams_.end()) batch = streams_.insert(batch, StreamBatch{*name, {}, {}});
    batch->records.push_back(std::move(record));
    batch->origins.push_back(origin);
    return {};
}

base::Result<void> RuleRound::GatherDelivery(const FirehoseAction& action, Origin origin, std::string_view payload,
                                             sql::iot::Evaluator& evaluator) {
    ASSIGN_OR_RETURN(std::string name, Filled(action.stream_name, evaluator));
    auto batch = std::find_if(deliveries_.begin(), deliveries_.end(),
                              [&](const DeliveryBatch& candidate) { return candidate.name == name; });
    if (batch == deliveries_.end()) batch = deliveries_.insert(batch, DeliveryBatch{std::move(name), {}, {}});
    size_t made = 0;
    auto add = [&](std::string_view data) {
        DeliveryRecord record{base::Bytes(data), TokenFor(origin, made++)};
        record.data.append(action.separator);
        batch->records.push_back(std::move(record));
        batch->origins.push_back(origin);
    };
    simdjson::dom::parser parser;
    simdjson::dom::array items;
    if (action.batch && parser.parse(payload.data(), payload.size(), true).get_array().get(items) == simdjson::SUCCESS) {
        for (simdjson::dom::element item : items) {
            std::string text;
            sql::iot::AppendJson(sql::iot::Value::Of(item), text);
            add(text);
        }
    } else {
        add(payload);
    }
    return {};
}

base::Result<void> RuleRound::GatherObject(const S3Action& action, Origin origin, std::string_view payload,
                                           sql::iot::Evaluator& evaluator) {
    ASSIGN_OR_RETURN(std::string bucket, Filled(action.bucket, evaluator));
    ASSIGN_OR_RETURN(std::string key, Filled(action.key, evaluator));
    objects_.push_back({std::move(bucket), std::move(key), base::Bytes(payload), origin});
    return {};
}

base::Result<void> RuleRound::GatherPublish(const RepublishAction& action, Origin origin, std::string_view payload,
                                            sql::iot::Evaluator& evaluator) {
    if (message_->republished >= kMaxRepublished) {
        return base::Fail(base::ErrorCode::kInvalidArgument,
                          fmt::format("the message was republished {} times in a row: rules feed each other",
                                      kMaxRepublished));
    }
    mqtt::PublishedMessage out;
    ASSIGN_OR_RETURN(out.message.topic, Filled(action.topic, evaluator));
    // "$$aws/..." publishes to a reserved topic.
    if (out.message.topic.starts_with("$$")) out.message.topic.erase(0, 1);
    if (!IsPublishableTopic(out.message.topic)) {
        return base::Fail(base::ErrorCode::kInvalidArgument, "cannot publish to the topic " + out.message.topic);
    }
    out.message.payload = payload;
    out.message.qos = action.qos == 0 ? mqtt::QoS::kAtMostOnce : mqtt::QoS::kAtLeastOnce;
    const RepublishHeaders& headers = action.headers;
    ASSIGN_OR_RETURN(std::string format, FilledOrEmpty(headers.payload_format, evaluator));
    out.message.payload_format = format == "UTF8_DATA" || format == "1" ? 1 : 0;
    ASSIGN_OR_RETURN(out.message.content_type, FilledOrEmpty(headers.content_type, evaluator));
    ASSIGN_OR_RETURN(out.message.response_topic, FilledOrEmpty(headers.response_topic, evaluator));
    ASSIGN_OR_RETURN(std::string correlation, FilledOrEmpty(headers.correlation_data, evaluator));
    out.message.correlation_data = codec::DecodeBase64(correlation).value_or(correlation);
    ASSIGN_OR_RETURN(std::string expiry, FilledOrEmpty(headers.expiry, evaluator));
    std::from_chars(expiry.data(), expiry.data() + expiry.size(), out.message.expiry_s);
    for (const auto& [key, value] : headers.user_properties) {
        ASSIGN_OR_RETURN(std::string name, Filled(key, evaluator));
        ASSIGN_OR_RETURN(std::string text, Filled(value, evaluator));
        out.message.user_properties.emplace_back(std::move(name), std::move(text));
    }
    out.arrival = message_->arrival;
    out.republished = message_->republished + 1;
    publishes_.push_back({std::move(out), origin});
    return {};
}

env::Task<void> RuleRound::Carry(RuleTargets& targets) {
    auto streams = std::exchange(streams_, {});
    for (StreamBatch& batch : streams) co_await CarryStream(std::move(batch), targets);
    auto deliveries = std::exchange(deliveries_, {});
    for (DeliveryBatch& batch : deliveries) co_await CarryDelivery(std::move(batch), targets);
    auto objects = std::exchange(objects_, {});
    for (ObjectPut& put : objects) {
        std::string resource = put.bucket + "/" + put.key;
        auto result = co_await targets.PutObject(std::move(put.bucket), std::move(put.key), std::move(put.data));
        Note(put.origin, std::move(result), resource);
    }
    auto publishes = std::exchange(publishes_, {});
    for (Publishing& publishing : publishes) {
        std::string topic = publishing.message.message.topic;
        auto result = co_await targets.Publish(std::move(publishing.message));
        Note(publishing.origin, std::move(result), topic);
    }
}

env::Task<void> RuleRound::CarryStream(StreamBatch batch, RuleTargets& targets) {
    auto size_of = [](const StreamRecord& record) { return record.data.size() + record.partition_key.size(); };
    size_t first = 0;
    while (first < batch.records.size()) {
        size_t end = EndOfCall(batch.records, first, kMaxStreamBytes, size_of);
        auto results = co_await targets.PutToStream(batch.name, TakePart(batch.records, first, end));
        for (size_t i = first; i < end; ++i) Note(batch.origins[i], std::move(results[i - first]), batch.name);
        first = end;
    }
}

env::Task<void> RuleRound::CarryDelivery(DeliveryBatch batch, RuleTargets& targets) {
    auto size_of = [](const DeliveryRecord& record) { return record.data.size(); };
    size_t first = 0;
    while (first < batch.records.size()) {
        size_t end = EndOfCall(batch.records, first, kMaxDeliveryBytes, size_of);
        auto results = co_await targets.PutToDelivery(batch.name, TakePart(batch.records, first, end));
        for (size_t i = first; i < end; ++i) Note(batch.origins[i], std::move(results[i - first]), batch.name);
        first = end;
    }
}

void RuleRound::Note(const Origin& origin, base::Result<void> result, const std::string& resource) {
    if (result) {
        if (!error_actions_) origin.rule->counters.actions_succeeded.Add();
        return;
    }
    failures_.push_back({origin, resource, std::move(result.error()), false});
}

bool RuleRound::has_passing_failures() const {
    return std::any_of(failures_.begin(), failures_.end(), [](const Failure& failure) {
        return !failure.payload_at_fault && MayPass(failure.error);
    });
}

void RuleRound::GatherAgain(std::span<const mqtt::PublishedMessage> messages, sql::iot::Evaluator& evaluator) {
    retrying_ = true;
    auto failures = std::exchange(failures_, {});
    for (Failure& failure : failures) {
        if (failure.payload_at_fault || !MayPass(failure.error)) {
            failures_.push_back(std::move(failure));
            continue;
        }
        const Origin& origin = failure.origin;
        Begin(origin.message, messages[origin.message], evaluator);
        output_.clear();
        auto passed = evaluator.Select(*origin.rule->statement, output_);
        if (passed && *passed) Gather(*origin.action, *origin.rule, output_, evaluator);
    }
}

// In the log at the first, the second, the fourth ... failure of a rule: seen, but not flooded.
void RuleRound::CountFailure(const Failure& failure) {
    const CompiledRule& rule = *failure.origin.rule;
    base::Counter& failed = error_actions_          ? rule.counters.error_actions_failed
                            : failure.origin.action ? rule.counters.actions_failed
                                                    : rule.counters.parse_errors;
    failed.Add();
    if (!std::has_single_bit(failed.value())) return;
    base::LogWarning("iot", "rule {}: {}{}{}{} failed ({} times by now): {}", rule.name,
                     error_actions_ ? "error action " : "", NameOf(failure.origin.action),
                     failure.resource.empty() ? "" : " on ", failure.resource, failed.value(), failure.error.message);
}

void RuleRound::TurnToErrorActions(std::span<const mqtt::PublishedMessage> messages,
                                   sql::iot::Surroundings& surroundings, sql::iot::Evaluator& evaluator) {
    auto failures = std::exchange(failures_, {});
    std::map<std::pair<size_t, const CompiledRule*>, std::vector<const Failure*>> by_rule;
    for (const Failure& failure : failures) {
        CountFailure(failure);
        by_rule[{failure.origin.message, failure.origin.rule}].push_back(&failure);
    }
    error_actions_ = true;
    for (const auto& [of, list] : by_rule) {
        const auto& [index, rule] = of;
        if (rule->error_action) {
            std::string document = ErrorDocument(messages[index], list, surroundings.NewUuid());
            Begin(index, messages[index], evaluator);
            Gather(*rule->error_action, *rule, document, evaluator);
            continue;
        }
        for (const Failure* failure : list) {
            if (!failure->payload_at_fault && results_[index]) results_[index] = std::unexpected(failure->error);
        }
    }
}

// The document that AWS gives an error action: one a rule and message.
std::string RuleRound::ErrorDocument(const mqtt::PublishedMessage& message, const std::vector<const Failure*>& failures,
                                     const std::string& trace_id) {
    std::string document;
    auto member = [&](std::string_view prefix, std::string_view text) {
        document.append(prefix);
        sql::iot::AppendJsonString(text, document);
    };
    member("{\"ruleName\":", failures.front()->origin.rule->name);
    member(",\"topic\":", message.message.topic);
    member(",\"cloudwatchTraceId\":", trace_id);
    member(",\"clientId\":", message.client_id.empty() ? "N/A" : std::string_view(message.client_id));
    if (!message.peer_address.empty()) member(",\"sourceIp\":", message.peer_address);
    member(",\"base64OriginalPayload\":", codec::EncodeBase64(message.message.payload));
    document.append(",\"failures\":[");
    for (const Failure* failure : failures) {
        std::string_view action = NameOf(failure->origin.action);
        if (failure != failures.front()) document.push_back(',');
        member("{\"failedAction\":", action);
        member(",\"failedResource\":", failure->resource);
        member(",\"errorMessage\":", fmt::format("{}. Message arrived on: {}, Action: {}", failure->error.message,
                                                 message.message.topic, action));
        document.push_back('}');
    }
    return document.append("]}");
}

void RuleRound::Settle() {
    for (const Failure& failure : failures_) {
        CountFailure(failure);
        if (results_[failure.origin.message]) results_[failure.origin.message] = std::unexpected(failure.error);
    }
    failures_.clear();
}

}  // namespace wellhead::services::iot
