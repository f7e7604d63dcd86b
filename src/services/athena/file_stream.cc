#include "services/athena/file_stream.h"

#include <algorithm>

namespace wellhead::services::athena {
namespace {

constexpr uint64_t kPieceBytes = uint64_t{1} << 20;

class FileStream final : public api::ByteStream {
  public:
    FileStream(env::BlockingPool& pool, std::shared_ptr<env::File> file, uint64_t size) : pool_(pool), file_(std::move(file)), size_(size) {}

    env::Task<base::Result<base::Bytes>> Read() override {
        const auto read = [this]() -> base::Result<base::Bytes> {
            base::Bytes piece(std::min(kPieceBytes, size_ - offset_), '\0');
            if (piece.empty()) return piece;
            ASSIGN_OR_RETURN(const size_t got, file_->ReadAt(offset_, piece));
            if (got != piece.size()) return base::Fail(base::ErrorCode::kIo, "a result file became shorter");
            offset_ += got;
            return piece;
        };
        co_return co_await env::RunBlocking(pool_, read);
    }
    std::optional<uint64_t> length() const override { return size_; }
    std::optional<FilePart> file_part() const override { return FilePart{file_, offset_, size_ - offset_}; }

  private:
    env::BlockingPool& pool_;
    const std::shared_ptr<env::File> file_;
    const uint64_t size_;
    uint64_t offset_ = 0;
};

}  // namespace

base::Result<api::StreamBody> OpenFileStream(env::Files& files, env::BlockingPool& pool, const std::string& path) {
    ASSIGN_OR_RETURN(auto opened, files.Open(path, env::OpenMode::kRead));
    std::shared_ptr<env::File> file = std::move(opened);
    ASSIGN_OR_RETURN(const uint64_t size, file->Size());
    return api::StreamBody(std::make_unique<FileStream>(pool, std::move(file), size));
}

}  // namespace wellhead::services::athena
