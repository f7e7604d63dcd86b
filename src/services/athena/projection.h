#pragma once
// Partition projection: partitions that follow from a table's properties instead of the catalog
// (https://docs.aws.amazon.com/athena/latest/ug/partition-projection.html).

#include <string>
#include <utility>
#include <vector>

#include "apis/glue/types.h"
#include "base/result.h"
#include "base/time.h"
#include "sql/partition_filter.h"

namespace wellhead::services::athena {

bool IsProjected(const apis::glue::Table& table);

struct ProjectedPartition {
    std::vector<std::string> values;
    std::string location;
};

// What a query says of the keys, in their order.
struct KeyConditions {
    sql::PartitionFilter all;                     // of whole rows of values
    std::vector<sql::PartitionFilter> each;       // of one key alone, the others' values are empty; null: says nothing
    std::vector<std::vector<std::string>> equal;  // what the key must be one of, where the conditions name it
};

// kInvalidArgument: the properties make no sense, or a key of type injected has no value; kLimit: more than a million.
base::Result<std::vector<ProjectedPartition>> Project(const apis::glue::Table& table, const KeyConditions& conditions, base::Instant now);

}  // namespace wellhead::services::athena
