#pragma once
// StreamRunner: one delivery stream at work. Starts the deliveries of its source's shards, and of those that come by
// resharding.

#include <map>
#include <memory>
#include <set>
#include <string>

#include "env/random.h"
#include "env/scope.h"
#include "services/firehose/shard_delivery.h"

namespace wellhead::services::firehose {

struct RunnerDependencies {
    env::Clock& clock;
    CursorStore& cursors;
    BatchWriter& writer;
    apis::kinesis::KinesisApi& kinesis;
    env::Executor executor;
    std::string account_id;
    std::string region;
};

class StreamRunner {
  public:
    StreamRunner(RunnerDependencies dependencies, DeliveryPlan plan);

    // One of the two, once.
    void StartFromLog(std::shared_ptr<storage::ShardLog> log);
    void StartFromKinesis(std::string stream_arn, base::Instant start);
    void Update(DeliveryPlan plan) { plans_.Set(std::move(plan)); }
    // Returns when nothing of it runs any more. A batch under way is taken up at the next start.
    env::Task<void> Stop() { return scope_.Close(); }

    const std::shared_ptr<storage::ShardLog>& log() const { return log_; }

  private:
    void StartShard(const std::string& shard, std::unique_ptr<RecordSource> source);
    env::Task<void> FollowShards(std::string stream_arn, base::Instant start);
    api::CallContext Context() const;

    RunnerDependencies deps_;
    PlanHolder plans_;
    std::shared_ptr<storage::ShardLog> log_;
    std::map<std::string, std::unique_ptr<ShardDelivery>> shards_;
    env::Scope scope_;
};

}  // namespace wellhead::services::firehose
