#pragma once
// Partition keys out of JSON records by a JQ 1.6 query, as the MetadataExtraction processor has it:
// {customer: .customer_id, hour: (.at / 3600 | floor | tostring)}. jq itself evaluates.

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace wellhead::services::firehose {

using PartitionKeys = std::map<std::string, std::string>;

// Used by one thread at a time.
class PartitionQuery {
  public:
    // kInvalidArgument: does not compile, or uses what could run for ever or look outside (definitions, loops, input, env).
    static base::Result<std::unique_ptr<PartitionQuery>> Compile(const std::string& query);
    ~PartitionQuery();

    // kInvalidArgument with the reason: not JSON, jq failed, or the result is no object of scalars that are not empty.
    base::Result<PartitionKeys> Evaluate(std::string_view record);

  private:
    struct State;
    explicit PartitionQuery(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace wellhead::services::firehose
