// Every decoder on the same bytes, in both versions; what decodes must encode and decode again.

#include "codec/mqtt/decode_all.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    wellhead::codec::mqtt::DecodeAll({reinterpret_cast<const char*>(data), size});
    return 0;
}
