#pragma once
// RecordSource: one shard that delivery reads, from a position on. Positions are the shard's own words.

#include <memory>
#include <string>
#include <vector>

#include "api/service.h"
#include "apis/kinesis/api.h"
#include "base/result.h"
#include "env/task.h"
#include "storage/shard_log/shard_log.h"

namespace wellhead::services::firehose {

struct SourceRecord {
    std::string sequence;
    base::Instant arrival;
    base::Bytes data;
};

struct SourceBatch {
    std::vector<SourceRecord> records;
    bool ended = false;  // the shard is closed and these were its last
};

// Used by one task.
class RecordSource {
  public:
    virtual ~RecordSource() = default;
    // Goes behind sequence; "" to the beginning of what is to be delivered.
    virtual void Seek(std::string sequence) = 0;
    // The next records; none when there are none now. kNotFound: the source is gone for good.
    virtual env::Task<base::Result<SourceBatch>> Read() = 0;
    // Returns when there may be more, or after limit.
    virtual env::Task<void> Wait(base::Duration limit) = 0;
    // Records up to this one were delivered and may go.
    virtual env::Task<void> Release(std::string sequence) = 0;
};

std::unique_ptr<RecordSource> MakeLogSource(std::shared_ptr<storage::ShardLog> log);
// start: records that arrived before it are not delivered. kinesis outlives it.
std::unique_ptr<RecordSource> MakeKinesisSource(apis::kinesis::KinesisApi& kinesis, api::CallContext context,
                                                std::string stream_arn, std::string shard, base::Instant start);

}  // namespace wellhead::services::firehose
