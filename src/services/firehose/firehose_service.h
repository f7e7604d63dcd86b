#pragma once
// Amazon Data Firehose, as its API.

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "apis/firehose/api.h"
#include "env/random.h"
#include "env/turnstile.h"
#include "services/firehose/stream_runner.h"
#include "storage/shard_log/entry_token.h"

namespace wellhead::services::firehose {

struct FirehoseSettings {
    std::string account_id = "000000000000";
    std::string region = "us-east-1";
    std::string work_directory;  // of this service alone: emptied at start
    base::Duration creation_delay{0};  // how long a new delivery stream says CREATING
};

// All outlive the service. executor: one that runs one task at a time; deliveries have it as their home.
struct FirehoseDependencies {
    env::Clock& clock;
    env::Random& random;
    env::Files& files;
    env::BlockingPool& pool;
    storage::Table& table;
    storage::ShardLogStore& logs;
    query::ParquetWriter& parquet;
    apis::kinesis::KinesisApi& kinesis;
    apis::s3::S3Api& s3;
    apis::glue::GlueApi& glue;
    env::Executor executor;
    ZoneOffset zone_offset;
};

class FirehoseService : public apis::firehose::FirehoseApi {
  public:
    // Goes on with every delivery where it was.
    static env::Task<base::Result<std::unique_ptr<FirehoseService>>> Open(FirehoseDependencies dependencies,
                                                                          FirehoseSettings settings);
    ~FirehoseService() override;
    env::Task<void> Close();

#define FIREHOSE_OPERATION(Name) \
    env::Task<api::Outcome<wire::Name##Output>> Name(const api::CallContext& context, wire::Name##Input input) override;
    FIREHOSE_OPERATION(CreateDeliveryStream)
    FIREHOSE_OPERATION(DescribeDeliveryStream)
    FIREHOSE_OPERATION(ListDeliveryStreams)
    FIREHOSE_OPERATION(DeleteDeliveryStream)
    FIREHOSE_OPERATION(UpdateDestination)
    FIREHOSE_OPERATION(PutRecord)
    FIREHOSE_OPERATION(PutRecordBatch)
    FIREHOSE_OPERATION(StartDeliveryStreamEncryption)
    FIREHOSE_OPERATION(StopDeliveryStreamEncryption)
    FIREHOSE_OPERATION(TagDeliveryStream)
    FIREHOSE_OPERATION(UntagDeliveryStream)
    FIREHOSE_OPERATION(ListTagsForDeliveryStream)
#undef FIREHOSE_OPERATION

  private:
    struct Stream {
        std::string id;
        wire::DeliveryStreamDescription description;
        std::map<std::string, std::string> tags;
        std::shared_ptr<StreamRunner> runner;
    };
    FirehoseService(FirehoseDependencies dependencies, FirehoseSettings settings);
    env::Task<base::Result<void>> Load();
    env::Task<base::Result<void>> Start(std::string name);
    env::Task<base::Result<void>> Save(Stream stream);
    api::Outcome<Stream> Find(const std::string& name) const;
    void Remember(Stream stream);
    bool IsCreating(const Stream& stream) const;
    env::Task<api::Outcome<std::vector<storage::WrittenEntry>>> Append(std::string name,
                                                                       const std::vector<wire::Record>& records,
                                                                       std::shared_ptr<const api::EntryTokens> tokens);

    FirehoseDependencies deps_;
    FirehoseSettings settings_;
    CursorStore cursors_;
    std::unique_ptr<BatchWriter> writer_;
    env::Turnstile turnstile_;  // of changes
    mutable std::mutex mutex_;
    std::map<std::string, Stream> streams_;
};

}  // namespace wellhead::services::firehose
