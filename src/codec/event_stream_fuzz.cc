#include "codec/event_stream.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    auto frame = wellhead::codec::DecodeEventFrame({reinterpret_cast<const char*>(data), size});
    static_cast<void>(frame);
    return 0;
}
