#include "services/firehose/firehose_service.h"

#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "api/stored.h"
#include "apis/firehose/errors.h"
#include "apis/firehose/shapes.h"
#include "base/log.h"
#include "services/firehose/configuration.h"

namespace wellhead::services::firehose {
namespace {

using api::CallContext;
using api::Outcome;
using base::ErrorCode;
using base::Fail;
using base::Result;
using std::unexpected;
namespace errors = apis::firehose;

constexpr const char* kStreams = "firehose/streams";
constexpr size_t kMostRecordBytes = 1024000;
constexpr size_t kMostBatchBytes = size_t{4} << 20;

api::ServiceError ToServiceError(const base::Error& error) {
    switch (error.code) {
        case ErrorCode::kInvalidArgument:
        case ErrorCode::kUnsupported:
        case ErrorCode::kPermission: return errors::InvalidArgumentException(error.message);
        case ErrorCode::kNotFound: return errors::ResourceNotFoundException(error.message);
        case ErrorCode::kAlreadyExists:
        case ErrorCode::kConflict: return errors::ResourceInUseException(error.message);
        case ErrorCode::kLimit:
        case ErrorCode::kReadOnly:
        case ErrorCode::kUnavailable:
        case ErrorCode::kTimeout:
        case ErrorCode::kCancelled: return errors::ServiceUnavailableException(error.message);
        case ErrorCode::kIo:
        case ErrorCode::kCorrupt: break;
    }
    return errors::ServiceUnavailableException(error.message);
}

std::string ToJson(const std::map<std::string, std::string>& tags) {
    boost::json::object object;
    for (const auto& [key, value] : tags) object[key] = value;
    return boost::json::serialize(object);
}

}  // namespace

FirehoseService::FirehoseService(FirehoseDependencies dependencies, FirehoseSettings settings)
    : deps_(std::move(dependencies)),
      settings_(std::move(settings)),
      cursors_(deps_.table),
      writer_(std::make_unique<BatchWriter>(BatchWriterDependencies{deps_.clock, deps_.files, deps_.pool, deps_.parquet, deps_.s3,
                                                                    deps_.glue, settings_.work_directory, settings_.account_id,
                                                                    settings_.region})) {}
FirehoseService::~FirehoseService() = default;

env::Task<Result<std::unique_ptr<FirehoseService>>> FirehoseService::Open(FirehoseDependencies dependencies,
                                                                          FirehoseSettings settings) {
    std::unique_ptr<FirehoseService> service(new FirehoseService(std::move(dependencies), std::move(settings)));
    const auto prepare = [&service]() -> Result<void> {
        env::Files& files = service->deps_.files;
        const std::string& directory = service->settings_.work_directory;
        RETURN_IF_ERROR(files.MakeDirectories(directory));
        ASSIGN_OR_RETURN(const auto entries, files.List(directory));
        for (const env::DirectoryEntry& entry : entries) RETURN_IF_ERROR(files.Remove(directory + "/" + entry.name));
        return {};
    };
    CO_RETURN_IF_ERROR(co_await env::RunBlocking(service->deps_.pool, prepare));
    CO_RETURN_IF_ERROR(co_await service->Load());
    co_return service;
}

env::Task<void> FirehoseService::Close() {
    std::vector<std::shared_ptr<StreamRunner>> runners;
    {
        const std::lock_guard lock(mutex_);
        for (auto& [name, stream] : streams_) {
            if (stream.runner) runners.push_back(stream.runner);
        }
    }
    for (auto& runner : runners) co_await runner->Stop();
}

env::Task<Result<void>> FirehoseService::Load() {
    CO_ASSIGN_OR_RETURN(auto entries, co_await deps_.table.Scan(kStreams, storage::PrefixRange("")));
    for (const auto& entry : entries) {
        boost::system::error_code error;
        const auto json = boost::json::parse(entry.value, error);
        if (error || !json.is_object()) co_return Fail(ErrorCode::kCorrupt, "a stored delivery stream is not JSON");
        Stream stream;
        stream.id = std::string(json.get_object().at("id").as_string());
        for (const auto& [key, value] : json.get_object().at("tags").as_object()) stream.tags.emplace(key, value.as_string());
        std::vector<std::string> missing;
        auto read = api::ReadJsonByName(json.get_object().at("description").as_object(),
                                        wire::shapes::DeliveryStreamDescription_structure, &stream.description, missing);
        if (!read) co_return Fail(ErrorCode::kCorrupt, read.error().message);
        const std::string name = entry.key;
        Remember(std::move(stream));
        CO_RETURN_IF_ERROR(co_await Start(name));
    }
    co_return Result<void>{};
}

void FirehoseService::Remember(Stream stream) {
    const std::lock_guard lock(mutex_);
    std::string name = stream.description.DeliveryStreamName;
    streams_[name] = std::move(stream);
}

bool FirehoseService::IsCreating(const Stream& stream) const {
    return deps_.clock.Now() < *stream.description.CreateTimestamp + settings_.creation_delay;
}

Outcome<FirehoseService::Stream> FirehoseService::Find(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    const auto found = streams_.find(name);
    if (found == streams_.end()) {
        return unexpected(errors::ResourceNotFoundException(
            fmt::format("Firehose {} under account {} not found.", name, settings_.account_id)));
    }
    return found->second;
}

env::Task<Result<void>> FirehoseService::Save(Stream stream) {
    const std::string value = fmt::format(R"({{"id":"{}","tags":{},"description":{}}})", stream.id, ToJson(stream.tags),
                                          api::ToStored(stream.description, wire::shapes::DeliveryStreamDescription_structure));
    storage::TableBatch batch;
    batch.Put(kStreams, stream.description.DeliveryStreamName, value);
    co_return co_await deps_.table.Commit(std::move(batch));
}

env::Task<Result<void>> FirehoseService::Start(std::string name) {
    Stream stream = *Find(name);
    CO_ASSIGN_OR_RETURN(DeliveryPlan plan, MakePlan(stream.description, stream.id, deps_.zone_offset));
    RunnerDependencies dependencies{deps_.clock, cursors_, *writer_, deps_.kinesis, deps_.executor, settings_.account_id, settings_.region};
    stream.runner = std::make_shared<StreamRunner>(std::move(dependencies), std::move(plan));
    if (stream.description.Source && stream.description.Source->KinesisStreamSourceDescription) {
        const auto& source = *stream.description.Source->KinesisStreamSourceDescription;
        stream.runner->StartFromKinesis(*source.KinesisStreamARN, *source.DeliveryStartTimestamp);
    } else {
        CO_ASSIGN_OR_RETURN(auto log, co_await deps_.logs.Open("firehose/" + stream.id));
        stream.runner->StartFromLog(std::move(log));
    }
    Remember(std::move(stream));
    co_return Result<void>{};
}

env::Task<Outcome<wire::CreateDeliveryStreamOutput>> FirehoseService::CreateDeliveryStream(const CallContext& context,
                                                                                           wire::CreateDeliveryStreamInput input) {
    auto pass = co_await turnstile_.Enter();
    if (Find(input.DeliveryStreamName)) {
        co_return unexpected(errors::ResourceInUseException(
            fmt::format("Firehose {} under accountId {} already exists", input.DeliveryStreamName, settings_.account_id)));
    }
    auto destination = DescribeDestination(input);
    if (!destination) co_return unexpected(destination.error());
    Stream stream;
    stream.id = env::RandomHex(deps_.random, 8);
    wire::DeliveryStreamDescription& description = stream.description;
    description.DeliveryStreamName = input.DeliveryStreamName;
    description.DeliveryStreamARN = fmt::format("arn:aws:firehose:{}:{}:deliverystream/{}", settings_.region, settings_.account_id, input.DeliveryStreamName);
    description.DeliveryStreamStatus = wire::DeliveryStreamStatus::kActive;
    description.DeliveryStreamType = input.DeliveryStreamType.value_or(std::string(wire::DeliveryStreamType::kDirectPut));
    description.VersionId = "1";
    description.CreateTimestamp = deps_.clock.Now();
    wire::DeliveryStreamEncryptionConfiguration encryption;
    encryption.Status = "DISABLED";
    description.DeliveryStreamEncryptionConfiguration = std::move(encryption);
    if (description.DeliveryStreamType == wire::DeliveryStreamType::kKinesisStreamAsSource) {
        if (!input.KinesisStreamSourceConfiguration) {
            co_return unexpected(errors::InvalidArgumentException("KinesisStreamSourceConfiguration is required for KinesisStreamAsSource."));
        }
        apis::kinesis::DescribeStreamSummaryInput describe;
        const std::string& arn = input.KinesisStreamSourceConfiguration->KinesisStreamARN;
        describe.StreamARN = arn;
        describe.StreamName = arn.substr(arn.rfind('/') + 1);
        auto known = co_await deps_.kinesis.DescribeStreamSummary(context, std::move(describe));
        if (!known) co_return unexpected(errors::InvalidArgumentException(fmt::format("{}: {}", arn, known.error().message)));
        wire::KinesisStreamSourceDescription source;
        source.KinesisStreamARN = arn;
        source.RoleARN = input.KinesisStreamSourceConfiguration->RoleARN;
        source.DeliveryStartTimestamp = deps_.clock.Now();
        description.Source.emplace().KinesisStreamSourceDescription = std::move(source);
    } else if (description.DeliveryStreamType != wire::DeliveryStreamType::kDirectPut || input.KinesisStreamSourceConfiguration) {
        co_return unexpected(errors::InvalidArgumentException("DeliveryStreamType and source configuration do not agree."));
    }
    wire::DestinationDescription shown;
    shown.DestinationId = "destinationId-000000000001";
    shown.ExtendedS3DestinationDescription = std::move(*destination);
    description.Destinations.push_back(std::move(shown));
    if (input.Tags) {
        for (const wire::Tag& tag : *input.Tags) stream.tags[tag.Key] = tag.Value.value_or("");
    }
    if (auto plan = MakePlan(description, stream.id, deps_.zone_offset); !plan) co_return unexpected(ToServiceError(plan.error()));
    wire::CreateDeliveryStreamOutput output;
    output.DeliveryStreamARN = description.DeliveryStreamARN;
    auto saved = co_await Save(stream);
    if (!saved) co_return unexpected(ToServiceError(saved.error()));
    Remember(std::move(stream));
    auto started = co_await Start(input.DeliveryStreamName);
    if (!started) co_return unexpected(ToServiceError(started.error()));
    co_return output;
}

env::Task<Outcome<wire::DescribeDeliveryStreamOutput>> FirehoseService::DescribeDeliveryStream(
    const CallContext&, wire::DescribeDeliveryStreamInput input) {
    auto stream = Find(input.DeliveryStreamName);
    if (!stream) co_return unexpected(stream.error());
    wire::DescribeDeliveryStreamOutput output;
    output.DeliveryStreamDescription = stream->description;
    if (IsCreating(*stream)) {
        output.DeliveryStreamDescription.DeliveryStreamStatus = wire::DeliveryStreamStatus::kCreating;
    }
    // Older clients look for the plain form.
    wire::DestinationDescription& destination = output.DeliveryStreamDescription.Destinations[0];
    const wire::ExtendedS3DestinationDescription& extended = *destination.ExtendedS3DestinationDescription;
    wire::S3DestinationDescription plain;
    plain.RoleARN = extended.RoleARN;
    plain.BucketARN = extended.BucketARN;
    plain.Prefix = extended.Prefix;
    plain.ErrorOutputPrefix = extended.ErrorOutputPrefix;
    plain.BufferingHints = extended.BufferingHints;
    plain.CompressionFormat = extended.CompressionFormat;
    plain.EncryptionConfiguration = extended.EncryptionConfiguration;
    plain.CloudWatchLoggingOptions = extended.CloudWatchLoggingOptions;
    destination.S3DestinationDescription = std::move(plain);
    co_return output;
}

env::Task<Outcome<wire::ListDeliveryStreamsOutput>> FirehoseService::ListDeliveryStreams(const CallContext&,
                                                                                         wire::ListDeliveryStreamsInput input) {
    wire::ListDeliveryStreamsOutput output;
    const size_t most = static_cast<size_t>(input.Limit.value_or(10));
    const std::lock_guard lock(mutex_);
    for (auto it = streams_.upper_bound(input.ExclusiveStartDeliveryStreamName.value_or("")); it != streams_.end(); ++it) {
        if (input.DeliveryStreamType && it->second.description.DeliveryStreamType != *input.DeliveryStreamType) continue;
        if (output.DeliveryStreamNames.size() == most) {
            output.HasMoreDeliveryStreams = true;
            break;
        }
        output.DeliveryStreamNames.push_back(it->first);
    }
    co_return output;
}

env::Task<Outcome<wire::DeleteDeliveryStreamOutput>> FirehoseService::DeleteDeliveryStream(const CallContext&,
                                                                                           wire::DeleteDeliveryStreamInput input) {
    auto pass = co_await turnstile_.Enter();
    auto stream = Find(input.DeliveryStreamName);
    if (!stream) co_return unexpected(stream.error());
    if (IsCreating(*stream)) {
        co_return unexpected(errors::ResourceInUseException(
            fmt::format("Firehose {} is being created.", input.DeliveryStreamName)));
    }
    storage::TableBatch batch;
    batch.Delete(kStreams, input.DeliveryStreamName);
    auto deleted = co_await deps_.table.Commit(std::move(batch));
    if (!deleted) co_return unexpected(ToServiceError(deleted.error()));
    {
        const std::lock_guard lock(mutex_);
        streams_.erase(input.DeliveryStreamName);
    }
    const bool has_log = stream->runner && stream->runner->log() != nullptr;
    if (stream->runner) co_await stream->runner->Stop();
    stream->runner.reset();
    auto cursors = co_await cursors_.DeleteAll(stream->id);
    if (!cursors) base::LogWarning("firehose", "cursors of {} stay: {}", input.DeliveryStreamName, cursors.error().message);
    if (has_log) {
        auto removed = co_await deps_.logs.Remove("firehose/" + stream->id);
        if (!removed) base::LogWarning("firehose", "the log of {} stays: {}", input.DeliveryStreamName, removed.error().message);
    }
    co_return wire::DeleteDeliveryStreamOutput{};
}

env::Task<Outcome<wire::UpdateDestinationOutput>> FirehoseService::UpdateDestination(const CallContext&,
                                                                                     wire::UpdateDestinationInput input) {
    auto pass = co_await turnstile_.Enter();
    auto stream = Find(input.DeliveryStreamName);
    if (!stream) co_return unexpected(stream.error());
    wire::DeliveryStreamDescription& description = stream->description;
    if (input.CurrentDeliveryStreamVersionId != description.VersionId) {
        co_return unexpected(errors::ConcurrentModificationException(
            fmt::format("Cannot update firehose: the version is {}, not {}.", description.VersionId, input.CurrentDeliveryStreamVersionId)));
    }
    wire::DestinationDescription& destination = description.Destinations[0];
    if (input.DestinationId != destination.DestinationId) {
        co_return unexpected(errors::InvalidArgumentException(fmt::format("There is no destination {}.", input.DestinationId)));
    }
    auto updated = UpdateDescription(*destination.ExtendedS3DestinationDescription, input);
    if (!updated) co_return unexpected(updated.error());
    destination.ExtendedS3DestinationDescription = std::move(*updated);
    description.VersionId = std::to_string(std::stoull(description.VersionId) + 1);
    description.LastUpdateTimestamp = deps_.clock.Now();
    auto plan = MakePlan(description, stream->id, deps_.zone_offset);
    if (!plan) co_return unexpected(ToServiceError(plan.error()));
    auto saved = co_await Save(*stream);
    if (!saved) co_return unexpected(ToServiceError(saved.error()));
    if (stream->runner) stream->runner->Update(std::move(*plan));
    Remember(std::move(*stream));
    co_return wire::UpdateDestinationOutput{};
}

// What each record was written as, those of a token that stands there already included.
env::Task<Outcome<std::vector<storage::WrittenEntry>>> FirehoseService::Append(
    std::string name, const std::vector<wire::Record>& records, std::shared_ptr<const api::EntryTokens> tokens) {
    auto stream = Find(name);
    if (!stream) co_return unexpected(stream.error());
    if (!stream->runner || !stream->runner->log()) {
        co_return unexpected(errors::InvalidArgumentException(
            "This operation is not permitted on KinesisStreamAsSource delivery stream type."));
    }
    auto log = stream->runner->log();
    if (tokens && tokens->tokens.size() != records.size()) tokens = nullptr;
    std::map<base::Bytes, storage::WrittenEntry> before;
    if (tokens && tokens->written_since) {
        std::set<base::Bytes> wanted(tokens->tokens.begin(), tokens->tokens.end());
        wanted.erase(base::Bytes());
        auto found = co_await storage::FindEntryTokens(log, *tokens->written_since, std::move(wanted));
        if (!found) co_return unexpected(ToServiceError(found.error()));
        before = std::move(*found);
    }
    size_t bytes = 0;
    std::vector<base::Bytes> keys(tokens ? records.size() : 0);
    std::vector<storage::NewLogRecord> made;
    std::vector<storage::WrittenEntry> written(records.size());
    std::vector<size_t> appended_as;
    for (size_t i = 0; i < records.size(); ++i) {
        const wire::Record& record = records[i];
        if (record.Data.bytes.size() > kMostRecordBytes) {
            co_return unexpected(errors::InvalidArgumentException("A record must be of at most 1024000 bytes."));
        }
        bytes += record.Data.bytes.size();
        base::ByteView key;
        if (tokens && !tokens->tokens[i].empty()) {
            if (auto known = before.find(tokens->tokens[i]); known != before.end()) {
                written[i] = known->second;
                continue;
            }
            keys[i] = storage::KeyWithToken({}, tokens->tokens[i]);
            key = keys[i];
        }
        made.push_back({key, record.Data.bytes});
        appended_as.push_back(i);
    }
    if (bytes > kMostBatchBytes) co_return unexpected(errors::InvalidArgumentException("Records must not exceed 4 MiB together."));
    if (made.empty()) co_return written;
    auto appended = co_await log->Append(std::move(made));
    if (!appended) co_return unexpected(ToServiceError(appended.error()));
    for (size_t k = 0; k < appended_as.size(); ++k) written[appended_as[k]] = {appended->first + k, appended->arrival};
    base::Metrics::Global()
        .GetCounter("wellhead_firehose_records_in_total", "Records taken by PutRecord and PutRecordBatch.", {{"stream", name}})
        .Add(appended_as.size());
    base::Metrics::Global()
        .GetCounter("wellhead_firehose_in_bytes_total", "Bytes taken by PutRecord and PutRecordBatch.", {{"stream", name}})
        .Add(bytes);
    co_return written;
}

env::Task<Outcome<wire::PutRecordOutput>> FirehoseService::PutRecord(const CallContext& context, wire::PutRecordInput input) {
    std::vector<wire::Record> records;
    records.push_back(std::move(input.Record));
    auto appended = co_await Append(input.DeliveryStreamName, records, context.entry_tokens);
    if (!appended) co_return unexpected(appended.error());
    wire::PutRecordOutput output;
    output.RecordId = fmt::format("{:020}{:016x}", appended->front().offset, base::ToUnixUs(appended->front().arrival));
    output.Encrypted = false;
    co_return output;
}

env::Task<Outcome<wire::PutRecordBatchOutput>> FirehoseService::PutRecordBatch(const CallContext& context, wire::PutRecordBatchInput input) {
    auto appended = co_await Append(input.DeliveryStreamName, input.Records, context.entry_tokens);
    if (!appended) co_return unexpected(appended.error());
    wire::PutRecordBatchOutput output;
    output.Encrypted = false;
    for (size_t i = 0; i < input.Records.size(); ++i) {
        wire::PutRecordBatchResponseEntry entry;
        entry.RecordId = fmt::format("{:020}{:016x}", (*appended)[i].offset, base::ToUnixUs((*appended)[i].arrival));
        output.RequestResponses.push_back(std::move(entry));
    }
    co_return output;
}

// Records wait in a log and objects lie in buckets as they are; to say that they were encrypted would not be true.
env::Task<Outcome<wire::StartDeliveryStreamEncryptionOutput>> FirehoseService::StartDeliveryStreamEncryption(
    const CallContext&, wire::StartDeliveryStreamEncryptionInput input) {
    auto stream = Find(input.DeliveryStreamName);
    if (!stream) co_return unexpected(stream.error());
    co_return unexpected(errors::InvalidArgumentException("Encryption of delivery streams is not served."));
}

env::Task<Outcome<wire::StopDeliveryStreamEncryptionOutput>> FirehoseService::StopDeliveryStreamEncryption(
    const CallContext&, wire::StopDeliveryStreamEncryptionInput input) {
    auto stream = Find(input.DeliveryStreamName);
    if (!stream) co_return unexpected(stream.error());
    co_return wire::StopDeliveryStreamEncryptionOutput{};  // it is as asked
}

env::Task<Outcome<wire::TagDeliveryStreamOutput>> FirehoseService::TagDeliveryStream(const CallContext&,
                                                                                     wire::TagDeliveryStreamInput input) {
    auto pass = co_await turnstile_.Enter();
    auto stream = Find(input.DeliveryStreamName);
    if (!stream) co_return unexpected(stream.error());
    for (const wire::Tag& tag : input.Tags) stream->tags[tag.Key] = tag.Value.value_or("");
    if (stream->tags.size() > 50) co_return unexpected(errors::LimitExceededException("More than 50 tags."));
    auto saved = co_await Save(*stream);
    if (!saved) co_return unexpected(ToServiceError(saved.error()));
    Remember(std::move(*stream));
    co_return wire::TagDeliveryStreamOutput{};
}

env::Task<Outcome<wire::UntagDeliveryStreamOutput>> FirehoseService::UntagDeliveryStream(const CallContext&,
                                                                                         wire::UntagDeliveryStreamInput input) {
    auto pass = co_await turnstile_.Enter();
    auto stream = Find(input.DeliveryStreamName);
    if (!stream) co_return unexpected(stream.error());
    for (const std::string& key : input.TagKeys) stream->tags.erase(key);
    auto saved = co_await Save(*stream);
    if (!saved) co_return unexpected(ToServiceError(saved.error()));
    Remember(std::move(*stream));
    co_return wire::UntagDeliveryStreamOutput{};
}

env::Task<Outcome<wire::ListTagsForDeliveryStreamOutput>> FirehoseService::ListTagsForDeliveryStream(
    const CallContext&, wire::ListTagsForDeliveryStreamInput input) {
    auto stream = Find(input.DeliveryStreamName);
    if (!stream) co_return unexpected(stream.error());
    wire::ListTagsForDeliveryStreamOutput output;
    const size_t most = static_cast<size_t>(input.Limit.value_or(50));
    for (auto it = stream->tags.upper_bound(input.ExclusiveStartTagKey.value_or("")); it != stream->tags.end(); ++it) {
        if (output.Tags.size() == most) {
            output.HasMoreTags = true;
            break;
        }
        wire::Tag tag;
        tag.Key = it->first;
        tag.Value = it->second;
        output.Tags.push_back(std::move(tag));
    }
    co_return output;
}

}  // namespace wellhead::services::firehose
