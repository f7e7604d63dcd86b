#include "api/aws_chunked.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::string_view input(reinterpret_cast<const char*>(data), size);
    wellhead::api::AwsChunkedDecoder decoder({});
    while (!input.empty()) {
        size_t before = input.size();
        auto piece = decoder.Decode(input);
        if (!piece || input.size() == before) break;
    }
    auto end = decoder.End();
    static_cast<void>(end);
    return 0;
}
