#include <algorithm>

#include "services/s3/listing.h"
#include "services/s3/multipart.h"
#include "services/s3/s3_service.h"

namespace wellhead::services::s3 {

namespace {
constexpr size_t kMostListed = 1000;

Outcome<size_t> LimitOf(const std::optional<int32_t>& most, const char* name) {
    if (most.value_or(0) < 0) {
        return std::unexpected(
            InvalidArgument(std::string("Argument ") + name + " must be an integer between 0 and 2147483647", name,
                            std::to_string(*most)));
    }
    return std::min(static_cast<size_t>(most.value_or(kMostListed)), kMostListed);
}
}  // namespace

Task<Outcome<s3::ListPartsOutput>> S3Service::ListParts(const CallContext&, s3::ListPartsRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    CO_ASSIGN_OR_RETURN(size_t limit, LimitOf(request.MaxParts, "max-parts"));
    auto upload = co_await FindUpload(request.Bucket, request.Key, request.UploadId);
    if (!upload) co_return std::unexpected(upload.error());
    const int32_t after = std::clamp(request.PartNumberMarker.value_or(0), 0, kMostParts);
    storage::ObjectRange range{request.UploadId + "/", PartKey(request.UploadId, after + 1), limit + 1};
    auto entries = co_await deps_.objects.List(kPartsBucket, range);
    if (!entries) co_return std::unexpected(FromStorage(entries.error()));
    s3::ListPartsOutput output;
    output.Bucket = request.Bucket;
    output.Key = request.Key;
    output.UploadId = request.UploadId;
    output.PartNumberMarker = after;
    output.NextPartNumberMarker = 0;
    output.MaxParts = static_cast<int32_t>(limit);
    output.IsTruncated = limit > 0 && entries->size() > limit;
    output.StorageClass = "STANDARD";
    output.Owner.emplace().ID = OwnerId();
    output.Initiator.emplace().ID = OwnerId();
    if (upload->checksum_asked) {
        output.ChecksumAlgorithm = NameOf(upload->attributes.checksum->algorithm);
        output.ChecksumType = upload->attributes.checksum->composite ? "COMPOSITE" : "FULL_OBJECT";
    }
    if (entries->size() > limit) entries->resize(limit);
    for (const auto& entry : *entries) {
        auto attributes = DecodeAttributes(entry.metadata.attributes);
        if (!attributes) co_return std::unexpected(FromStorage(attributes.error()));
        if (!output.Parts) output.Parts.emplace();
        auto& part = output.Parts->emplace_back();
        part.PartNumber = NumberOfPart(entry.key);
        part.LastModified = entry.metadata.modified;
        part.ETag = '"' + attributes->etag + '"';
        part.Size = static_cast<int64_t>(entry.metadata.size_bytes);
        if (attributes->checksum) SetChecksum(part, *attributes->checksum);
        output.NextPartNumberMarker = part.PartNumber;
    }
    co_return output;
}

Task<Outcome<s3::ListMultipartUploadsOutput>> S3Service::ListMultipartUploads(
    const CallContext&, s3::ListMultipartUploadsRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    CO_ASSIGN_OR_RETURN(size_t limit, LimitOf(request.MaxUploads, "max-uploads"));
    const std::string prefix = request.Prefix.value_or("");
    const std::string delimiter = request.Delimiter.value_or("");
    const std::string key_marker = request.KeyMarker.value_or("");
    const std::string id_marker = request.UploadIdMarker.value_or("");
    const bool url = request.EncodingType == "url";
    auto spell = [url](const std::string& name) { return url ? PercentEncode(name) : name; };
    s3::ListMultipartUploadsOutput output;
    output.Bucket = request.Bucket;
    output.KeyMarker = spell(key_marker);
    output.UploadIdMarker = id_marker;
    output.Prefix = spell(prefix);
    if (!delimiter.empty()) output.Delimiter = spell(delimiter);
    output.EncodingType = request.EncodingType;
    output.MaxUploads = static_cast<int32_t>(limit);
    output.IsTruncated = false;
    // Uploads under way are few; all of the bucket's with the prefix are looked at.
    storage::TableRange range = storage::PrefixRange(request.Bucket + '\0' + prefix);
    auto entries = co_await deps_.table.Scan(kUploadsCollection, range);
    if (!entries) co_return std::unexpected(FromStorage(entries.error()));
    std::string last_group;
    size_t count = 0;
    for (const auto& entry : *entries) {
        UploadName name = NameOfUpload(entry.key, request.Bucket.size());
        if (name.key < key_marker) continue;
        if (name.key == key_marker && (id_marker.empty() || name.upload_id <= id_marker)) continue;
        size_t at = delimiter.empty() ? std::string::npos : name.key.find(delimiter, prefix.size());
        std::string group = at == std::string::npos ? "" : name.key.substr(0, at + delimiter.size());
        if (!group.empty() && (group == last_group || group == key_marker)) continue;
        if (count == limit) {
            output.IsTruncated = limit > 0;
            break;
        }
        ++count;
        output.NextKeyMarker = spell(group.empty() ? name.key : group);
        output.NextUploadIdMarker = group.empty() ? name.upload_id : "";
        if (!group.empty()) {
            last_group = group;
            if (!output.CommonPrefixes) output.CommonPrefixes.emplace();
            output.CommonPrefixes->emplace_back().Prefix = spell(group);
            continue;
        }
        auto upload = DecodeUpload(entry.value);
        if (!upload) co_return std::unexpected(FromStorage(upload.error()));
        if (!output.Uploads) output.Uploads.emplace();
        auto& one = output.Uploads->emplace_back();
        one.Key = spell(name.key);
        one.UploadId = name.upload_id;
        one.Initiated = upload->initiated;
        one.StorageClass = "STANDARD";
        one.Owner.emplace().ID = OwnerId();
        one.Initiator.emplace().ID = OwnerId();
        if (upload->checksum_asked) {
            one.ChecksumAlgorithm = NameOf(upload->attributes.checksum->algorithm);
            one.ChecksumType = upload->attributes.checksum->composite ? "COMPOSITE" : "FULL_OBJECT";
        }
    }
    if (!*output.IsTruncated) {
        output.NextKeyMarker.reset();
        output.NextUploadIdMarker.reset();
    }
    co_return output;
}

Task<void> S3Service::ForgetUploads(std::string bucket) {
    storage::TableRange range = storage::PrefixRange(bucket + '\0');
    auto entries = co_await deps_.table.Scan(kUploadsCollection, range);
    if (!entries || entries->empty()) co_return;
    storage::TableBatch batch;
    for (const auto& entry : *entries) batch.Delete(kUploadsCollection, entry.key);
    auto deleted = co_await deps_.table.Commit(std::move(batch));
    if (!deleted) co_return;
    for (const auto& entry : *entries) co_await RemoveParts(NameOfUpload(entry.key, bucket.size()).upload_id);
}

}  // namespace wellhead::services::s3
