#include <algorithm>

#include "codec/crc.h"
#include "services/s3/file_body.h"
#include "services/s3/object_answer.h"
#include "services/s3/s3_errors.h"
#include "services/s3/s3_service.h"

namespace wellhead::services::s3 {

namespace {

// Read in one go with the look for damage; larger ones are sent from the file.
constexpr uint64_t kSmallObjectBytes = 64 << 10;

// Blocking. A whole object is compared with its checksum before a byte of it leaves.
base::Result<api::StreamBody> OpenBody(env::BlockingPool& pool, const storage::Object& object, ByteRange range) {
    const bool whole = range.length == object.metadata().size_bytes;
    ASSIGN_OR_RETURN(auto file, object.Open());
    if (whole && range.length <= kSmallObjectBytes) {
        base::Bytes contents(range.length, '\0');
        ASSIGN_OR_RETURN(size_t read, file->ReadAt(0, contents));
        uint64_t crc = codec::Crc64Nvme(base::ByteView(contents).substr(0, read));
        if (crc != object.metadata().crc64nvme) {
            return base::Fail(base::ErrorCode::kCorrupt, "the object is damaged: its checksum does not hold");
        }
        return api::MakeByteStream(std::move(contents));
    }
    if (whole) RETURN_IF_ERROR(object.Verify());
    return std::make_unique<FileBody>(pool, std::move(file), range.offset, range.length);
}

template <class Request>
Outcome<void> RefuseCustomerKeys(const Request& request) {
    if (request.SSECustomerAlgorithm || request.SSECustomerKey) {
        return std::unexpected(InvalidRequest(
            "The encryption parameters are not applicable to this object: it is not encrypted with a customer key."));
    }
    return {};
}

}  // namespace

Task<Outcome<s3::GetObjectOutput>> S3Service::GetObject(const CallContext&, s3::GetObjectRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    CO_RETURN_IF_ERROR(RefuseCustomerKeys(request));
    auto found = co_await FindObject(request.Bucket, request.Key, request.VersionId);
    if (!found) co_return std::unexpected(found.error());
    const storage::ObjectMetadata& metadata = found->object->metadata();
    CO_RETURN_IF_ERROR(CheckConditions(ConditionsOf(request), found->attributes, metadata.modified));
    CO_ASSIGN_OR_RETURN(Selection selection,
                        Select(metadata, found->attributes, request.Range, request.PartNumber));
    s3::GetObjectOutput output;
    DescribeObject(output, request, metadata, found->attributes, selection);
    output.VersionId = found->version_id;
    output.Expiration = found->expiration;
    if (auto contents = found->object->contents()) {
        output.Body = api::MakeByteStream(base::Bytes(contents->substr(selection.range.offset, selection.range.length)));
        co_return output;
    }
    auto open = [&] { return OpenBody(deps_.pool, *found->object, selection.range); };
    auto body = co_await env::RunBlocking(deps_.pool, open);
    if (!body) co_return std::unexpected(FromStorage(body.error()));
    output.Body = std::move(*body);
    co_return output;
}

Task<Outcome<s3::HeadObjectOutput>> S3Service::HeadObject(const CallContext&, s3::HeadObjectRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    CO_RETURN_IF_ERROR(RefuseCustomerKeys(request));
    auto found = co_await FindObject(request.Bucket, request.Key, request.VersionId);
    if (!found) co_return std::unexpected(found.error());
    const storage::ObjectMetadata& metadata = found->object->metadata();
    CO_RETURN_IF_ERROR(CheckConditions(ConditionsOf(request), found->attributes, metadata.modified));
    CO_ASSIGN_OR_RETURN(Selection selection,
                        Select(metadata, found->attributes, request.Range, request.PartNumber));
    s3::HeadObjectOutput output;
    DescribeObject(output, request, metadata, found->attributes, selection);
    output.VersionId = found->version_id;
    output.Expiration = found->expiration;
    co_return output;
}

Task<Outcome<s3::GetObjectAttributesOutput>> S3Service::GetObjectAttributes(
    const CallContext&, s3::GetObjectAttributesRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    auto found = co_await FindObject(request.Bucket, request.Key, request.VersionId);
    if (!found) co_return std::unexpected(found.error());
    const storage::ObjectMetadata& metadata = found->object->metadata();
    const ObjectAttributes& attributes = found->attributes;
    s3::GetObjectAttributesOutput output;
    output.LastModified = metadata.modified;
    output.VersionId = found->version_id;
    for (const std::string& name : request.ObjectAttributes) {
        if (name == "ETag") output.ETag = attributes.etag;
        if (name == "StorageClass") output.StorageClass = attributes.storage_class.empty() ? "STANDARD" : attributes.storage_class;
        if (name == "ObjectSize") output.ObjectSize = static_cast<int64_t>(metadata.size_bytes);
        if (name == "Checksum") SetChecksum(output.Checksum.emplace(), ChecksumFor(metadata, attributes));
        if (name != "ObjectParts" || attributes.parts.empty()) continue;
        auto& parts = output.ObjectParts.emplace();
        const int32_t after = request.PartNumberMarker.value_or(0);
        const size_t limit = static_cast<size_t>(std::clamp(request.MaxParts.value_or(1000), 0, 1000));
        parts.TotalPartsCount = static_cast<int32_t>(attributes.parts.size());
        parts.PartNumberMarker = after;
        parts.MaxParts = static_cast<int32_t>(limit);
        parts.IsTruncated = false;
        parts.Parts.emplace();
        for (const auto& part : attributes.parts) {
            if (part.number <= after) continue;
            if (parts.Parts->size() == limit) {
                parts.IsTruncated = true;
                break;
            }
            auto& one = parts.Parts->emplace_back();
            one.PartNumber = part.number;
            one.Size = static_cast<int64_t>(part.size_bytes);
            if (!part.checksum.empty()) {
                SetChecksum(one, {ChecksumFor(metadata, attributes).algorithm, part.checksum, false});
            }
            parts.NextPartNumberMarker = part.number;
        }
    }
    co_return output;
}

}  // namespace wellhead::services::s3
