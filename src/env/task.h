#pragma once
// Task<T>: a coroutine that may wait. Named functions only: no capturing lambda coroutines (see style in CONTRIBUTING).

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace wellhead::env {

template <class T>
using Task = boost::asio::awaitable<T>;

// Where a task runs. State has one home executor; others send it work.
using Executor = boost::asio::any_io_executor;

}  // namespace wellhead::env
