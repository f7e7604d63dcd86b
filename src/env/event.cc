#include "env/event.h"

#include <boost/asio/as_tuple.hpp>

namespace wellhead::env {

namespace asio = boost::asio;

Event::Event(Executor home) : timer_(home, asio::steady_timer::time_point::max()) {}

void Event::Set() {
    set_ = true;
    timer_.cancel();
}

Task<void> Event::Wait() {
    while (!set_) {
        co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
        auto cancellation = co_await asio::this_coro::cancellation_state;
        if (cancellation.cancelled() != asio::cancellation_type::none) co_return;
    }
}

}  // namespace wellhead::env
