// Any bytes as a policy document, resolved for a connection.

#include <cstddef>
#include <cstdint>

#include "services/iot/permissions.h"

namespace {

class Context final : public wellhead::services::iot::PolicyContext {
  public:
    std::optional<std::string> Get(std::string_view key) const override {
        return key.size() % 2 == 0 ? std::optional<std::string>("a*b") : std::nullopt;
    }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace wellhead::services::iot;
    auto document = PolicyDocument::Parse({reinterpret_cast<const char*>(data), size});
    if (!document) return 0;
    PermissionSet permissions({*document}, Context(), "arn:aws:iot:us-east-1:123456789012:");
    (void)permissions.MayPublish("a/b", true);
    (void)permissions.MaySubscribe("a/#");
    return 0;
}
