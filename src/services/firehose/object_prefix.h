#pragma once
// The prefix of an object's key: "sensor/!{timestamp:yyyy/MM/dd/HH}/!{firehose:random-string}/". (Firehose developer
// guide, "Understand custom prefixes for Amazon S3 objects".)

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace wellhead::services::firehose {

class ObjectPrefix {
  public:
    // A prefix without a timestamp gets YYYY/MM/DD/HH/ behind it (not one with partition keys), an absent one is that
    // alone. kInvalidArgument: an expression that is not closed, or a pattern letter that is unknown; kUnsupported: a
    // namespace that is not served.
    static base::Result<ObjectPrefix> Parse(const std::string& text, bool is_error_prefix);

    struct Values {
        base::Instant time;      // in the stream's time zone
        std::string random;      // for random-string
        std::string error_type;  // for error-output-type
        std::string shard;       // for shard-id
        const std::map<std::string, std::string>* partition = nullptr;  // for partitionKeyFromQuery
    };
    std::string Evaluate(const Values& values) const;
    bool has_error_type() const { return has_error_type_; }
    // The names behind partitionKeyFromQuery.
    const std::set<std::string>& partition_keys() const { return partition_keys_; }

  private:
    struct Part {
        enum class Kind { kText, kTimestamp, kRandom, kErrorType, kShard, kPartition } kind;
        std::string text;  // or the timestamp's pattern, or the partition key's name
    };
    std::vector<Part> parts_;
    bool has_error_type_ = false;
    std::set<std::string> partition_keys_;
};

// Java's DateTimeFormatter, UTC, English: y u M d D H h k m s S a E and quoted text. kInvalidArgument names the letter.
base::Result<std::string> FormatJavaTime(const std::string& pattern, base::Instant time);

}  // namespace wellhead::services::firehose
