#pragma once
// A part of a file as a body: sent without copying where the transport can, read in pieces where not.

#include "api/service.h"
#include "env/blocking_pool.h"

namespace wellhead::services::s3 {

class FileBody final : public api::ByteStream {
  public:
    FileBody(env::BlockingPool& pool, std::shared_ptr<env::File> file, uint64_t offset, uint64_t length)
        : pool_(pool), file_(std::move(file)), offset_(offset), length_(length) {}

    env::Task<base::Result<base::Bytes>> Read() override;
    std::optional<uint64_t> length() const override { return length_; }
    std::optional<FilePart> file_part() const override { return FilePart{file_, offset_, length_}; }

  private:
    env::BlockingPool& pool_;
    const std::shared_ptr<env::File> file_;
    const uint64_t offset_;
    const uint64_t length_;
    uint64_t done_ = 0;
};

}  // namespace wellhead::services::s3
