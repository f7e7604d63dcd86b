#pragma once
// What every generated API is written on: who calls, what came back, and the value types of AWS's models.
// A generated API has, per operation,
//     virtual env::Task<Outcome<PutRecordOutput>> PutRecord(const CallContext&, PutRecordInput) = 0;

#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/document.h"
#include "api/values.h"
#include "base/bytes.h"
#include "base/result.h"
#include "env/files.h"
#include "env/task.h"

namespace wellhead::api {

// An error that a client may see. Made by the generated factories (modelled errors) and the few in errors.h (common
// to all services); code is the wire name, e.g. "ResourceNotFoundException".
struct [[nodiscard]] ServiceError {
    std::string code;
    std::string message;
    int http_status = 400;
    // Further modelled members of the error shape, by wire name.
    boost::json::object members;
};

template <class T>
using Outcome = std::expected<T, ServiceError>;

// Who the authenticator says it is; no handler makes one.
struct Identity {
    std::string account_id;
    std::string arn;            // arn:aws:iam::123456789012:root
    std::string access_key_id;  // empty for an unsigned call or one from inside
    bool authenticated = false;
    bool root = false;
};

// Goes along with every call, from the gateway or from another service.
// For the entries of a batch call (PutRecords, PutRecordBatch), from callers in the same process: what names an entry
// across a crash. Services that keep it say so; the others do not look at it.
struct EntryTokens {
    std::vector<base::Bytes> tokens;  // one an entry, of 24 bytes; empty: none
    // Given when the entries may have been written before: an entry whose token stands in what was written since then is
    // not written again, and answered as it was.
    std::optional<base::Instant> written_since;
};

struct CallContext {
    std::string request_id;
    std::string account_id;
    std::string region;
    Identity caller;
    std::string host;          // authority of the request, for addresses in answers
    bool tls = false;
    base::Bytes peer_address;  // numeric
    std::shared_ptr<const EntryTokens> entry_tokens;  // may be null
    std::string authorization; // bearer token of operations that take one in the header, without "Bearer "
};

// A streaming body (S3 objects, Lambda payloads). Pulled once.
class ByteStream {
  public:
    virtual ~ByteStream() = default;
    // The next piece; empty at the end.
    virtual env::Task<base::Result<base::Bytes>> Read() = 0;
    // Total bytes, where known beforehand.
    virtual std::optional<uint64_t> length() const = 0;
    // Trailer fields behind the body (names lower-case), e.g. x-amz-checksum-crc32 with its base64: before the end those
    // that x-amz-trailer announced, with empty values, once Read() returned the end those that came. Whether the values
    // hold is for the service to check.
    virtual std::vector<std::pair<std::string, std::string>> trailers() const { return {}; }
    // Where the stream is a part of a file: so that a transport can send it without copying, or a service clone it.
    struct FilePart {
        std::shared_ptr<env::File> file;
        uint64_t offset = 0;
        uint64_t length = 0;
    };
    virtual std::optional<FilePart> file_part() const { return std::nullopt; }
    // All that Read() has yet to give, where it lies in memory already.
    virtual std::optional<base::ByteView> peek() const { return std::nullopt; }
};

StreamBody MakeByteStream(base::Bytes bytes);
// All of the stream, or kLimit when it is longer than limit bytes.
env::Task<base::Result<base::Bytes>> ReadAll(ByteStream& stream, uint64_t limit);

// An event stream (application/vnd.amazon.eventstream), server to client. Event is the generated variant.
template <class Event>
class EventSource {
  public:
    virtual ~EventSource() = default;
    // The next event; nothing at the end; an error ends the stream with an exception frame.
    virtual env::Task<Outcome<std::optional<Event>>> Next() = 0;
};

}  // namespace wellhead::api
