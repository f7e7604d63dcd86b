// What can be set on a stream: retention, record size, mode, tags, monitoring; and what cannot, encryption.

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "apis/kinesis/errors.h"
#include "services/kinesis/kinesis_service.h"

namespace wellhead::services::kinesis {

namespace errors = apis::kinesis;

namespace {

constexpr int32_t kMinRetentionHours = 24, kMaxRetentionHours = 8760;
constexpr size_t kMaxTags = 50;

// Letters of any script, digits, white space, and _ . / = + - @ : (the API reference's text; no other punctuation).
bool IsTagText(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](unsigned char c) {
        return c >= 0x80 || std::isalnum(c) != 0 || std::string_view(" \t_./=+-@:").find(static_cast<char>(c)) != std::string_view::npos;
    });
}

api::Outcome<void> AddTags(std::map<std::string, std::string>& tags, const std::map<std::string, std::string>& added) {
    for (const auto& [key, value] : added) {
        if (!IsTagText(key) || !IsTagText(value)) {
            return std::unexpected(errors::InvalidArgumentException(
                "Some tags contain invalid characters. Valid characters: Unicode letters, digits, white space, _ . / = + - "
                "@ :."));
        }
        if (key.starts_with("aws:")) {
            return std::unexpected(errors::InvalidArgumentException("Tag keys that begin with aws: are reserved."));
        }
        tags[key] = value;
    }
    if (tags.size() > kMaxTags) {
        return std::unexpected(errors::InvalidArgumentException(
            fmt::format("A given stream cannot have more than {} tags associated with it.", kMaxTags)));
    }
    return {};
}

api::Outcome<void> CheckRetention(int32_t hours) {
    if (hours < kMinRetentionHours) {
        return std::unexpected(errors::InvalidArgumentException(
            fmt::format("Minimum allowed retention period is {} hours. Requested retention period ({} hours) is too short.",
                        kMinRetentionHours, hours)));
    }
    if (hours > kMaxRetentionHours) {
        return std::unexpected(errors::InvalidArgumentException(
            fmt::format("Maximum allowed retention period is {} hours. Requested retention period ({} hours) is too long.",
                        kMaxRetentionHours, hours)));
    }
    return {};
}

api::ServiceError NoEncryption() {
    return errors::InvalidArgumentException(
        "Server-side encryption with KMS keys is not served here: the stream is unchanged. Encrypt the disk that holds "
        "the data directory instead.");
}

// The tags that a stream's or a consumer's ARN names.
std::map<std::string, std::string>* TagsOf(Stream& stream, const std::string& arn) {
    if (arn.find("/consumer/") == std::string::npos) return &stream.tags;
    for (auto& consumer : stream.consumers) {
        if (consumer.arn == arn) return &consumer.tags;
    }
    return nullptr;
}

}  // namespace

KinesisService::Answer<apis::kinesis::IncreaseStreamRetentionPeriodOutput>
KinesisService::IncreaseStreamRetentionPeriod(const api::CallContext&,
                                              apis::kinesis::IncreaseStreamRetentionPeriodInput input) {
    const auto stream = Find(input.StreamName, input.StreamARN, input.StreamId);
    Change set = [hours = input.RetentionPeriodHours](Stream& changed) -> api::Outcome<void> {
        auto checked = CheckRetention(hours);
        if (!checked) return checked;
        if (hours < changed.retention_hours) {
            return std::unexpected(errors::InvalidArgumentException(
                fmt::format("Requested retention period ({} hours) for stream {} can not be shorter than existing retention "
                            "period ({} hours). Use DecreaseRetentionPeriod API.",
                            hours, changed.name, changed.retention_hours)));
        }
        changed.retention_hours = hours;
        return {};
    };
    co_return co_await AnswerChange<apis::kinesis::IncreaseStreamRetentionPeriodOutput>(stream, set);
}

KinesisService::Answer<apis::kinesis::DecreaseStreamRetentionPeriodOutput>
KinesisService::DecreaseStreamRetentionPeriod(const api::CallContext&,
                                              apis::kinesis::DecreaseStreamRetentionPeriodInput input) {
    const auto stream = Find(input.StreamName, input.StreamARN, input.StreamId);
    Change set = [hours = input.RetentionPeriodHours](Stream& changed) -> api::Outcome<void> {
        auto checked = CheckRetention(hours);
        if (!checked) return checked;
        if (hours > changed.retention_hours) {
            return std::unexpected(errors::InvalidArgumentException(
                fmt::format("Requested retention period ({} hours) for stream {} can not be longer than existing retention "
                            "period ({} hours). Use IncreaseRetentionPeriod API.",
                            hours, changed.name, changed.retention_hours)));
        }
        changed.retention_hours = hours;
        return {};
    };
    co_return co_await AnswerChange<apis::kinesis::DecreaseStreamRetentionPeriodOutput>(stream, set);
}

