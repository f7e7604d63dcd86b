#pragma once
// Percent-encoding as AWS signs and parses it (RFC 3986).

#include <optional>
#include <string>
#include <string_view>

namespace wellhead::api {

// Everything but A-Z a-z 0-9 - . _ ~ is encoded, with upper-case digits; '/' stays where keep_slash.
std::string UriEncode(std::string_view text, bool keep_slash);
// Nothing where a percent sign is not followed by two digits. '+' stays.
std::optional<std::string> UriDecode(std::string_view text);

}  // namespace wellhead::api
