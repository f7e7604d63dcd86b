#pragma once
// How much memory the bodies of all requests that are not streamed may take together.

#include <atomic>
#include <cstdint>

#include "base/result.h"
#include "net/http.h"

namespace wellhead::gateway {

// Thread-safe.
class BodyBudget {
  public:
    explicit BodyBudget(uint64_t limit) : limit_(limit) {}

    // A part of the budget, given back at the end of its life.
    class Share {
      public:
        explicit Share(BodyBudget& budget) : budget_(budget) {}
        ~Share() { budget_.used_.fetch_sub(taken_, std::memory_order_relaxed); }
        Share(const Share&) = delete;
        Share& operator=(const Share&) = delete;
        // False, and nothing taken, when the budget does not have that much.
        bool Take(uint64_t bytes);

      private:
        BodyBudget& budget_;
        uint64_t taken_ = 0;
    };

    uint64_t used() const { return used_.load(std::memory_order_relaxed); }

  private:
    const uint64_t limit_;
    std::atomic<uint64_t> used_{0};
};

// All of the body. kLimit when it is larger than limit; kUnavailable when the budget is used up or the client is gone;
// and the other errors of the reader.
env::Task<base::Result<base::Bytes>> ReadWithin(net::BodyReader& body, uint64_t limit, BodyBudget::Share& share);

}  // namespace wellhead::gateway
