#include "storage/shard_log/file/state_file.h"

#include <cstring>

#include "codec/crc.h"

namespace wellhead::storage::file {

namespace {

constexpr uint64_t kMagic = 0x31'74'73'67'6f'6c'68'77;  // "whlogst1"

// As it lies in the file.
struct Slot {
    uint64_t magic;
    uint64_t sequence;
    uint64_t log_key;
    uint64_t next;
    uint32_t removed;
    uint32_t crc;  // of all before it
};
static_assert(sizeof(Slot) == 40);

uint32_t CrcOf(const Slot& slot) {
    return codec::Crc32c({reinterpret_cast<const char*>(&slot), offsetof(Slot, crc)});
}

}  // namespace

base::Result<std::unique_ptr<StateFile>> StateFile::Open(env::Files& files, const std::string& path) {
    ASSIGN_OR_RETURN(auto file, files.Open(path, env::OpenMode::kDirectDurable));
    ASSIGN_OR_RETURN(uint64_t size, file->Size());
    if (size < 2 * kBlockSize) RETURN_IF_ERROR(file->Preallocate(2 * kBlockSize));
    auto opened = std::unique_ptr<StateFile>(new StateFile(std::move(file)));
    AlignedBuffer buffer(2 * kBlockSize);
    ASSIGN_OR_RETURN(size_t read, opened->file_->ReadAt(0, buffer.span()));
    for (size_t at = 0; at + kBlockSize <= read; at += kBlockSize) {
        Slot slot;
        std::memcpy(&slot, buffer.data() + at, sizeof slot);
        if (slot.magic != kMagic || slot.crc != CrcOf(slot) || slot.sequence < opened->sequence_) continue;
        opened->sequence_ = slot.sequence;
        opened->state_ = LogState{slot.log_key, slot.next, slot.removed != 0};
    }
    return opened;
}

base::Result<void> StateFile::Write(const LogState& state) {
    Slot slot{kMagic, sequence_ + 1, state.log_key, state.next, state.removed ? 1u : 0u, 0};
    slot.crc = CrcOf(slot);
    AlignedBuffer buffer(kBlockSize);
    std::memset(buffer.data(), 0, kBlockSize);
    std::memcpy(buffer.data(), &slot, sizeof slot);
    RETURN_IF_ERROR(file_->WriteAt(slot.sequence % 2 * kBlockSize, buffer.view()));
    sequence_ = slot.sequence;
    state_ = state;
    return {};
}

}  // namespace wellhead::storage::file
