#include "env/turnstile.h"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <deque>
#include <mutex>

namespace wellhead::env {

struct Turnstile::State {
    std::mutex mutex;
    bool occupied = false;
    std::deque<std::move_only_function<void()>> waiting;
};

Turnstile::Turnstile() : state_(std::make_unique<State>()) {}
Turnstile::~Turnstile() = default;

Task<Turnstile::Pass> Turnstile::Enter() {
    State& state = *state_;
    auto initiate = [&state](auto handler) {
        auto executor = boost::asio::get_associated_executor(handler);
        auto work = boost::asio::make_work_guard(executor);
        std::move_only_function<void()> enter = [handler = std::move(handler), work = std::move(work),
                                                 executor]() mutable {
            boost::asio::post(executor, [handler = std::move(handler)]() mutable { std::move(handler)(); });
        };
        {
            std::lock_guard lock(state.mutex);
            if (state.occupied) {
                state.waiting.push_back(std::move(enter));
                return;
            }
            state.occupied = true;
        }
        enter();
    };
    co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>&, void()>(
        initiate, boost::asio::use_awaitable);
    co_return Pass(*this);
}

void Turnstile::Leave() {
    std::move_only_function<void()> next;
    {
        std::lock_guard lock(state_->mutex);
        if (state_->waiting.empty()) {
            state_->occupied = false;
            return;
        }
        next = std::move(state_->waiting.front());
        state_->waiting.pop_front();
    }
    next();
}

}  // namespace wellhead::env
