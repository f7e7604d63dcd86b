#pragma once
// One PutRecords call under way: what the tasks that append to its shards share.

#include <memory>
#include <string>
#include <vector>

#include "apis/kinesis/types.h"
#include "env/event.h"
#include "services/kinesis/stream.h"

namespace wellhead::services::kinesis {

struct PutCall {
    struct Group {
        uint32_t shard = 0;  // index in stream->shards
        std::vector<uint32_t> entries;
    };
    explicit PutCall(env::Executor executor) : done(std::move(executor)) {}
    std::shared_ptr<const Stream> stream;
    std::vector<apis::kinesis::PutRecordsRequestEntry> entries;
    std::vector<base::Bytes> keys;  // of the log: partition key and token, where an entry has one; may be empty
    std::vector<apis::kinesis::PutRecordsResultEntry> results;
    std::vector<Group> groups;
    std::vector<uint32_t> again;  // entries whose shard was being closed
    size_t running = 0;
    env::Event done;
};

}  // namespace wellhead::services::kinesis
