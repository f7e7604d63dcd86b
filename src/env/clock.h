#pragma once
// Clock: the only source of "now".

#include "base/time.h"

namespace wellhead::env {

// All methods thread-safe.
class Clock {
  public:
    virtual ~Clock() = default;
    // UTC wall time; may jump when the machine's clock is set.
    virtual base::Instant Now() = 0;
    // Monotonic.
    virtual base::Tick Ticks() = 0;
};

}  // namespace wellhead::env
