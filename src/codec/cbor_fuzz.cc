#include "codec/cbor.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    wellhead::codec::CborReader reader({reinterpret_cast<const char*>(data), size});
    while (!reader.at_end()) {
        auto head = reader.ReadHead();
        if (!head || !reader.Skip(*head)) break;
    }
    return 0;
}
