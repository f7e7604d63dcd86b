#include <fmt/format.h>

#include "codec/crc.h"
#include "storage/object_store/file/core.h"

namespace wellhead::storage::file {

namespace {

using base::ErrorCode;
using base::Result;

class FileObject final : public StoredObject {
  public:
    FileObject(std::shared_ptr<Core> core, std::string path, ObjectMetadata metadata)
        : core_(std::move(core)), path_(std::move(path)), metadata_(std::move(metadata)) {
        core_->generations().Pin(metadata_.generation);
    }
    ~FileObject() override { core_->generations().Unpin(metadata_.generation); }

    const ObjectMetadata& metadata() const override { return metadata_; }
    env::Task<Result<std::string>> Path() const override { co_return path_; }
    const std::string& file_path() const override { return path_; }
    std::shared_ptr<const base::Bytes> small_contents() const override { return nullptr; }

    Result<std::shared_ptr<env::File>> Open() const override {
        auto file = core_->deps().files.Open(path_, env::OpenMode::kRead);
        if (!file) {
            if (file.error().code != ErrorCode::kNotFound) return std::unexpected(file.error());
            return base::Fail(ErrorCode::kCorrupt, "the index names a file that is gone: " + path_);
        }
        ASSIGN_OR_RETURN(uint64_t size, (*file)->Size());
        if (size != metadata_.size_bytes) {
            return base::Fail(ErrorCode::kCorrupt, fmt::format("{} has {} bytes, its index entry says {}", path_,
                                                               size, metadata_.size_bytes));
        }
        return std::shared_ptr<env::File>(std::move(*file));
    }

    Result<void> Verify() const override {
        if (core_->IsVerified(metadata_.generation)) return {};
        ASSIGN_OR_RETURN(auto file, Open());
        base::Bytes piece(std::min<uint64_t>(metadata_.size_bytes, 1 << 20), '\0');
        uint64_t crc = 0;
        for (uint64_t at = 0; at < metadata_.size_bytes;) {
            ASSIGN_OR_RETURN(size_t read, file->ReadAt(at, piece));
            if (read == 0) break;
            crc = codec::Crc64Nvme(base::ByteView(piece).substr(0, read), crc);
            at += read;
        }
        if (crc != metadata_.crc64nvme) {
            return base::Fail(ErrorCode::kCorrupt, path_ + " is damaged: its checksum does not hold");
        }
        core_->SetVerified(metadata_.generation);
        return {};
    }

  private:
    const std::shared_ptr<Core> core_;
    const std::string path_;
    const ObjectMetadata metadata_;
};

}  // namespace

std::shared_ptr<const Object> MakeFileObject(std::shared_ptr<Core> core, std::string path,
                                             ObjectMetadata metadata) {
    return std::make_shared<FileObject>(std::move(core), std::move(path), std::move(metadata));
}

}  // namespace wellhead::storage::file
