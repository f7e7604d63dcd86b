#include "api/service.h"

namespace wellhead::api {

namespace {

class BytesStream final : public ByteStream {
  public:
    explicit BytesStream(base::Bytes bytes) : length_(bytes.size()), bytes_(std::move(bytes)) {}
    env::Task<base::Result<base::Bytes>> Read() override {
        base::Bytes all = std::move(bytes_);
        bytes_.clear();
        co_return all;
    }
    std::optional<uint64_t> length() const override { return length_; }

  private:
    const uint64_t length_;
    base::Bytes bytes_;
};

}  // namespace

StreamBody MakeByteStream(base::Bytes bytes) { return std::make_unique<BytesStream>(std::move(bytes)); }

}  // namespace wellhead::api
