#pragma once
// BlockingPool: a bounded set of threads for calls that block (files, SQLite, DuckDB), and RunBlocking to await one.

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>

#include "env/task.h"

namespace wellhead::env {

class BlockingPool {
  public:
    // name is the thread name's prefix (at most 10 characters are visible).
    BlockingPool(std::string name, int threads);
    // Runs what was submitted, then joins.
    ~BlockingPool();
    BlockingPool(const BlockingPool&) = delete;
    BlockingPool& operator=(const BlockingPool&) = delete;

    // In order of arrival, on one of the threads. Thread-safe; job must not throw.
    void Submit(std::move_only_function<void()> job);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

// Runs call on the pool and resumes the caller, on the caller's executor, with what it returned. call owns what it
// needs (capture by value or keep the referents alive until this returns): the caller's frame stays alive meanwhile.
// Not cancellable: a blocking call cannot be taken back. A call with captures is a named local, never written inline:
// g++ 12 destroys a temporary closure of a co_await expression twice.
template <class Call>
Task<std::invoke_result_t<Call>> RunBlocking(BlockingPool& pool, Call call) {
    using Value = std::invoke_result_t<Call>;
    auto initiate = [&pool](auto handler, Call blocking_call) {
        auto executor = boost::asio::get_associated_executor(handler);
        auto work = boost::asio::make_work_guard(executor);
        pool.Submit([handler = std::move(handler), work = std::move(work), executor,
                     blocking_call = std::move(blocking_call)]() mutable {
            if constexpr (std::is_void_v<Value>) {
                blocking_call();
                boost::asio::post(executor, [handler = std::move(handler)]() mutable {
                    std::move(handler)();
                });
            } else {
                Value value = blocking_call();
                boost::asio::post(executor, [handler = std::move(handler),
                                             value = std::move(value)]() mutable {
                    std::move(handler)(std::move(value));
                });
            }
        });
    };
    if constexpr (std::is_void_v<Value>) {
        co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>&, void()>(
            initiate, boost::asio::use_awaitable, std::move(call));
    } else {
        co_return co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>&,
                                                       void(Value)>(
            initiate, boost::asio::use_awaitable, std::move(call));
    }
}

}  // namespace wellhead::env
