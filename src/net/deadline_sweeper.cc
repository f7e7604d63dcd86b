#include "net/deadline_sweeper.h"

#include <boost/asio/io_context.hpp>

namespace wellhead::net {

boost::asio::execution_context::id DeadlineSweeper::id;

Deadline::Deadline(const env::Executor& executor, void (*on_due)(void*), void* owner)
    : sweeper_(boost::asio::use_service<DeadlineSweeper>(
          boost::asio::query(executor, boost::asio::execution::context))),
      on_due_(on_due),
      owner_(owner) {
    sweeper_.Add(*this, executor);
}

Deadline::~Deadline() { sweeper_.Remove(*this); }

void Deadline::ExpiresAfter(base::Duration limit) {
    due_ = false;
    if (limit == base::Duration::max()) {
        at_round_ = kNever;
        return;
    }
    int64_t rounds = std::chrono::ceil<std::chrono::milliseconds>(limit) / DeadlineSweeper::kPeriod;
    at_round_ = sweeper_.round_ + static_cast<uint64_t>(std::max<int64_t>(rounds, 0)) + 1;
    sweeper_.Arm();
}

void DeadlineSweeper::Add(Deadline& deadline, const env::Executor& executor) {
    if (!timer_) timer_ = std::make_unique<boost::asio::steady_timer>(executor);
    deadline.next_ = first_;
    if (first_ != nullptr) first_->previous_ = &deadline;
    first_ = &deadline;
}

void DeadlineSweeper::Remove(Deadline& deadline) {
    if (sweep_next_ == &deadline) sweep_next_ = deadline.next_;
    if (deadline.previous_ != nullptr) deadline.previous_->next_ = deadline.next_;
    if (deadline.next_ != nullptr) deadline.next_->previous_ = deadline.previous_;
    if (first_ == &deadline) first_ = deadline.next_;
    if (first_ == nullptr && timer_) timer_->cancel();
}

void DeadlineSweeper::Arm() {
    if (armed_ || !timer_) return;
    armed_ = true;
    timer_->expires_after(kPeriod);
    timer_->async_wait([this](const boost::system::error_code& error) {
        // The context is going down when there is no timer any more.
        if (error && !timer_) return;
        armed_ = false;
        Sweep();
    });
}

void DeadlineSweeper::Sweep() {
    ++round_;
    bool more = false;
    for (Deadline* deadline = first_; deadline != nullptr; deadline = sweep_next_) {
        sweep_next_ = deadline->next_;
        if (deadline->at_round_ == Deadline::kNever) continue;
        if (deadline->at_round_ <= round_) {
            deadline->at_round_ = Deadline::kNever;
            deadline->due_ = true;
            deadline->on_due_(deadline->owner_);
        } else {
            more = true;
        }
    }
    sweep_next_ = nullptr;
    if (more) Arm();
}

}  // namespace wellhead::net
