// Any bytes as a zone file.

#include <cstddef>
#include <cstdint>

#include "services/iot/time_zones.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace wellhead::services::iot;
    auto zone = TimeZone::Parse({reinterpret_cast<const char*>(data), size});
    if (zone) (void)zone->OffsetAt(wellhead::base::FromUnixMs(0));
    return 0;
}
