#pragma once
// The value types of AWS's models, as members of the generated structs. Cheap to include.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"

namespace wellhead::api {

// Bytes of a blob member; base64 in JSON and XML, a byte string in CBOR.
struct Blob {
    base::Bytes bytes;
    friend bool operator==(const Blob&, const Blob&) = default;
};

using Timestamp = base::Instant;

// A streaming body (S3 objects, Lambda payloads); defined in api/service.h. Null where there is none.
class ByteStream;
using StreamBody = std::unique_ptr<ByteStream>;

// An event stream, server to client; defined in api/service.h.
template <class Event>
class EventSource;
template <class Event>
using EventStream = std::unique_ptr<EventSource<Event>>;

}  // namespace wellhead::api
