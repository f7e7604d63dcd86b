#pragma once
// Times to text and back by patterns of Joda-Time ("yyyy-MM-dd'T'HH:mm:ss.SSSZZ"), in English.

#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace wellhead::sql::iot {

// at, seen in a zone that is offset_s east of UTC and is called zone. Nothing for a pattern that is not valid.
std::optional<std::string> FormatTime(std::string_view pattern, base::Instant at, int offset_s,
                                      std::string_view zone);

struct ParsedTime {
    base::Instant local;          // the clock's reading, as if it were UTC
    std::optional<int> offset_s;  // where the text says one
    std::string zone;             // where the text names one
};
// Nothing when text does not follow pattern.
std::optional<ParsedTime> ParseTimeText(std::string_view text, std::string_view pattern);

// "UTC", "GMT", "Z", "EST", "+01:00", "UTC+01:00", "GMT-5": seconds east of UTC.
std::optional<int> FixedZoneOffset(std::string_view zone);

}  // namespace wellhead::sql::iot
