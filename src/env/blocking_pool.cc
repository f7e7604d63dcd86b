#include "env/blocking_pool.h"

#include <pthread.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "base/check.h"

namespace wellhead::env {

struct BlockingPool::State {
    std::mutex mutex;
    std::condition_variable ready;
    std::deque<std::move_only_function<void()>> jobs;
    bool stopping = false;
    std::vector<std::thread> threads;

    void Run() {
        for (;;) {
            std::move_only_function<void()> job;
            {
                std::unique_lock lock(mutex);
                ready.wait(lock, [this] { return stopping || !jobs.empty(); });
                if (jobs.empty()) return;
                job = std::move(jobs.front());
                jobs.pop_front();
            }
            job();
        }
    }
};

BlockingPool::BlockingPool(std::string name, int threads) : state_(std::make_unique<State>()) {
    CHECK(threads > 0);
    for (int i = 0; i < threads; ++i) {
        state_->threads.emplace_back([state = state_.get()] { state->Run(); });
        pthread_setname_np(state_->threads.back().native_handle(),
                           (name.substr(0, 10) + "-" + std::to_string(i)).c_str());
    }
}

BlockingPool::~BlockingPool() {
    {
        std::lock_guard lock(state_->mutex);
        state_->stopping = true;
    }
    state_->ready.notify_all();
    for (auto& thread : state_->threads) thread.join();
}

void BlockingPool::Submit(std::move_only_function<void()> job) {
    {
        std::lock_guard lock(state_->mutex);
        CHECK(!state_->stopping);
        state_->jobs.push_back(std::move(job));
    }
    state_->ready.notify_one();
}

}  // namespace wellhead::env
