#include "services/iot/api_targets.h"

#include <fmt/format.h>

#include <algorithm>

#include "apis/firehose/api.h"
#include "apis/kinesis/api.h"
#include "apis/s3/api.h"

namespace wellhead::services::iot {

namespace {

base::Error Absent(std::string_view service) {
    return {base::ErrorCode::kUnsupported, fmt::format("the service {} is not there", service)};
}

base::ErrorCode CodeOf(std::string_view wire_code, int http_status) {
    if (wire_code == "ProvisionedThroughputExceededException" || wire_code == "LimitExceededException" ||
        wire_code == "ThrottlingException" || wire_code == "SlowDown") {
        return base::ErrorCode::kLimit;
    }
    if (http_status >= 500 || wire_code == "InternalFailure" || wire_code == "ServiceUnavailableException") {
        return base::ErrorCode::kUnavailable;
    }
    if (wire_code == "ResourceNotFoundException" || wire_code == "NoSuchBucket") return base::ErrorCode::kNotFound;
    return base::ErrorCode::kInvalidArgument;
}

base::Error ToError(const api::ServiceError& error) {
    return {CodeOf(error.code, error.http_status),
            fmt::format("{} (Status Code: {}; Error Code: {})", error.message, error.http_status, error.code)};
}

template <class Entry>
base::Result<void> ToResult(const Entry& entry) {
    if (!entry.ErrorCode || entry.ErrorCode->empty()) return {};
    return std::unexpected(base::Error{CodeOf(*entry.ErrorCode, 400),
                                       fmt::format("{} (Error Code: {})", entry.ErrorMessage.value_or("refused"),
                                                   *entry.ErrorCode)});
}

std::vector<base::Result<void>> AllFailed(size_t count, const base::Error& error) {
    return std::vector<base::Result<void>>(count, std::unexpected(error));
}

// The context with the records' tokens; nothing when there are none.
template <class Record>
std::optional<api::CallContext> WithTokens(const api::CallContext& context, const std::vector<Record>& records) {
    if (std::none_of(records.begin(), records.end(), [](const Record& record) { return record.token != nullptr; })) {
        return std::nullopt;
    }
    api::CallContext with = context;
    auto tokens = std::make_shared<api::EntryTokens>();
    for (const Record& record : records) {
        tokens->tokens.push_back(record.token ? record.token->token : base::Bytes());
        if (!record.token || !record.token->written_since) continue;
        if (!tokens->written_since || *record.token->written_since < *tokens->written_since) {
            tokens->written_since = record.token->written_since;
        }
    }
    with.entry_tokens = std::move(tokens);
    return with;
}

}  // namespace

env::Task<std::vector<base::Result<void>>> ApiTargets::PutToStream(std::string stream,
                                                                   std::vector<StreamRecord> records) {
    size_t count = records.size();
    if (peers_.kinesis == nullptr) co_return AllFailed(count, Absent("kinesis"));
    const auto with_tokens = WithTokens(context_, records);
    const api::CallContext& context = with_tokens ? *with_tokens : context_;
    apis::kinesis::PutRecordsInput input;
    input.StreamName = std::move(stream);
    input.Records.resize(count);
    for (size_t i = 0; i < count; ++i) {
        input.Records[i].Data.bytes = std::move(records[i].data);
        input.Records[i].PartitionKey = std::move(records[i].partition_key);
    }
    auto output = co_await peers_.kinesis->PutRecords(context, std::move(input));
    if (!output) co_return AllFailed(count, ToError(output.error()));
    if (output->Records.size() != count) {
        co_return AllFailed(count, {base::ErrorCode::kUnavailable, "PutRecords answered for other records"});
    }
    std::vector<base::Result<void>> results(count);
    if (output->FailedRecordCount.value_or(0) == 0) co_return results;
    for (size_t i = 0; i < count; ++i) results[i] = ToResult(output->Records[i]);
    co_return results;
}

env::Task<std::vector<base::Result<void>>> ApiTargets::PutToDelivery(std::string delivery_stream,
                                                                     std::vector<DeliveryRecord> records) {
    size_t count = records.size();
    if (peers_.firehose == nullptr) co_return AllFailed(count, Absent("firehose"));
    const auto with_tokens = WithTokens(context_, records);
    const api::CallContext& context = with_tokens ? *with_tokens : context_;
    apis::firehose::PutRecordBatchInput input;
    input.DeliveryStreamName = std::move(delivery_stream);
    input.Records.resize(count);
    for (size_t i = 0; i < count; ++i) input.Records[i].Data.bytes = std::move(records[i].data);
    auto output = co_await peers_.firehose->PutRecordBatch(context, std::move(input));
    if (!output) co_return AllFailed(count, ToError(output.error()));
    if (output->RequestResponses.size() != count) {
        co_return AllFailed(count, {base::ErrorCode::kUnavailable, "PutRecordBatch answered for other records"});
    }
    std::vector<base::Result<void>> results(count);
    for (size_t i = 0; i < count; ++i) results[i] = ToResult(output->RequestResponses[i]);
    co_return results;
}

env::Task<base::Result<void>> ApiTargets::PutObject(std::string bucket, std::string key, base::Bytes data) {
    if (peers_.s3 == nullptr) co_return std::unexpected(Absent("s3"));
    apis::s3::PutObjectRequest input;
    input.Bucket = std::move(bucket);
    input.Key = std::move(key);
    input.ContentLength = static_cast<int64_t>(data.size());
    input.Body = api::MakeByteStream(std::move(data));
    auto output = co_await peers_.s3->PutObject(context_, std::move(input));
    if (!output) co_return std::unexpected(ToError(output.error()));
    co_return base::Result<void>();
}

env::Task<base::Result<void>> ApiTargets::Publish(mqtt::PublishedMessage message) {
    if (broker_ == nullptr) co_return std::unexpected(Absent("the MQTT broker"));
    co_return co_await broker_->Publish(std::move(message));
}

}  // namespace wellhead::services::iot
