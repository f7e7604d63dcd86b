#pragma once
// WithDeadline: every wait has an end. (Boost 1.81 has no cancel_after.)

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <optional>

#include "base/time.h"
#include "env/task.h"

namespace wellhead::env {

// Waits for limit on the calling task's executor. Ends early, in silence, when the task is cancelled.
Task<void> Sleep(base::Duration limit);

// The task's value, or nothing when limit passed first; the task is then cancelled and has ended.
template <class T>
Task<std::optional<T>> WithDeadline(Task<T> task, base::Duration limit) {
    using boost::asio::experimental::awaitable_operators::operator||;
    auto first = co_await (std::move(task) || Sleep(limit));
    if (first.index() == 0) co_return std::optional<T>(std::move(std::get<0>(first)));
    co_return std::nullopt;
}

}  // namespace wellhead::env
