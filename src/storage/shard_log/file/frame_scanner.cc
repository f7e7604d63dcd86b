#include "storage/shard_log/file/frame_scanner.h"

#include <algorithm>

#include "codec/crc.h"

namespace wellhead::storage::file {

namespace {

constexpr size_t kReadAhead = 256 << 10;

bool AllZero(base::ByteView bytes) { return bytes.find_first_not_of('\0') == base::ByteView::npos; }

}  // namespace

base::Result<base::ByteView> FrameScanner::Window(size_t size) {
    bool inside = position_ >= buffer_position_ && position_ + size <= buffer_position_ + buffer_size_;
    if (!inside) {
        buffer_.resize(std::max(size, kReadAhead));
        ASSIGN_OR_RETURN(buffer_size_, file_.ReadAt(position_, buffer_));
        buffer_position_ = position_;
    }
    size_t skipped = position_ - buffer_position_;
    return base::ByteView(buffer_.data() + skipped, std::min(size, buffer_size_ - skipped));
}

void FrameScanner::StepOver(base::ByteView block) {
    position_ += kBlockSize;
    stepped_ += kBlockSize;
    if (AllZero(block)) {
        zeroes_ += kBlockSize;
    } else {
        zeroes_ = 0;
        rubble_.bytes = stepped_;
    }
}

base::Result<std::optional<ScannedFrame>> FrameScanner::Next() {
    if (position_ == UINT64_MAX) position_ = range_.position;
    stepped_ = 0;
    zeroes_ = 0;
    rubble_ = {};
    while (position_ < range_.limit && zeroes_ < range_.stop_after_zeroes) {
        ASSIGN_OR_RETURN(base::ByteView block, Window(kBlockSize));
        if (block.empty()) break;
        auto header = DecodeFrameHeader(block);
        FramePlace place{log_key_, segment_, static_cast<uint32_t>(position_ / kBlockSize)};
        if (!header || header->place != place) {
            StepOver(block);
            continue;
        }
        ASSIGN_OR_RETURN(base::ByteView frame, Window(kFrameHeaderSize + header->payload_bytes));
        base::ByteView payload = frame.substr(std::min(frame.size(), kFrameHeaderSize));
        if (payload.size() != header->payload_bytes || codec::Crc32c(payload) != header->payload_crc) {
            rubble_.torn_next = std::max(rubble_.torn_next.value_or(0), header->next());
            StepOver(frame.substr(0, kBlockSize));
            continue;
        }
        ScannedFrame found{*header, payload, position_};
        position_ += header->size_on_disk();
        return found;
    }
    return std::nullopt;
}

}  // namespace wellhead::storage::file
