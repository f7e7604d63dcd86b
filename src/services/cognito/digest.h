#pragma once
// SHA-256 and HMAC-SHA256 of bytes, and a comparison that takes the same time wherever the difference is.

#include "base/bytes.h"

namespace wellhead::services::cognito {

base::Bytes Sha256(base::ByteView bytes);
base::Bytes HmacSha256(base::ByteView key, base::ByteView message);
bool EqualInConstantTime(base::ByteView a, base::ByteView b);

}  // namespace wellhead::services::cognito
