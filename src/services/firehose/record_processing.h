#pragma once
// Source records become the records that are delivered: unpacked, taken apart, given their partition, a delimiter behind
// them. The same input gives the same output each time.

#include <string>
#include <vector>

#include "services/firehose/delivery_plan.h"
#include "services/firehose/partition_query.h"
#include "services/firehose/record_source.h"

namespace wellhead::services::firehose {

struct ProcessedRecord {
    size_t source = 0;  // index of the record it is of
    base::ByteView data;
    PartitionKeys partition;
};

struct FailedRecord {
    size_t source = 0;
    std::string code;  // "DynamicPartitioning.MetadataExtractionFailed"
    std::string message;
    base::Bytes data;  // as it was when it failed
};

struct ProcessedBatch {
    std::vector<ProcessedRecord> records;
    std::vector<FailedRecord> failed;
    std::vector<std::unique_ptr<base::Bytes>> made;  // what records point into, beside the source
};

// Blocking. records outlive the result. A source record fails as a whole or not at all, but for the partition query, which
// fails for each of its parts.
ProcessedBatch ProcessRecords(const Processing& processing, const std::vector<SourceRecord>& records);

// JSON documents one behind the other, spaces, line ends or commas between them, or in one array. Nothing when what is
// there is not that.
std::optional<std::vector<base::ByteView>> SplitJson(base::ByteView text);

}  // namespace wellhead::services::firehose
