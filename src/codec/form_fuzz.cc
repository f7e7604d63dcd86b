#include <cstddef>
#include <cstdint>

#include "codec/form.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    wellhead::codec::Form::Parse({reinterpret_cast<const char*>(data), size});
    return 0;
}
