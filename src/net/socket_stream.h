#pragma once
// Stream over a TCP socket.

#include "net/deadline_sweeper.h"
#include "net/readiness.h"
#include "net/stream.h"

namespace wellhead::net {

class SocketStream final : public Stream {
  public:
    // The descriptor of a connected TCP socket, which becomes the stream's own.
    SocketStream(env::Executor executor, int descriptor, StreamOrigin origin);
    ~SocketStream() override { Close(); }

    base::Result<std::optional<size_t>> TryRead(std::span<char> out) override;
    base::Result<size_t> TryWrite(std::span<const base::ByteView> pieces) override;
    base::Result<size_t> TrySendFile(env::File& file, uint64_t offset, size_t length) override;
    env::Task<base::Result<void>> WaitReadable() override { return Wait(Readiness::kRead); }
    env::Task<base::Result<void>> WaitWritable() override { return Wait(Readiness::kWrite); }
    void LimitRead(base::Duration limit) override { read_deadline_.ExpiresAfter(limit); }
    void LimitWrite(base::Duration limit) override { write_deadline_.ExpiresAfter(limit); }
    void CloseWrite() override;
    void Close() override;
    const StreamOrigin& origin() const override { return origin_; }
    env::Executor executor() const override { return executor_; }

    // The first byte, without taking it. kUnavailable at the end.
    env::Task<base::Result<unsigned char>> PeekByte();
    bool closed() const { return closed_; }
    // False: TryRead would give nothing now.
    bool may_read() const { return readiness_.ready(Readiness::kRead); }

  private:
    env::Task<base::Result<void>> Wait(Readiness::Side side);

    const env::Executor executor_;
    const int descriptor_;
    bool closed_ = false;
    StreamOrigin origin_;
    Readiness readiness_;
    Deadline read_deadline_;
    Deadline write_deadline_;
};

// What went wrong with a socket, by errno.
base::Error SocketError(int error);

}  // namespace wellhead::net
