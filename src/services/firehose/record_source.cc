#include "services/firehose/record_source.h"

#include <fmt/format.h>

#include "base/log.h"
#include "env/deadline.h"

namespace wellhead::services::firehose {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;

constexpr size_t kReadRecords = 10000;
constexpr size_t kReadBytes = size_t{8} << 20;

class LogSource : public RecordSource {
  public:
    explicit LogSource(std::shared_ptr<storage::ShardLog> log) : log_(std::move(log)) {}

    void Seek(std::string sequence) override { next_ = sequence.empty() ? 0 : std::stoull(sequence) + 1; }

    env::Task<Result<SourceBatch>> Read() override {
        CO_ASSIGN_OR_RETURN(auto records, co_await log_->Read(next_, kReadRecords, kReadBytes));
        SourceBatch batch;
        for (storage::LogRecord& record : records) {
            batch.records.push_back({std::to_string(record.offset), record.arrival, std::move(record.data)});
            next_ = record.offset + 1;
        }
        co_return batch;
    }
    env::Task<void> Wait(base::Duration limit) override { co_await log_->WaitForMore(next_, limit); }
    env::Task<void> Release(std::string sequence) override {
        auto trimmed = co_await log_->Trim(std::stoull(sequence) + 1);
        if (!trimmed) base::LogWarning("firehose", "cannot trim delivered records: {}", trimmed.error().message);
    }

  private:
    std::shared_ptr<storage::ShardLog> log_;
    storage::LogOffset next_ = 0;
};

class KinesisSource : public RecordSource {
  public:
    KinesisSource(apis::kinesis::KinesisApi& kinesis, api::CallContext context, std::string stream_arn, std::string shard,
                  base::Instant start)
        : kinesis_(kinesis), context_(std::move(context)), stream_arn_(std::move(stream_arn)), shard_(std::move(shard)), start_(start) {}

    void Seek(std::string sequence) override {
        after_ = std::move(sequence);
        iterator_.clear();
    }

    env::Task<Result<SourceBatch>> Read() override {
        if (iterator_.empty()) CO_RETURN_IF_ERROR(co_await NewIterator());
        apis::kinesis::GetRecordsInput input;
        input.ShardIterator = iterator_;
        input.StreamARN = stream_arn_;
        input.Limit = static_cast<int32_t>(kReadRecords);
        auto output = co_await kinesis_.GetRecords(context_, std::move(input));
        if (!output) {
            iterator_.clear();  // expired, perhaps: the next read asks for another
            const bool gone = output.error().code == "ResourceNotFoundException";
            co_return Fail(gone ? ErrorCode::kNotFound : ErrorCode::kUnavailable, output.error().code + ": " + output.error().message);
        }
        SourceBatch batch;
        for (apis::kinesis::Record& record : output->Records) {
            batch.records.push_back({record.SequenceNumber, record.ApproximateArrivalTimestamp.value_or(start_), std::move(record.Data.bytes)});
            after_ = record.SequenceNumber;
        }
        iterator_ = output->NextShardIterator.value_or("");
        batch.ended = iterator_.empty();
        co_return batch;
    }
    env::Task<void> Wait(base::Duration limit) override { co_await env::Sleep(std::min<base::Duration>(limit, kPoll)); }
    env::Task<void> Release(std::string) override { co_return; }

  private:
    static constexpr base::Duration kPoll = std::chrono::milliseconds(200);

    env::Task<Result<void>> NewIterator() {
        apis::kinesis::GetShardIteratorInput input;
        input.StreamARN = stream_arn_;
        input.StreamName = stream_arn_.substr(stream_arn_.rfind('/') + 1);
        input.ShardId = shard_;
        if (after_.empty()) {
            input.ShardIteratorType = "AT_TIMESTAMP";
            input.Timestamp = start_;
        } else {
            input.ShardIteratorType = "AFTER_SEQUENCE_NUMBER";
            input.StartingSequenceNumber = after_;
        }
        auto output = co_await kinesis_.GetShardIterator(context_, std::move(input));
        if (!output) {
            const bool gone = output.error().code == "ResourceNotFoundException";
            co_return Fail(gone ? ErrorCode::kNotFound : ErrorCode::kUnavailable, output.error().code + ": " + output.error().message);
        }
        iterator_ = output->ShardIterator.value_or("");
        co_return Result<void>{};
    }

    apis::kinesis::KinesisApi& kinesis_;
    api::CallContext context_;
    std::string stream_arn_;
    std::string shard_;
    base::Instant start_;
    std::string after_;
    std::string iterator_;
};

}  // namespace

std::unique_ptr<RecordSource> MakeLogSource(std::shared_ptr<storage::ShardLog> log) { return std::make_unique<LogSource>(std::move(log)); }

std::unique_ptr<RecordSource> MakeKinesisSource(apis::kinesis::KinesisApi& kinesis, api::CallContext context,
                                                std::string stream_arn, std::string shard, base::Instant start) {
    return std::make_unique<KinesisSource>(kinesis, std::move(context), std::move(stream_arn), std::move(shard), start);
}

}  // namespace wellhead::services::firehose
