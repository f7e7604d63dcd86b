#include <fmt/format.h>

#include <boost/asio/this_coro.hpp>

#include "services/s3/file_body.h"
#include "services/s3/multipart.h"
#include "services/s3/object_answer.h"
#include "services/s3/s3_service.h"
#include "services/s3/write_request.h"

namespace wellhead::services::s3 {

namespace {

constexpr uint64_t kCopyStepBytes = 8 << 20;

template <class Request>
Conditions SourceConditions(const Request& request) {
    return {request.CopySourceIfMatch, request.CopySourceIfNoneMatch, request.CopySourceIfModifiedSince,
            request.CopySourceIfUnmodifiedSince};
}

// Of a copy's source: not "not modified" but a failed precondition.
api::Outcome<void> CheckSource(const Conditions& conditions, const ObjectAttributes& attributes,
                               base::Instant modified) {
    auto checked = CheckConditions(conditions, attributes, modified);
    if (!checked && checked.error().http_status == 304) {
        return std::unexpected(PreconditionFailed("x-amz-copy-source-If-None-Match"));
    }
    return checked;
}

bool IsPlainMd5(const std::string& etag) { return etag.find('-') == std::string::npos; }

// "bytes=first-last", both given, inside the source.
Outcome<ByteRange> SourceRange(const std::optional<std::string>& header, uint64_t size) {
    if (!header) return ByteRange{0, size};
    RangeAnswer answer = ResolveRange(*header, size);
    auto bad = [&] {
        return std::unexpected(InvalidArgument(
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the "
            "zero-based offsets of the first and last bytes to copy",
            "x-amz-copy-source-range", *header));
    };
    if (answer.kind == RangeKind::kWhole) return bad();
    const uint64_t last = answer.range.offset + answer.range.length - 1;
    if (answer.kind == RangeKind::kUnsatisfiable ||
        *header != fmt::format("bytes={}-{}", answer.range.offset, last)) {
        if (header->starts_with("bytes=-") || header->ends_with("-")) return bad();
        return std::unexpected(S3Error("InvalidRange", 416,
                                       fmt::format("The specified copy range is invalid for the source object size: {}",
                                                   size)));
    }
    return answer.range;
}

}  // namespace

Task<Outcome<S3Service::ReceivedBody>> S3Service::DigestOf(std::shared_ptr<const storage::Object> object,
                                                           std::optional<ChecksumAlgorithm> algorithm) {
    std::vector<ChecksumAlgorithm> algorithms;
    const bool other = algorithm && *algorithm != ChecksumAlgorithm::kCrc64Nvme;
    if (other) algorithms.push_back(*algorithm);
    BodyDigest digest(algorithms);
    auto open = [&] { return object->Open(); };
    auto file = co_await env::RunBlocking(deps_.pool, open);
    if (!file) co_return std::unexpected(FromStorage(file.error()));
    base::Bytes piece;
    for (uint64_t at = 0; at < object->metadata().size_bytes;) {
        auto step = [&]() -> base::Result<void> {
            piece.resize(std::min(kCopyStepBytes, object->metadata().size_bytes - at));
            ASSIGN_OR_RETURN(size_t read, (*file)->ReadAt(at, piece));
            if (read != piece.size()) return base::Fail(base::ErrorCode::kCorrupt, "an object's file ended early");
            digest.Update(piece);
            return {};
        };
        auto stepped = co_await env::RunBlocking(deps_.pool, step);
        if (!stepped) co_return std::unexpected(FromStorage(stepped.error()));
        at += piece.size();
    }
    ReceivedBody out;
    out.md5_hex = digest.Md5Hex();
    if (other) out.checksum = Checksum{*algorithm, digest.Value(*algorithm), false};
    co_return out;
}

Task<Outcome<s3::CopyObjectOutput>> S3Service::CopyObject(const CallContext& context, s3::CopyObjectRequest request) {
    CO_RETURN_IF_ERROR(CheckKey(request.Key));
    CO_ASSIGN_OR_RETURN(StoredBucket bucket, FindBucket(request.Bucket, request.ExpectedBucketOwner));
    CO_RETURN_IF_ERROR(RefuseUnserved(request));
    CO_ASSIGN_OR_RETURN(CopySource source, ParseCopySource(request.CopySource));
    CO_RETURN_IF_ERROR(FindBucket(source.bucket, request.ExpectedSourceBucketOwner));
    const char* reading = source.version_id ? "s3:GetObjectVersion" : "s3:GetObject";
    auto readable = co_await AuthorizeObject(context, reading, source.bucket, source.key);
    if (!readable) co_return std::unexpected(readable.error());
    const std::string metadata_directive = request.MetadataDirective.value_or("COPY");
    const std::string tagging_directive = request.TaggingDirective.value_or("COPY");
    const bool itself = source.bucket == request.Bucket && source.key == request.Key && !source.version_id;
    const bool changes = request.StorageClass || request.WebsiteRedirectLocation || request.ServerSideEncryption;
    if (itself && metadata_directive == "COPY" && !changes) {
        co_return std::unexpected(InvalidRequest(
            "This copy request is illegal because it is trying to copy an object to itself without changing the "
            "object's metadata, storage class, website redirect location or encryption attributes."));
    }
    std::optional<ChecksumAlgorithm> algorithm;
    if (request.ChecksumAlgorithm) {
        algorithm = ChecksumOfName(*request.ChecksumAlgorithm);
        if (!algorithm) co_return std::unexpected(FeatureNotServed("the checksum algorithm " + *request.ChecksumAlgorithm));
    }
    CO_ASSIGN_OR_RETURN(ObjectAttributes given, AttributesOf(request, *bucket.settings));
    auto found = co_await FindObject(source.bucket, source.key, source.version_id);
    if (!found) {
        // Of a source by its id that is a delete marker.
        if (found.error().http_status == 405) {
            co_return std::unexpected(InvalidRequest("The source of a copy request may not specifically refer to a delete marker by version id."));
        }
        co_return std::unexpected(found.error());
    }
    const storage::ObjectMetadata& from = found->object->metadata();
    CO_RETURN_IF_ERROR(CheckSource(SourceConditions(request), found->attributes, from.modified));
    if (from.size_bytes > kLargestPutBytes) {
        co_return std::unexpected(InvalidRequest(
            "The specified copy source is larger than the maximum allowable size for a copy source: 5368709120"));
    }
    ObjectAttributes attributes = found->attributes;
    attributes.upload_id.clear();
    attributes.parts.clear();
    if (metadata_directive == "REPLACE") {
        attributes.headers = given.headers;
        attributes.metadata = given.metadata;
    }
    if (request.WebsiteRedirectLocation) attributes.headers.website_redirect = request.WebsiteRedirectLocation;
    if (tagging_directive == "REPLACE") attributes.tags = given.tags;
    // Access, encryption and class are the request's, never the source's.
    attributes.acl = given.acl;
    attributes.encryption = given.encryption;
    attributes.storage_class = given.storage_class;

    // The copy is one object: its tag is the MD5 of all, its checksum one of all.
    const std::optional<Checksum> before = attributes.checksum;
    const bool keeps = (!before || !before->composite) && (!algorithm || (before && before->algorithm == *algorithm));
    if (!IsPlainMd5(attributes.etag) || !keeps) {
        if (!algorithm && before) algorithm = before->algorithm;
        auto digest = co_await DigestOf(found->object, algorithm);
        if (!digest) co_return std::unexpected(digest.error());
        attributes.etag = digest->md5_hex;
        attributes.checksum = digest->checksum;
    }
    auto condition = co_await WriteCondition(request.Bucket, request.Key, request.IfMatch, request.IfNoneMatch);
    if (!condition) co_return std::unexpected(condition.error());
    std::vector<std::shared_ptr<const storage::Object>> sources(1, found->object);
    auto copied = co_await deps_.objects.Compose(std::move(sources), request.Bucket, request.Key,
                                                 EncodeAttributes(attributes), *condition, bucket.naming());
    if (!copied) co_return std::unexpected(FromStorage(copied.error()));
    auto executor = co_await boost::asio::this_coro::executor;
    Emit(executor, context, "ObjectCreated:Copy", request.Bucket, request.Key, *copied, attributes.etag);
    s3::CopyObjectOutput output;
    output.VersionId = bucket.ShownVersion(*copied);
    output.CopySourceVersionId = found->version_id;
    if (!attributes.encryption.empty()) output.ServerSideEncryption = attributes.encryption;
    auto& result = output.CopyObjectResult.emplace();
    result.ETag = '"' + attributes.etag + '"';
    result.LastModified = copied->modified;
    SetChecksum(result, ChecksumFor(*copied, attributes));
    co_return output;
}

Task<Outcome<s3::UploadPartCopyOutput>> S3Service::UploadPartCopy(const CallContext& context,
                                                                  s3::UploadPartCopyRequest request) {
    CO_RETURN_IF_ERROR(CheckKey(request.Key));
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    CO_RETURN_IF_ERROR(CheckPartNumber(request.PartNumber));
    CO_ASSIGN_OR_RETURN(CopySource source, ParseCopySource(request.CopySource));
    CO_RETURN_IF_ERROR(FindBucket(source.bucket, request.ExpectedSourceBucketOwner));
    const char* reading = source.version_id ? "s3:GetObjectVersion" : "s3:GetObject";
    auto readable = co_await AuthorizeObject(context, reading, source.bucket, source.key);
    if (!readable) co_return std::unexpected(readable.error());
    auto upload = co_await FindUpload(request.Bucket, request.Key, request.UploadId);
    if (!upload) co_return std::unexpected(upload.error());
    auto found = co_await FindObject(source.bucket, source.key, source.version_id);
    if (!found) {
        // Of a source by its id that is a delete marker.
        if (found.error().http_status == 405) {
            co_return std::unexpected(InvalidRequest("The source of a copy request may not specifically refer to a delete marker by version id."));
        }
        co_return std::unexpected(found.error());
    }
    const storage::ObjectMetadata& from = found->object->metadata();
    CO_RETURN_IF_ERROR(CheckSource(SourceConditions(request), found->attributes, from.modified));
    CO_ASSIGN_OR_RETURN(ByteRange range, SourceRange(request.CopySourceRange, from.size_bytes));
    auto open = [&] { return found->object->Open(); };
    auto file = co_await env::RunBlocking(deps_.pool, open);
    if (!file) co_return std::unexpected(FromStorage(file.error()));
    FileBody body(deps_.pool, std::move(*file), range.offset, range.length);
    auto writer = deps_.objects.NewWriter(kPartsBucket);
    BodyClaims claims;
    claims.announced = upload->attributes.checksum.value_or(Checksum{}).algorithm;
    auto received = co_await Receive(*writer, &body, claims);
    if (!received) co_return std::unexpected(received.error());
    ObjectAttributes attributes;
    attributes.etag = received->md5_hex;
    attributes.checksum = received->checksum;
    const std::string upload_key = UploadKey(request.Bucket, request.Key, request.UploadId);
    auto stored = co_await StorePart(upload_key, PartKey(request.UploadId, request.PartNumber), std::move(writer),
                                     attributes);
    if (!stored) co_return std::unexpected(stored.error());
    s3::UploadPartCopyOutput output;
    output.CopySourceVersionId = found->version_id;
    if (!upload->attributes.encryption.empty()) output.ServerSideEncryption = upload->attributes.encryption;
    auto& result = output.CopyPartResult.emplace();
    result.ETag = '"' + attributes.etag + '"';
    result.LastModified = deps_.clock.Now();
    if (upload->checksum_asked && attributes.checksum) SetChecksum(result, *attributes.checksum);
    co_return output;
}

}  // namespace wellhead::services::s3
