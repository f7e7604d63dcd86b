#include "services/s3/write_request.h"

#include <algorithm>

namespace wellhead::services::s3 {

std::optional<std::string> WithoutAwsChunked(std::optional<std::string> content_encoding) {
    if (!content_encoding) return std::nullopt;
    std::string out;
    std::string_view rest = *content_encoding;
    while (!rest.empty()) {
        size_t end = std::min(rest.find(','), rest.size());
        std::string_view item = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        while (item.starts_with(' ')) item.remove_prefix(1);
        while (item.ends_with(' ')) item.remove_suffix(1);
        if (item.empty() || item == "aws-chunked") continue;
        if (!out.empty()) out += ",";
        out += item;
    }
    if (out.empty()) return std::nullopt;
    return out;
}

api::Outcome<void> CheckMetadata(const std::map<std::string, std::string>& metadata) {
    size_t size = 0;
    for (const auto& [key, value] : metadata) {
        size += key.size() + value.size();
        if (key.empty()) return std::unexpected(InvalidArgument("A metadata name is empty", "x-amz-meta-"));
    }
    if (size > kLargestMetadataBytes) {
        auto error = S3Error("MetadataTooLarge", 400, "Your metadata headers exceed the maximum allowed metadata size");
        error.members["Size"] = std::to_string(size);
        error.members["MaxSizeAllowed"] = std::to_string(kLargestMetadataBytes);
        return std::unexpected(std::move(error));
    }
    return {};
}

api::Outcome<std::string> CannedAcl(const std::optional<std::string>& acl, bool grants, const BucketSettings& settings) {
    static constexpr std::string_view kCanned[] = {"private",           "public-read",        "public-read-write",
                                                   "authenticated-read", "bucket-owner-read", "bucket-owner-full-control",
                                                   "aws-exec-read",     "log-delivery-write"};
    if (acl && std::find(std::begin(kCanned), std::end(kCanned), *acl) == std::end(kCanned)) {
        return std::unexpected(InvalidArgument("", "x-amz-acl", *acl));
    }
    const bool nothing = !acl || *acl == "private" || *acl == "bucket-owner-read" || *acl == "bucket-owner-full-control";
    if (!settings.AclsServed()) {
        if (grants || !nothing) {
            return std::unexpected(S3Error("AccessControlListNotSupported", 400, "The bucket does not allow ACLs"));
        }
        return std::string();
    }
    if (grants) return std::unexpected(FeatureNotServed("grants to single grantees; canned ACLs are"));
    if (nothing) return std::string();
    if (*acl == "aws-exec-read" || *acl == "log-delivery-write") {
        return std::unexpected(FeatureNotServed("the canned ACL " + *acl));
    }
    const auto& block = settings.public_access_block;
    if (block && (*block)[0] && acl->starts_with("public-")) return std::unexpected(AccessDenied());
    return *acl;
}

api::Outcome<std::string> StorageClassOf(const std::optional<std::string>& storage_class) {
    static constexpr std::string_view kOnline[] = {"REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA",
                                                   "INTELLIGENT_TIERING", "GLACIER_IR"};
    if (!storage_class || *storage_class == "STANDARD") return std::string();
    if (std::find(std::begin(kOnline), std::end(kOnline), *storage_class) != std::end(kOnline)) return *storage_class;
    if (*storage_class == "GLACIER" || *storage_class == "DEEP_ARCHIVE") {
        return std::unexpected(FeatureNotServed("archives, from which objects have to be restored"));
    }
    return std::unexpected(S3Error("InvalidStorageClass", 400, "The storage class you specified is not valid"));
}

api::Outcome<std::string> EncryptionOf(const std::optional<std::string>& asked, const BucketSettings& settings) {
    if (asked && *asked != "AES256") {
        if (asked->starts_with("aws:")) return std::unexpected(FeatureNotServed("encryption with KMS keys (SSE-KMS)"));
        return std::unexpected(
            InvalidArgument("The encryption method specified is not supported", "x-amz-server-side-encryption", *asked));
    }
    return std::string(asked || settings.encryption ? "AES256" : "");
}

}  // namespace wellhead::services::s3
