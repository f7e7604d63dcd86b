#include "net/web_socket_frames.h"

namespace wellhead::net {

namespace {

std::unexpected<WebSocketViolation> Refuse(uint16_t code, std::string reason) {
    return std::unexpected(WebSocketViolation{code, std::move(reason)});
}

bool IsControl(uint8_t opcode) { return opcode >= 8; }

// RFC 6455 7.4: codes that may be on the wire.
bool IsCloseCode(unsigned code) {
    return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
           (code >= 3000 && code <= 4999);
}

}  // namespace

std::string WebSocketFrameHead(WebSocketOpcode opcode, size_t payload_size) {
    std::string head;
    head.push_back(static_cast<char>(0x80 | static_cast<uint8_t>(opcode)));
    int length_bytes = 0;
    if (payload_size < 126) {
        head.push_back(static_cast<char>(payload_size));
    } else if (payload_size < 65536) {
        head.push_back(126);
        length_bytes = 2;
    } else {
        head.push_back(127);
        length_bytes = 8;
    }
    for (int i = length_bytes - 1; i >= 0; --i) {
        head.push_back(static_cast<char>(static_cast<uint64_t>(payload_size) >> (8 * i) & 0xff));
    }
    return head;
}

std::expected<std::optional<WebSocketReader::FrameHead>, WebSocketViolation> WebSocketReader::PeekHead() const {
    std::string_view bytes = std::string_view(buffer_).substr(begin_);
    if (bytes.size() < 2) return std::optional<FrameHead>();
    auto byte = [&](size_t at) { return static_cast<uint8_t>(bytes[at]); };
    FrameHead head{};
    head.final = (byte(0) & 0x80) != 0;
    head.opcode = byte(0) & 0x0f;
    if ((byte(0) & 0x70) != 0) return Refuse(1002, "reserved bits are set");
    if ((head.opcode > 2 && head.opcode < 8) || head.opcode > 10) return Refuse(1002, "unknown opcode");
    if ((byte(1) & 0x80) == 0) return Refuse(1002, "a frame without a mask");
    head.size = byte(1) & 0x7f;
    size_t length_bytes = head.size == 126 ? 2 : head.size == 127 ? 8 : 0;
    head.head_size = 2 + length_bytes + 4;
    if (IsControl(head.opcode) && (length_bytes > 0 || !head.final)) return Refuse(1002, "bad control frame");
    if (bytes.size() < 2 + length_bytes) return std::optional<FrameHead>();
    if (length_bytes > 0) {
        head.size = 0;
        for (size_t i = 0; i < length_bytes; ++i) head.size = head.size << 8 | byte(2 + i);
    }
    if (!IsControl(head.opcode)) {
        if (head.size > max_message_ - message_.size()) return Refuse(1009, "the message is too large");
        if ((head.opcode == 0) != in_message_) return Refuse(1002, "fragments out of order");
    }
    return std::optional(head);
}

std::expected<std::optional<WebSocketEvent>, WebSocketViolation> WebSocketReader::Next() {
    for (;;) {
        auto head = PeekHead();
        if (!head) return std::unexpected(head.error());
        if (!*head || buffer_.size() - begin_ < (*head)->head_size + (*head)->size) {
            buffer_.erase(0, begin_);
            begin_ = 0;
            return std::optional<WebSocketEvent>();
        }
        size_t payload_at = begin_ + (*head)->head_size;
        std::string payload = buffer_.substr(payload_at, static_cast<size_t>((*head)->size));
        for (size_t i = 0; i < payload.size(); ++i) {
            payload[i] = static_cast<char>(payload[i] ^ buffer_[payload_at - 4 + i % 4]);
        }
        begin_ = payload_at + payload.size();
        auto event = TakeData(**head, std::move(payload));
        if (!event || *event) return event;
    }
}

std::expected<std::optional<WebSocketEvent>, WebSocketViolation> WebSocketReader::TakeData(const FrameHead& head,
                                                                                           std::string payload) {
    auto opcode = static_cast<WebSocketOpcode>(head.opcode);
    if (opcode == WebSocketOpcode::kClose) {
        if (payload.size() == 1) return Refuse(1002, "bad close frame");
        if (payload.size() >= 2) {
            unsigned code = static_cast<uint8_t>(payload[0]) << 8u | static_cast<uint8_t>(payload[1]);
            if (!IsCloseCode(code)) return Refuse(1002, "bad close code");
            if (!IsValidUtf8(std::string_view(payload).substr(2))) return Refuse(1007, "bad UTF-8");
        }
    }
    if (IsControl(head.opcode)) return std::optional(WebSocketEvent{opcode, std::move(payload)});
    if (opcode != WebSocketOpcode::kContinuation) {
        message_kind_ = opcode;
        in_message_ = true;
        message_ = std::move(payload);
    } else {
        message_ += payload;
    }
    if (!head.final) return std::optional<WebSocketEvent>();
    in_message_ = false;
    WebSocketEvent event{message_kind_, std::move(message_)};
    message_.clear();
    if (event.kind == WebSocketOpcode::kText && !IsValidUtf8(event.data)) return Refuse(1007, "bad UTF-8");
    return std::optional(std::move(event));
}

bool IsValidUtf8(std::string_view text) {
    auto byte = [&](size_t at) { return static_cast<uint8_t>(text[at]); };
    for (size_t i = 0; i < text.size();) {
        uint8_t first = byte(i);
        if (first < 0x80) {
            ++i;
            continue;
        }
        size_t size = first >= 0xc2 && first <= 0xdf ? 2 : (first & 0xf0) == 0xe0 ? 3 : first >= 0xf0 && first <= 0xf4 ? 4 : 0;
        if (size == 0 || i + size > text.size()) return false;
        for (size_t k = 1; k < size; ++k) {
            if ((byte(i + k) & 0xc0) != 0x80) return false;
        }
        uint8_t second = byte(i + 1);
        if (first == 0xe0 && second < 0xa0) return false;  // overlong
        if (first == 0xed && second > 0x9f) return false;  // surrogates
        if (first == 0xf0 && second < 0x90) return false;
        if (first == 0xf4 && second > 0x8f) return false;  // above U+10FFFF
        i += size;
    }
    return true;
}

}  // namespace wellhead::net
