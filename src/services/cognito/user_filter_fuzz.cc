#include <cstddef>
#include <cstdint>

#include "services/cognito/user_filter.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static_cast<void>(wellhead::services::cognito::UserFilter::Parse({reinterpret_cast<const char*>(data), size}));
    return 0;
}
