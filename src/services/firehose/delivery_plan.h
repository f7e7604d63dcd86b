#pragma once
// What a delivery stream does with its records, taken out of its configuration and checked.

#include <optional>
#include <string>

#include "apis/firehose/types.h"
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
    wire::SchemaConfiguration schema;  // as configured, for error records
};

struct DeliveryPlan {
    std::string stream_name;
    std::string stream_id;  // never used again, also when a stream of the name is made anew
    std::string version;
    std::string bucket;
    ObjectPrefix prefix;
    ObjectPrefix error_prefix;
    uint64_t buffer_bytes = 5u << 20;
    base::Duration buffer_time = std::chrono::seconds(300);
    bool gzip = false;
    bool append_newline = false;
    std::string extension;  // of objects, with its dot
    std::optional<Conversion> conversion;
};

// kInvalidArgument or kUnsupported, in words for the client.
base::Result<DeliveryPlan> MakePlan(const wire::DeliveryStreamDescription& stream, const std::string& stream_id);

}  // namespace wellhead::services::firehose
