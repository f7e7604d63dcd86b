#pragma once
// Times as AWS's protocols write them.

#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace wellhead::api {

// 2026-11-24T08:00:00Z, with exactly three digits of a second where it has any.
std::string FormatIso8601(base::Instant time);
// Tue, 24 Nov 2026 08:00:00 GMT (RFC 7231).
std::string FormatHttpDate(base::Instant time);
// Any of ISO 8601 (Z or an offset), RFC 7231, or decimal epoch seconds.
std::optional<base::Instant> ParseTimestamp(std::string_view text);

}  // namespace wellhead::api
