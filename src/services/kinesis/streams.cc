// Streams as a whole: making, removing, describing, listing.

#include <fmt/format.h>

#include <algorithm>

#include "apis/kinesis/errors.h"
#include "base/log.h"
#include "services/kinesis/kinesis_service.h"

namespace wellhead::services::kinesis {

namespace errors = apis::kinesis;
namespace filters = apis::kinesis::ShardFilterType;

namespace {

constexpr int32_t kMaxShards = 1000;
constexpr int32_t kOnDemandShards = 4;
constexpr int64_t kTokenLifeMs = 300'000;
constexpr const char* kShardsToken = "kinesis/list-shards";
constexpr const char* kStreamsToken = "kinesis/list-streams";

apis::kinesis::StreamModeDetails ModeOf(const Stream& stream) {
    return {std::string(stream.on_demand ? apis::kinesis::StreamMode::kOnDemand
                                         : apis::kinesis::StreamMode::kProvisioned)};
}

// When the shard began to take records.
int64_t OpenedMs(const Stream& stream, const Shard& shard) {
    int64_t opened_ms = shard.parent || shard.adjacent_parent ? 0 : stream.created_ms;
    for (const auto& other : stream.shards) {
        if (other.number == shard.parent || other.number == shard.adjacent_parent) {
            opened_ms = std::max(opened_ms, other.closed_ms);
        }
    }
    return opened_ms;
}

bool Passes(const Stream& stream, const Shard& shard, const apis::kinesis::ShardFilter& filter, int64_t now_ms) {
    int64_t horizon_ms = std::max(stream.created_ms, now_ms - int64_t{stream.retention_hours} * 3'600'000);
    int64_t at_ms = filter.Timestamp ? std::max(base::ToUnixMs(*filter.Timestamp), horizon_ms) : horizon_ms;
    bool open_after = shard.open() || shard.closed_ms > at_ms;
    if (filter.Type == filters::kAtLatest) return shard.open();
    if (filter.Type == filters::kAfterShardId) return shard.id() > filter.ShardId.value_or("");
    if (filter.Type == filters::kFromTrimHorizon || filter.Type == filters::kFromTimestamp) return open_after;
    return open_after && OpenedMs(stream, shard) <= at_ms;  // AT_TRIM_HORIZON, AT_TIMESTAMP
}

}  // namespace

KinesisService::Answer<apis::kinesis::CreateStreamOutput> KinesisService::CreateStream(
    const api::CallContext&, apis::kinesis::CreateStreamInput input) {
    auto pass = co_await turnstile_.Enter();
    if (Find(input.StreamName, std::nullopt, std::nullopt)) {
        co_return std::unexpected(errors::ResourceInUseException(
            fmt::format("Stream {} under account {} already exists.", input.StreamName, settings_.account_id)));
    }
    Stream stream;
    stream.name = input.StreamName;
    stream.on_demand = input.StreamModeDetails && input.StreamModeDetails->StreamMode == apis::kinesis::StreamMode::kOnDemand;
    if (!stream.on_demand && !input.ShardCount) {
        co_return std::unexpected(errors::InvalidArgumentException("ShardCount must be given in PROVISIONED mode."));
    }
    int32_t count = stream.on_demand ? kOnDemandShards : *input.ShardCount;
    if (count < 1) co_return std::unexpected(errors::ValidationException("ShardCount must be at least 1."));
    if (count > kMaxShards) {
        co_return std::unexpected(errors::LimitExceededException(
            fmt::format("This request would exceed the shard limit of {} a stream.", kMaxShards)));
    }
    // In the form that clients check when they name streams by it: 20 letters or digits, a dash, three more.
    stream.id = env::RandomHex(deps_.random, 10) + "-" + env::RandomHex(deps_.random, 2).substr(0, 3);
    stream.created_ms = NowMs();
    stream.max_record_kib = input.MaxRecordSizeInKiB.value_or(1024);
    if (input.Tags) stream.tags = std::move(*input.Tags);
    for (int32_t i = 0; i < count; ++i) {
        Shard shard;
        shard.number = static_cast<uint32_t>(i);
        shard.range = UniformRange(shard.number, static_cast<uint32_t>(count));
        shard.created_s = stream.created_ms / 1000;
        stream.shards.push_back(std::move(shard));
    }
    for (auto& shard : stream.shards) {
        auto opened = co_await OpenLog(stream, shard);
        if (!opened) co_return std::unexpected(FromStorage(opened.error()));
    }
    auto committed = co_await Commit(std::move(stream));
    if (!committed) co_return std::unexpected(committed.error());
    co_return apis::kinesis::CreateStreamOutput{};
}

KinesisService::Answer<apis::kinesis::DeleteStreamOutput> KinesisService::DeleteStream(
    const api::CallContext&, apis::kinesis::DeleteStreamInput input) {
    auto pass = co_await turnstile_.Enter();
    auto stream = Find(input.StreamName, input.StreamARN, input.StreamId);
    if (!stream) co_return std::unexpected(stream.error());
    if (!(*stream)->consumers.empty() && !input.EnforceConsumerDeletion.value_or(false)) {
        co_return std::unexpected(errors::ResourceInUseException(
            fmt::format("Stream {} under account {} has registered consumers; deregister them or set "
                        "EnforceConsumerDeletion.",
                        (*stream)->name, settings_.account_id)));
    }
    storage::TableBatch batch;
    batch.Delete("kinesis/streams", (*stream)->name);
    auto committed = co_await deps_.table.Commit(std::move(batch));
    if (!committed) co_return std::unexpected(FromStorage(committed.error()));
    {
        std::lock_guard lock(mutex_);
        streams_.erase((*stream)->name);
    }
    for (const auto& shard : (*stream)->shards) {
        auto removed = co_await deps_.logs.Remove((*stream)->LogName(shard));
        // The next start removes what is left.
        if (!removed) base::LogWarning("kinesis", "{}: {}", (*stream)->name, removed.error().message);
    }
    co_return apis::kinesis::DeleteStreamOutput{};
}

KinesisService::Answer<apis::kinesis::DescribeStreamOutput> KinesisService::DescribeStream(
    const api::CallContext&, apis::kinesis::DescribeStreamInput input) {
    auto found = Find(input.StreamName, input.StreamARN, input.StreamId);
    if (!found) co_return std::unexpected(found.error());
    const Stream& stream = **found;
    apis::kinesis::DescribeStreamOutput output;
    auto& out = output.StreamDescription;
    out.StreamName = stream.name;
    out.StreamARN = StreamArn(stream.name);
    out.StreamStatus = std::string(StatusOf(stream.created_ms));
    out.StreamModeDetails = ModeOf(stream);
    out.RetentionPeriodHours = stream.retention_hours;
    out.StreamCreationTimestamp = base::FromUnixMs(stream.created_ms);
    out.EnhancedMonitoring.push_back({stream.metrics});
    out.EncryptionType = std::string(apis::kinesis::EncryptionType::kNone);
    if (out.StreamStatus == apis::kinesis::StreamStatus::kCreating) co_return output;
    size_t limit = static_cast<size_t>(std::clamp(input.Limit.value_or(100), 1, 10'000));
    for (const auto& shard : stream.shards) {
        if (input.ExclusiveStartShardId && shard.id() <= *input.ExclusiveStartShardId) continue;
        if (out.Shards.size() == limit) {
            out.HasMoreShards = true;
            break;
        }
        out.Shards.push_back(Describe(shard));
    }
    co_return output;
}

KinesisService::Answer<apis::kinesis::DescribeStreamSummaryOutput> KinesisService::DescribeStreamSummary(
    const api::CallContext&, apis::kinesis::DescribeStreamSummaryInput input) {
    auto found = Find(input.StreamName, input.StreamARN, input.StreamId);
    if (!found) co_return std::unexpected(found.error());
    const Stream& stream = **found;
    apis::kinesis::DescribeStreamSummaryOutput output;
    auto& out = output.StreamDescriptionSummary;
    out.StreamName = stream.name;
    out.StreamARN = StreamArn(stream.name);
    // Without StreamId: a client that knows it sends its next requests to a host name made of it, whatever endpoint it was
    // given (KCL 3.5 does, by the endpoint rules of its SDK).
    out.StreamStatus = std::string(StatusOf(stream.created_ms));
    out.StreamModeDetails = ModeOf(stream);
    out.RetentionPeriodHours = stream.retention_hours;
    out.StreamCreationTimestamp = base::FromUnixMs(stream.created_ms);
    out.EnhancedMonitoring.push_back({stream.metrics});
    out.EncryptionType = std::string(apis::kinesis::EncryptionType::kNone);
    out.OpenShardCount = static_cast<int32_t>(stream.OpenShards().size());
    out.ConsumerCount = static_cast<int32_t>(stream.consumers.size());
    out.MaxRecordSizeInKiB = stream.max_record_kib;
    co_return output;
}

KinesisService::Answer<apis::kinesis::ListStreamsOutput> KinesisService::ListStreams(
    const api::CallContext&, apis::kinesis::ListStreamsInput input) {
    std::string after = input.ExclusiveStartStreamName.value_or("");
    if (input.NextToken) {
        auto token = UnsealPosition(kStreamsToken, *input.NextToken);
        if (!token) co_return std::unexpected(errors::InvalidArgumentException("Invalid NextToken."));
        after = *token;
    }
    size_t limit = static_cast<size_t>(std::clamp(input.Limit.value_or(100), 1, 10'000));
    apis::kinesis::ListStreamsOutput output;
    output.StreamSummaries.emplace();
    std::lock_guard lock(mutex_);
    for (auto at = streams_.upper_bound(after); at != streams_.end(); ++at) {
        if (output.StreamNames.size() == limit) {
            output.HasMoreStreams = true;
            output.NextToken = SealPosition(kStreamsToken, output.StreamNames.back());
            break;
        }
        const Stream& stream = *at->second;
        output.StreamNames.push_back(stream.name);
        output.StreamSummaries->push_back({stream.name, StreamArn(stream.name), std::string(StatusOf(stream.created_ms)),
                                           ModeOf(stream), base::FromUnixMs(stream.created_ms)});
    }
    co_return output;
}

KinesisService::Answer<apis::kinesis::ListShardsOutput> KinesisService::ListShards(
    const api::CallContext&, apis::kinesis::ListShardsInput input) {
    std::string after = input.ExclusiveStartShardId.value_or("");
    std::optional<std::string> id = input.StreamId;
    if (input.NextToken) {
        if (input.StreamName || input.StreamARN || input.ExclusiveStartShardId) {
            co_return std::unexpected(errors::InvalidArgumentException(
                "NextToken and StreamName, StreamARN or ExclusiveStartShardId cannot be provided together."));
        }
        auto token = UnsealPosition(kShardsToken, *input.NextToken);
        size_t first = token ? token->find(' ') : std::string::npos;
        size_t second = first == std::string::npos ? first : token->find(' ', first + 1);
        if (second == std::string::npos) {
            co_return std::unexpected(errors::InvalidArgumentException("Invalid NextToken."));
        }
        if (NowMs() - std::stoll(token->substr(second + 1)) > kTokenLifeMs) {
            co_return std::unexpected(errors::ExpiredNextTokenException("The NextToken is older than 300 seconds."));
        }
        id = token->substr(0, first);
        after = token->substr(first + 1, second - first - 1);
    }
    if (input.ShardFilter) {
        const std::string& type = input.ShardFilter->Type;
        const bool by_time = type == filters::kAtTimestamp || type == filters::kFromTimestamp;
        if ((type == filters::kAfterShardId && !input.ShardFilter->ShardId) || (by_time && !input.ShardFilter->Timestamp)) {
            co_return std::unexpected(errors::InvalidArgumentException(
                fmt::format("{} must be provided in a ShardFilter of type {}.", by_time ? "Timestamp" : "ShardId", type)));
        }
    }
    auto found = Find(input.StreamName, input.StreamARN, id);
    if (!found) co_return std::unexpected(found.error());
    size_t limit = static_cast<size_t>(std::clamp(input.MaxResults.value_or(1000), 1, 10'000));
    apis::kinesis::ListShardsOutput output;
    output.Shards.emplace();
    for (const auto& shard : (*found)->shards) {
        if (shard.id() <= after) continue;
        if (input.ShardFilter && !Passes(**found, shard, *input.ShardFilter, NowMs())) continue;
        if (output.Shards->size() == limit) {
            output.NextToken = SealPosition(
                kShardsToken, fmt::format("{} {} {}", (*found)->id, output.Shards->back().ShardId, NowMs()));
            break;
        }
        output.Shards->push_back(Describe(shard));
    }
    co_return output;
}

KinesisService::Answer<apis::kinesis::DescribeLimitsOutput> KinesisService::DescribeLimits(
    const api::CallContext&, apis::kinesis::DescribeLimitsInput) {
    apis::kinesis::DescribeLimitsOutput output;
    output.ShardLimit = 100'000;
    output.OnDemandStreamCountLimit = 100'000;
    std::lock_guard lock(mutex_);
    for (const auto& [name, stream] : streams_) {
        output.OpenShardCount += static_cast<int32_t>(stream->OpenShards().size());
        if (stream->on_demand) ++output.OnDemandStreamCount;
    }
    co_return output;
}

}  // namespace wellhead::services::kinesis
