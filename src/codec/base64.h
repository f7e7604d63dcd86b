#pragma once
// Base64 (RFC 4648) and hexadecimal.

#include <optional>

#include "base/bytes.h"

namespace wellhead::codec {

std::string EncodeBase64(base::ByteView bytes);
// Strict: padding where it is due, nothing else than the alphabet. Nothing when it does not hold.
std::optional<base::Bytes> DecodeBase64(std::string_view text);
// The URL alphabet, without padding (as in JWT).
std::string EncodeBase64Url(base::ByteView bytes);
std::optional<base::Bytes> DecodeBase64Url(std::string_view text);

std::string EncodeHex(base::ByteView bytes);  // lower-case
std::optional<base::Bytes> DecodeHex(std::string_view text);

}  // namespace wellhead::codec
