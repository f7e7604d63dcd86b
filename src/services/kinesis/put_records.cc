#include "services/kinesis/put_records.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "apis/kinesis/errors.h"
#include "base/metrics.h"
#include "env/deadline.h"
#include "services/kinesis/kinesis_service.h"
#include "storage/shard_log/entry_token.h"

namespace wellhead::services::kinesis {

namespace errors = apis::kinesis;

namespace {

constexpr size_t kMaxEntries = 500;
constexpr size_t kMaxCallBytes = 10 << 20;
constexpr size_t kMaxKeyBytes = 256;
constexpr int kMaxRounds = 2000;  // of waiting for a reshard, a few milliseconds each

base::Counter& RecordsIn(const std::string& stream) {
    return base::Metrics::Global().GetCounter("wellhead_kinesis_records_in_total", "Records accepted by streams.",
                                              {{"stream", stream}});
}

bool BeginWrite(ShardWriter& writer) {
    std::lock_guard lock(writer.mutex);
    if (writer.closing) return false;
    ++writer.writing;
    return true;
}
void EndWrite(ShardWriter& writer) {
    std::lock_guard lock(writer.mutex);
    --writer.writing;
}

void GroupByShard(PutCall& call, const std::vector<uint32_t>& entries) {
    call.groups.clear();
    for (uint32_t i : entries) {
        const auto& entry = call.entries[i];
        HashKey hash = entry.ExplicitHashKey ? *ParseHashKey(*entry.ExplicitHashKey) : HashOf(entry.PartitionKey);
        auto shard = static_cast<uint32_t>(&call.stream->ShardFor(hash) - call.stream->shards.data());
        auto group = std::find_if(call.groups.begin(), call.groups.end(),
                                  [shard](const auto& candidate) { return candidate.shard == shard; });
        if (group == call.groups.end()) {
            call.groups.push_back({shard, {}});
            group = call.groups.end() - 1;
        }
        group->entries.push_back(i);
    }
}

}  // namespace

api::Outcome<void> KinesisService::CheckRecord(const Stream& stream, const std::string& key,
                                               const Text& explicit_hash, size_t data_bytes, size_t index) const {
    // FF is no byte of UTF-8; in the log it begins a token.
    if (key.empty() || key.size() > 4 * kMaxKeyBytes || key.find('\xFF') != std::string::npos) {
        return std::unexpected(errors::ValidationException(
            fmt::format("Value at 'records.{}.member.partitionKey' must have a length between 1 and 256.", index + 1)));
    }
    if (explicit_hash && !ParseHashKey(*explicit_hash)) {
        return std::unexpected(errors::InvalidArgumentException(fmt::format(
            "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was {}",
            *explicit_hash)));
    }
    size_t limit = static_cast<size_t>(stream.max_record_kib) * 1024;
    if (data_bytes + key.size() > limit + (limit == 1 << 20 ? kMaxKeyBytes : 0) || data_bytes > limit) {
        return std::unexpected(errors::ValidationException(
            fmt::format("1 validation error detected: Value at 'records.{}.member.data' failed to satisfy constraint: "
                        "Member must have length less than or equal to {}.",
                        index + 1, limit)));
    }
    return {};
}

// Appends one group, or leaves it for another round. Owns its share of the call: the caller may have gone.
env::Task<void> KinesisService::AppendGroup(std::shared_ptr<PutCall> call, size_t index) {
    const PutCall::Group& group = call->groups[index];
    const Shard& shard = call->stream->shards[group.shard];
    auto writer = shard.writer;
    if (!BeginWrite(*writer)) {
        call->again.insert(call->again.end(), group.entries.begin(), group.entries.end());
    } else {
        std::vector<storage::NewLogRecord> records;
        records.reserve(group.entries.size());
        for (uint32_t i : group.entries) {
            const bool tokened = !call->keys.empty() && !call->keys[i].empty();
            records.push_back({tokened ? call->keys[i] : call->entries[i].PartitionKey, call->entries[i].Data.bytes});
        }
        auto appended = co_await writer->log->Append(std::move(records));
        EndWrite(*writer);
        storage::LogOffset offset = appended ? appended->first : 0;
        std::string shard_id = shard.id();
        SequenceNumberRun numbers;
        for (uint32_t i : group.entries) {
            auto& result = call->results[i];
            if (appended) {
                result.ShardId = shard_id;
                result.SequenceNumber = numbers.Format(shard.At(offset++, appended->arrival));
            } else {
                auto error = FromStorage(appended.error());
                result.ErrorCode = error.http_status >= 500 ? "InternalFailure" : error.code;
                result.ErrorMessage = error.message;
            }
        }
        if (appended) RecordsIn(call->stream->name).Add(group.entries.size());
    }
    if (--call->running == 0) call->done.Set();
}

// Fills the keys of entries with tokens, and the results of those that were written before.
env::Task<base::Result<void>> KinesisService::ApplyTokens(std::shared_ptr<PutCall> call,
                                                          std::shared_ptr<const api::EntryTokens> given) {
    if (!given || given->tokens.size() != call->entries.size()) co_return base::Result<void>();
    call->keys.resize(call->entries.size());
    std::map<base::Bytes, size_t> wanted;
    std::set<base::Bytes> tokens;
    for (size_t i = 0; i < given->tokens.size(); ++i) {
        if (given->tokens[i].empty()) continue;
        call->keys[i] = storage::KeyWithToken(call->entries[i].PartitionKey, given->tokens[i]);
        wanted[given->tokens[i]] = i;
        tokens.insert(given->tokens[i]);
    }
    if (!given->written_since || tokens.empty()) co_return base::Result<void>();
    // All shards: the hash range may have another shard by now.
    for (const Shard& shard : call->stream->shards) {
        if (!shard.writer || !shard.writer->log) continue;
        auto found = co_await storage::FindEntryTokens(shard.writer->log, *given->written_since, tokens);
        if (!found) co_return std::unexpected(std::move(found).error());
        for (const auto& [token, entry] : *found) {
            auto& result = call->results[wanted[token]];
            result.ShardId = shard.id();
            result.SequenceNumber = FormatSequenceNumber(shard.At(entry.offset, entry.arrival));
        }
    }
    co_return base::Result<void>();
}

KinesisService::Answer<apis::kinesis::PutRecordsOutput> KinesisService::PutRecords(const api::CallContext& context,
                                                                                   apis::kinesis::PutRecordsInput input) {
    auto stream = FindActive(input.StreamName, input.StreamARN, input.StreamId);
    if (!stream) co_return std::unexpected(stream.error());
    if (input.Records.empty() || input.Records.size() > kMaxEntries) {
        co_return std::unexpected(errors::ValidationException(
            fmt::format("1 validation error detected: Value at 'records' failed to satisfy constraint: Member must have "
                        "length between 1 and {}, not {}.",
                        kMaxEntries, input.Records.size())));
    }
    size_t bytes = 0;
    for (size_t i = 0; i < input.Records.size(); ++i) {
        const auto& entry = input.Records[i];
        auto checked =
            CheckRecord(**stream, entry.PartitionKey, entry.ExplicitHashKey, entry.Data.bytes.size(), i);
        if (!checked) co_return std::unexpected(checked.error());
        bytes += entry.Data.bytes.size() + entry.PartitionKey.size();
    }
    if (bytes > kMaxCallBytes) {
        co_return std::unexpected(errors::InvalidArgumentException("Records size exceeds 10 MB limit"));
    }
    auto executor = co_await boost::asio::this_coro::executor;
    auto call = std::make_shared<PutCall>(executor);
    call->stream = *stream;
    call->entries = std::move(input.Records);
    call->results.resize(call->entries.size());
    if (context.entry_tokens) {
        auto applied = co_await ApplyTokens(call, context.entry_tokens);
        if (!applied) co_return std::unexpected(FromStorage(applied.error()));
    }
    std::vector<uint32_t> todo;
    for (uint32_t i = 0; i < call->entries.size(); ++i) {
        if (!call->results[i].SequenceNumber) todo.push_back(i);
    }
    for (int round = 0; !todo.empty() && round < kMaxRounds; ++round) {
        GroupByShard(*call, todo);
        call->again.clear();
        call->done.Reset();
        call->running = call->groups.size();
        for (size_t i = 1; i < call->groups.size(); ++i) {
            env::Spawn(scope_, executor, "put records", AppendGroup(call, i));
        }
        co_await AppendGroup(call, 0);
        co_await call->done.Wait();
        if (call->running > 0) {
            // The caller went away. What was begun ends by itself and nobody is told.
            co_return std::unexpected(errors::InternalFailureException("The call was cancelled."));
        }
        todo = call->again;
        if (todo.empty()) break;
        co_await env::Sleep(std::chrono::milliseconds(2));
        auto newest = FindActive(call->stream->name, std::nullopt, std::nullopt);
        if (!newest) co_return std::unexpected(newest.error());
        call->stream = *newest;
    }
    for (uint32_t i : todo) {
        call->results[i].ErrorCode = "ProvisionedThroughputExceededException";
        call->results[i].ErrorMessage = "The shard is being split or merged.";
    }
    apis::kinesis::PutRecordsOutput output;
    output.FailedRecordCount = static_cast<int32_t>(std::count_if(
        call->results.begin(), call->results.end(), [](const auto& result) { return result.ErrorCode.has_value(); }));
    output.Records = std::move(call->results);
    output.EncryptionType = std::string(apis::kinesis::EncryptionType::kNone);
    co_return output;
}

KinesisService::Answer<apis::kinesis::PutRecordOutput> KinesisService::PutRecord(const api::CallContext& context,
                                                                                 apis::kinesis::PutRecordInput input) {
    if (input.SequenceNumberForOrdering && !ParseSequenceNumber(*input.SequenceNumberForOrdering)) {
        co_return std::unexpected(errors::InvalidArgumentException(
            fmt::format("ExclusiveMinimumSequenceNumber {} used in PutRecord is invalid.",
                        *input.SequenceNumberForOrdering)));
    }
    // Records of one shard are in the order of their commits, so a number that was given out before is smaller.
    apis::kinesis::PutRecordsInput many;
    many.StreamName = std::move(input.StreamName);
    many.StreamARN = std::move(input.StreamARN);
    many.StreamId = std::move(input.StreamId);
    many.Records.push_back({std::move(input.Data), std::move(input.ExplicitHashKey), std::move(input.PartitionKey)});
    auto put = co_await PutRecords(context, std::move(many));
    if (!put) co_return std::unexpected(put.error());
    auto& result = put->Records.front();
    if (result.ErrorCode) {
        if (*result.ErrorCode == "ProvisionedThroughputExceededException") {
            co_return std::unexpected(errors::ProvisionedThroughputExceededException(*result.ErrorMessage));
        }
        auto failure = errors::InternalFailureException(*result.ErrorMessage);
        failure.http_status = 500;
        co_return std::unexpected(std::move(failure));
    }
    apis::kinesis::PutRecordOutput output;
    output.ShardId = *result.ShardId;
    output.SequenceNumber = *result.SequenceNumber;
    output.EncryptionType = std::string(apis::kinesis::EncryptionType::kNone);
    co_return output;
}

}  // namespace wellhead::services::kinesis
