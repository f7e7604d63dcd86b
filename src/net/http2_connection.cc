#include "net/http2_connection.h"

#include <fmt/format.h>
#include <nghttp2/nghttp2.h>

#include "base/check.h"
#include "base/log.h"
#include "env/deadline.h"
#include "net/http2_stream.h"

namespace wellhead::net {

using base::ErrorCode;
using base::Result;

namespace {

constexpr size_t kReadSize = 64 * 1024;
constexpr size_t kWriteSize = 128 * 1024;
constexpr size_t kOutputPiece = 256 * 1024;
constexpr size_t kHeadsOfConnection = 2 << 20;
// A client that resets this many more streams than it lets end is not one that changed its mind (CVE-2023-44487).
constexpr uint64_t kResetsForgiven = 200;

std::string_view View(const uint8_t* data, size_t size) { return {reinterpret_cast<const char*>(data), size}; }

}  // namespace

// nghttp2 calls these while it reads and writes; user_data is the connection.
struct Http2Callbacks {
    static Http2Connection& Connection(void* user_data) { return *static_cast<Http2Connection*>(user_data); }
    static Http2Stream* Find(void* user_data, int32_t id) {
        auto& streams = Connection(user_data).streams_;
        auto found = streams.find(id);
        return found == streams.end() ? nullptr : found->second.get();
    }

    static int OnBeginHeaders(nghttp2_session*, const nghttp2_frame* frame, void* user_data) {
        if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
        Http2Connection& connection = Connection(user_data);
        // Handlers of streams that were reset may still run: they count.
        if (static_cast<uint32_t>(connection.running_) >= connection.setting_.limits.max_streams) {
            return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
        }
        int32_t id = frame->hd.stream_id;
        connection.streams_[id] = std::make_shared<Http2Stream>(connection, id, connection.stream_.executor());
        return 0;
    }

    static int OnHeader(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name, size_t name_size,
                        const uint8_t* value, size_t value_size, uint8_t, void* user_data) {
        if (Http2Stream* stream = Find(user_data, frame->hd.stream_id)) {
            Http2Connection& connection = Connection(user_data);
            HeadLimits limits = connection.setting_.limits.head;
            // All heads of a connection together: a thousand streams of large heads are an attack.
            limits.bytes = std::min(limits.bytes, kHeadsOfConnection - std::min(kHeadsOfConnection, connection.head_bytes_));
            connection.head_bytes_ += stream->OnField(View(name, name_size), View(value, value_size), limits);
        }
        return 0;
    }

    static int OnFrame(nghttp2_session*, const nghttp2_frame* frame, void* user_data) {
        Http2Connection& connection = Connection(user_data);
        if (frame->hd.type == NGHTTP2_RST_STREAM) connection.OnPeerReset();
        if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
        Http2Stream* stream = Find(user_data, frame->hd.stream_id);
        if (stream == nullptr) return 0;
        bool head = frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST;
        if (head) stream->OnHeadEnd();
        if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) stream->OnRequestEnd();
        if (head) connection.ready_.push_back(connection.streams_[frame->hd.stream_id]);
        return 0;
    }

    static int OnData(nghttp2_session* session, uint8_t, int32_t id, const uint8_t* data, size_t size,
                      void* user_data) {
        Http2Stream* stream = Find(user_data, id);
        if (stream == nullptr || stream->discard_body) {
            nghttp2_session_consume(session, id, size);
        } else {
            stream->OnData(View(data, size));
        }
        return 0;
    }

    static int OnClose(nghttp2_session* session, int32_t id, uint32_t, void* user_data) {
        Http2Connection& connection = Connection(user_data);
        auto found = connection.streams_.find(id);
        if (found == connection.streams_.end()) return 0;
        size_t unread = found->second->OnClose();
        if (unread > 0) nghttp2_session_consume_connection(session, unread);
        connection.head_bytes_ -= found->second->head_bytes();
        connection.streams_.erase(found);
        ++connection.served_;
        connection.WakeWriter();
        return 0;
    }