KinesisService::Answer<apis::kinesis::UpdateMaxRecordSizeOutput> KinesisService::UpdateMaxRecordSize(
    const api::CallContext&, apis::kinesis::UpdateMaxRecordSizeInput input) {
    const auto stream = Find(std::nullopt, input.StreamARN, input.StreamId);
    Change set = [kib = input.MaxRecordSizeInKiB](Stream& changed) -> api::Outcome<void> {
        if (kib < 1024 || kib > 10'240) {
            return std::unexpected(errors::ValidationException("MaxRecordSizeInKiB must be from 1024 to 10240."));
        }
        changed.max_record_kib = kib;
        return {};
    };
    co_return co_await AnswerChange<apis::kinesis::UpdateMaxRecordSizeOutput>(stream, set);
}

KinesisService::Answer<apis::kinesis::UpdateStreamModeOutput> KinesisService::UpdateStreamMode(
    const api::CallContext&, apis::kinesis::UpdateStreamModeInput input) {
    const auto stream = FindByResource(input.StreamARN);
    bool on_demand = input.StreamModeDetails.StreamMode == apis::kinesis::StreamMode::kOnDemand;
    Change set = [on_demand](Stream& changed) -> api::Outcome<void> {
        changed.on_demand = on_demand;
        return {};
    };
    co_return co_await AnswerChange<apis::kinesis::UpdateStreamModeOutput>(stream, set);
}

KinesisService::Answer<apis::kinesis::StartStreamEncryptionOutput> KinesisService::StartStreamEncryption(
    const api::CallContext&, apis::kinesis::StartStreamEncryptionInput input) {
    auto stream = Find(input.StreamName, input.StreamARN, input.StreamId);
    if (!stream) co_return std::unexpected(stream.error());
    co_return std::unexpected(NoEncryption());
}

KinesisService::Answer<apis::kinesis::StopStreamEncryptionOutput> KinesisService::StopStreamEncryption(
    const api::CallContext&, apis::kinesis::StopStreamEncryptionInput input) {
    auto stream = Find(input.StreamName, input.StreamARN, input.StreamId);
    if (!stream) co_return std::unexpected(stream.error());
    co_return std::unexpected(NoEncryption());
}

KinesisService::Answer<apis::kinesis::AddTagsToStreamOutput> KinesisService::AddTagsToStream(
    const api::CallContext&, apis::kinesis::AddTagsToStreamInput input) {
    const auto stream = Find(input.StreamName, input.StreamARN, input.StreamId);
    Change add = [&input](Stream& changed) { return AddTags(changed.tags, input.Tags); };
    co_return co_await AnswerChange<apis::kinesis::AddTagsToStreamOutput>(stream, add);
}

KinesisService::Answer<apis::kinesis::RemoveTagsFromStreamOutput> KinesisService::RemoveTagsFromStream(
    const api::CallContext&, apis::kinesis::RemoveTagsFromStreamInput input) {
    const auto stream = Find(input.StreamName, input.StreamARN, input.StreamId);
    Change remove = [&input](Stream& changed) -> api::Outcome<void> {
        for (const auto& key : input.TagKeys) changed.tags.erase(key);
        return {};
    };
    co_return co_await AnswerChange<apis::kinesis::RemoveTagsFromStreamOutput>(stream, remove);
}

KinesisService::Answer<apis::kinesis::ListTagsForStreamOutput> KinesisService::ListTagsForStream(
    const api::CallContext&, apis::kinesis::ListTagsForStreamInput input) {
    auto stream = Find(input.StreamName, input.StreamARN, input.StreamId);
    if (!stream) co_return std::unexpected(stream.error());
    size_t limit = static_cast<size_t>(std::clamp(input.Limit.value_or(50), 1, 50));
    apis::kinesis::ListTagsForStreamOutput output;
    for (const auto& [key, value] : (*stream)->tags) {
        if (input.ExclusiveStartTagKey && key <= *input.ExclusiveStartTagKey) continue;
        if (output.Tags.size() == limit) {
            output.HasMoreTags = true;
            break;
        }
        output.Tags.push_back({key, value});
    }
    co_return output;
}

