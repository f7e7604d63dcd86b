#include "base/check.h"
#include "codec/crc.h"
#include "storage/object_store/file/core.h"

namespace wellhead::storage::file {

namespace {

using base::ErrorCode;
using base::Result;

// What is kept in memory before a file is begun, and written at once after that.
constexpr size_t kBufferBytes = 1 << 20;

class FileWriter final : public ObjectWriter {
  public:
    FileWriter(std::shared_ptr<Core> core, std::string bucket)
        : core_(std::move(core)), bucket_(std::move(bucket)), generation_(core_->NextGeneration()) {}

    ~FileWriter() override {
        if (file_ == nullptr) return;
        file_.reset();
        core_->RemoveLater(core_->StagingPath(generation_));
    }

    env::Task<Result<void>> Write(base::Bytes piece) override {
        CHECK(!committed_);
        size_ += piece.size();
        if (buffer_.empty()) {
            buffer_ = std::move(piece);
        } else {
            buffer_ += piece;
        }
        if (buffer_.size() < kBufferBytes) co_return Result<void>();
        auto flush = [this] { return Flush(); };
        co_return co_await env::RunBlocking(core_->deps().pool, flush);
    }

    uint64_t size_bytes() const override { return size_; }
    uint64_t crc64nvme() const override { return codec::Crc64Nvme(buffer_, flushed_crc_); }

    env::Task<Result<ObjectMetadata>> Commit(base::Bytes key, base::Bytes attributes,
                                             ObjectCondition condition, Naming naming) override {
        CHECK(!committed_);
        committed_ = true;
        if (file_ == nullptr && buffer_.size() <= kLargestSmallBytes) {
            co_return co_await CommitSmall(std::move(key), std::move(attributes), condition, naming);
        }
        const std::string path = core_->PathOf(bucket_, key, generation_);
        auto finish = [this, &path] { return Finish(path); };
        auto finished = co_await env::RunBlocking(core_->deps().pool, finish);
        if (!finished) co_return std::unexpected(finished.error());
        ObjectMetadata metadata{generation_, size_, core_->deps().clock.Now(), flushed_crc_, std::move(attributes)};
        auto installed = co_await core_->Install(bucket_, std::move(key), std::move(metadata), nullptr, condition, naming);
        if (!installed) {
            // After an I/O error the index may yet turn out to name this file.
            ErrorCode code = installed.error().code;
            if (code != ErrorCode::kIo && code != ErrorCode::kReadOnly) core_->RemoveLater(path);
        }
        co_return installed;
    }

  private:
    env::Task<Result<ObjectMetadata>> CommitSmall(base::Bytes key, base::Bytes attributes,
                                                  ObjectCondition condition, Naming naming) {
        auto contents = std::make_shared<const base::Bytes>(std::move(buffer_));
        ObjectMetadata metadata{generation_, size_, core_->deps().clock.Now(), codec::Crc64Nvme(*contents),
                                std::move(attributes)};
        co_return co_await core_->Install(bucket_, std::move(key), std::move(metadata), std::move(contents), condition,
                                          naming);
    }

    Result<void> Flush() {
        if (file_ == nullptr) {
            ASSIGN_OR_RETURN(file_, core_->deps().files.Open(core_->StagingPath(generation_),
                                                             env::OpenMode::kCreateNew));
        }
        flushed_crc_ = codec::Crc64Nvme(buffer_, flushed_crc_);
        RETURN_IF_ERROR(file_->WriteAt(flushed_bytes_, buffer_));
        flushed_bytes_ += buffer_.size();
        buffer_.clear();
        return {};
    }

    // The name comes before the flush, so that one commit of the file system's journal carries both. A name without an
    // index entry is seen by nobody.
    Result<void> Finish(const std::string& path) {
        RETURN_IF_ERROR(Flush());
        RETURN_IF_ERROR(core_->PutInPlace(core_->StagingPath(generation_), path, false));
        auto synced = file_->Sync();
        if (synced) synced = core_->deps().files.SyncDirectory(path.substr(0, path.rfind('/')));
        file_.reset();
        if (!synced) core_->RemoveFile(path);
        return synced;
    }

    const std::shared_ptr<Core> core_;
    const std::string bucket_;
    const uint64_t generation_;
    base::Bytes buffer_;
    uint64_t size_ = 0;
    uint64_t flushed_bytes_ = 0;
    uint64_t flushed_crc_ = 0;
    std::unique_ptr<env::File> file_;
    bool committed_ = false;
};

}  // namespace

std::unique_ptr<ObjectWriter> MakeFileWriter(std::shared_ptr<Core> core, std::string bucket) {
    return std::make_unique<FileWriter>(std::move(core), std::move(bucket));
}

}  // namespace wellhead::storage::file