    // An answer that is complete before the request is: the rest of the request is not wanted (RFC 9113 8.1).
    static int OnSent(nghttp2_session* session, const nghttp2_frame* frame, void* user_data) {
        bool ends = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0 &&
                    (frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS);
        if (!ends) return 0;
        Http2Stream* stream = Find(user_data, frame->hd.stream_id);
        if (stream != nullptr && !stream->request_ended) {
            nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_NO_ERROR);
        }
        return 0;
    }

    static ssize_t ReadOutput(nghttp2_session*, int32_t id, uint8_t* buffer, size_t room, uint32_t* flags,
                              nghttp2_data_source*, void* user_data) {
        Http2Stream* stream = Find(user_data, id);
        if (stream == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
        bool end = false;
        size_t size = stream->TakeOutput(buffer, room, end);
        if (end) {
            *flags |= NGHTTP2_DATA_FLAG_EOF;
        } else if (size == 0) {
            stream->output_waits = true;
            return NGHTTP2_ERR_DEFERRED;
        }
        return static_cast<ssize_t>(size);
    }
};

Http2Connection::Http2Connection(Stream& stream, HttpSetting setting, std::string came)
    : stream_(stream), setting_(setting), came_(std::move(came)), writable_(stream.executor()), ended_(stream.executor()) {}

Http2Connection::~Http2Connection() { nghttp2_session_del(session_); }

bool Http2Connection::StartSession() {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_option* option = nullptr;
    CHECK(nghttp2_session_callbacks_new(&callbacks) == 0 && nghttp2_option_new(&option) == 0);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, Http2Callbacks::OnBeginHeaders);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, Http2Callbacks::OnHeader);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, Http2Callbacks::OnFrame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Http2Callbacks::OnData);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, Http2Callbacks::OnClose);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, Http2Callbacks::OnSent);
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_max_settings(option, 32);
    int made = nghttp2_session_server_new2(&session_, callbacks, this, option);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    if (made != 0) return false;

    const HttpLimits& limits = setting_.limits;
    nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits.max_streams},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits.stream_window},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<uint32_t>(limits.head.bytes)},
    };
    return nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, std::size(settings)) == 0 &&
           nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0,
                                                 static_cast<int32_t>(limits.connection_window)) == 0;
}

env::Task<void> Http2Connection::Run() {
    // The tasks below are waited for even when this one is cancelled.
    co_await boost::asio::this_coro::throw_if_cancelled(false);
    if (!StartSession()) co_return;
    env::Spawn(handlers_, stream_.executor(), "http2 writer", WriteFrames());
    co_await ReadFrames(std::move(came_));
    broken_ = true;
    stream_.Close();
    WakeWriter();
    for (auto& [id, stream] : streams_) stream->OnClose();
    // A handler is not torn out of its work because the client went away: it notices when it reads or writes. Only the
    // end of the server cancels it.
    while (running_ > 0) {
        ended_.Reset();
        co_await ended_.Wait();
        auto cancellation = co_await boost::asio::this_coro::cancellation_state;
        if (cancellation.cancelled() != boost::asio::cancellation_type::none) break;
    }
    co_await handlers_.Close();
}

void Http2Connection::LimitNextRead() {
    if (streams_.empty()) {
        stream_.LimitRead(setting_.limits.idle_limit);
    } else {
        stream_.LimitRead(bodies_awaited_ > 0 ? setting_.limits.body_limit : Stream::kNoLimit);
    }
}

