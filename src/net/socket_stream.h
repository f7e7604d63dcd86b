#pragma once
// Stream over a TCP socket.

#include <boost/asio/ip/tcp.hpp>

#include "net/deadline_sweeper.h"
#include "net/stream.h"

namespace wellhead::net {

class SocketStream final : public Stream {
  public:
    // The socket is connected; its executor is the stream's.
    SocketStream(boost::asio::ip::tcp::socket socket, StreamOrigin origin);

    base::Result<std::optional<size_t>> TryRead(std::span<char> out) override;
    base::Result<size_t> TryWrite(std::span<const base::ByteView> pieces) override;
    base::Result<size_t> TrySendFile(env::File& file, uint64_t offset, size_t length) override;
    env::Task<base::Result<void>> WaitReadable() override;
    env::Task<base::Result<void>> WaitWritable() override;
    void LimitRead(base::Duration limit) override { read_deadline_.ExpiresAfter(limit); }
    void LimitWrite(base::Duration limit) override { write_deadline_.ExpiresAfter(limit); }
    void CloseWrite() override;
    void Close() override;
    const StreamOrigin& origin() const override { return origin_; }
    env::Executor executor() const override { return executor_; }

    // The first byte without taking it, once WaitReadable returned; nothing at the end.
    std::optional<unsigned char> PeekByte();
    int descriptor() { return descriptor_; }
    bool closed() const { return closed_; }

  private:
    env::Task<base::Result<void>> Wait(boost::asio::ip::tcp::socket::wait_type what,
                                       const Deadline& deadline);

    boost::asio::ip::tcp::socket socket_;
    const env::Executor executor_;
    const int descriptor_;
    bool closed_ = false;
    StreamOrigin origin_;
    Deadline read_deadline_;
    Deadline write_deadline_;
};

// What went wrong with a socket, by errno.
base::Error SocketError(int error);
PeerAddress PeerOf(const boost::asio::ip::tcp::socket& socket);

}  // namespace wellhead::net
