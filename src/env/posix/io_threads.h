#pragma once
// IoThreads: one io_context per thread; a connection or a shard lives on one of them.

#include <memory>
#include <vector>

#include "env/task.h"

namespace wellhead::env::posix {

class IoThreads {
  public:
    explicit IoThreads(int threads);
    // Stops and joins. Everything that runs on them must have ended (scopes closed) or is dropped unfinished.
    ~IoThreads();
    IoThreads(const IoThreads&) = delete;
    IoThreads& operator=(const IoThreads&) = delete;

    size_t size() const;
    Executor executor(size_t index) const;
    std::vector<Executor> executors() const;

  private:
    struct Loop;
    std::vector<std::unique_ptr<Loop>> loops_;
};

}  // namespace wellhead::env::posix
