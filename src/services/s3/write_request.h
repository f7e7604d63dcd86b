#pragma once
// What PutObject, CreateMultipartUpload and CopyObject have in common in their requests.

#include <string>

#include "services/s3/attributes.h"
#include "services/s3/bucket_settings.h"
#include "services/s3/s3_errors.h"

namespace wellhead::services::s3 {

inline constexpr const char* kDefaultContentType = "binary/octet-stream";
inline constexpr size_t kLargestMetadataBytes = 2048;
inline constexpr uint64_t kLargestPutBytes = uint64_t{5} << 30;

// "aws-chunked" is how it travelled, not what it is.
std::optional<std::string> WithoutAwsChunked(std::optional<std::string> content_encoding);
// MetadataTooLarge, InvalidArgument.
api::Outcome<void> CheckMetadata(const std::map<std::string, std::string>& metadata);
// The canned ACL to keep, empty for what is private. Where the bucket owner owns all, those that change nothing pass and
// others are refused as AWS does then; grants to single persons are not served.
api::Outcome<std::string> CannedAcl(const std::optional<std::string>& acl, bool grants, const BucketSettings& settings);
// Of objects: BucketOwnerEnforced, BucketOwnerPreferred or ObjectWriter; MalformedXML otherwise.
api::Outcome<void> CheckOwnership(const std::string& ownership);
// Empty for STANDARD. The classes that are read at once are kept and shown, and stored like any other.
api::Outcome<std::string> StorageClassOf(const std::optional<std::string>& storage_class);
// Empty or "AES256": the object's own, else the bucket's default. docs/s3.md says what it means.
api::Outcome<std::string> EncryptionOf(const std::optional<std::string>& asked, const BucketSettings& settings);

template <class T>
api::Outcome<void> RefuseUnserved(const T& request) {
    if (request.SSECustomerAlgorithm || request.SSECustomerKey) {
        return std::unexpected(FeatureNotServed("encryption with keys of the customer (SSE-C)"));
    }
    if (request.SSEKMSKeyId || request.SSEKMSEncryptionContext || request.BucketKeyEnabled.value_or(false)) {
        return std::unexpected(FeatureNotServed("encryption with KMS keys (SSE-KMS)"));
    }
    if (request.ObjectLockMode || request.ObjectLockRetainUntilDate || request.ObjectLockLegalHoldStatus) {
        return std::unexpected(InvalidRequest("Bucket is missing Object Lock Configuration"));
    }
    return {};
}

template <class T>
api::Outcome<ObjectAttributes> AttributesOf(const T& request, const BucketSettings& settings) {
    ObjectAttributes attributes;
    bool grants = request.GrantFullControl || request.GrantRead || request.GrantReadACP || request.GrantWriteACP;
    ASSIGN_OR_RETURN(attributes.acl, CannedAcl(request.ACL, grants, settings));
    ASSIGN_OR_RETURN(attributes.storage_class, StorageClassOf(request.StorageClass));
    ASSIGN_OR_RETURN(attributes.encryption, EncryptionOf(request.ServerSideEncryption, settings));
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
