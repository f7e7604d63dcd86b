#include "net/web_socket.h"

#include <openssl/sha.h>

#include "codec/base64.h"
#include "env/event.h"
#include "net/web_socket_frames.h"

namespace wellhead::net {

using base::ErrorCode;
using base::Result;

bool WantsWebSocket(const HttpRequest& request) {
    auto upgrade = request.headers.Find("upgrade");
    return upgrade && ListHasToken(*upgrade, "websocket");
}

std::expected<std::string, HttpViolation> AcceptWebSocket(const HttpRequest& request) {
    auto refuse = [](int status, const char* reason) { return std::unexpected(HttpViolation{status, reason}); };
    if (request.method != "GET" || !WantsWebSocket(request)) return refuse(400, "not a WebSocket handshake");
    bool upgrades = false;
    for (std::string_view value : request.headers.FindAll("connection")) {
        upgrades = upgrades || ListHasToken(value, "upgrade");
    }
    if (!upgrades) return refuse(400, "not a WebSocket handshake");
    if (request.headers.Find("sec-websocket-version") != "13") return refuse(426, "WebSocket version 13 is served");
    auto key = request.headers.Find("sec-websocket-key");
    auto nonce = codec::DecodeBase64(key.value_or(""));
    if (!nonce || nonce->size() != 16) return refuse(400, "bad Sec-WebSocket-Key");
    std::string text = std::string(*key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char digest[SHA_DIGEST_LENGTH];
    SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
    return codec::EncodeBase64({reinterpret_cast<const char*>(digest), sizeof digest});
}

namespace {

class ServerWebSocket final : public WebSocket {
  public:
    ServerWebSocket(Stream& stream, std::string came, size_t max_message, base::Duration write_limit)
        : stream_(stream), reader_(max_message), write_limit_(write_limit), room_(stream.executor()) {
        reader_.Append(came);
    }

    env::Task<Result<Message>> Read() override {
        std::vector<char> room;
        for (;;) {
            auto event = reader_.Next();
            if (!event) {
                co_await Close(event.error().close_code, event.error().reason);
                ErrorCode code = event.error().close_code == 1009 ? ErrorCode::kLimit : ErrorCode::kInvalidArgument;
                co_return base::Fail(code, event.error().reason);
            }
            if (*event) {
                bool message = (*event)->kind == WebSocketOpcode::kText || (*event)->kind == WebSocketOpcode::kBinary;
                if (message) {
                    co_return Message{(*event)->kind == WebSocketOpcode::kBinary, std::move((*event)->data)};
                }
                CO_RETURN_IF_ERROR(co_await OnControl(**event));
                continue;
            }
            auto got = stream_.TryRead(Room(room));
            if (!got) co_return std::unexpected(got.error());
            if (!*got) {
                CO_RETURN_IF_ERROR(co_await WaitOrPing());
                continue;
            }
            if (**got == 0) co_return base::Fail(ErrorCode::kUnavailable, "the client is gone");
            waits_for_pong_ = false;
            reader_.Append({room.data(), **got});
        }
    }

    env::Task<Result<void>> Write(bool binary, base::ByteView data) override {
        if (close_sent_) co_return base::Fail(ErrorCode::kUnavailable, "the WebSocket is closed");
        const WebSocketOpcode opcode = binary ? WebSocketOpcode::kBinary : WebSocketOpcode::kText;
        co_return co_await Send(opcode, data);
    }

    env::Task<void> Close(uint16_t code, std::string reason) override {
        if (close_sent_) co_return;
        std::string payload = {static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
        payload += reason.substr(0, 123);
        co_await SendClose(std::move(payload));
    }

  private:
    static constexpr size_t kRoom = 16 * 1024;
    static constexpr size_t kWaitingBytes = 64 * 1024;
    static constexpr std::chrono::seconds kPingAfter{60};

    static std::span<char> Room(std::vector<char>& room) {
        if (room.empty()) room.resize(kRoom);
        return room;
    }

    // A client that says nothing for long is asked; one that does not answer is gone.
    env::Task<Result<void>> WaitOrPing() {
        stream_.LimitRead(kPingAfter);
        auto readable = co_await stream_.WaitReadable();
        if (readable) co_return readable;
        if (readable.error().code != ErrorCode::kTimeout || waits_for_pong_) co_return readable;
        waits_for_pong_ = true;
        co_return co_await Send(WebSocketOpcode::kPing, base::ByteView());
    }

    env::Task<Result<void>> OnControl(WebSocketEvent& event) {
        if (event.kind == WebSocketOpcode::kPong) co_return Result<void>();
        if (event.kind == WebSocketOpcode::kPing) {
            if (close_sent_) co_return Result<void>();
            co_return co_await Send(WebSocketOpcode::kPong, event.data);
        }
        co_await SendClose(event.data.substr(0, 2));
        co_return base::Fail(ErrorCode::kUnavailable, "the client closed");
    }

    env::Task<void> SendClose(std::string payload) {
        if (close_sent_) co_return;
        auto ignored = co_await Send(WebSocketOpcode::kClose, payload);
        close_sent_ = true;
        static_cast<void>(ignored);
    }

    // The reader answers pings while the handler's writer is in the middle of a frame: whoever writes takes along what
    // waits. A client that does not read makes everybody wait, so that little is in memory.
    env::Task<Result<void>> Send(WebSocketOpcode opcode, base::ByteView payload) {
        while (writing_ && waiting_.size() > kWaitingBytes) {
            room_.Reset();
            co_await room_.Wait();
            auto cancellation = co_await boost::asio::this_coro::cancellation_state;
            if (cancellation.cancelled() != boost::asio::cancellation_type::none) {
                co_return base::Fail(ErrorCode::kCancelled, "cancelled");
            }
        }
        if (broken_) co_return base::Fail(ErrorCode::kUnavailable, "the client is gone");
        waiting_ += WebSocketFrameHead(opcode, payload.size());
        waiting_ += payload;
        if (writing_) co_return Result<void>();
        writing_ = true;
        Result<void> result;
        while (result && !waiting_.empty()) {
            std::string now = std::move(waiting_);
            waiting_.clear();
            room_.Set();
            stream_.LimitWrite(write_limit_);
            result = co_await net::Write(stream_, now);
        }
        writing_ = false;
        broken_ = !result;
        room_.Set();
        co_return result;
    }

    Stream& stream_;
    WebSocketReader reader_;
    const base::Duration write_limit_;
    env::Event room_;
    std::string waiting_;
    bool writing_ = false;
    bool broken_ = false;
    bool close_sent_ = false;
    bool waits_for_pong_ = false;
};

}  // namespace

env::Task<void> ServeWebSocket(Stream& stream, std::string came, WebSocketHandler& handler, size_t max_message,
                               base::Duration write_limit) {
    ServerWebSocket socket(stream, std::move(came), max_message, write_limit);
    stream.LimitRead(Stream::kNoLimit);
    co_await handler.Serve(socket);
    co_await socket.Close(1000, "");
}

}  // namespace wellhead::net
