#include "net/memory_stream.h"

#include <cstring>

namespace wellhead::net {

using base::ErrorCode;
using base::Result;

struct MemoryStream::Pipe {
    Pipe(const env::Executor& executor, size_t limit) : capacity(limit), readable(executor), writable(executor) {}
    const size_t capacity;
    std::string bytes;
    bool ended = false;   // the writer is done
    bool broken = false;  // the reader is gone
    env::Event readable;
    env::Event writable;

    void Wake() {
        readable.Set();
        writable.Set();
    }
};

MemoryStream::MemoryStream(env::Executor executor, std::shared_ptr<Pipe> in, std::shared_ptr<Pipe> out)
    : executor_(std::move(executor)), in_(std::move(in)), out_(std::move(out)) {}

MemoryStream::~MemoryStream() { Close(); }

std::pair<std::unique_ptr<MemoryStream>, std::unique_ptr<MemoryStream>> MemoryStream::MakePair(
    env::Executor executor, size_t capacity) {
    auto there = std::make_shared<Pipe>(executor, capacity);
    auto back = std::make_shared<Pipe>(executor, capacity);
    return {std::unique_ptr<MemoryStream>(new MemoryStream(executor, back, there)),
            std::unique_ptr<MemoryStream>(new MemoryStream(executor, there, back))};
}

Result<std::optional<size_t>> MemoryStream::TryRead(std::span<char> out) {
    if (closed_) return base::Fail(ErrorCode::kCancelled, "closed");
    size_t size = std::min(out.size(), in_->bytes.size());
    if (size == 0) return in_->ended ? std::optional<size_t>(0) : std::nullopt;
    std::memcpy(out.data(), in_->bytes.data(), size);
    in_->bytes.erase(0, size);
    in_->writable.Set();
    return std::optional<size_t>(size);
}

Result<size_t> MemoryStream::TryWrite(std::span<const base::ByteView> pieces) {
    if (closed_) return base::Fail(ErrorCode::kCancelled, "closed");
    if (out_->broken || out_->ended) return base::Fail(ErrorCode::kUnavailable, "the other side is gone");
    size_t taken = 0;
    for (const base::ByteView& piece : pieces) {
        size_t room = out_->capacity - std::min(out_->capacity, out_->bytes.size());
        size_t step = std::min(room, piece.size());
        out_->bytes.append(piece.substr(0, step));
        taken += step;
        if (step < piece.size()) break;
    }
    if (taken > 0) out_->readable.Set();
    return taken;
}

env::Task<Result<void>> MemoryStream::WaitReadable() {
    while (!closed_ && !read_late_ && in_->bytes.empty() && !in_->ended) {
        in_->readable.Reset();
        co_await in_->readable.Wait();
        auto cancellation = co_await boost::asio::this_coro::cancellation_state;
        if (cancellation.cancelled() != boost::asio::cancellation_type::none) {
            co_return base::Fail(ErrorCode::kCancelled, "cancelled");
        }
    }
    if (closed_) co_return base::Fail(ErrorCode::kCancelled, "closed");
    if (read_late_) co_return base::Fail(ErrorCode::kTimeout, "the other side is too slow");
    co_return Result<void>();
}

env::Task<Result<void>> MemoryStream::WaitWritable() {
    while (!closed_ && !write_late_ && !out_->broken && out_->bytes.size() >= out_->capacity) {
        out_->writable.Reset();
        co_await out_->writable.Wait();
        auto cancellation = co_await boost::asio::this_coro::cancellation_state;
        if (cancellation.cancelled() != boost::asio::cancellation_type::none) {
            co_return base::Fail(ErrorCode::kCancelled, "cancelled");
        }
    }
    if (closed_) co_return base::Fail(ErrorCode::kCancelled, "closed");
    if (write_late_) co_return base::Fail(ErrorCode::kTimeout, "the other side is too slow");
    co_return Result<void>();
}

void MemoryStream::LimitRead(base::Duration limit) {
    read_limit_ = limit;
    read_late_ = false;
}

void MemoryStream::LimitWrite(base::Duration limit) {
    write_limit_ = limit;
    write_late_ = false;
}

void MemoryStream::PassReadLimit() {
    if (read_limit_ == kNoLimit) return;
    read_late_ = true;
    in_->readable.Set();
}

void MemoryStream::PassWriteLimit() {
    if (write_limit_ == kNoLimit) return;
    write_late_ = true;
    out_->writable.Set();
}

void MemoryStream::CloseWrite() {
    out_->ended = true;
    out_->Wake();
}

void MemoryStream::Close() {
    closed_ = true;
    out_->ended = true;
    in_->broken = true;
    in_->Wake();
    out_->Wake();
}

}  // namespace wellhead::net
