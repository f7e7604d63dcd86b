#include "net/socket_stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "base/check.h"

namespace wellhead::net {

namespace {

constexpr size_t kMaxPieces = 64;

// sendfile and OpenSSL's writes have no MSG_NOSIGNAL: a client that went away would end the program. A child process that
// is started inherits this and resets it where it matters.
void IgnoreBrokenPipes() {
    static const bool ignored = std::signal(SIGPIPE, SIG_IGN) != SIG_ERR;
    CHECK(ignored);
}

void WakeReader(void* readiness) { static_cast<Readiness*>(readiness)->Wake(Readiness::kRead); }
void WakeWriter(void* readiness) { static_cast<Readiness*>(readiness)->Wake(Readiness::kWrite); }

}  // namespace

base::Error SocketError(int error) {
    using base::ErrorCode;
    ErrorCode code = ErrorCode::kIo;
    switch (error) {
        case ECONNRESET:
        case EPIPE:
        case ECONNREFUSED:
        case EHOSTUNREACH:
        case ENETUNREACH:
        case ENOTCONN:
        case ECONNABORTED:
        case ETIMEDOUT: code = ErrorCode::kUnavailable; break;
        case EMFILE:
        case ENFILE:
        case ENOBUFS:
        case ENOMEM: code = ErrorCode::kLimit; break;
        case EBADF: code = ErrorCode::kCancelled; break;
        default: break;
    }
    return {code, std::strerror(error)};
}

SocketStream::SocketStream(env::Executor executor, int descriptor, StreamOrigin origin)
    : executor_(std::move(executor)),
      descriptor_(descriptor),
      origin_(std::move(origin)),
      readiness_(executor_, descriptor),
      read_deadline_(executor_, WakeReader, &readiness_),
      write_deadline_(executor_, WakeWriter, &readiness_) {
    IgnoreBrokenPipes();
    const int on = 1;
    (void)::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (!readiness_.registered()) Close();
}

base::Result<std::optional<size_t>> SocketStream::TryRead(std::span<char> out) {
    for (;;) {
        if (closed_) return base::Fail(base::ErrorCode::kCancelled, "closed");
        ssize_t size = ::recv(descriptor_, out.data(), out.size(), MSG_DONTWAIT);
        if (size >= 0) {
            if (static_cast<size_t>(size) < out.size()) readiness_.Drained(Readiness::kRead);
            return std::optional<size_t>(static_cast<size_t>(size));
        }
        if (errno == EINTR) continue;
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            readiness_.Drained(Readiness::kRead);
            return std::optional<size_t>();
        }
        return std::unexpected(SocketError(errno));
    }
}

base::Result<size_t> SocketStream::TryWrite(std::span<const base::ByteView> pieces) {
    size_t taken = 0;
    while (!pieces.empty()) {
        if (closed_) return base::Fail(base::ErrorCode::kCancelled, "closed");
        iovec parts[kMaxPieces];
        size_t count = std::min(pieces.size(), kMaxPieces);
        size_t offered = 0;
        for (size_t i = 0; i < count; ++i) {
            parts[i] = {const_cast<char*>(pieces[i].data()), pieces[i].size()};
            offered += pieces[i].size();
        }
        msghdr message{};
        message.msg_iov = parts;
        message.msg_iovlen = count;
        // One piece, mostly: a cheaper call.
        ssize_t size = count == 1 ? ::send(descriptor_, parts[0].iov_base, offered, MSG_DONTWAIT | MSG_NOSIGNAL)
                                  : ::sendmsg(descriptor_, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0 && errno != EAGAIN && errno != EWOULDBLOCK) return std::unexpected(SocketError(errno));
        if (size > 0) taken += static_cast<size_t>(size);
        if (size < static_cast<ssize_t>(offered)) {
            readiness_.Drained(Readiness::kWrite);
            return taken;
        }
        pieces = pieces.subspan(count);
    }
    return taken;
}

base::Result<size_t> SocketStream::TrySendFile(env::File& file, uint64_t offset, size_t length) {
    if (file.descriptor() < 0) return Stream::TrySendFile(file, offset, length);
    for (;;) {
        if (closed_) return base::Fail(base::ErrorCode::kCancelled, "closed");
        off_t at = static_cast<off_t>(offset);
        ssize_t size = ::sendfile(descriptor_, file.descriptor(), &at, length);
        // A short one need not mean a full socket: only EAGAIN says so.
        if (size > 0) return static_cast<size_t>(size);
        if (size == 0 && length > 0) return base::Fail(base::ErrorCode::kIo, "the file ends early");
        if (size == 0) return size_t{0};
        if (errno == EINTR) continue;
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            readiness_.Drained(Readiness::kWrite);
            return size_t{0};
        }
        return std::unexpected(SocketError(errno));
    }
}

env::Task<base::Result<void>> SocketStream::Wait(Readiness::Side side) {
    const Deadline& deadline = side == Readiness::kRead ? read_deadline_ : write_deadline_;
    for (;;) {
        if (closed_) co_return base::Fail(base::ErrorCode::kCancelled, "closed");
        if (deadline.due()) co_return base::Fail(base::ErrorCode::kTimeout, "the other side is too slow");
        if (readiness_.ready(side)) co_return base::Result<void>();
        auto cancellation = co_await boost::asio::this_coro::cancellation_state;
        if (cancellation.cancelled() != boost::asio::cancellation_type::none) {
            co_return base::Fail(base::ErrorCode::kCancelled, "cancelled");
        }
        co_await readiness_.Wait(side);
    }
}

void SocketStream::CloseWrite() {
    if (!closed_) ::shutdown(descriptor_, SHUT_WR);
}

void SocketStream::Close() {
    if (closed_) return;
    closed_ = true;
    readiness_.Close();
    ::close(descriptor_);
}

env::Task<base::Result<unsigned char>> SocketStream::PeekByte() {
    for (;;) {
        CO_RETURN_IF_ERROR(co_await WaitReadable());
        unsigned char byte = 0;
        if (closed_) co_return base::Fail(base::ErrorCode::kCancelled, "closed");
        ssize_t size = ::recv(descriptor_, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
        if (size == 1) co_return byte;
        if (size == 0) co_return base::Fail(base::ErrorCode::kUnavailable, "closed before the first byte");
        if (errno != EINTR && errno != EAGAIN) co_return std::unexpected(SocketError(errno));
        if (errno == EAGAIN) readiness_.Drained(Readiness::kRead);
    }
}

}  // namespace wellhead::net
