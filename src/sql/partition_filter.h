#pragma once
// The expression of Glue's GetPartitions: "year = '2024' AND month IN ('04', '05')". Values compare by the type of their key.

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace wellhead::sql {

struct PartitionKeyType {
    std::string name;
    std::string type;  // Hive's
};

// Whether a partition's values, in the order of keys, satisfy the expression.
using PartitionFilter = std::function<bool(const std::vector<std::string>& values)>;

// kInvalidArgument with the place. An empty expression takes all. Operators: AND OR NOT = <> != < <= > >= BETWEEN IN
// LIKE IS NULL and brackets; literals: strings, numbers, DATE '...', TIMESTAMP '...'. Nesting is limited.
base::Result<PartitionFilter> ParsePartitionFilter(const std::string& expression, std::vector<PartitionKeyType> keys);

}  // namespace wellhead::sql
