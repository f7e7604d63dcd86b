#include <cstddef>
#include <cstdint>

#include "services/console/live_points.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    wellhead::services::console::ParseReading({reinterpret_cast<const char*>(data), size}, "key", {});
    return 0;
}