KinesisService::Answer<apis::kinesis::TagResourceOutput> KinesisService::TagResource(
    const api::CallContext&, apis::kinesis::TagResourceInput input) {
    const auto stream = FindByResource(input.ResourceARN);
    Change add = [&input](Stream& changed) -> api::Outcome<void> {
        auto* tags = TagsOf(changed, input.ResourceARN);
        if (tags == nullptr) return std::unexpected(errors::ResourceNotFoundException(input.ResourceARN + " not found."));
        return AddTags(*tags, input.Tags);
    };
    co_return co_await AnswerChange<apis::kinesis::TagResourceOutput>(stream, add);
}

KinesisService::Answer<apis::kinesis::UntagResourceOutput> KinesisService::UntagResource(
    const api::CallContext&, apis::kinesis::UntagResourceInput input) {
    const auto stream = FindByResource(input.ResourceARN);
    Change remove = [&input](Stream& changed) -> api::Outcome<void> {
        auto* tags = TagsOf(changed, input.ResourceARN);
        if (tags == nullptr) return std::unexpected(errors::ResourceNotFoundException(input.ResourceARN + " not found."));
        for (const auto& key : input.TagKeys) tags->erase(key);
        return {};
    };
    co_return co_await AnswerChange<apis::kinesis::UntagResourceOutput>(stream, remove);
}

KinesisService::Answer<apis::kinesis::ListTagsForResourceOutput> KinesisService::ListTagsForResource(
    const api::CallContext&, apis::kinesis::ListTagsForResourceInput input) {
    auto stream = FindByResource(input.ResourceARN);
    if (!stream) co_return std::unexpected(stream.error());
    Stream copy = **stream;
    auto* tags = TagsOf(copy, input.ResourceARN);
    if (tags == nullptr) {
        co_return std::unexpected(errors::ResourceNotFoundException(input.ResourceARN + " not found."));
    }
    apis::kinesis::ListTagsForResourceOutput output;
    output.Tags.emplace();
    for (const auto& [key, value] : *tags) output.Tags->push_back({key, value});
    co_return output;
}

namespace {

// ALL stands for every metric.
std::vector<std::string> Expand(const std::vector<std::string>& named) {
    std::vector<std::string> metrics;
    for (std::string_view metric : apis::kinesis::MetricsName::kValues) {
        if (metric == apis::kinesis::MetricsName::kAll) continue;
        bool wanted = std::any_of(named.begin(), named.end(), [metric](const auto& name) {
            return name == metric || name == apis::kinesis::MetricsName::kAll;
        });
        if (wanted) metrics.emplace_back(metric);
    }
    return metrics;
}

}  // namespace

KinesisService::Answer<apis::kinesis::EnhancedMonitoringOutput> KinesisService::EnableEnhancedMonitoring(
    const api::CallContext&, apis::kinesis::EnableEnhancedMonitoringInput input) {
    auto stream = Find(input.StreamName, input.StreamARN, input.StreamId);
    if (!stream) co_return std::unexpected(stream.error());
    apis::kinesis::EnhancedMonitoringOutput output;
    Change set = [&](Stream& changed) -> api::Outcome<void> {
        output.CurrentShardLevelMetrics = changed.metrics;
        auto all = changed.metrics;
        all.insert(all.end(), input.ShardLevelMetrics.begin(), input.ShardLevelMetrics.end());
        changed.metrics = Expand(all);
        output.DesiredShardLevelMetrics = changed.metrics;
        return {};
    };
    auto done = co_await ChangeStream(*stream, set);
    if (!done) co_return std::unexpected(done.error());
    output.StreamName = (*stream)->name;
    output.StreamARN = StreamArn((*stream)->name);
    co_return output;
}

KinesisService::Answer<apis::kinesis::EnhancedMonitoringOutput> KinesisService::DisableEnhancedMonitoring(
    const api::CallContext&, apis::kinesis::DisableEnhancedMonitoringInput input) {
    auto stream = Find(input.StreamName, input.StreamARN, input.StreamId);
    if (!stream) co_return std::unexpected(stream.error());
    apis::kinesis::EnhancedMonitoringOutput output;
    Change set = [&](Stream& changed) -> api::Outcome<void> {
        output.CurrentShardLevelMetrics = changed.metrics;
        auto off = Expand(input.ShardLevelMetrics);
        std::erase_if(changed.metrics, [&off](const std::string& metric) {
            return std::find(off.begin(), off.end(), metric) != off.end();
        });
        output.DesiredShardLevelMetrics = changed.metrics;
        return {};
    };
    auto done = co_await ChangeStream(*stream, set);
    if (!done) co_return std::unexpected(done.error());
    output.StreamName = (*stream)->name;
    output.StreamARN = StreamArn((*stream)->name);
    co_return output;
}

}  // namespace wellhead::services::kinesis
