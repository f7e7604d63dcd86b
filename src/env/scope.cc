#include "env/scope.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/system_error.hpp>
#include <list>
#include <mutex>
#include <vector>

#include "base/check.h"
#include "base/log.h"

namespace wellhead::env {

namespace asio = boost::asio;

namespace {

struct RunningTask;
using TaskList = std::list<std::shared_ptr<RunningTask>>;

struct RunningTask {
    Executor executor;
    std::string name;
    asio::cancellation_signal cancel;
    TaskList::iterator place;  // under the scope's mutex
    bool done = false;  // touched on the executor only
};

struct Waiter {
    Executor executor;
    std::shared_ptr<asio::steady_timer> timer;
};

void RequestCancel(const std::shared_ptr<RunningTask>& task) {
    asio::post(task->executor, [task] {
        if (!task->done) task->cancel.emit(asio::cancellation_type::terminal);
    });
}

void Report(const std::string& name, const std::exception_ptr& failure) {
    if (!failure) return;
    try {
        std::rethrow_exception(failure);
    } catch (const boost::system::system_error& error) {
        if (error.code() == asio::error::operation_aborted) return;
        base::LogError("task", "{} failed: {}", name, error.what());
    } catch (const std::exception& error) {
        base::LogError("task", "{} failed: {}", name, error.what());
    }
}

}  // namespace

struct Scope::State {
    mutable std::mutex mutex;
    TaskList tasks;
    std::vector<Waiter> waiters;
    bool cancelled = false;

    void Finished(const std::shared_ptr<RunningTask>& task) {
        std::vector<Waiter> wake;
        {
            std::lock_guard lock(mutex);
            tasks.erase(task->place);
            if (tasks.empty()) wake.swap(waiters);
        }
        for (auto& waiter : wake) {
            asio::post(waiter.executor, [timer = waiter.timer] { timer->cancel(); });
        }
    }
};

Scope::Scope() : state_(std::make_shared<State>()) {}

Scope::~Scope() { CHECK(running() == 0); }

size_t Scope::running() const {
    std::lock_guard lock(state_->mutex);
    return state_->tasks.size();
}

void Scope::Cancel() {
    std::lock_guard lock(state_->mutex);
    state_->cancelled = true;
    for (auto& task : state_->tasks) RequestCancel(task);
}

Task<void> Scope::Close() {
    Cancel();
    auto executor = co_await asio::this_coro::executor;
    auto timer = std::make_shared<asio::steady_timer>(executor, asio::steady_timer::time_point::max());
    {
        std::lock_guard lock(state_->mutex);
        if (state_->tasks.empty()) co_return;
        state_->waiters.push_back({executor, timer});
    }
    co_await timer->async_wait(asio::as_tuple(asio::use_awaitable));
}

void Spawn(Scope& scope, Executor executor, std::string name, Task<void> work) {
    auto state = scope.state_;
    auto task = std::make_shared<RunningTask>();
    task->executor = executor;
    task->name = std::move(name);
    bool cancelled = false;
    {
        std::lock_guard lock(state->mutex);
        task->place = state->tasks.insert(state->tasks.end(), task);
        cancelled = state->cancelled;
    }
    auto finished = [state, task](const std::exception_ptr& failure) {
        task->done = true;
        Report(task->name, failure);
        state->Finished(task);
    };
    // The spawn itself happens on the task's own executor, which is where its cancellation signal lives.
    auto start = [executor, task, finished, moved = std::make_shared<Task<void>>(std::move(work))] {
        asio::co_spawn(executor, std::move(*moved),
                       asio::bind_cancellation_slot(task->cancel.slot(), finished));
    };
    asio::dispatch(executor, std::move(start));
    if (cancelled) RequestCancel(task);
}

}  // namespace wellhead::env
