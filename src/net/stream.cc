#include "net/stream.h"

namespace wellhead::net {

base::Result<size_t> Stream::TrySendFile(env::File&, uint64_t, size_t) {
    return base::Fail(base::ErrorCode::kUnsupported, "this transport has to see the bytes");
}

env::Task<base::Result<size_t>> ReadSome(Stream& stream, std::span<char> out) {
    for (;;) {
        auto size = stream.TryRead(out);
        if (!size) co_return std::unexpected(size.error());
        if (*size) co_return **size;
        CO_RETURN_IF_ERROR(co_await stream.WaitReadable());
    }
}

env::Task<base::Result<void>> Write(Stream& stream, base::ByteView data) {
    base::ByteView pieces[1] = {data};
    co_return co_await Write(stream, std::span<base::ByteView>(pieces));
}

env::Task<base::Result<void>> Write(Stream& stream, std::span<base::ByteView> pieces) {
    for (;;) {
        while (!pieces.empty() && pieces.front().empty()) pieces = pieces.subspan(1);
        if (pieces.empty()) co_return base::Result<void>();
        auto taken = stream.TryWrite(pieces);
        if (!taken) co_return std::unexpected(taken.error());
        size_t rest = *taken;
        while (rest > 0) {
            size_t step = std::min(rest, pieces.front().size());
            pieces.front().remove_prefix(step);
            rest -= step;
            if (pieces.front().empty()) pieces = pieces.subspan(1);
        }
        if (pieces.empty()) co_return base::Result<void>();
        CO_RETURN_IF_ERROR(co_await stream.WaitWritable());
    }
}

}  // namespace wellhead::net
