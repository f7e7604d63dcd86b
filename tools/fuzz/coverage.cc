#include "coverage.h"

#include <cstring>

namespace wellhead::fuzz {

uint8_t coverage[kCoverageCells];

namespace {
thread_local uintptr_t previous;
}

void ClearCoverage() {
    std::memset(coverage, 0, sizeof coverage);
    previous = 0;
}

}  // namespace wellhead::fuzz

// Called by the compiler at each edge.
extern "C" void __sanitizer_cov_trace_pc() {
    using wellhead::fuzz::previous;
    const auto at = reinterpret_cast<uintptr_t>(__builtin_return_address(0)) * 0x9e3779b97f4a7c15u >> 32;
    ++wellhead::fuzz::coverage[(at ^ previous) % wellhead::fuzz::kCoverageCells];
    previous = at >> 1;
}
