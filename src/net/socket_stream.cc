#include "net/socket_stream.h"

#include <netinet/in.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <boost/asio/as_tuple.hpp>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "base/check.h"

namespace wellhead::net {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr size_t kMaxPieces = 64;

// sendfile and OpenSSL's writes have no MSG_NOSIGNAL: a client that went away would end the program. A child process that
// is started inherits this and resets it where it matters.
void IgnoreBrokenPipes() {
    static const bool ignored = std::signal(SIGPIPE, SIG_IGN) != SIG_ERR;
    CHECK(ignored);
}

void WakeWaiters(void* socket) {
    boost::system::error_code ignored;
    static_cast<tcp::socket*>(socket)->cancel(ignored);
}

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

PeerAddress PeerOf(const tcp::socket& socket) {
    boost::system::error_code error;
    tcp::endpoint endpoint = socket.remote_endpoint(error);
    if (error) return {};
    return {endpoint.address().to_string(), endpoint.port()};
}

SocketStream::SocketStream(tcp::socket socket, StreamOrigin origin)
    : socket_(std::move(socket)),
      executor_(socket_.get_executor()),
      descriptor_(socket_.native_handle()),
      origin_(std::move(origin)),
      read_deadline_(executor_, WakeWaiters, &socket_),
      write_deadline_(executor_, WakeWaiters, &socket_) {
    IgnoreBrokenPipes();
    boost::system::error_code ignored;
    socket_.set_option(tcp::no_delay(true), ignored);
    socket_.native_non_blocking(true, ignored);
}

base::Result<std::optional<size_t>> SocketStream::TryRead(std::span<char> out) {
    for (;;) {
        if (closed_) return base::Fail(base::ErrorCode::kCancelled, "closed");
        ssize_t size = ::recv(descriptor_, out.data(), out.size(), MSG_DONTWAIT);
        if (size >= 0) return std::optional<size_t>(static_cast<size_t>(size));
        if (errno == EINTR) continue;
        if (errno == EAGAIN || errno == EWOULDBLOCK) return std::optional<size_t>();
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
        ssize_t size = ::sendmsg(descriptor_, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (size < 0) {
            if (errno == EINTR) continue;
            if (errno == EAGAIN || errno == EWOULDBLOCK) return taken;
            return std::unexpected(SocketError(errno));
        }
        taken += static_cast<size_t>(size);
        if (static_cast<size_t>(size) < offered) return taken;
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
        if (size > 0) return static_cast<size_t>(size);
        if (size == 0 && length > 0) return base::Fail(base::ErrorCode::kIo, "the file ends early");
        if (size == 0) return size_t{0};
        if (errno == EINTR) continue;
        if (errno == EAGAIN || errno == EWOULDBLOCK) return size_t{0};
        return std::unexpected(SocketError(errno));
    }
}

env::Task<base::Result<void>> SocketStream::Wait(tcp::socket::wait_type what,
                                                 const Deadline& deadline) {
    for (;;) {
        if (closed_) co_return base::Fail(base::ErrorCode::kCancelled, "closed");
        if (deadline.due()) co_return base::Fail(base::ErrorCode::kTimeout, "the other side is too slow");
        auto [error] = co_await socket_.async_wait(what, asio::as_tuple(asio::use_awaitable));
        if (!error) co_return base::Result<void>();
        auto cancellation = co_await asio::this_coro::cancellation_state;
        if (cancellation.cancelled() != asio::cancellation_type::none) {
            co_return base::Fail(base::ErrorCode::kCancelled, "cancelled");
        }
        // Aborted, but not for this side's deadline: the other side's passed. Wait on.
        if (error != asio::error::operation_aborted) co_return std::unexpected(SocketError(error.value()));
    }
}

env::Task<base::Result<void>> SocketStream::WaitReadable() {
    return Wait(tcp::socket::wait_read, read_deadline_);
}

env::Task<base::Result<void>> SocketStream::WaitWritable() {
    return Wait(tcp::socket::wait_write, write_deadline_);
}

void SocketStream::CloseWrite() {
    if (!closed_) ::shutdown(descriptor_, SHUT_WR);
}

void SocketStream::Close() {
    if (closed_) return;
    closed_ = true;
    boost::system::error_code ignored;
    socket_.close(ignored);
}

std::optional<unsigned char> SocketStream::PeekByte() {
    unsigned char byte = 0;
    if (closed_ || ::recv(descriptor_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 1) return std::nullopt;
    return byte;
}

}  // namespace wellhead::net
