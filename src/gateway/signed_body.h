#pragma once
// What x-amz-content-sha256 says of a streamed body, checked while it goes by.

#include <string_view>

#include "api/wire.h"
#include "base/result.h"
#include "gateway/authenticate.h"

namespace wellhead::gateway {

// Puts the filters over request.body that content_sha256 asks for, and takes the aws-chunked framing out of the fields
// with that out of the body. kInvalidArgument when it is none of the values that S3 knows.
base::Result<void> FilterSignedBody(api::WireRequest& request, const Authenticated& who,
                                    const api::SignatureClaim& claim, std::string_view content_sha256);

}  // namespace wellhead::gateway
