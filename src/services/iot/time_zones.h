#pragma once
// Time zones by name, from the system's zone files (RFC 8536), read when first asked for.

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "env/files.h"

namespace wellhead::services::iot {

// One zone's changes of offset.
class TimeZone {
  public:
    // kCorrupt: not a zone file.
    static base::Result<TimeZone> Parse(base::ByteView file);
    int OffsetAt(base::Instant at) const;

  private:
    std::vector<int64_t> changes_s_;  // since 1970, ascending
    std::vector<int> offsets_s_;      // from the change of the same index on
    int first_offset_s_ = 0;          // before the first change
};

// Thread-safe.
class TimeZones {
  public:
    // files outlives it. directory: /usr/share/zoneinfo.
    TimeZones(env::Files& files, std::string directory) : files_(files), directory_(std::move(directory)) {}
    // East of UTC in seconds; nothing for a zone that is not there. The first question for a zone reads a small file.
    std::optional<int> OffsetAt(std::string_view zone, base::Instant at);

  private:
    env::Files& files_;
    std::string directory_;
    std::mutex mutex_;
    std::map<std::string, std::shared_ptr<const TimeZone>, std::less<>> zones_;  // null: not there
};

}  // namespace wellhead::services::iot
