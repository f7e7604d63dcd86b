#pragma once
// A lock on a path that goes with the process, however it ends.

#include <memory>
#include <string>

#include "base/result.h"

namespace wellhead::env::posix {

class FileLock {
  public:
    // Makes the file if need be. kAlreadyExists: another process holds it.
    static base::Result<std::unique_ptr<FileLock>> Acquire(const std::string& path);
    ~FileLock();

  private:
    explicit FileLock(int fd) : fd_(fd) {}
    const int fd_;
};

}  // namespace wellhead::env::posix
