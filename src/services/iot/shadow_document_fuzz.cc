// Two updates of a shadow, one after the other, split at the first line break; what is kept must read back.

#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "services/iot/shadow_document.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace wellhead::services::iot;
    std::string_view input(reinterpret_cast<const char*>(data), size);
    auto now = wellhead::base::FromUnixMs(1'800'000'000'000);
    std::string_view first = input.substr(0, input.find('\n'));
    auto update = UpdateShadow(nullptr, first, now);
    if (!update) return 0;
    CHECK(ShadowState::Read(update->after.Write()).has_value());
    (void)UpdateShadow(&update->after, input.substr(first.size()), now);
    (void)DescribeShadow(&update->after, "thing", "", now);
    return 0;
}
