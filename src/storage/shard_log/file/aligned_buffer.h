#pragma once
// Memory that direct I/O accepts.

#include <cstdlib>
#include <memory>
#include <new>
#include <span>

#include "base/bytes.h"
#include "env/files.h"

namespace wellhead::storage::file {

inline constexpr size_t kBlockSize = env::kDirectAlignment;

constexpr uint64_t RoundUpToBlock(uint64_t size) {
    return (size + kBlockSize - 1) / kBlockSize * kBlockSize;
}

// size is rounded up to whole blocks. Not zeroed.
class AlignedBuffer {
  public:
    explicit AlignedBuffer(size_t size)
        : size_(RoundUpToBlock(size)), data_(static_cast<char*>(std::aligned_alloc(kBlockSize, size_))) {
        if (data_ == nullptr) throw std::bad_alloc();
    }
    ~AlignedBuffer() { std::free(data_); }
    AlignedBuffer(const AlignedBuffer&) = delete;
    AlignedBuffer& operator=(const AlignedBuffer&) = delete;

    char* data() { return data_; }
    size_t size() const { return size_; }
    std::span<char> span() { return {data_, size_}; }
    base::ByteView view() const { return {data_, size_}; }

  private:
    const size_t size_;
    char* const data_;
};

}  // namespace wellhead::storage::file
