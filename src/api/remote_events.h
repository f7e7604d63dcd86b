#pragma once
// Events of a remote service, out of the frames of its answer.

#include <memory>

#include "api/event_ops.h"
#include "api/service.h"

namespace wellhead::api {

// type outlives it. The initial response is passed over; an exception frame ends the stream with its error.
std::unique_ptr<ErasedEventSource> ReadRemoteEvents(StreamBody frames, const EventStreamType& type);

}  // namespace wellhead::api
