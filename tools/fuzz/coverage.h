#pragma once
// Which edges of the instrumented code were taken (g++ -fsanitize-coverage=trace-pc), as counts in a small table.

#include <cstddef>
#include <cstdint>

namespace wellhead::fuzz {

inline constexpr size_t kCoverageCells = 1 << 16;

// Counts since the last ClearCoverage, wrapping.
extern uint8_t coverage[kCoverageCells];
void ClearCoverage();

}  // namespace wellhead::fuzz