Result<void> Http2Connection::Feed(base::ByteView bytes) {
    ssize_t used = nghttp2_session_mem_recv(session_, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
    WakeWriter();
    std::vector<std::shared_ptr<Http2Stream>> ready = std::exchange(ready_, {});
    for (auto& stream : ready) {
        if (stream->closed) continue;
        ++running_;
        env::Spawn(handlers_, stream_.executor(), "http2 stream", ServeStream(std::move(stream)));
    }
    if (used < 0) return base::Fail(ErrorCode::kInvalidArgument, nghttp2_strerror(static_cast<int>(used)));
    return {};
}

env::Task<void> Http2Connection::ReadFrames(std::string came) {
    if (!came.empty() && !Feed(came)) co_return;
    came = std::string();
    std::vector<char> buffer(kReadSize);
    for (;;) {
        LimitNextRead();
        auto size = co_await ReadSome(stream_, buffer);
        if (!size || *size == 0 || broken_) co_return;
        if (!Feed({buffer.data(), *size})) co_return;
        if (nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0) co_return;
    }
}

env::Task<void> Http2Connection::WriteFrames() {
    std::string out;
    for (;;) {
        out.clear();
        writable_.Reset();
        while (!broken_ && out.size() < kWriteSize) {
            const uint8_t* data = nullptr;
            ssize_t size = nghttp2_session_mem_send(session_, &data);
            if (size < 0) broken_ = true;
            if (size <= 0) break;
            out.append(View(data, static_cast<size_t>(size)));
        }
        if (!out.empty()) {
            stream_.LimitWrite(setting_.limits.write_limit);
            auto written = co_await Write(stream_, out);
            if (written) continue;
            broken_ = true;
        }
        bool over = nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0;
        if (broken_ || over) {
            stream_.Close();  // which ends the reader
            co_return;
        }
        co_await writable_.Wait();
    }
}

void Http2Connection::OnPeerReset() {
    ++resets_;
    if (resets_ <= kResetsForgiven + served_ / 2) return;
    base::LogWarning("http", "{} resets too many streams: closed", stream_.origin().peer.address);
    nghttp2_session_terminate_session(session_, NGHTTP2_ENHANCE_YOUR_CALM);
    WakeWriter();
}

void Http2Connection::StopWhenIdle() {
    if (session_ == nullptr || broken_) return;
    nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_),
                          NGHTTP2_NO_ERROR, nullptr, 0);
    WakeWriter();
}

void Http2Connection::Reset(Http2Stream& stream, uint32_t code) {
    if (stream.closed) return;
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id, code);
    WakeWriter();
}

namespace {

class Leaving {
  public:
    Leaving(int& running, env::Event& ended) : running_(running), ended_(ended) {}
    ~Leaving() {
        --running_;
        ended_.Set();
    }
    Leaving(const Leaving&) = delete;
    Leaving& operator=(const Leaving&) = delete;

  private:
    int& running_;
    env::Event& ended_;
};

}  // namespace

env::Task<void> Http2Connection::ServeStream(std::shared_ptr<Http2Stream> stream) {
    Leaving leaving(running_, ended_);
    const StreamOrigin& origin = stream_.origin();
    HttpRequest& request = stream->request;
    request.tls = origin.tls;
    request.peer = origin.peer;
    request.client_certificate_der = origin.client_certificate_der;
    request.server_name = origin.server_name;
    bool head_request = request.method == "HEAD";
    HttpResponse response;
    if (stream->refusal != 0) {
        response.status = stream->refusal;
    } else {
        response = co_await CallHandler(setting_.handler, request);
    }
    if (response.status == 101) response.status = 501;  // no connection of its own to hand over
    stream->discard_body = true;
    co_await Respond(*stream, std::move(response), head_request);
}

