#pragma once
// RunTask: one task, run on this thread to its end. For tests and short tools; a server spawns.

#include <boost/asio/io_context.hpp>
#include <optional>
#include <utility>

#include "base/check.h"
#include "env/scope.h"

namespace wellhead::env {

namespace run_task_internal {
template <class T>
Task<void> KeepValue(Task<T> task, std::optional<T>& out) {
    out.emplace(co_await std::move(task));
}
}  // namespace run_task_internal

// The task's value. It must not end with an exception.
template <class T>
T RunTask(Task<T> task) {
    boost::asio::io_context io;
    Scope scope;
    std::optional<T> value;
    Spawn(scope, io.get_executor(), "run", run_task_internal::KeepValue<T>(std::move(task), value));
    io.run();
    CHECK(value.has_value());
    return std::move(*value);
}

inline void RunTask(Task<void> task) {
    boost::asio::io_context io;
    Scope scope;
    Spawn(scope, io.get_executor(), "run", std::move(task));
    io.run();
}

}  // namespace wellhead::env
