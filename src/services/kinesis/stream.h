#pragma once
// Stream: what is known of one stream, as one value of the metadata table. Changed by copying.

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "services/kinesis/hash_key.h"
#include "services/kinesis/sequence_number.h"
#include "storage/shard_log/shard_log.h"

namespace wellhead::services::kinesis {

// An open shard log and who writes to it now.
struct ShardWriter {
    std::shared_ptr<storage::ShardLog> log;
    std::mutex mutex;
    int writing = 0;       // appends under way
    bool closing = false;  // a reshard waits for them; new ones go elsewhere
};

struct Shard {
    uint32_t number = 0;
    HashRange range;
    int64_t created_s = 0;
    std::optional<uint32_t> parent;
    std::optional<uint32_t> adjacent_parent;
    std::optional<std::string> ending;  // sequence number; the shard is closed
    int64_t closed_ms = 0;
    std::shared_ptr<ShardWriter> writer;  // not part of the value

    bool open() const { return !ending.has_value(); }
    std::string id() const;
    SequenceNumber At(storage::LogOffset offset, base::Instant arrival) const {
        return {static_cast<uint64_t>(created_s), offset + 1,
                static_cast<uint64_t>(base::ToUnixMs(arrival) / 1000), number};
    }
    std::string starting() const {
        return FormatSequenceNumber({static_cast<uint64_t>(created_s), 0, static_cast<uint64_t>(created_s), number});
    }
};

struct StreamConsumer {
    std::string name;
    std::string arn;
    int64_t created_ms = 0;
    std::map<std::string, std::string> tags;
};

struct Stream {
    std::string name;
    std::string id;  // of its logs, and StreamId
    int64_t created_ms = 0;
    bool on_demand = false;
    int32_t retention_hours = 24;
    int32_t max_record_kib = 1024;
    std::vector<Shard> shards;  // by number
    std::map<std::string, std::string> tags;
    std::vector<std::string> metrics;
    std::vector<StreamConsumer> consumers;

    const Shard* FindShard(std::string_view shard_id) const;
    // The open shard that hash falls in.
    const Shard& ShardFor(HashKey hash) const;
    std::vector<const Shard*> OpenShards() const;
    std::vector<const Shard*> ChildrenOf(uint32_t number) const;
    const StreamConsumer* FindConsumer(std::string_view name_or_arn) const;
    std::string LogName(const Shard& shard) const { return "kinesis/" + id + "/" + shard.id(); }
};

std::string ShardId(uint32_t number);

base::Bytes EncodeStream(const Stream& stream);
// kCorrupt.
base::Result<Stream> DecodeStream(base::ByteView bytes);

}  // namespace wellhead::services::kinesis
