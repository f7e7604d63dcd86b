#pragma once
// SmallCache: contents of small objects that were written or read lately, by generation (which never means other
// contents).

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "base/bytes.h"

namespace wellhead::storage::file {

// Thread-safe.
class SmallCache {
  public:
    explicit SmallCache(size_t limit_bytes) : limit_bytes_(limit_bytes) {}

    std::shared_ptr<const base::Bytes> Find(uint64_t generation) const {
        std::lock_guard lock(mutex_);
        auto found = contents_.find(generation);
        return found == contents_.end() ? nullptr : found->second;
    }
    void Add(uint64_t generation, std::shared_ptr<const base::Bytes> contents) {
        std::lock_guard lock(mutex_);
        size_t size = contents->size();
        if (!contents_.emplace(generation, std::move(contents)).second) return;
        order_.push_back(generation);
        size_bytes_ += size + kOverheadBytes;
        while (size_bytes_ > limit_bytes_) {
            auto oldest = contents_.find(order_.front());
            size_bytes_ -= oldest->second->size() + kOverheadBytes;
            contents_.erase(oldest);
            order_.pop_front();
        }
    }

  private:
    static constexpr size_t kOverheadBytes = 160;
    const size_t limit_bytes_;
    mutable std::mutex mutex_;
    std::unordered_map<uint64_t, std::shared_ptr<const base::Bytes>> contents_;
    std::deque<uint64_t> order_;
    size_t size_bytes_ = 0;
};

}  // namespace wellhead::storage::file
