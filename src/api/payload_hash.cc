#include "api/body_filters.h"

namespace wellhead::api {

namespace {

class PayloadHashFilter final : public ByteStream {
  public:
    PayloadHashFilter(StreamBody raw, std::string expected) : raw_(std::move(raw)), expected_(std::move(expected)) {}

    env::Task<base::Result<base::Bytes>> Read() override {
        auto piece = co_await raw_->Read();
        if (!piece) co_return piece;
        if (!piece->empty()) {
            hash_.Update(*piece);
            co_return piece;
        }
        if (!checked_) {
            checked_ = true;
            holds_ = DigestHex(hash_.Final()) == expected_;
        }
        if (!holds_) {
            co_return base::Fail(base::ErrorCode::kConflict,
                                 "The provided 'x-amz-content-sha256' header does not match what was computed.");
        }
        co_return base::Bytes();
    }
    std::optional<uint64_t> length() const override { return raw_->length(); }
    std::vector<std::pair<std::string, std::string>> trailers() const override { return raw_->trailers(); }

  private:
    const StreamBody raw_;
    const std::string expected_;
    Sha256 hash_;
    bool checked_ = false;
    bool holds_ = false;
};

}  // namespace

StreamBody MakePayloadHashFilter(StreamBody raw, std::string sha256_hex) {
    return std::make_unique<PayloadHashFilter>(std::move(raw), std::move(sha256_hex));
}

}  // namespace wellhead::api
