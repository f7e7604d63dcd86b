// Any bytes either are refused or give a tree that can be written.

#include "codec/xml.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    auto root = wellhead::codec::ParseXml({reinterpret_cast<const char*>(data), size});
    if (root) {
        std::string out;
        wellhead::codec::AppendXmlEscaped(out, root->text);
    }
    return 0;
}
