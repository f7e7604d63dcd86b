#pragma once
// Points in time. Only env::Clock makes "now"; everything else passes these on.

#include <chrono>
#include <cstdint>

namespace wellhead::base {

using Duration = std::chrono::microseconds;

// UTC, to the microsecond; what wire formats and files carry.
using Instant = std::chrono::sys_time<Duration>;

// Never goes back; for deadlines and rates, means nothing outside this process.
using Tick = std::chrono::time_point<std::chrono::steady_clock, Duration>;

constexpr int64_t ToUnixMs(Instant t) {
    return std::chrono::floor<std::chrono::milliseconds>(t.time_since_epoch()).count();
}
constexpr int64_t ToUnixUs(Instant t) { return t.time_since_epoch().count(); }
constexpr Instant FromUnixMs(int64_t ms) { return Instant(std::chrono::milliseconds(ms)); }
constexpr Instant FromUnixUs(int64_t us) { return Instant(Duration(us)); }

}  // namespace wellhead::base
