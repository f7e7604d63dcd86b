#pragma once
// A connection as bytes in both directions, plain or TLS. HTTP, WebSocket and MQTT are spoken on it.

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "env/files.h"
#include "env/task.h"
#include "net/address.h"

namespace wellhead::net {

// What was learned while the connection was made; does not change.
struct StreamOrigin {
    PeerAddress peer;
    bool tls = false;
    bool resumed = false;                // an abbreviated TLS handshake, by session ticket
    std::string server_name;             // SNI, empty without
    std::string alpn;                    // the protocol agreed on, empty without
    base::Bytes client_certificate_der;  // empty without mutual TLS; possession of its key was proven, trust was not
};

// Used on its home executor only. One task may read while another writes. A pending wait keeps a reference: the stream
// outlives it. Errors: kUnavailable (the other side broke off), kTimeout (a limit below passed), kCancelled (closed
// from our side, or the task was cancelled), kIo.
class Stream {
  public:
    virtual ~Stream() = default;

    // What is there now, without waiting: the number of bytes put into out, 0 at the end of the stream, nothing when
    // there is nothing now (then WaitReadable). Needs out.size() > 0.
    virtual base::Result<std::optional<size_t>> TryRead(std::span<char> out) = 0;
    // Writes pieces as far as the transport takes them now, without waiting; the number of bytes taken. When that is
    // less than all, the next write must begin with the rest, unchanged: TLS has sealed it already.
    virtual base::Result<size_t> TryWrite(std::span<const base::ByteView> pieces) = 0;
    // As TryWrite, from a file by the kernel. kUnsupported where the transport has to see the bytes (TLS, memory).
    virtual base::Result<size_t> TrySendFile(env::File& file, uint64_t offset, size_t length);

    // Returns when TryRead would give something, the end or an error. At once if it would now. Seldom too early: then
    // TryRead gives nothing, and the next wait is a real one.
    virtual env::Task<base::Result<void>> WaitReadable() = 0;
    // Returns when TryWrite may take something after it took less than was offered.
    virtual env::Task<base::Result<void>> WaitWritable() = 0;

    // From now, this long: pending and later waits of that side end with kTimeout once it has passed, until it is set
    // anew. Coarse (a tenth of a second) and cheap enough for every read. kNoLimit takes it away.
    static constexpr base::Duration kNoLimit = base::Duration::max();
    virtual void LimitRead(base::Duration limit) = 0;
    virtual void LimitWrite(base::Duration limit) = 0;

    // No more will be written; the other side reads the end. What it still sends can be read.
    virtual void CloseWrite() = 0;
    // Ends both directions at once; pending waits end with kCancelled. Again is no harm.
    virtual void Close() = 0;

    virtual const StreamOrigin& origin() const = 0;
    virtual env::Executor executor() const = 0;
};

// The next bytes, waiting for them; 0 at the end.
env::Task<base::Result<size_t>> ReadSome(Stream& stream, std::span<char> out);
// All of it. The bytes stay valid until it returns.
env::Task<base::Result<void>> Write(Stream& stream, base::ByteView data);
// All pieces in order; changes the views while it goes.
env::Task<base::Result<void>> Write(Stream& stream, std::span<base::ByteView> pieces);

// What a listener does with a connection.
class StreamHandler {
  public:
    virtual ~StreamHandler() = default;
    // Runs for the life of the connection, on its executor; the stream is closed and destroyed when it returns.
    virtual env::Task<void> Serve(Stream& stream) = 0;
};

}  // namespace wellhead::net
