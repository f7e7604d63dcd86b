#pragma once
// Fifo: a queue in one block of memory that allocates nothing while empty. (std::deque takes 576 bytes when empty, which
// matters with a queue or three per idle connection.)

#include <cstddef>
#include <utility>
#include <vector>

namespace wellhead::mqtt {

template <class T>
class Fifo {
  public:
    bool empty() const { return head_ == items_.size(); }
    size_t size() const { return items_.size() - head_; }
    T& operator[](size_t i) { return items_[head_ + i]; }
    const T& operator[](size_t i) const { return items_[head_ + i]; }
    T& front() { return items_[head_]; }
    T& back() { return items_.back(); }
    auto begin() { return items_.begin() + static_cast<std::ptrdiff_t>(head_); }
    auto end() { return items_.end(); }
    auto begin() const { return items_.begin() + static_cast<std::ptrdiff_t>(head_); }
    auto end() const { return items_.end(); }

    void push_back(T item) {
        // Moving the rest to the front costs nothing in the mean: half of the block was consumed since the last time.
        if (head_ > 0 && items_.size() == items_.capacity() && head_ * 2 >= items_.size()) Compact();
        items_.push_back(std::move(item));
    }
    void pop_front() {
        items_[head_++] = T();
        if (empty()) {
            items_.clear();
            head_ = 0;
            if (items_.capacity() > kKeep) std::vector<T>().swap(items_);
        }
    }
    void erase(size_t i) {
        if (i == 0) return pop_front();
        items_.erase(begin() + static_cast<std::ptrdiff_t>(i));
    }
    void clear() {
        std::vector<T>().swap(items_);
        head_ = 0;
    }
    // Gives memory back once nothing is queued.
    void ReleaseIfEmpty() {
        if (empty()) clear();
    }

  private:
    static constexpr size_t kKeep = 1024;
    void Compact() {
        items_.erase(items_.begin(), begin());
        head_ = 0;
    }
    std::vector<T> items_;
    size_t head_ = 0;
};

}  // namespace wellhead::mqtt
