#pragma once
// Conditional requests (RFC 9110, section 13) and ranges (section 14), as S3 reads them.

#include <optional>
#include <string>

#include "api/service.h"
#include "base/time.h"

namespace wellhead::services::s3 {

struct Conditions {
    std::optional<std::string> if_match;
    std::optional<std::string> if_none_match;
    std::optional<base::Instant> if_modified_since;
    std::optional<base::Instant> if_unmodified_since;
};

enum class Verdict { kGo, kNotModified, kIfMatchFailed, kIfUnmodifiedSinceFailed };

// etag without quotes.
Verdict Judge(const Conditions& conditions, const std::string& etag, base::Instant modified);

// "*", or a list of entity tags, with or without quotes; weak ones never match.
bool MatchesETag(const std::string& header, const std::string& etag);

struct ByteRange {
    uint64_t offset = 0;
    uint64_t length = 0;
};
enum class RangeKind { kWhole, kPart, kUnsatisfiable };
struct RangeAnswer {
    RangeKind kind = RangeKind::kWhole;
    ByteRange range;
};
// Of "bytes=first-last", "bytes=first-" or "bytes=-last". What is malformed or asks for several ranges means the whole.
RangeAnswer ResolveRange(const std::string& header, uint64_t size);

}  // namespace wellhead::services::s3
