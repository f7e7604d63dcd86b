#pragma once
// A clock that stands still until a test moves it.

#include <atomic>

#include "env/clock.h"

namespace wellhead::env::simulated {

class SimulatedClock final : public Clock {
  public:
    explicit SimulatedClock(base::Instant start = base::FromUnixMs(1'700'000'000'000))
        : now_us_(base::ToUnixUs(start)) {}
    base::Instant Now() override { return base::FromUnixUs(now_us_.load()); }
    base::Tick Ticks() override { return base::Tick(base::Duration(ticks_us_.load())); }

    void Advance(base::Duration by) {
        now_us_ += by.count();
        ticks_us_ += by.count();
    }
    // The wall clock is set; the monotonic one does not notice.
    void SetNow(base::Instant now) { now_us_ = base::ToUnixUs(now); }

  private:
    std::atomic<int64_t> now_us_;
    std::atomic<int64_t> ticks_us_{0};
};

}  // namespace wellhead::env::simulated
