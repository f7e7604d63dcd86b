#pragma once
// An event stream as bytes: application/vnd.amazon.eventstream, events as JSON or CBOR.

#include <memory>

#include "api/service.h"
#include "api/shape.h"

namespace wellhead::api {

enum class EventEncoding { kJson, kCbor };

// The frames of member, an event stream of output (a value of structure): first the initial response with output's other
// members, then an event a frame, an error as an exception frame. Keeps output alive.
StreamBody MakeEventFrames(const Structure& structure, const Member& member, std::shared_ptr<Value> output,
                           EventEncoding encoding);

}  // namespace wellhead::api
