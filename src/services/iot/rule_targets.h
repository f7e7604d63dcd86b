#pragma once
// Where the actions of rules go, as the rules engine needs it.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "env/task.h"
#include "mqtt/ports.h"

namespace wellhead::services::iot {

// What names one record of a QoS 2 message across a crash (docs/exactly_once.md).
struct RecordToken {
    base::Bytes token;  // of storage::kEntryTokenBytes
    std::optional<base::Instant> written_since;
};

struct StreamRecord {
    std::string partition_key;
    base::Bytes data;
    std::unique_ptr<const RecordToken> token;  // null: none
};

struct DeliveryRecord {
    base::Bytes data;
    std::unique_ptr<const RecordToken> token;  // null: none
};

// Thread-safe. Success means durable. Of the errors, kUnavailable, kTimeout and kLimit may pass by themselves; the
// others need someone's doing.
class RuleTargets {
  public:
    virtual ~RuleTargets() = default;
    // At most 500 records; one result each. In the order given, per shard.
    virtual env::Task<std::vector<base::Result<void>>> PutToStream(std::string stream,
                                                                   std::vector<StreamRecord> records) = 0;
    virtual env::Task<std::vector<base::Result<void>>> PutToDelivery(std::string delivery_stream,
                                                                     std::vector<DeliveryRecord> records) = 0;
    virtual env::Task<base::Result<void>> PutObject(std::string bucket, std::string key, base::Bytes data) = 0;
    virtual env::Task<base::Result<void>> Publish(mqtt::PublishedMessage message) = 0;
};

}  // namespace wellhead::services::iot
