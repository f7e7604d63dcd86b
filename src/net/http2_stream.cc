#include "net/http2_stream.h"

#include <nghttp2/nghttp2.h>

#include <charconv>
#include <cstring>

#include "net/http1_parser.h"
#include "net/http2_connection.h"

namespace wellhead::net {

using base::ErrorCode;

namespace {
constexpr size_t kFieldOverhead = 32;  // RFC 9113 6.5.2
}

Http2Stream::Http2Stream(Http2Connection& connection, int32_t stream_id, env::Executor executor)
    : id(stream_id), connection_(connection), readable_(executor), drained_(executor) {
    request.version = HttpVersion::kHttp2;
    request.body = this;
}

size_t Http2Stream::OnField(std::string_view name, std::string_view value, const HeadLimits& limits) {
    size_t size = name.size() + value.size() + kFieldOverhead;
    if (head_bytes_ + size > limits.bytes || request.headers.size() + trailers_.size() >= limits.fields) {
        refusal = 431;
        return 0;
    }
    head_bytes_ += size;
    if (head_done) {
        trailers_.Add(std::string(name), std::string(value));
    } else if (name == ":method") {
        request.method = value;
    } else if (name == ":path") {
        request.target = value;
    } else if (name == ":authority") {
        request.authority = value;
    } else if (!name.starts_with(':')) {
        auto cookie = name == "cookie" ? request.headers.Find("cookie") : std::nullopt;
        if (cookie) {
            // Browsers send one field per cookie (RFC 9113 8.2.3).
            request.headers.Set("cookie", std::string(*cookie) + "; " + std::string(value));
        } else {
            request.headers.Add(std::string(name), std::string(value));
        }
    }
    return size;
}

void Http2Stream::OnHeadEnd() {
    head_done = true;
    if (refusal != 0) return;
    bool target = request.target.starts_with('/') || (request.target == "*" && request.method == "OPTIONS");
    for (unsigned char c : request.target) target = target && c > ' ' && c < 0x7f && c != '#';
    if (!target) refusal = request.method == "CONNECT" ? 405 : 400;
    for (const auto& [name, value] : request.headers) {
        if (name == "host") {
            if (request.authority.empty()) request.authority = value;
            if (request.authority != value) refusal = 400;  // which of the two would be meant?
        } else if (name == "content-length") {
            uint64_t number = 0;
            if (std::from_chars(value.data(), value.data() + value.size(), number).ec == std::errc()) length_ = number;
        } else if (name == "expect") {
            owes_continue_ = value == "100-continue";
        }
    }
    if (request.authority.empty() && refusal == 0) refusal = 400;
}

void Http2Stream::OnData(base::ByteView data) {
    body_.append(data);
    readable_.Set();
}

void Http2Stream::OnRequestEnd() {
    request_ended = true;
    if (!length_) length_ = body_.empty() ? std::optional<uint64_t>(0) : std::nullopt;
    readable_.Set();
}

size_t Http2Stream::OnClose() {
    closed = true;
    readable_.Set();
    drained_.Set();
    return std::exchange(body_, {}).size();
}

env::Task<base::Result<base::Bytes>> Http2Stream::Read() {
    if (owes_continue_ && !request_ended && !closed) {
        owes_continue_ = false;
        std::string name = ":status";
        std::string value = "100";
        nghttp2_nv status{reinterpret_cast<uint8_t*>(name.data()), reinterpret_cast<uint8_t*>(value.data()),
                          name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
        nghttp2_submit_headers(connection_.session_, NGHTTP2_FLAG_NONE, id, nullptr, &status, 1, nullptr);
        connection_.WakeWriter();
    }
    while (body_.empty() && !request_ended && !closed) {
        readable_.Reset();
        ++connection_.bodies_awaited_;
        connection_.LimitNextRead();
        co_await readable_.Wait();
        --connection_.bodies_awaited_;
        auto cancellation = co_await boost::asio::this_coro::cancellation_state;
        if (cancellation.cancelled() != boost::asio::cancellation_type::none) {
            co_return base::Fail(ErrorCode::kCancelled, "cancelled");
        }
    }
    if (!body_.empty()) {
        base::Bytes piece = std::exchange(body_, {});
        // What was read may come again: the window follows the handler.
        nghttp2_session_consume(connection_.session_, id, piece.size());
        connection_.WakeWriter();
        co_return piece;
    }
    if (!request_ended) co_return base::Fail(ErrorCode::kUnavailable, "the body was broken off");
    co_return base::Bytes();
}

void Http2Stream::Append(base::Bytes piece) {
    if (output_begin_ == output_.size()) {
        output_ = std::move(piece);
    } else {
        output_.erase(0, output_begin_);
        output_ += piece;
    }
    output_begin_ = 0;
}

void Http2Stream::EndOutput() { output_ended_ = true; }

size_t Http2Stream::TakeOutput(uint8_t* to, size_t room, bool& end) {
    size_t size = std::min(room, output_size());
    if (size > 0) std::memcpy(to, output_.data() + output_begin_, size);
    output_begin_ += size;
    end = output_ended_ && output_size() == 0;
    drained_.Set();
    return size;
}

}  // namespace wellhead::net
