#pragma once
// Subscriptions: who is pushed which shard's records. One a consumer and shard; a later one takes the place of an older.

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "base/time.h"
#include "services/kinesis/kinesis_service.h"

namespace wellhead::services::kinesis {

struct KinesisService::Subscriptions {
    struct Entry {
        uint64_t generation = 0;
        base::Tick begun{};
    };
    std::mutex mutex;
    uint64_t last_generation = 0;
    std::map<std::pair<std::string, uint32_t>, Entry> running;  // by consumer ARN and shard number
};

// One running SubscribeToShard: an event as soon as there are records, and about each second when there are none, for
// five minutes. The service outlives it.
class ShardSubscription final : public api::EventSource<apis::kinesis::SubscribeToShardEventStream> {
  public:
    struct Place {
        std::string consumer_arn;
        std::string stream_id;
        uint32_t shard = 0;
        storage::LogOffset next = 0;
    };
    ShardSubscription(KinesisService& service, Place place, uint64_t generation);
    ~ShardSubscription() override;
    env::Task<api::Outcome<std::optional<apis::kinesis::SubscribeToShardEventStream>>> Next() override;

  private:
    bool superseded() const;

    KinesisService& service_;
    const std::shared_ptr<KinesisService::Subscriptions> subscriptions_;
    Place place_;
    const uint64_t generation_;
    const base::Tick end_;
    bool ended_ = false;
    bool first_ = true;
};

}  // namespace wellhead::services::kinesis
