#pragma once
// Texts of JSON records as values: numbers as they print, decimals, times.

#include <simdjson.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace wellhead::query::duckdb {

__extension__ using Wide128 = __int128;

// The value as JSON, without spaces.
std::string JsonText(const simdjson::dom::element& value);
// "-12.345" or "1e3" as an integer of 10^-scale; false when it is no number, or has more than precision digits. Digits
// behind the scale are rounded, half away from zero.
bool ParseDecimal(std::string_view text, int precision, int scale, Wide128& number);
// "2024-05-01", "2024-05-01 10:00[:00[.123456]]", with T for the space, and Z or +02:00 behind; microseconds since 1970.
bool ParseTimestamp(std::string_view text, int64_t& micros);
// By a pattern of Joda-Time's DateTimeFormat as Hive's JSON SerDe takes it: y M d H h a m s S Z and quoted text, or
// "millis" for milliseconds since 1970.
bool ParseTimestampBy(std::string_view format, std::string_view text, int64_t& micros);

}  // namespace wellhead::query::duckdb
