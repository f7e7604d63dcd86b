#include "storage/shard_log/file/segment_writer.h"

#include <fmt/format.h>

#include <algorithm>

namespace wellhead::storage::file {

namespace {

// Left to the rest of the program on a disk that runs full.
constexpr uint64_t kKeptFree = 16 << 20;
constexpr base::Duration kQuickFill = std::chrono::minutes(1);

}  // namespace

base::Result<void> SegmentWriter::Resume(uint32_t number) {
    ASSIGN_OR_RETURN(file_, files_.Open(SegmentPath(directory_, number), env::OpenMode::kDirectDurable));
    ASSIGN_OR_RETURN(size_, file_->Size());
    size_ = size_ / kBlockSize * kBlockSize;
    number_ = number;
    begun_ = clock_.Ticks();
    std::lock_guard lock(prepare_mutex_);
    next_size_ = std::clamp(RoundUpToBlock(size_), sizes_.smallest, sizes_.largest);
    last_number_ = number;
    return {};
}

base::Result<SegmentWriter::Prepared> SegmentWriter::Make(uint32_t number, uint64_t needed) {
    needed = RoundUpToBlock(needed);
    ASSIGN_OR_RETURN(uint64_t free, files_.FreeSpace(directory_));
    uint64_t size = std::max(next_size_, needed);
    while (size / 2 >= std::max(needed, sizes_.smallest) && size + kKeptFree > free) size /= 2;
    size = RoundUpToBlock(size);
    std::string path = SegmentPath(directory_, number);
    ASSIGN_OR_RETURN(auto file, files_.Open(path, env::OpenMode::kDirectDurable));
    auto allocated = file->Preallocate(size);
    if (!allocated) {
        // Give back what a full disk took.
        file.reset();
        (void)files_.Remove(path);
        return std::unexpected(allocated.error());
    }
    RETURN_IF_ERROR(files_.SyncDirectory(directory_));
    ASSIGN_OR_RETURN(uint64_t made, file->Size());
    return Prepared{number, std::move(file), made / kBlockSize * kBlockSize};
}

base::Result<void> SegmentWriter::Prepare(uint64_t needed) {
    std::lock_guard lock(prepare_mutex_);
    if (prepared_ && prepared_->size >= needed) return {};
    uint32_t number = prepared_ ? prepared_->number : last_number_ + 1;
    prepared_.reset();
    ASSIGN_OR_RETURN(prepared_, Make(number, needed));
    last_number_ = number;
    return {};
}

base::Result<void> SegmentWriter::Roll(uint64_t needed) {
    RETURN_IF_ERROR(Prepare(needed));
    std::lock_guard lock(prepare_mutex_);
    file_ = std::move(prepared_->file);
    size_ = prepared_->size;
    number_ = prepared_->number;
    prepared_.reset();
    base::Tick now = clock_.Ticks();
    if (begun_ != base::Tick{} && now - begun_ < kQuickFill) next_size_ = std::min(sizes_.largest, next_size_ * 2);
    begun_ = now;
    return {};
}

}  // namespace wellhead::storage::file
