#include "api/aws_chunked.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "api/sigv4.h"

namespace wellhead::api {

namespace {

using base::ErrorCode;
using base::Result;

constexpr size_t kLongestLine = 16 * 1024;

std::string_view Trim(std::string_view text) {
    constexpr std::string_view kBlank = " \t\r\n";
    size_t first = text.find_first_not_of(kBlank);
    if (first == text.npos) return {};
    return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::unexpected<base::Error> BadFraming(std::string_view what) {
    return base::Fail(ErrorCode::kInvalidArgument, fmt::format("aws-chunked body: {}", what));
}

std::unexpected<base::Error> BadSignature() {
    return base::Fail(ErrorCode::kPermission, "a chunk's signature does not match");
}

}  // namespace

AwsChunkedDecoder::AwsChunkedDecoder(AwsChunkedOptions options) : options_(std::move(options)) {
    if (options_.signing) previous_signature_ = options_.signing->seed_signature;
}

std::vector<std::pair<std::string, std::string>> AwsChunkedDecoder::trailers() const {
    if (done()) return trailers_;
    std::vector<std::pair<std::string, std::string>> expected;
    for (const std::string& name : options_.announced) expected.emplace_back(name, "");
    return expected;
}

Result<std::string_view> AwsChunkedDecoder::Decode(std::string_view& input) {
    for (;;) {
        switch (state_) {
            case State::kDone: return std::string_view();
            case State::kData: {
                std::string_view data = input.substr(0, static_cast<size_t>(std::min<uint64_t>(left_, input.size())));
                if (data.empty()) return data;
                input.remove_prefix(data.size());
                left_ -= data.size();
                decoded_ += data.size();
                if (options_.decoded_length && decoded_ > *options_.decoded_length) {
                    return BadFraming("more bytes than x-amz-decoded-content-length says");
                }
                if (options_.signing) chunk_hash_.Update(data);
                if (left_ == 0) state_ = State::kDataEnd;
                return data;
            }
            case State::kDataEnd:
                if (input.size() < 2) return std::string_view();
                if (!input.starts_with("\r\n")) return BadFraming("a chunk is longer than its size");
                input.remove_prefix(2);
                RETURN_IF_ERROR(OnChunkEnd());
                state_ = State::kSize;
                break;
            case State::kSize:
            case State::kTrailer: {
                size_t end = input.substr(0, kLongestLine).find('\n');
                if (end == input.npos) {
                    if (input.size() >= kLongestLine) return BadFraming("a line is too long");
                    return std::string_view();
                }
                std::string_view line = input.substr(0, end);
                input.remove_prefix(end + 1);
                if (state_ == State::kSize) {
                    if (!line.ends_with('\r')) return BadFraming("a line ends without CR");
                    RETURN_IF_ERROR(OnSizeLine(line.substr(0, line.size() - 1)));
                } else {
                    RETURN_IF_ERROR(OnTrailerLine(line));
                }
            }
        }
    }
}

Result<void> AwsChunkedDecoder::OnSizeLine(std::string_view line) {
    size_t semicolon = line.find(';');
    std::string_view digits = line.substr(0, semicolon);
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), left_, 16);
    if (digits.empty() || digits.size() > 16 || digits.front() == '-' || error != std::errc() ||
        end != digits.data() + digits.size()) {
        return BadFraming("bad chunk size");
    }
    chunk_signature_.clear();
    if (semicolon != line.npos) {
        constexpr std::string_view kName = "chunk-signature=";
        std::string_view extension = line.substr(semicolon + 1);
        if (extension.starts_with(kName)) chunk_signature_ = Trim(extension.substr(kName.size()));
    }
    chunk_hash_ = Sha256();
    if (left_ > 0) {
        state_ = State::kData;
        return {};
    }
    RETURN_IF_ERROR(OnChunkEnd());
    state_ = State::kTrailer;
    return {};
}

Result<void> AwsChunkedDecoder::OnChunkEnd() {
    if (!options_.signing) return {};
    const ChunkSigning& signing = *options_.signing;
    std::string expected = SignString(
        signing.signing_key, fmt::format("AWS4-HMAC-SHA256-PAYLOAD\n{}\n{}\n{}\n{}\n{}", signing.timestamp,
                                         signing.scope, previous_signature_, kEmptyPayloadHash,
                                         DigestHex(chunk_hash_.Final())));
    if (!EqualConstantTime(expected, chunk_signature_)) return BadSignature();
    previous_signature_ = expected;
    return {};
}

