#pragma once
// Byte strings. A Bytes owns, a ByteView borrows; neither says anything of an encoding.

#include <string>
#include <string_view>

namespace wellhead::base {

using Bytes = std::string;
using ByteView = std::string_view;

}  // namespace wellhead::base
