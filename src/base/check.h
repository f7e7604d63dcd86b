#pragma once
// CHECK(condition): a bug stops the program here, in every build, with the place and the condition.

namespace wellhead::base {
[[noreturn]] void CheckFailed(const char* condition, const char* file, int line);
}

#define CHECK(condition)                                                  \
    (static_cast<bool>(condition) ? static_cast<void>(0)                  \
                                  : ::wellhead::base::CheckFailed(#condition, __FILE__, __LINE__))
