#include <cstddef>
#include <cstdint>
#include <string_view>

#include "services/firehose/record_processing.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace wellhead::services::firehose;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    (void)SplitJson(text);
    (void)Gunzip(text, 1 << 20);
    return 0;
}
