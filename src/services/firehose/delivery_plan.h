#pragma once
// What a delivery stream does with its records, taken out of its configuration and checked.

#include <functional>
#include <optional>
#include <string>

#include "apis/firehose/types.h"
#include "services/firehose/compression.h"
#include "services/firehose/object_prefix.h"

namespace wellhead::services::firehose {

namespace wire = apis::firehose;

struct Conversion {
    std::string database;
    std::string table;
    std::optional<std::string> version;  // of the table; the latest without
    std::string compression = "snappy";  // of the Parquet file
    bool case_insensitive = true;
    bool dots_to_underscores = false;
    std::map<std::string, std::string> key_of_column;
    std::vector<std::string> timestamp_formats;  // of the Hive SerDe
    wire::SchemaConfiguration schema;            // as configured, for error records
};

// How records are taken apart before they are delivered, in this order.
struct Processing {
    bool gunzip = false;
    bool cloudwatch_messages = false;  // the messages of CloudWatch Logs' envelopes
    enum class Split { kNone, kJson, kDelimited } split = Split::kNone;
    std::string split_delimiter;
    std::string partition_query;  // empty: none
    std::string append;           // behind each record

    bool changes_records() const { return gunzip || cloudwatch_messages || split != Split::kNone; }
};

// A place for source records as they came (S3BackupMode).
struct Backup {
    std::string bucket;
    ObjectPrefix prefix;
    Compression compression = Compression::kNone;
};

// East of UTC in seconds at a time; nothing for a zone that is not known.
using ZoneOffset = std::function<std::optional<int>(const std::string& zone, base::Instant time)>;

struct DeliveryPlan {
    std::string stream_name;
    std::string stream_id;  // never used again, also when a stream of the name is made anew
    std::string version;
    std::string bucket;
    ObjectPrefix prefix;
    ObjectPrefix error_prefix;
    uint64_t buffer_bytes = 5u << 20;
    base::Duration buffer_time = std::chrono::seconds(300);
    Compression compression = Compression::kNone;
    Processing processing;
    std::string extension;  // of objects, with its dot
    std::optional<Conversion> conversion;
    std::optional<Backup> backup;
    std::string time_zone;  // empty: UTC
    ZoneOffset zone_offset;

    // The wall clock's time in the stream's zone.
    base::Instant LocalTime(base::Instant time) const {
        if (time_zone.empty()) return time;
        return time + std::chrono::seconds(zone_offset(time_zone, time).value_or(0));
    }
};

// kInvalidArgument or kUnsupported, in words for the client.
base::Result<DeliveryPlan> MakePlan(const wire::DeliveryStreamDescription& stream, const std::string& stream_id,
                                    const ZoneOffset& zone_offset);

}  // namespace wellhead::services::firehose
