#include "services/s3/write_request.h"

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

api::Outcome<void> CheckCannedAcl(const std::optional<std::string>& acl, bool grants) {
    if (grants || (acl && *acl != "private" && *acl != "bucket-owner-full-control")) {
        return std::unexpected(
            S3Error("AccessControlListNotSupported", 400, "The bucket does not allow ACLs"));
    }
    return {};
}

api::Outcome<void> CheckStorageClass(const std::optional<std::string>& storage_class) {
    if (storage_class && *storage_class != "STANDARD") {
        return std::unexpected(
            S3Error("InvalidStorageClass", 400, "The storage class you specified is not valid: STANDARD is served"));
    }
    return {};
}

}  // namespace wellhead::services::s3
