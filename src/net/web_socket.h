#pragma once
// WebSocket, server side (RFC 6455), without extensions.

#include <expected>
#include <string>

#include "net/http.h"
#include "net/http1_parser.h"
#include "net/stream.h"

namespace wellhead::net {

// The value of Sec-WebSocket-Accept, or why the request is no opening handshake (RFC 6455 4.2.1).
std::expected<std::string, HttpViolation> AcceptWebSocket(const HttpRequest& request);
// Whether the request asks for a WebSocket at all.
bool WantsWebSocket(const HttpRequest& request);

// Speaks WebSocket on the stream until the handler returns; sends the close frame it owes. came: read already.
env::Task<void> ServeWebSocket(Stream& stream, std::string came, WebSocketHandler& handler, size_t max_message,
                               base::Duration write_limit);

}  // namespace wellhead::net
