#pragma once
// WebSocket frames as a state machine (RFC 6455 5): bytes in, messages and duties out.

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace wellhead::net {

enum class WebSocketOpcode : uint8_t {
    kContinuation = 0,
    kText = 1,
    kBinary = 2,
    kClose = 8,
    kPing = 9,
    kPong = 10,
};

// Unmasked, as a server sends.
std::string WebSocketFrameHead(WebSocketOpcode opcode, size_t payload_size);

struct WebSocketEvent {
    WebSocketOpcode kind;  // text, binary: a whole message; close, ping, pong: a control frame
    std::string data;
};

// What a client sent wrong; the close code says which kind (RFC 6455 7.4.1).
struct WebSocketViolation {
    uint16_t close_code;
    std::string reason;
};

class WebSocketReader {
  public:
    explicit WebSocketReader(size_t max_message) : max_message_(max_message) {}
    void Append(std::string_view bytes) { buffer_.append(bytes); }
    // The next event, nothing while more bytes are needed. After a violation it is not used on.
    std::expected<std::optional<WebSocketEvent>, WebSocketViolation> Next();

  private:
    struct FrameHead {
        bool final;
        uint8_t opcode;
        uint64_t size;
        size_t head_size;  // with the mask
    };
    std::expected<std::optional<FrameHead>, WebSocketViolation> PeekHead() const;
    std::expected<std::optional<WebSocketEvent>, WebSocketViolation> TakeData(const FrameHead& head,
                                                                              std::string payload);

    const size_t max_message_;
    std::string buffer_;
    size_t begin_ = 0;
    bool in_message_ = false;
    WebSocketOpcode message_kind_ = WebSocketOpcode::kText;
    std::string message_;
};

bool IsValidUtf8(std::string_view text);

}  // namespace wellhead::net
