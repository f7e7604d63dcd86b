#pragma once
// ReadMostlyLock: many readers at once, each touching only a cache line of its own; a writer waits for all of them.

#include <array>
#include <atomic>
#include <mutex>

namespace wellhead::mqtt {

class ReadMostlyLock {
  public:
    // A reader must not lock twice, nor for writing while it reads.
    class Reader {
      public:
        explicit Reader(ReadMostlyLock& lock) : lock_(lock.slots_[Slot()].mutex) {}

      private:
        std::lock_guard<std::mutex> lock_;
    };
    class Writer {
      public:
        explicit Writer(ReadMostlyLock& lock) : owner_(lock) {
            for (auto& slot : owner_.slots_) slot.mutex.lock();
        }
        ~Writer() {
            for (auto& slot : owner_.slots_) slot.mutex.unlock();
        }
        Writer(const Writer&) = delete;
        Writer& operator=(const Writer&) = delete;

      private:
        ReadMostlyLock& owner_;
    };

  private:
    static constexpr size_t kSlots = 16;
    struct alignas(64) PaddedMutex {
        std::mutex mutex;
    };
    // Threads are dealt to slots in turn; two threads of one slot only wait for each other.
    static size_t Slot() {
        static std::atomic<size_t> next{0};
        thread_local size_t slot = next.fetch_add(1, std::memory_order_relaxed) % kSlots;
        return slot;
    }
    std::array<PaddedMutex, kSlots> slots_;
};

}  // namespace wellhead::mqtt
