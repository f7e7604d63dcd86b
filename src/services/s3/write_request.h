#pragma once
// What PutObject, CreateMultipartUpload and CopyObject have in common in their requests.

#include <string>

#include "services/s3/attributes.h"
#include "services/s3/s3_errors.h"

namespace wellhead::services::s3 {

inline constexpr const char* kDefaultContentType = "binary/octet-stream";
inline constexpr size_t kLargestMetadataBytes = 2048;
inline constexpr uint64_t kLargestPutBytes = uint64_t{5} << 30;

// "aws-chunked" is how it travelled, not what it is.
std::optional<std::string> WithoutAwsChunked(std::optional<std::string> content_encoding);
// MetadataTooLarge, InvalidArgument.
api::Outcome<void> CheckMetadata(const std::map<std::string, std::string>& metadata);
// Canned ACLs that change nothing where the bucket owner owns all: others are refused as AWS does then.
api::Outcome<void> CheckCannedAcl(const std::optional<std::string>& acl, bool grants);
api::Outcome<void> CheckStorageClass(const std::optional<std::string>& storage_class);

template <class T>
api::Outcome<void> RefuseUnserved(const T& request) {
    if (request.ServerSideEncryption || request.SSECustomerAlgorithm || request.SSEKMSKeyId) {
        return std::unexpected(FeatureNotServed("server-side encryption"));
    }
    if (request.ObjectLockMode || request.ObjectLockRetainUntilDate || request.ObjectLockLegalHoldStatus) {
        return std::unexpected(InvalidRequest("Bucket is missing Object Lock Configuration"));
    }
    RETURN_IF_ERROR(CheckStorageClass(request.StorageClass));
    bool grants = request.GrantFullControl || request.GrantRead || request.GrantReadACP || request.GrantWriteACP;
    return CheckCannedAcl(request.ACL, grants);
}

template <class T>
api::Outcome<ObjectAttributes> AttributesOf(const T& request) {
    ObjectAttributes attributes;
    attributes.headers.content_type = request.ContentType.value_or(kDefaultContentType);
    attributes.headers.content_encoding = WithoutAwsChunked(request.ContentEncoding);
    attributes.headers.content_language = request.ContentLanguage;
    attributes.headers.content_disposition = request.ContentDisposition;
    attributes.headers.cache_control = request.CacheControl;
    attributes.headers.expires = request.Expires;
    attributes.headers.website_redirect = request.WebsiteRedirectLocation;
    if (request.Metadata) attributes.metadata = *request.Metadata;
    RETURN_IF_ERROR(CheckMetadata(attributes.metadata));
    if (request.Tagging) {
        ASSIGN_OR_RETURN(attributes.tags, ParseTaggingHeader(*request.Tagging));
        RETURN_IF_ERROR(CheckTags(attributes.tags, 10));
    }
    return attributes;
}

}  // namespace wellhead::services::s3
