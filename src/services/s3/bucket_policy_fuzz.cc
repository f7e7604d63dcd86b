#include <cstddef>
#include <cstdint>
#include <string>

#include "services/s3/bucket_policy.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace wellhead::services::s3;
    auto policy = BucketPolicy::Parse(std::string(reinterpret_cast<const char*>(data), size));
    if (!policy) return 0;
    PolicyRequest request;
    request.action = "s3:GetObject";
    request.resource = "arn:aws:s3:::bucket/key";
    request.context.emplace("aws:sourceip", "10.0.0.1");
    (void)(*policy)->CheckBucket("bucket");
    (void)(*policy)->Evaluate(request);
    (void)(*policy)->IsPublic();
    return 0;
}
