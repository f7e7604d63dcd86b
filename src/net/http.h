#pragma once
// HTTP as the rest of the program sees it, whatever version is on the wire: a request comes in, a response goes out,
// bodies are pulled piece by piece. (RFC 9110.)

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "env/files.h"
#include "env/task.h"
#include "net/address.h"

namespace wellhead::net {

// Field names are lower-case ASCII. Order and repetition are kept.
class Headers {
  public:
    using Field = std::pair<std::string, std::string>;
    Headers() = default;
    Headers(std::initializer_list<Field> fields) : fields_(fields) {}

    // The first field of this (lower-case) name.
    std::optional<std::string_view> Find(std::string_view name) const;
    std::vector<std::string_view> FindAll(std::string_view name) const;
    void Add(std::string name, std::string value);
    // Replaces every field of this name.
    void Set(std::string name, std::string value);
    void Remove(std::string_view name);
    // All fields, moved out; none is left.
    std::vector<Field> Take() { return std::exchange(fields_, {}); }

    const std::vector<Field>& fields() const { return fields_; }

    auto begin() const { return fields_.begin(); }
    auto end() const { return fields_.end(); }
    size_t size() const { return fields_.size(); }

  private:
    std::vector<Field> fields_;
};

// A body, pulled. One reader. A read ends with an error when the other side broke off (kUnavailable), stalled
// (kTimeout), sent too much (kLimit) or broke the framing (kInvalidArgument).
class BodyReader {
  public:
    virtual ~BodyReader() = default;
    // The next piece, of any size; empty at the end.
    virtual env::Task<base::Result<base::Bytes>> Read() = 0;
    // What Content-Length said, if it was there.
    virtual std::optional<uint64_t> length() const = 0;
    // Trailer fields; complete once Read() returned the end.
    virtual const Headers& trailers() const = 0;
};

// All of the body, or kLimit when it is larger than limit bytes.
env::Task<base::Result<base::Bytes>> ReadAll(BodyReader& body, uint64_t limit);

enum class HttpVersion { kHttp11, kHttp2 };

struct HttpRequest {
    std::string method;     // as sent, e.g. "GET"
    std::string target;     // origin-form, raw as on the wire: "/a%2Fb?c=d"; absolute-form is reduced to this
    std::string authority;  // Host or :authority, with the port when one was sent
    HttpVersion version = HttpVersion::kHttp11;
    bool tls = false;
    Headers headers;
    BodyReader* body = nullptr;  // never null; owned by the connection, lives until the response is sent
    PeerAddress peer;
    base::Bytes client_certificate_der;  // empty without mutual TLS
    base::Bytes server_name;             // SNI, empty without
    // Set by the gateway where it verified an AWS signature and hands the request to a plain handler (MQTT over
    // WebSocket); empty otherwise.
    std::string signed_access_key_id;

    std::string_view path() const;   // target up to '?', raw
    std::string_view query() const;  // after '?', raw, empty without
};

// A body that is made while it is sent.
class BodySource {
  public:
    virtual ~BodySource() = default;
    // The next piece; empty at the end. An error breaks the response off so that the peer notices.
    virtual env::Task<base::Result<base::Bytes>> Next() = 0;
};

// A part of a file, sent without copying where the transport allows.
struct FileSlice {
    std::shared_ptr<env::File> file;
    uint64_t offset = 0;
    uint64_t length = 0;
};

class WebSocketHandler;

struct HttpResponse {
    int status = 200;
    Headers headers;  // Content-Length, Date and connection handling are the transport's
    std::variant<base::Bytes, FileSlice, std::unique_ptr<BodySource>> body;
    // For a source whose length is known beforehand; otherwise it goes chunked.
    std::optional<uint64_t> length;
    // Set on an answer of 101: the connection becomes a WebSocket and is handed to it.
    std::shared_ptr<WebSocketHandler> upgrade;
};

// Thread-safe; called on the connection's executor. The answer to HEAD has its body dropped by the transport.
class HttpHandler {
  public:
    virtual ~HttpHandler() = default;
    virtual env::Task<HttpResponse> Handle(HttpRequest& request) = 0;
};

// One WebSocket (RFC 6455), server side. Used on the connection's executor.
class WebSocket {
  public:
    virtual ~WebSocket() = default;
    struct Message {
        bool binary = false;
        base::Bytes data;
    };
    // The next whole message; kUnavailable when the peer closed, kLimit when it is too large.
    virtual env::Task<base::Result<Message>> Read() = 0;
    virtual env::Task<base::Result<void>> Write(bool binary, base::ByteView data) = 0;
    virtual env::Task<void> Close(uint16_t code, std::string reason) = 0;
};

class WebSocketHandler {
  public:
    virtual ~WebSocketHandler() = default;
    // Runs for the life of the connection, which is closed when it returns.
    virtual env::Task<void> Serve(WebSocket& socket) = 0;
};

}  // namespace wellhead::net
