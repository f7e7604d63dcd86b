#include <openssl/rand.h>

#include "base/check.h"
#include "env/posix/posix.h"

namespace wellhead::env::posix {

namespace {

class SystemClock final : public Clock {
  public:
    base::Instant Now() override {
        return std::chrono::floor<base::Duration>(std::chrono::system_clock::now());
    }
    base::Tick Ticks() override {
        return std::chrono::time_point_cast<base::Duration>(std::chrono::steady_clock::now());
    }
};

class SystemRandom final : public Random {
  public:
    void Fill(std::span<uint8_t> out) override {
        CHECK(RAND_bytes(out.data(), static_cast<int>(out.size())) == 1);
    }
};

}  // namespace

std::unique_ptr<Clock> MakeClock() { return std::make_unique<SystemClock>(); }
std::unique_ptr<Random> MakeRandom() { return std::make_unique<SystemRandom>(); }

}  // namespace wellhead::env::posix
