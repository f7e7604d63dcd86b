#include "storage/object_store/bytes_file.h"

#include <algorithm>
#include <cstring>

namespace wellhead::storage {

namespace {

using base::ErrorCode;
using base::Result;

class BytesFile final : public env::File {
  public:
    explicit BytesFile(std::shared_ptr<const base::Bytes> contents) : contents_(std::move(contents)) {}
    Result<size_t> ReadAt(uint64_t offset, std::span<char> out) override {
        if (offset >= contents_->size()) return size_t{0};
        size_t size = std::min<size_t>(out.size(), contents_->size() - offset);
        std::memcpy(out.data(), contents_->data() + offset, size);
        return size;
    }
    Result<void> WriteAt(uint64_t, base::ByteView) override { return Refuse(); }
    Result<void> Sync() override { return {}; }
    Result<uint64_t> Size() override { return contents_->size(); }
    Result<void> Truncate(uint64_t) override { return Refuse(); }
    Result<void> Preallocate(uint64_t) override { return Refuse(); }
    int descriptor() const override { return -1; }

  private:
    static Result<void> Refuse() { return base::Fail(ErrorCode::kPermission, "an object does not change"); }
    const std::shared_ptr<const base::Bytes> contents_;
};

}  // namespace

std::shared_ptr<env::File> MakeBytesFile(std::shared_ptr<const base::Bytes> contents) {
    return std::make_shared<BytesFile>(std::move(contents));
}

}  // namespace wellhead::storage
