#pragma once
// The client's half of restJson and restXml: where the members of an input travel, where those of an output are found.

#include "api/shape.h"
#include "api/wire.h"
#include "base/result.h"

namespace wellhead::api {

// Method, path, query and headers of a call; the body is the protocol's. kInvalidArgument when a label of the path is
// empty.
base::Result<WireRequest> MakeRestRequest(const Operation& operation, const void* input);

// The members of an output that do not travel in the body.
base::Result<void> ReadRestAnswer(const Structure& output, const WireResponse& response, void* value);

// A payload that goes as it is (stream, blob, string): set as request's body with its content type. False when it is none
// of these.
bool TakeRawPayload(const Member& payload, void* input, WireRequest& request);
// The same of an answer.
bool PutRawPayload(const Member& payload, base::Bytes body, void* output);

}  // namespace wellhead::api
