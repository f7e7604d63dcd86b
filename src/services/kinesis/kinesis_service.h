#pragma once
// KinesisService: Kinesis Data Streams over shard logs. A success of PutRecord or PutRecords is durable.

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "api/seal.h"
#include "apis/kinesis/api.h"
#include "env/clock.h"
#include "env/random.h"
#include "env/scope.h"
#include "env/turnstile.h"
#include "services/kinesis/stream.h"
#include "storage/table/table.h"

namespace wellhead::services::kinesis {

// All of them outlive the service.
struct KinesisDependencies {
    env::Clock& clock;
    env::Random& random;
    storage::Table& table;
    storage::ShardLogStore& logs;
};

struct KinesisSettings {
    std::string account_id;
    std::string region;
    // How long a stream or consumer shows CREATING.
    base::Duration creation_delay{0};
};

struct PutCall;

// Thread-safe.
class KinesisService final : public apis::kinesis::KinesisApi {
  public:
    template <class T>
    using Answer = env::Task<api::Outcome<T>>;
    using StreamPtr = std::shared_ptr<const Stream>;

    // Opens every stream's logs; retention runs on the caller's executor until Close.
    static env::Task<base::Result<std::unique_ptr<KinesisService>>> Open(KinesisDependencies dependencies,
                                                                         KinesisSettings settings);
    env::Task<void> Close();
    // Drops what is older than its stream keeps; runs once a minute by itself.
    env::Task<void> EnforceRetention();

#define WELLHEAD_KINESIS_OPERATION(name)                                         \
    Answer<apis::kinesis::name##Output> name(const api::CallContext& context, \
                                             apis::kinesis::name##Input input) override
    // streams.cc
    WELLHEAD_KINESIS_OPERATION(CreateStream);
    WELLHEAD_KINESIS_OPERATION(DeleteStream);
    WELLHEAD_KINESIS_OPERATION(DescribeStream);
    WELLHEAD_KINESIS_OPERATION(DescribeStreamSummary);
    WELLHEAD_KINESIS_OPERATION(ListStreams);
    WELLHEAD_KINESIS_OPERATION(ListShards);
    WELLHEAD_KINESIS_OPERATION(DescribeLimits);
    // stream_settings.cc
    WELLHEAD_KINESIS_OPERATION(IncreaseStreamRetentionPeriod);
    WELLHEAD_KINESIS_OPERATION(DecreaseStreamRetentionPeriod);
    WELLHEAD_KINESIS_OPERATION(UpdateMaxRecordSize);
    WELLHEAD_KINESIS_OPERATION(UpdateStreamMode);
    WELLHEAD_KINESIS_OPERATION(StartStreamEncryption);
    WELLHEAD_KINESIS_OPERATION(StopStreamEncryption);
    WELLHEAD_KINESIS_OPERATION(AddTagsToStream);
    WELLHEAD_KINESIS_OPERATION(RemoveTagsFromStream);
    WELLHEAD_KINESIS_OPERATION(ListTagsForStream);
    WELLHEAD_KINESIS_OPERATION(TagResource);
    WELLHEAD_KINESIS_OPERATION(UntagResource);
    WELLHEAD_KINESIS_OPERATION(ListTagsForResource);
    Answer<apis::kinesis::EnhancedMonitoringOutput> EnableEnhancedMonitoring(
        const api::CallContext& context, apis::kinesis::EnableEnhancedMonitoringInput input) override;
    Answer<apis::kinesis::EnhancedMonitoringOutput> DisableEnhancedMonitoring(
        const api::CallContext& context, apis::kinesis::DisableEnhancedMonitoringInput input) override;
    // put_records.cc
    WELLHEAD_KINESIS_OPERATION(PutRecord);
    WELLHEAD_KINESIS_OPERATION(PutRecords);
    // get_records.cc
    WELLHEAD_KINESIS_OPERATION(GetShardIterator);
    WELLHEAD_KINESIS_OPERATION(GetRecords);
    // reshard.cc
    WELLHEAD_KINESIS_OPERATION(SplitShard);
    WELLHEAD_KINESIS_OPERATION(MergeShards);
    WELLHEAD_KINESIS_OPERATION(UpdateShardCount);
    // consumers.cc
    WELLHEAD_KINESIS_OPERATION(RegisterStreamConsumer);
    WELLHEAD_KINESIS_OPERATION(DeregisterStreamConsumer);
    WELLHEAD_KINESIS_OPERATION(DescribeStreamConsumer);
    WELLHEAD_KINESIS_OPERATION(ListStreamConsumers);
    WELLHEAD_KINESIS_OPERATION(SubscribeToShard);
#undef WELLHEAD_KINESIS_OPERATION