bool Http2Connection::SubmitHead(Http2Stream& stream, const HttpResponse& response, std::optional<uint64_t> length,
                                 bool body) {
    std::vector<Headers::Field> fields;
    fields.reserve(response.headers.size() + 3);
    fields.emplace_back(":status", std::to_string(response.status));
    bool date = false;
    for (const auto& [name, value] : response.headers) {
        if (name == "connection" || name == "transfer-encoding" || name == "keep-alive" || name == "upgrade" ||
            name == "content-length") {
            continue;
        }
        date = date || name == "date";
        fields.emplace_back(ToLower(name), IsFieldValue(value) ? value : "");
    }
    if (!date) fields.emplace_back("date", std::string(HttpDate(setting_.clock.Now())));
    if (length) fields.emplace_back("content-length", std::to_string(*length));
    std::vector<nghttp2_nv> pairs;
    pairs.reserve(fields.size());
    for (auto& [name, value] : fields) {
        pairs.push_back({reinterpret_cast<uint8_t*>(name.data()), reinterpret_cast<uint8_t*>(value.data()),
                         name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
    }
    nghttp2_data_provider provider{};
    provider.read_callback = Http2Callbacks::ReadOutput;
    int submitted =
        nghttp2_submit_response(session_, stream.id, pairs.data(), pairs.size(), body ? &provider : nullptr);
    WakeWriter();
    return submitted == 0;
}

env::Task<void> Http2Connection::Respond(Http2Stream& stream, HttpResponse response, bool head_request) {
    if (stream.closed) co_return;
    std::optional<uint64_t> length;
    if (StatusHasBody(response.status)) length = ResponseLength(response, head_request);
    bool body = StatusHasBody(response.status) && !head_request;
    if (auto* bytes = std::get_if<base::Bytes>(&response.body)) {
        if (body && !bytes->empty()) {
            stream.Append(std::move(*bytes));
        } else {
            body = false;
        }
        stream.EndOutput();
        if (!SubmitHead(stream, response, length, body)) Reset(stream, NGHTTP2_INTERNAL_ERROR);
        co_return;
    }
    if (!SubmitHead(stream, response, length, body)) Reset(stream, NGHTTP2_INTERNAL_ERROR);
    if (!body) co_return;
    Result<void> sent;
    if (auto* slice = std::get_if<FileSlice>(&response.body)) {
        sent = co_await SendFile(stream, *slice);
    } else {
        auto& source = std::get<std::unique_ptr<BodySource>>(response.body);
        sent = co_await SendSource(stream, *source, length);
    }
    if (!sent) {
        Reset(stream, NGHTTP2_INTERNAL_ERROR);
        co_return;
    }
    stream.EndOutput();
    if (!stream.closed) {
        stream.output_waits = false;
        nghttp2_session_resume_data(session_, stream.id);
        WakeWriter();
    }
}

env::Task<bool> Http2Connection::WaitDrained(Http2Stream& stream) {
    stream.drained().Reset();
    co_await stream.drained().Wait();
    co_return true;
}

env::Task<Result<void>> Http2Connection::Push(Http2Stream& stream, base::Bytes piece) {
    // At most two pieces are in memory: the one that is sent and the one that is made.
    while (stream.output_size() > kOutputPiece && !stream.closed) {
        auto drained = co_await env::WithDeadline(WaitDrained(stream), setting_.limits.write_limit);
        if (!drained) co_return base::Fail(ErrorCode::kTimeout, "the client does not read");
    }
    if (stream.closed) co_return base::Fail(ErrorCode::kUnavailable, "the client gave the answer up");
    stream.Append(std::move(piece));
    if (stream.output_waits) {
        stream.output_waits = false;
        nghttp2_session_resume_data(session_, stream.id);
    }
    WakeWriter();
    co_return Result<void>();
}

env::Task<Result<void>> Http2Connection::SendFile(Http2Stream& stream, FileSlice slice) {
    while (slice.length > 0) {
        CO_ASSIGN_OR_RETURN(base::Bytes piece, ReadFilePiece(*slice.file, slice.offset,
                                                             std::min<uint64_t>(slice.length, kOutputPiece)));
        slice.offset += piece.size();
        slice.length -= piece.size();
        CO_RETURN_IF_ERROR(co_await Push(stream, std::move(piece)));
    }
    co_return Result<void>();
}

env::Task<Result<void>> Http2Connection::SendSource(Http2Stream& stream, BodySource& source,
                                                    std::optional<uint64_t> length) {
    uint64_t left = length.value_or(0);
    for (;;) {
        CO_ASSIGN_OR_RETURN(base::Bytes piece, co_await source.Next());
        if (piece.empty()) break;
        if (length && piece.size() > left) co_return base::Fail(ErrorCode::kIo, "the body is longer than it said");
        left -= length ? piece.size() : 0;
        CO_RETURN_IF_ERROR(co_await Push(stream, std::move(piece)));
    }
    if (length && left > 0) co_return base::Fail(ErrorCode::kIo, "the body is shorter than it said");
    co_return Result<void>();
}

}  // namespace wellhead::net
