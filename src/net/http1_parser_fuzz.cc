#include "net/http1_parser.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace wellhead::net;
    std::string_view text(reinterpret_cast<const char*>(data), size);
    HeadLimits limits;
    HeadFinder finder;
    auto found = finder.Find(text, limits);
    if (found && *found) {
        auto head = ParseRequestHead(text.substr(0, **found), limits);
        auto response = ParseResponseHead(text.substr(0, **found), limits);
        static_cast<void>(head);
        static_cast<void>(response);
    }
    ChunkedDecoder decoder;
    while (!decoder.done()) {
        auto step = decoder.Decode(text);
        if (!step || step->consumed == 0) break;
        text.remove_prefix(step->consumed);
    }
    return 0;
}
