#include "net/http1_connection.h"

#include <fmt/format.h>

#include <cstring>

#include "base/log.h"
#include "net/web_socket.h"

namespace wellhead::net {

using base::ErrorCode;
using base::Result;

namespace {

constexpr size_t kReadSize = 16 * 1024;
constexpr size_t kBodyPiece = 256 * 1024;
constexpr size_t kWriteSlice = 1024 * 1024;
constexpr uint64_t kSmallFile = 64 * 1024;

}  // namespace

// The body of the request at hand.
class Http1Connection::Body final : public BodyReader {
  public:
    Body(Http1Connection& connection, const RequestHead& head)
        : connection_(connection),
          chunked_(head.chunked),
          length_(head.chunked ? std::nullopt : std::optional(head.length.value_or(0))),
          left_(head.length.value_or(0)),
          owes_continue_(head.expects_continue) {}

    env::Task<Result<base::Bytes>> Read() override {
        if (failure_) co_return std::unexpected(*failure_);
        if (finished()) co_return base::Bytes();
        CO_RETURN_IF_ERROR(co_await SayContinue());
        if (since_limit_ >= kProgress) {
            since_limit_ = 0;
            connection_.stream_.LimitRead(connection_.setting_.limits.body_limit);
        }
        Result<base::Bytes> piece;
        if (chunked_) {
            piece = co_await ReadChunked();
        } else {
            piece = co_await ReadPlain();
        }
        if (!piece) {
            failure_ = piece.error();
        } else {
            since_limit_ += piece->size();
        }
        co_return piece;
    }
    std::optional<uint64_t> length() const override { return length_; }
    const Headers& trailers() const override { return decoder_.trailers(); }

    bool finished() const { return chunked_ ? decoder_.done() : left_ == 0; }
    // The client still waits to be asked for the body: it may never send it.
    bool owes_continue() const { return owes_continue_ && !finished(); }

  private:
    env::Task<Result<void>> SayContinue() {
        if (!owes_continue_) co_return Result<void>();
        owes_continue_ = false;
        if (!connection_.unread().empty()) co_return Result<void>();  // it did not wait
        connection_.stream_.LimitWrite(connection_.setting_.limits.write_limit);
        co_return co_await Write(connection_.stream_, "HTTP/1.1 100 Continue\r\n\r\n");
    }

    env::Task<Result<base::Bytes>> ReadPlain() {
        std::string_view there = connection_.unread();
        if (!there.empty()) {
            base::Bytes piece(there.substr(0, static_cast<size_t>(std::min<uint64_t>(left_, there.size()))));
            connection_.Take(piece.size());
            left_ -= piece.size();
            co_return piece;
        }
        CO_RETURN_IF_ERROR(co_await connection_.stream_.WaitReadable());
        size_t want = static_cast<size_t>(std::min<uint64_t>(left_, kBodyPiece));
        for (;;) {
            base::Bytes piece;
            Result<std::optional<size_t>> got = std::optional<size_t>();
            piece.resize_and_overwrite(want, [&](char* data, size_t size) {
                got = connection_.stream_.TryRead({data, size});
                return got && *got ? **got : 0;
            });
            if (!got) co_return std::unexpected(got.error());
            if (*got && **got == 0) co_return base::Fail(ErrorCode::kUnavailable, "the body was broken off");
            if (*got) {
                left_ -= piece.size();
                co_return piece;
            }
            CO_RETURN_IF_ERROR(co_await connection_.stream_.WaitReadable());
        }
    }

    env::Task<Result<base::Bytes>> ReadChunked() {
        for (;;) {
            auto step = decoder_.Decode(connection_.unread());
            if (!step) co_return base::Fail(ErrorCode::kInvalidArgument, step.error().reason);
            base::Bytes piece(step->data);
            size_t consumed = step->consumed;
            connection_.Take(consumed);
            if (!piece.empty() || decoder_.done()) co_return piece;
            if (consumed > 0) continue;
            CO_ASSIGN_OR_RETURN(size_t got, co_await connection_.Fill(kBodyPiece));
            if (got == 0) co_return base::Fail(ErrorCode::kUnavailable, "the body was broken off");
        }
    }

