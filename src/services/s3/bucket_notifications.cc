#include "services/s3/s3_errors.h"
#include "services/s3/s3_service.h"

namespace wellhead::services::s3 {

namespace {

api::Outcome<void> ReadFilter(const std::optional<s3::NotificationConfigurationFilter>& filter,
                              NotificationRule& rule) {
    if (!filter || !filter->Key || !filter->Key->FilterRules) return {};
    for (const auto& one : *filter->Key->FilterRules) {
        std::string name = one.Name.value_or("");
        for (char& c : name) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
        if (name == "prefix") {
            rule.prefix = one.Value.value_or("");
        } else if (name == "suffix") {
            rule.suffix = one.Value.value_or("");
        } else {
            return std::unexpected(InvalidArgument("filter rule name must be either prefix or suffix"));
        }
    }
    return {};
}

template <class Configuration>
api::Outcome<void> AddRules(const std::optional<std::vector<Configuration>>& configurations, TargetKind kind,
                            std::string Configuration::*target, std::vector<NotificationRule>& rules) {
    if (!configurations) return {};
    for (const auto& configuration : *configurations) {
        NotificationRule rule;
        rule.kind = kind;
        rule.id = configuration.Id.value_or("");
        rule.target_arn = configuration.*target;
        rule.events = configuration.Events;
        for (const auto& event : rule.events) {
            if (IsEventName(event)) continue;
            return std::unexpected(InvalidArgument("The event '" + event + "' is not supported for notifications"));
        }
        RETURN_IF_ERROR(ReadFilter(configuration.Filter, rule));
        rules.push_back(std::move(rule));
    }
    return {};
}

bool Overlap(const NotificationRule& a, const NotificationRule& b) {
    bool prefixes = a.prefix.starts_with(b.prefix) || b.prefix.starts_with(a.prefix);
    bool suffixes = a.suffix.ends_with(b.suffix) || b.suffix.ends_with(a.suffix);
    if (!prefixes || !suffixes) return false;
    for (std::string_view event : a.events) {
        for (std::string_view other : b.events) {
            std::string_view shorter = event.size() < other.size() ? event : other;
            std::string_view longer = event.size() < other.size() ? other : event;
            if (shorter == longer) return true;
            if (shorter.ends_with(":*") && longer.starts_with(shorter.substr(0, shorter.size() - 1))) return true;
        }
    }
    return false;
}

template <class Configuration>
Configuration& Describe(std::optional<std::vector<Configuration>>& out, const NotificationRule& rule) {
    if (!out) out.emplace();
    Configuration& configuration = out->emplace_back();
    configuration.Id = rule.id;
    configuration.Events = rule.events;
    if (rule.prefix.empty() && rule.suffix.empty()) return configuration;
    auto& rules = configuration.Filter.emplace().Key.emplace().FilterRules.emplace();
    for (const auto& [name, value] : {std::pair{"Prefix", &rule.prefix}, std::pair{"Suffix", &rule.suffix}}) {
        if (value->empty()) continue;
        auto& one = rules.emplace_back();
        one.Name = name;
        one.Value = *value;
    }
    return configuration;
}

}  // namespace

Task<Outcome<s3::PutBucketNotificationConfigurationOutput>> S3Service::PutBucketNotificationConfiguration(
    const CallContext&, s3::PutBucketNotificationConfigurationRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    const auto& in = request.NotificationConfiguration;
    if (in.EventBridgeConfiguration) co_return std::unexpected(FeatureNotServed("delivery to EventBridge"));
    std::vector<NotificationRule> rules;
    CO_RETURN_IF_ERROR(AddRules(in.LambdaFunctionConfigurations, TargetKind::kFunction,
                                &s3::LambdaFunctionConfiguration::LambdaFunctionArn, rules));
    CO_RETURN_IF_ERROR(
        AddRules(in.QueueConfigurations, TargetKind::kQueue, &s3::QueueConfiguration::QueueArn, rules));
    CO_RETURN_IF_ERROR(
        AddRules(in.TopicConfigurations, TargetKind::kTopic, &s3::TopicConfiguration::TopicArn, rules));
    for (size_t i = 0; i < rules.size(); ++i) {
        if (rules[i].id.empty()) rules[i].id = env::RandomUuid(deps_.random);
        // A target that nobody here delivers to would lose its events in silence.
        if (listener_ == nullptr || !listener_->Serves(rules[i].target_arn)) {
            co_return std::unexpected(InvalidArgument(
                "Unable to validate the following destination configurations", rules[i].target_arn,
                "The destination is not one that events can be delivered to here"));
        }
        for (size_t j = 0; j < i; ++j) {
            if (!Overlap(rules[i], rules[j])) continue;
            co_return std::unexpected(InvalidArgument(
                "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes "
                "are overlapping for the same event type."));
        }
    }
    auto change = [&rules](BucketSettings& settings) { settings.notifications = rules; };
    auto changed = co_await ChangeSettings(request.Bucket, change);
    if (!changed) co_return std::unexpected(changed.error());
    co_return s3::PutBucketNotificationConfigurationOutput{};
}

Task<Outcome<s3::NotificationConfiguration>> S3Service::GetBucketNotificationConfiguration(
    const CallContext&, s3::GetBucketNotificationConfigurationRequest request) {
    CO_ASSIGN_OR_RETURN(StoredBucket bucket, FindBucket(request.Bucket, request.ExpectedBucketOwner));
    s3::NotificationConfiguration output;
    for (const auto& rule : bucket.settings->notifications) {
        switch (rule.kind) {
            case TargetKind::kFunction:
                Describe(output.LambdaFunctionConfigurations, rule).LambdaFunctionArn = rule.target_arn;
                break;
            case TargetKind::kQueue: Describe(output.QueueConfigurations, rule).QueueArn = rule.target_arn; break;
            case TargetKind::kTopic: Describe(output.TopicConfigurations, rule).TopicArn = rule.target_arn; break;
        }
    }
    co_return output;
}

}  // namespace wellhead::services::s3