// The documented form ends a trailer with LF CRLF; clients send CRLF.
Result<void> AwsChunkedDecoder::OnTrailerLine(std::string_view raw_line) {
    std::string_view line = Trim(raw_line);
    bool ends = line.empty() && raw_line == "\r" && (!options_.trailer || !trailers_.empty()) &&
                (!options_.signing || !options_.trailer || !trailer_signature_.empty());
    if (ends) return OnEnd();
    if (line.empty()) {
        // Without trailer fields where some were announced: the end, too, and the service misses them.
        if (raw_line == "\r" && trailers_.empty() && !options_.signing) return OnEnd();
        return {};
    }
    trailer_bytes_ += line.size();
    if (trailer_bytes_ > kLongestLine) return BadFraming("the trailers are too large");
    size_t colon = line.find(':');
    if (colon == line.npos || colon == 0) return BadFraming("bad trailer");
    std::string name(Trim(line.substr(0, colon)));
    for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    std::string value(Trim(line.substr(colon + 1)));
    if (name == "x-amz-trailer-signature") {
        trailer_signature_ = value;
        return {};
    }
    canonical_trailers_ += name + ":" + value + "\n";
    trailers_.emplace_back(std::move(name), std::move(value));
    return {};
}

Result<void> AwsChunkedDecoder::OnEnd() {
    if (options_.decoded_length && decoded_ != *options_.decoded_length) {
        return BadFraming("fewer bytes than x-amz-decoded-content-length says");
    }
    if (options_.signing && options_.trailer) {
        const ChunkSigning& signing = *options_.signing;
        std::string expected = SignString(
            signing.signing_key, fmt::format("AWS4-HMAC-SHA256-TRAILER\n{}\n{}\n{}\n{}", signing.timestamp,
                                             signing.scope, previous_signature_, Sha256Hex(canonical_trailers_)));
        if (!EqualConstantTime(expected, trailer_signature_)) return BadSignature();
    }
    for (const std::string& name : options_.announced) {
        bool came = std::any_of(trailers_.begin(), trailers_.end(), [&](const auto& t) { return t.first == name; });
        if (!came) return BadFraming("the trailer " + name + " is missing");
    }
    state_ = State::kDone;
    return {};
}

Result<void> AwsChunkedDecoder::End() {
    if (done()) return {};
    // The last chunk was there; only its empty line was not sent.
    if (state_ == State::kTrailer) return OnEnd();
    return BadFraming("it ends early");
}

namespace {

class AwsChunkedFilter final : public ByteStream {
  public:
    AwsChunkedFilter(StreamBody raw, AwsChunkedOptions options)
        : raw_(std::move(raw)), length_(options.decoded_length), decoder_(std::move(options)) {}

    env::Task<Result<base::Bytes>> Read() override {
        for (;;) {
            std::string_view rest = std::string_view(buffer_).substr(begin_);
            auto data = decoder_.Decode(rest);
            if (!data) co_return std::unexpected(data.error());
            begin_ = buffer_.size() - rest.size();
            if (!data->empty()) co_return base::Bytes(*data);
            if (decoder_.done() && !rest.empty()) co_return BadFraming("bytes after the end");
            if (ended_) co_return base::Bytes();
            auto more = co_await raw_->Read();
            if (!more) co_return std::unexpected(more.error());
            if (more->empty()) {
                CO_RETURN_IF_ERROR(decoder_.End());
                ended_ = true;
                co_return base::Bytes();
            }
            if (decoder_.done()) co_return BadFraming("bytes after the end");
            if (begin_ == buffer_.size()) {
                buffer_ = std::move(*more);
            } else {
                buffer_.erase(0, begin_);
                buffer_ += *more;
            }
            begin_ = 0;
        }
    }
    std::optional<uint64_t> length() const override { return length_; }
    std::vector<std::pair<std::string, std::string>> trailers() const override { return decoder_.trailers(); }

  private:
    const StreamBody raw_;
    const std::optional<uint64_t> length_;
    AwsChunkedDecoder decoder_;
    std::string buffer_;
    size_t begin_ = 0;
    bool ended_ = false;
};

}  // namespace

StreamBody MakeAwsChunkedFilter(StreamBody raw, AwsChunkedOptions options) {
    return std::make_unique<AwsChunkedFilter>(std::move(raw), std::move(options));
}

}  // namespace wellhead::api