    // What a body has to bring within its limit: one byte now and then is no progress.
    static constexpr uint64_t kProgress = 16 * 1024;

    Http1Connection& connection_;
    uint64_t since_limit_ = kProgress;
    const bool chunked_;
    const std::optional<uint64_t> length_;
    uint64_t left_;
    bool owes_continue_;
    ChunkedDecoder decoder_;
    std::optional<base::Error> failure_;
};

Http1Connection::Http1Connection(Stream& stream, HttpSetting setting, std::string came)
    : stream_(stream), setting_(setting), buffer_(std::move(came)) {}

void Http1Connection::StopWhenIdle() {
    stopping_ = true;
    if (idle_) stream_.Close();
}

// Reads more behind what is unread; 0 at the end.
env::Task<Result<size_t>> Http1Connection::Fill(size_t room) {
    if (begin_ > 0) {
        buffer_.erase(0, begin_);
        begin_ = 0;
    }
    size_t before = buffer_.size();
    for (;;) {
        Result<std::optional<size_t>> got = std::optional<size_t>();
        buffer_.resize_and_overwrite(before + room, [&](char* data, size_t) {
            got = stream_.TryRead({data + before, room});
            return before + (got && *got ? **got : 0);
        });
        if (!got) co_return std::unexpected(got.error());
        if (*got) co_return **got;
        if (before == 0) buffer_ = std::string();  // an idle connection holds no buffer
        CO_RETURN_IF_ERROR(co_await stream_.WaitReadable());
    }
}

// The size of the head at the front of the buffer; nothing when the client ended between requests.
env::Task<Result<std::optional<size_t>>> Http1Connection::ReadHead() {
    finder_.Reset();
    bool started = !unread().empty();
    idle_ = !started;
    stream_.LimitRead(started ? setting_.limits.head_limit : setting_.limits.idle_limit);
    for (;;) {
        // One empty line before a request is forgiven (RFC 9112 2.2).
        if (unread().starts_with("\r\n")) Take(2);
        auto found = finder_.Find(unread(), setting_.limits.head);
        if (!found) {
            co_await Refuse(found.error());
            co_return std::optional<size_t>();
        }
        if (*found) {
            idle_ = false;
            co_return *found;
        }
        CO_ASSIGN_OR_RETURN(size_t got, co_await Fill(kReadSize));
        if (got == 0) co_return std::optional<size_t>();
        if (!started) {
            started = true;
            idle_ = false;
            stream_.LimitRead(setting_.limits.head_limit);
        }
    }
}

env::Task<void> Http1Connection::Run() {
    for (;;) {
        auto size = co_await ReadHead();
        if (!size) {
            // A client that stalls in the middle of a head is told so; an idle one is just left.
            if (size.error().code == ErrorCode::kTimeout && !idle_) {
                HttpViolation late{408, "the request did not come in time"};
                co_await Refuse(std::move(late));
            }
            co_return;
        }
        if (!*size) co_return;
        auto head = ParseRequestHead(unread().substr(0, **size), setting_.limits.head);
        Take(**size);
        After after = After::kClose;
        if (head) {
            after = co_await Answer(std::move(*head));
        } else {
            after = co_await Refuse(head.error());
        }
        if (after == After::kClose) co_await LingerAndClose();
        if (after != After::kNextRequest || stopping_) co_return;
    }
}

env::Task<Http1Connection::After> Http1Connection::Answer(RequestHead head) {
    Body body(*this, head);
    HttpRequest& request = head.request;
    const StreamOrigin& origin = stream_.origin();
    request.body = &body;
    request.version = HttpVersion::kHttp11;
    request.tls = origin.tls;
    request.peer = origin.peer;
    request.client_certificate_der = origin.client_certificate_der;
    request.server_name = origin.server_name;

    HttpResponse response = co_await CallHandler(setting_.handler, request);
    if (response.status == 101 && response.upgrade) co_return co_await ServeWebSocket(head, std::move(response));

    bool keep_alive = head.keep_alive && !stopping_;
    if (body.owes_continue()) keep_alive = false;
    if (!body.finished() && body.length().value_or(0) > setting_.limits.drain_bytes) keep_alive = false;
    for (std::string_view value : response.headers.FindAll("connection")) {
        if (ListHasToken(value, "close")) keep_alive = false;
    }
    auto sent = co_await Respond(head, std::move(response), keep_alive);
    if (!sent) co_return After::kCloseAtOnce;
    if (!*sent || !keep_alive) co_return After::kClose;

    uint64_t drained = 0;
    while (!body.finished()) {
        auto piece = co_await body.Read();
        if (!piece) co_return After::kCloseAtOnce;
        drained += piece->size();
        if (drained > setting_.limits.drain_bytes) co_return After::kClose;
    }
    co_return After::kNextRequest;
}

env::Task<Http1Connection::After> Http1Connection::Refuse(HttpViolation violation) {
    HttpResponse response;
    response.status = violation.status;
    response.headers.Set("content-type", "text/plain");
    response.body = violation.reason + "\n";
    RequestHead head;
    co_await Respond(head, std::move(response), false);
    co_await LingerAndClose();
    co_return After::kCloseAtOnce;
}

std::string Http1Connection::RenderHead(const HttpResponse& response, std::optional<uint64_t> length, bool chunked,
                                        bool keep_alive) const {
    std::string head;
    head.reserve(512);
    head += "HTTP/1.1 ";
    head += std::to_string(response.status);
    head += ' ';
    head += ReasonPhrase(response.status);
    head += "\r\n";
    bool date = false;
    for (const auto& [name, value] : response.headers) {
        if (name == "content-length" || name == "transfer-encoding" || name == "connection") continue;
        date = date || name == "date";
        head += name;
        head += ": ";
        // A value with a line break would begin another field.
        if (IsFieldValue(value)) head += value;
        head += "\r\n";
    }
    if (!date) {
        head += "date: ";
        head += HttpDate(setting_.clock.Now());
        head += "\r\n";
    }
    if (chunked) {
        head += "transfer-encoding: chunked\r\n";
    } else if (length) {
        head += "content-length: ";
        head += std::to_string(*length);
        head += "\r\n";
    }
    if (!keep_alive) head += "connection: close\r\n";
    head += "\r\n";
    return head;
}

// Whether the connection can be used on.
env::Task<Result<bool>> Http1Connection::Respond(const RequestHead& head, HttpResponse response, bool keep_alive) {
    bool head_request = head.request.method == "HEAD";
    std::optional<uint64_t> length;
    bool chunked = false;
    if (StatusHasBody(response.status)) {
        length = ResponseLength(response, head_request);
        chunked = !length && !head.http_1_0;
        if (!length && head.http_1_0) keep_alive = false;
    }
    std::string rendered = RenderHead(response, length, chunked, keep_alive);
    stream_.LimitWrite(setting_.limits.write_limit);
    if (head_request || !StatusHasBody(response.status)) {
        CO_RETURN_IF_ERROR(co_await Write(stream_, rendered));
        co_return true;
    }
    Result<void> sent;
    if (auto* bytes = std::get_if<base::Bytes>(&response.body)) {
        sent = co_await SendBytes(std::move(rendered), *bytes);
    } else if (auto* slice = std::get_if<FileSlice>(&response.body)) {
        sent = co_await SendFile(std::move(rendered), *slice);
    } else {
        auto& source = std::get<std::unique_ptr<BodySource>>(response.body);
        sent = co_await SendSource(std::move(rendered), *source, length, chunked);
    }
    if (!sent) co_return std::unexpected(sent.error());
    co_return length.has_value() || chunked;
}

env::Task<Result<void>> Http1Connection::SendBytes(std::string head, base::ByteView body) {
    base::ByteView pieces[2] = {head, body.substr(0, kWriteSlice)};
    CO_RETURN_IF_ERROR(co_await Write(stream_, std::span<base::ByteView>(pieces)));
    while (body.size() > kWriteSlice) {
        body.remove_prefix(kWriteSlice);
        stream_.LimitWrite(setting_.limits.write_limit);
        CO_RETURN_IF_ERROR(co_await Write(stream_, body.substr(0, kWriteSlice)));
    }
    co_return Result<void>();
}

env::Task<Result<void>> Http1Connection::SendFile(std::string head, FileSlice slice) {
    bool by_kernel = slice.file->descriptor() >= 0 && !stream_.origin().tls && slice.length > kSmallFile;
    if (by_kernel) CO_RETURN_IF_ERROR(co_await Write(stream_, head));
    while (slice.length > 0) {
        stream_.LimitWrite(setting_.limits.write_limit);
        if (by_kernel) {
            auto taken = stream_.TrySendFile(*slice.file, slice.offset,
                                             static_cast<size_t>(std::min<uint64_t>(slice.length, 1 << 30)));
            if (!taken && taken.error().code == ErrorCode::kUnsupported) {
                by_kernel = false;
                head.clear();
                continue;
            }
            if (!taken) co_return std::unexpected(taken.error());
            slice.offset += *taken;
            slice.length -= *taken;
            if (slice.length > 0) CO_RETURN_IF_ERROR(co_await stream_.WaitWritable());
            continue;
        }
        CO_ASSIGN_OR_RETURN(base::Bytes piece, ReadFilePiece(*slice.file, slice.offset,
                                                             std::min<uint64_t>(slice.length, kBodyPiece)));
        slice.offset += piece.size();
        slice.length -= piece.size();
        base::ByteView pieces[2] = {head, piece};
        CO_RETURN_IF_ERROR(co_await Write(stream_, std::span<base::ByteView>(pieces)));
        head.clear();
    }
    if (!by_kernel && !head.empty()) CO_RETURN_IF_ERROR(co_await Write(stream_, head));
    co_return Result<void>();
}

env::Task<Result<void>> Http1Connection::SendSource(std::string head, BodySource& source,
                                                    std::optional<uint64_t> length, bool chunked) {
    // The head does not wait for the first piece: a client learns at once that a long stream began.
    CO_RETURN_IF_ERROR(co_await Write(stream_, head));
    uint64_t left = length.value_or(0);
    for (;;) {
        CO_ASSIGN_OR_RETURN(base::Bytes piece, co_await source.Next());
        stream_.LimitWrite(setting_.limits.write_limit);
        if (piece.empty()) break;
        if (length && piece.size() > left) co_return base::Fail(ErrorCode::kIo, "the body is longer than it said");
        left -= length ? piece.size() : 0;
        std::string size_line;
        if (chunked) size_line = fmt::format("{:x}\r\n", piece.size());
        base::ByteView pieces[3] = {size_line, piece, chunked ? "\r\n" : ""};
        CO_RETURN_IF_ERROR(co_await Write(stream_, std::span<base::ByteView>(pieces)));
    }
    if (length && left > 0) co_return base::Fail(ErrorCode::kIo, "the body is shorter than it said");
    if (chunked) CO_RETURN_IF_ERROR(co_await Write(stream_, "0\r\n\r\n"));
    co_return Result<void>();
}

env::Task<Http1Connection::After> Http1Connection::ServeWebSocket(const RequestHead& head, HttpResponse response) {
    auto accept = AcceptWebSocket(head.request);
    if (!accept) co_return co_await Refuse(accept.error());
    response.headers.Set("upgrade", "websocket");
    response.headers.Set("sec-websocket-accept", *accept);
    std::string rendered = RenderHead(response, std::nullopt, false, true);
    rendered.insert(rendered.size() - 2, "connection: Upgrade\r\n");
    stream_.LimitWrite(setting_.limits.write_limit);
    auto sent = co_await Write(stream_, rendered);
    if (!sent) co_return After::kCloseAtOnce;
    std::string came(unread());
    begin_ = buffer_.size();
    co_await net::ServeWebSocket(stream_, std::move(came), *response.upgrade, setting_.limits.max_web_socket_message,
                                 setting_.limits.write_limit);
    co_return After::kCloseAtOnce;
}

// Closing with bytes unread would reset the connection and could take the answer with it.
env::Task<void> Http1Connection::LingerAndClose() {
    constexpr int kMaxReads = 64;
    stream_.CloseWrite();
    stream_.LimitRead(std::chrono::seconds(2));
    buffer_.clear();
    begin_ = 0;
    for (int i = 0; i < kMaxReads; ++i) {
        auto got = co_await Fill(kReadSize);
        if (!got || *got == 0) break;
        buffer_.clear();
    }
    stream_.Close();
}

}  // namespace wellhead::net
