#include "env/posix/io_threads.h"

#include <pthread.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <string>
#include <thread>

#include "base/check.h"

namespace wellhead::env::posix {

struct IoThreads::Loop {
    // One thread runs it: Asio needs no locks of its own between threads but for posts from outside.
    boost::asio::io_context context{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{
        context.get_executor()};
    std::thread thread;
};

IoThreads::IoThreads(int threads) {
    CHECK(threads > 0);
    for (int i = 0; i < threads; ++i) {
        auto& loop = loops_.emplace_back(std::make_unique<Loop>());
        loop->thread = std::thread([&context = loop->context] { context.run(); });
        pthread_setname_np(loop->thread.native_handle(), ("io-" + std::to_string(i)).c_str());
    }
}

IoThreads::~IoThreads() {
    for (auto& loop : loops_) {
        loop->work.reset();
        loop->context.stop();
    }
    for (auto& loop : loops_) loop->thread.join();
}

size_t IoThreads::size() const { return loops_.size(); }
Executor IoThreads::executor(size_t index) const { return loops_[index]->context.get_executor(); }

std::vector<Executor> IoThreads::executors() const {
    std::vector<Executor> all;
    for (const auto& loop : loops_) all.push_back(loop->context.get_executor());
    return all;
}

}  // namespace wellhead::env::posix
