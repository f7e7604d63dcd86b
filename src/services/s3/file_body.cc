#include "services/s3/file_body.h"

namespace wellhead::services::s3 {

namespace {
constexpr uint64_t kPieceBytes = 256 << 10;
}

env::Task<base::Result<base::Bytes>> FileBody::Read() {
    base::Bytes piece(std::min(kPieceBytes, length_ - done_), '\0');
    if (piece.empty()) co_return piece;
    auto read = [this, &piece] { return file_->ReadAt(offset_ + done_, piece); };
    auto size = co_await env::RunBlocking(pool_, read);
    if (!size) co_return std::unexpected(size.error());
    if (*size < piece.size()) {
        co_return base::Fail(base::ErrorCode::kCorrupt, "an object's file became shorter while it was read");
    }
    done_ += piece.size();
    co_return piece;
}

}  // namespace wellhead::services::s3
