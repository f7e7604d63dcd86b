#pragma once
// Named points where a test lets the program die, as by kill -9: WELLHEAD_KILL_AT="firehose.stored:3" at the third passing.
// Without the variable a point costs one look at a flag.

#include <string_view>

namespace wellhead::base {

void FaultPoint(std::string_view name);

}  // namespace wellhead::base
