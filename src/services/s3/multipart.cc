#include "services/s3/multipart.h"

#include <fmt/format.h>

#include <charconv>
#include <set>

#include "base/log.h"
#include "services/s3/s3_service.h"
#include "services/s3/write_request.h"

namespace wellhead::services::s3 {

UploadName NameOfUpload(const std::string& table_key, size_t bucket_size) {
    std::string rest = table_key.substr(bucket_size + 1);
    size_t zero = rest.size() - kUploadIdBytes - 1;
    return {rest.substr(0, zero), rest.substr(zero + 1)};
}

std::string PartKey(const std::string& upload_id, int32_t number) {
    return fmt::format("{}/{:05}", upload_id, number);
}

int32_t NumberOfPart(const std::string& part_key) {
    int32_t number = 0;
    const char* end = part_key.data() + part_key.size();
    std::from_chars(end - 5, end, number);
    return number;
}

api::Outcome<void> CheckPartNumber(int32_t number) {
    if (number >= 1 && number <= kMostParts) return {};
    return std::unexpected(InvalidArgument("Part number must be an integer between 1 and 10000, inclusive",
                                           "partNumber", std::to_string(number)));
}

Task<Outcome<Upload>> S3Service::FindUpload(std::string bucket, std::string key, std::string upload_id) {
    auto entry = co_await deps_.table.Get(kUploadsCollection, UploadKey(bucket, key, upload_id));
    if (!entry) co_return std::unexpected(FromStorage(entry.error()));
    if (!*entry) co_return std::unexpected(NoSuchUpload(upload_id));
    auto upload = DecodeUpload(**entry);
    if (!upload) co_return std::unexpected(FromStorage(upload.error()));
    co_return std::move(*upload);
}

Task<Outcome<s3::CreateMultipartUploadOutput>> S3Service::CreateMultipartUpload(
    const CallContext&, s3::CreateMultipartUploadRequest request) {
    CO_RETURN_IF_ERROR(CheckKey(request.Key));
    CO_ASSIGN_OR_RETURN(StoredBucket bucket, FindBucket(request.Bucket, request.ExpectedBucketOwner));
    CO_RETURN_IF_ERROR(RefuseUnserved(request));
    Upload upload;
    CO_ASSIGN_OR_RETURN(upload.attributes, AttributesOf(request, *bucket.settings));
    upload.initiated = deps_.clock.Now();
    Checksum checksum;
    if (request.ChecksumAlgorithm) {
        auto algorithm = ChecksumOfName(*request.ChecksumAlgorithm);
        if (!algorithm) {
            co_return std::unexpected(FeatureNotServed("the checksum algorithm " + *request.ChecksumAlgorithm));
        }
        checksum.algorithm = *algorithm;
        upload.checksum_asked = true;
        checksum.composite = *algorithm != ChecksumAlgorithm::kCrc64Nvme;
    }
    if (request.ChecksumType) {
        if (!request.ChecksumAlgorithm) {
            co_return std::unexpected(InvalidRequest(
                "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header."));
        }
        checksum.composite = *request.ChecksumType == "COMPOSITE";
        bool fits = checksum.composite ? checksum.algorithm != ChecksumAlgorithm::kCrc64Nvme
                                       : IsCrc(checksum.algorithm);
        if (!fits) {
            co_return std::unexpected(
                InvalidRequest(fmt::format("The {} checksum type cannot be used with the {} checksum algorithm.",
                                           *request.ChecksumType, NameOf(checksum.algorithm))));
        }
    }
    upload.attributes.checksum = checksum;
    upload.attributes.upload_id = env::RandomHex(deps_.random, kUploadIdBytes / 2);
    storage::TableBatch batch;
    batch.Put(kUploadsCollection, UploadKey(request.Bucket, request.Key, upload.attributes.upload_id),
              EncodeUpload(upload));
    auto stored = co_await deps_.table.Commit(std::move(batch));
    if (!stored) co_return std::unexpected(FromStorage(stored.error()));
    s3::CreateMultipartUploadOutput output;
    output.Bucket = request.Bucket;
    output.Key = request.Key;
    output.UploadId = upload.attributes.upload_id;
    if (!upload.attributes.encryption.empty()) output.ServerSideEncryption = upload.attributes.encryption;
    if (upload.checksum_asked) {
        output.ChecksumAlgorithm = NameOf(checksum.algorithm);
        output.ChecksumType = checksum.composite ? "COMPOSITE" : "FULL_OBJECT";
    }
    co_return output;
}

Task<Outcome<void>> S3Service::StorePart(const std::string& upload_key, std::string part_key,
                                         std::unique_ptr<storage::ObjectWriter> writer, ObjectAttributes attributes) {
    storage::ObjectCondition none;
    auto stored = co_await writer->Commit(part_key, EncodeAttributes(attributes), none);
    if (!stored) co_return std::unexpected(FromStorage(stored.error()));
    // The upload may have ended while the part came in.
    auto entry = co_await deps_.table.Get(kUploadsCollection, upload_key);
    if (!entry) co_return std::unexpected(FromStorage(entry.error()));
    if (*entry) co_return Outcome<void>();
    (void)co_await deps_.objects.Delete(kPartsBucket, part_key, none);
    co_return std::unexpected(NoSuchUpload(part_key.substr(0, kUploadIdBytes)));
}

Task<Outcome<s3::UploadPartOutput>> S3Service::UploadPart(const CallContext&, s3::UploadPartRequest request) {
    CO_RETURN_IF_ERROR(CheckKey(request.Key));
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    CO_RETURN_IF_ERROR(CheckPartNumber(request.PartNumber));
    if (request.SSECustomerAlgorithm) co_return std::unexpected(FeatureNotServed("encryption with keys of the customer (SSE-C)"));
    BodyClaims claims;
    CO_ASSIGN_OR_RETURN(claims.checksum, ClaimedBy(request));
    claims.content_md5 = request.ContentMD5;
    auto upload = co_await FindUpload(request.Bucket, request.Key, request.UploadId);
    if (!upload) co_return std::unexpected(upload.error());
    const Checksum wanted = upload->attributes.checksum.value_or(Checksum{});
    claims.announced = wanted.algorithm;
    if (upload->checksum_asked && claims.checksum && claims.checksum->algorithm != wanted.algorithm) {
        co_return std::unexpected(
            InvalidRequest(fmt::format("Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum "
                                       "Type: {}",
                                       NameOf(wanted.algorithm), NameOf(claims.checksum->algorithm))));
    }
    auto writer = deps_.objects.NewWriter(kPartsBucket);
    auto received = co_await Receive(*writer, request.Body.get(), claims);
    if (!received) co_return std::unexpected(received.error());
    ObjectAttributes attributes;
    attributes.etag = received->md5_hex;
    attributes.checksum = received->checksum;
    const std::string upload_key = UploadKey(request.Bucket, request.Key, request.UploadId);
    auto stored = co_await StorePart(upload_key, PartKey(request.UploadId, request.PartNumber), std::move(writer),
                                     attributes);
    if (!stored) co_return std::unexpected(stored.error());
    s3::UploadPartOutput output;
    output.ETag = '"' + attributes.etag + '"';
    if (!upload->attributes.encryption.empty()) output.ServerSideEncryption = upload->attributes.encryption;
    if (attributes.checksum) SetChecksum(output, *attributes.checksum);
    co_return output;
}

Task<Outcome<s3::AbortMultipartUploadOutput>> S3Service::AbortMultipartUpload(
    const CallContext&, s3::AbortMultipartUploadRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    if (request.IfMatchInitiatedTime) co_return std::unexpected(FeatureNotServed("aborts on the condition of a time"));
    auto upload = co_await FindUpload(request.Bucket, request.Key, request.UploadId);
    if (!upload) co_return std::unexpected(upload.error());
    storage::TableBatch batch;
    batch.Delete(kUploadsCollection, UploadKey(request.Bucket, request.Key, request.UploadId));
    auto deleted = co_await deps_.table.Commit(std::move(batch));
    if (!deleted) co_return std::unexpected(FromStorage(deleted.error()));
    co_await RemoveParts(request.UploadId);
    co_return s3::AbortMultipartUploadOutput{};
}

Task<void> S3Service::RemoveParts(std::string upload_id) {
    for (;;) {
        storage::ObjectRange range{upload_id + "/", "", 1000};
        auto parts = co_await deps_.objects.List(kPartsBucket, range);
        if (!parts || parts->empty()) co_return;
        for (auto& part : *parts) {
            storage::ObjectCondition none;
            auto deleted = co_await deps_.objects.Delete(kPartsBucket, part.key, none);
            if (!deleted && deleted.error().code != base::ErrorCode::kNotFound) {
                base::LogWarning("s3", "parts of the ended upload {} stay until the next start: {}", upload_id,
                                 deleted.error().message);
                co_return;
            }
        }
    }
}

Task<base::Result<void>> S3Service::FindAbandonedParts() {
    storage::TableRange all;
    auto uploads = co_await deps_.table.Scan(kUploadsCollection, all);
    if (!uploads) co_return std::unexpected(uploads.error());
    std::set<std::string> under_way;
    for (const auto& entry : *uploads) under_way.insert(entry.key.substr(entry.key.size() - kUploadIdBytes));
    std::string from;
    for (;;) {
        storage::ObjectRange range{"", from, 1};
        auto parts = co_await deps_.objects.List(kPartsBucket, range);
        if (!parts) co_return std::unexpected(parts.error());
        if (parts->empty()) co_return base::Result<void>();
        std::string upload_id = parts->front().key.substr(0, kUploadIdBytes);
        from = upload_id + "0";  // behind "/"
        if (!under_way.contains(upload_id)) abandoned_uploads_.push_back(std::move(upload_id));
    }
}

Task<void> S3Service::CollectAbandonedParts() {
    for (const auto& upload_id : abandoned_uploads_) co_await RemoveParts(upload_id);
    abandoned_uploads_.clear();
}

}  // namespace wellhead::services::s3
