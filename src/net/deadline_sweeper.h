#pragma once
// Coarse deadlines for many connections: one timer per io_context looks at all of them ten times a second, so that
// setting a deadline is one addition.

#include <boost/asio/execution_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <limits>
#include <memory>

#include "base/time.h"
#include "env/task.h"

namespace wellhead::net {

class DeadlineSweeper;

// One of the things that may expire. Used on its executor only, which is that of a single-threaded io_context.
class Deadline {
  public:
    // on_due is called on the executor, once for each time the deadline passes.
    Deadline(const env::Executor& executor, void (*on_due)(void* owner), void* owner);
    ~Deadline();
    Deadline(const Deadline&) = delete;
    Deadline& operator=(const Deadline&) = delete;

    // max(): never.
    void ExpiresAfter(base::Duration limit);
    bool due() const { return due_; }

  private:
    friend class DeadlineSweeper;
    static constexpr uint64_t kNever = std::numeric_limits<uint64_t>::max();
    DeadlineSweeper& sweeper_;
    void (*const on_due_)(void*);
    void* const owner_;
    uint64_t at_round_ = kNever;
    bool due_ = false;
    Deadline* previous_ = nullptr;
    Deadline* next_ = nullptr;
};

class DeadlineSweeper : public boost::asio::execution_context::service {
  public:
    using key_type = DeadlineSweeper;
    static boost::asio::execution_context::id id;
    static constexpr std::chrono::milliseconds kPeriod{100};

    explicit DeadlineSweeper(boost::asio::execution_context& context) : service(context) {}

  private:
    friend class Deadline;
    void shutdown() override { timer_.reset(); }
    void Add(Deadline& deadline, const env::Executor& executor);
    void Remove(Deadline& deadline);
    void Arm();
    void Sweep();

    std::unique_ptr<boost::asio::steady_timer> timer_;
    bool armed_ = false;
    uint64_t round_ = 0;
    Deadline* first_ = nullptr;
    Deadline* sweep_next_ = nullptr;  // so that a deadline may go away while the sweep calls out
};

}  // namespace wellhead::net
