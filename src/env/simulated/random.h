#pragma once
// Randomness that repeats: the same seed, the same bytes.

#include <mutex>
#include <random>

#include "env/random.h"

namespace wellhead::env::simulated {

class SeededRandom final : public Random {
  public:
    explicit SeededRandom(uint64_t seed) : engine_(seed) {}
    void Fill(std::span<uint8_t> out) override {
        std::lock_guard lock(mutex_);
        for (auto& byte : out) byte = static_cast<uint8_t>(engine_());
    }
    // Uniform in [0, bound).
    uint64_t Below(uint64_t bound) {
        std::lock_guard lock(mutex_);
        return bound == 0 ? 0 : engine_() % bound;
    }

  private:
    std::mutex mutex_;
    std::mt19937_64 engine_;
};

}  // namespace wellhead::env::simulated
