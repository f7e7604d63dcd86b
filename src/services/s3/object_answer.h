#pragma once
// What GetObject and HeadObject answer of an object, and which part of it.

#include <optional>
#include <string>

#include "api/service.h"
#include "services/s3/attributes.h"
#include "services/s3/conditions.h"
#include "services/s3/s3_errors.h"
#include "storage/object_store/object_store.h"

namespace wellhead::services::s3 {

// Which bytes, and what they are to the client.
struct Selection {
    ByteRange range;
    bool partial = false;  // a range or a part: 206 with Content-Range
    std::optional<int32_t> parts_count;
};

// Range and partNumber against the object. InvalidRange, InvalidPartNumber, InvalidRequest when both are given.
api::Outcome<Selection> Select(const storage::ObjectMetadata& metadata, const ObjectAttributes& attributes,
                               const std::optional<std::string>& range, std::optional<int32_t> part_number);

// 304 and 412 answers of conditions that do not hold.
api::Outcome<void> CheckConditions(const Conditions& conditions, const ObjectAttributes& attributes,
                                   base::Instant modified);
std::string HttpDate(base::Instant t);

Checksum ChecksumFor(const storage::ObjectMetadata& metadata, const ObjectAttributes& attributes);

template <class T>
Conditions ConditionsOf(const T& request) {
    return {request.IfMatch, request.IfNoneMatch, request.IfModifiedSince, request.IfUnmodifiedSince};
}

template <class Output, class Request>
void DescribeObject(Output& out, const Request& request, const storage::ObjectMetadata& metadata,
                    const ObjectAttributes& attributes, const Selection& selection) {
    const ContentHeaders& headers = attributes.headers;
    auto or_else = [](const std::optional<std::string>& first, const std::optional<std::string>& second) {
        return first ? first : second;
    };
    out.AcceptRanges = "bytes";
    out.LastModified = metadata.modified;
    out.ContentLength = static_cast<int64_t>(selection.range.length);
    out.ETag = '"' + attributes.etag + '"';
    out.ContentType = or_else(request.ResponseContentType, headers.content_type);
    out.ContentEncoding = or_else(request.ResponseContentEncoding, headers.content_encoding);
    out.ContentLanguage = or_else(request.ResponseContentLanguage, headers.content_language);
    out.ContentDisposition = or_else(request.ResponseContentDisposition, headers.content_disposition);
    out.CacheControl = or_else(request.ResponseCacheControl, headers.cache_control);
    out.Expires = headers.expires;
    if (request.ResponseExpires) out.Expires = HttpDate(*request.ResponseExpires);
    out.WebsiteRedirectLocation = headers.website_redirect;
    if (!attributes.encryption.empty()) out.ServerSideEncryption = attributes.encryption;
    if (!attributes.storage_class.empty()) out.StorageClass = attributes.storage_class;
    if (!attributes.metadata.empty()) out.Metadata = attributes.metadata;
    if (!attributes.tags.empty()) out.TagCount = static_cast<int32_t>(attributes.tags.size());
    out.PartsCount = selection.parts_count;
    if (selection.partial) {
        out.ContentRange = "bytes " + std::to_string(selection.range.offset) + "-" +
                           std::to_string(selection.range.offset + selection.range.length - 1) + "/" +
                           std::to_string(metadata.size_bytes);
    } else if (request.ChecksumMode == "ENABLED") {
        SetChecksum(out, ChecksumFor(metadata, attributes));
    }
}

}  // namespace wellhead::services::s3
