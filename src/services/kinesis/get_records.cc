#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "apis/kinesis/errors.h"
#include "base/log.h"
#include "services/kinesis/kinesis_service.h"
#include "storage/shard_log/entry_token.h"

namespace wellhead::services::kinesis {

namespace errors = apis::kinesis;
namespace types = apis::kinesis::ShardIteratorType;

namespace {

constexpr const char* kIterator = "kinesis/iterator";
constexpr int64_t kIteratorLifeMs = 300'000;
constexpr size_t kMaxRecords = 10'000;
constexpr size_t kMaxBytes = 10 << 20;

struct IteratorPosition {
    std::string stream_id;
    uint32_t shard = 0;
    storage::LogOffset offset = 0;
    int64_t issued_ms = 0;
};

std::string EncodePosition(const IteratorPosition& position) {
    return fmt::format("{} {} {} {}", position.stream_id, position.shard, position.offset, position.issued_ms);
}
std::optional<IteratorPosition> DecodePosition(const std::string& text) {
    IteratorPosition position;
    char stream_id[65];
    unsigned long long offset = 0;
    long long issued_ms = 0;
    if (std::sscanf(text.c_str(), "%64s %u %llu %lld", stream_id, &position.shard, &offset, &issued_ms) != 4) {
        return std::nullopt;
    }
    position.stream_id = stream_id;
    position.offset = offset;
    position.issued_ms = issued_ms;
    return position;
}

const Shard* ByNumber(const Stream& stream, uint32_t number) {
    for (const auto& shard : stream.shards) {
        if (shard.number == number) return &shard;
    }
    return nullptr;
}

}  // namespace

// The log offset that a position of one of the five types means, as of now.
KinesisService::Answer<storage::LogOffset> KinesisService::Resolve(StreamPtr stream, uint32_t number, std::string type,
                                                                   Text sequence_number,
                                                                   std::optional<api::Timestamp> timestamp) {
    const Shard& shard = *ByNumber(*stream, number);
    const auto refuse = [](std::string message) {
        return std::unexpected(errors::InvalidArgumentException(std::move(message)));
    };
    const bool by_number = type == types::kAtSequenceNumber || type == types::kAfterSequenceNumber;
    if (type != types::kAtTimestamp && by_number != sequence_number.has_value()) {
        co_return refuse(fmt::format(
            "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or (2) "
            "TRIM_HORIZON or LATEST and no StartingSequenceNumber. Request specified {} and {}.",
            type, by_number ? "no StartingSequenceNumber" : "also a StartingSequenceNumber"));
    }
    if (type == types::kTrimHorizon) co_return storage::LogOffset{0};
    if (type == types::kLatest) co_return shard.writer->log->extent().next;
    if (type == types::kAtTimestamp) {
        if (!timestamp) {
            co_return refuse("Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. Current request "
                             "has no timestamp parameter.");
        }
        if (base::ToUnixMs(*timestamp) > NowMs()) {
            co_return refuse(fmt::format(
                "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. timestampInMillis: "
                "{}, currentTimestampInMillis: {}",
                base::ToUnixMs(*timestamp), NowMs()));
        }
        auto offset = co_await shard.writer->log->Seek(*timestamp);
        if (!offset) co_return std::unexpected(FromStorage(offset.error()));
        co_return *offset;
    }
    auto parsed = ParseSequenceNumber(*sequence_number);
    if (parsed && parsed->shard != number) {
        co_return refuse(fmt::format("Invalid StartingSequenceNumber. It encodes {}, while it was used in a call to a shard "
                                     "with {}",
                                     ShardId(parsed->shard), shard.id()));
    }
    bool ours = parsed && parsed->shard_created_s == static_cast<uint64_t>(shard.created_s) &&
                parsed->index <= shard.writer->log->extent().next;
    if (!ours) {
        co_return refuse(fmt::format(
            "StartingSequenceNumber {} used in GetShardIterator on shard {} in stream {} under account {} is invalid.",
            *sequence_number, shard.id(), stream->name, settings_.account_id));
    }
    if (type == types::kAtSequenceNumber) co_return parsed->index == 0 ? 0 : parsed->index - 1;
    co_return parsed->index;
}

KinesisService::Answer<apis::kinesis::GetShardIteratorOutput> KinesisService::GetShardIterator(
    const api::CallContext&, apis::kinesis::GetShardIteratorInput input) {
    auto stream = Find(input.StreamName, input.StreamARN, input.StreamId);
    if (!stream) co_return std::unexpected(stream.error());
    const Shard* shard = (*stream)->FindShard(input.ShardId);
    if (shard == nullptr) co_return std::unexpected(NoShard(**stream, input.ShardId));
    auto offset = co_await Resolve(*stream, shard->number, input.ShardIteratorType, input.StartingSequenceNumber,
                                   input.Timestamp);
    if (!offset) co_return std::unexpected(offset.error());
    apis::kinesis::GetShardIteratorOutput output;
    output.ShardIterator = SealPosition(kIterator, EncodePosition({(*stream)->id, shard->number, *offset, NowMs()}));
    co_return output;
}

KinesisService::Answer<KinesisService::Batch> KinesisService::ReadBatch(StreamPtr stream, uint32_t number,
                                                                        storage::LogOffset from, size_t limit) {
    const Shard* shard = ByNumber(*stream, number);
    auto log = shard->writer->log;
    auto cutoff = base::FromUnixMs(NowMs() - int64_t{stream->retention_hours} * 3'600'000);
    Batch batch;
    batch.next = from;
    std::vector<storage::LogRecord> records;
    for (;;) {
        auto read = co_await log->Read(batch.next, limit, kMaxBytes);
        if (!read) {
            auto lost = log->lost_at(batch.next);
            if (read.error().code != base::ErrorCode::kCorrupt || !lost) {
                co_return std::unexpected(FromStorage(read.error()));
            }
            // Reported when it was found. A reader goes on behind it: one that stood there would stand for ever.
            batch.next = lost->next;
            continue;
        }
        if (!read->empty() && read->front().arrival < cutoff) {
            auto kept = co_await log->Seek(cutoff);
            if (!kept) co_return std::unexpected(FromStorage(kept.error()));
            if (*kept > batch.next) {
                batch.next = *kept;
                continue;
            }
        }
        records = std::move(*read);
        break;
    }
    auto extent = log->extent();
    batch.records.reserve(records.size());
    SequenceNumberRun numbers;
    for (auto& record : records) {
        apis::kinesis::Record out;
        out.SequenceNumber = numbers.Format(shard->At(record.offset, record.arrival));
        out.ApproximateArrivalTimestamp = record.arrival;
        out.Data.bytes = std::move(record.data);
        record.key.resize(storage::SplitToken(record.key).key.size());
        out.PartitionKey = std::move(record.key);
        batch.next = record.offset + 1;
        batch.records.push_back(std::move(out));
    }
    if (records.empty()) batch.next = std::max(batch.next, std::min(extent.next, std::max(batch.next, extent.first)));
    bool at_tip = batch.next >= extent.next;
    if (!at_tip && !records.empty()) {
        batch.millis_behind = std::max<int64_t>(0, NowMs() - base::ToUnixMs(records.back().arrival));
    }
    batch.ended = at_tip && !shard->open();
    co_return batch;
}

KinesisService::Answer<apis::kinesis::GetRecordsOutput> KinesisService::GetRecords(const api::CallContext&,
                                                                                   apis::kinesis::GetRecordsInput input) {
    auto text = UnsealPosition(kIterator, input.ShardIterator);
    auto position = text ? DecodePosition(*text) : std::nullopt;
    if (!position) co_return std::unexpected(errors::InvalidArgumentException("Invalid ShardIterator."));
    if (NowMs() - position->issued_ms > kIteratorLifeMs) {
        co_return std::unexpected(errors::ExpiredIteratorException(fmt::format(
            "Iterator expired. The iterator was created at time {} while right now it is {} which is further in the "
            "future than the tolerated delay of {} milliseconds.",
            position->issued_ms, NowMs(), kIteratorLifeMs)));
    }
    if (input.Limit && (*input.Limit < 1 || *input.Limit > static_cast<int32_t>(kMaxRecords))) {
        co_return std::unexpected(errors::InvalidArgumentException("Limit must be between 1 and 10000."));
    }
    auto stream = Find(std::nullopt, std::nullopt, position->stream_id);
    if (!stream) co_return std::unexpected(stream.error());
    const Shard* shard = ByNumber(**stream, position->shard);
    if (shard == nullptr) co_return std::unexpected(NoShard(**stream, ShardId(position->shard)));
    size_t limit = input.Limit ? static_cast<size_t>(*input.Limit) : kMaxRecords;
    auto batch = co_await ReadBatch(*stream, position->shard, position->offset, limit);
    if (!batch) co_return std::unexpected(batch.error());
    apis::kinesis::GetRecordsOutput output;
    output.Records = std::move(batch->records);
    output.MillisBehindLatest = batch->millis_behind;
    if (batch->ended) {
        output.ChildShards = ChildShards(**stream, *shard);
    } else {
        output.NextShardIterator =
            SealPosition(kIterator, EncodePosition({(*stream)->id, shard->number, batch->next, NowMs()}));
    }
    co_return output;
}

}  // namespace wellhead::services::kinesis