  private:
    friend class ShardSubscription;
    struct Subscriptions;
    using Text = std::optional<std::string>;

    KinesisService(KinesisDependencies dependencies, KinesisSettings settings);
    env::Task<base::Result<void>> Load();
    env::Task<base::Result<void>> SweepOrphans();
    env::Task<void> KeepRetention();
    env::Task<base::Result<void>> OpenLog(const Stream& stream, Shard& shard);

    // The stream that one of the three names.
    api::Outcome<StreamPtr> Find(const Text& name, const Text& arn, const Text& id) const;
    // The same, and it takes records.
    api::Outcome<StreamPtr> FindActive(const Text& name, const Text& arn, const Text& id) const;
    api::Outcome<StreamPtr> FindByResource(const std::string& arn) const;
    // Looks at the newest state, changes a copy, commits it, puts it in place. One change at a time.
    using Change = std::function<api::Outcome<void>(Stream&)>;
    Answer<void> ChangeStream(StreamPtr found, Change change);
    // The whole of an operation that changes one stream and answers with nothing.
    template <class Output>
    Answer<Output> AnswerChange(api::Outcome<StreamPtr> found, Change change) {
        if (!found) co_return std::unexpected(found.error());
        auto done = co_await ChangeStream(*found, std::move(change));
        if (!done) co_return std::unexpected(done.error());
        co_return Output();
    }
    Answer<void> Commit(Stream changed);  // inside the turnstile

    std::string StreamArn(const std::string& name) const;
    std::string_view StatusOf(int64_t created_ms) const;
    int64_t NowMs() const { return base::ToUnixMs(deps_.clock.Now()); }
    api::ServiceError NoStream(const std::string& name) const;
    api::ServiceError NoShard(const Stream& stream, const std::string& shard_id) const;
    apis::kinesis::Shard Describe(const Shard& shard) const;
    std::vector<apis::kinesis::ChildShard> ChildShards(const Stream& stream, const Shard& shard) const;

    api::Outcome<void> CheckRecord(const Stream& stream, const std::string& key, const Text& explicit_hash,
                                   size_t data_bytes, size_t index) const;
    env::Task<void> AppendGroup(std::shared_ptr<PutCall> call, size_t group);
    env::Task<base::Result<void>> ApplyTokens(std::shared_ptr<PutCall> call,
                                              std::shared_ptr<const api::EntryTokens> given);

    Answer<storage::LogOffset> Resolve(StreamPtr stream, uint32_t shard, std::string type, Text sequence_number,
                                       std::optional<api::Timestamp> timestamp);
    struct Batch {
        std::vector<apis::kinesis::Record> records;
        storage::LogOffset next = 0;
        int64_t millis_behind = 0;
        bool ended = false;  // the shard is closed and this is its end
    };
    Answer<Batch> ReadBatch(StreamPtr stream, uint32_t shard, storage::LogOffset from, size_t limit);
    std::string SealPosition(std::string_view purpose, const std::string& text) const;
    std::optional<std::string> UnsealPosition(std::string_view purpose, const std::string& token) const;

    env::Task<base::Result<void>> CloseForWrites(std::vector<std::shared_ptr<ShardWriter>> writers);
    // plan is asked twice: to see which shards it closes, and once these are quiet.
    Answer<void> Reshard(StreamPtr found, Change plan);

    const KinesisDependencies deps_;
    const KinesisSettings settings_;
    api::SealKey seal_key_{};
    env::Scope scope_;
    env::Turnstile turnstile_;
    std::shared_ptr<Subscriptions> subscriptions_;

    mutable std::mutex mutex_;
    std::map<std::string, StreamPtr> streams_;
};

// What a client sees of a storage error.
api::ServiceError FromStorage(const base::Error& error);

}  // namespace wellhead::services::kinesis
