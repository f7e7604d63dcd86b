#pragma once
// The prefix of an object's key: "sensor/!{timestamp:yyyy/MM/dd/HH}/!{firehose:random-string}/". (Firehose developer
// guide, "Understand custom prefixes for Amazon S3 objects".)

#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace wellhead::services::firehose {

class ObjectPrefix {
  public:
    // A prefix without a timestamp gets YYYY/MM/DD/HH/ behind it, an absent one is that alone. kInvalidArgument: an
    // expression that is not closed, or a pattern letter that is unknown; kUnsupported: a namespace that is not served.
    static base::Result<ObjectPrefix> Parse(const std::string& text, bool is_error_prefix);

    // random: what stands for random-string; error_type: for error-output-type.
    std::string Evaluate(base::Instant time, const std::string& random, const std::string& error_type) const;
    bool has_error_type() const { return has_error_type_; }

  private:
    struct Part {
        enum class Kind { kText, kTimestamp, kRandom, kErrorType } kind;
        std::string text;  // or the timestamp's pattern
    };
    std::vector<Part> parts_;
    bool has_error_type_ = false;
};

// Java's DateTimeFormatter, UTC, English: y u M d D H h k m s S a E and quoted text. kInvalidArgument names the letter.
base::Result<std::string> FormatJavaTime(const std::string& pattern, base::Instant time);

}  // namespace wellhead::services::firehose
