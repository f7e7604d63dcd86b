#include <fmt/format.h>

#include <boost/asio/this_coro.hpp>

#include "codec/crc.h"
#include "services/s3/multipart.h"
#include "services/s3/s3_service.h"
#include "services/s3/write_request.h"

namespace wellhead::services::s3 {

namespace {

struct StoredPart {
    std::string etag;
    std::string checksum;
    uint64_t size_bytes = 0;
};

std::string Unquoted(const std::string& etag) {
    if (etag.size() >= 2 && etag.starts_with('"') && etag.ends_with('"')) return etag.substr(1, etag.size() - 2);
    return etag;
}

Outcome<std::map<int32_t, StoredPart>> ReadParts(const std::vector<storage::ObjectEntry>& entries) {
    std::map<int32_t, StoredPart> parts;
    for (const auto& entry : entries) {
        auto attributes = DecodeAttributes(entry.metadata.attributes);
        if (!attributes) return std::unexpected(FromStorage(attributes.error()));
        StoredPart& part = parts[NumberOfPart(entry.key)];
        part.etag = attributes->etag;
        if (attributes->checksum) part.checksum = attributes->checksum->value;
        part.size_bytes = entry.metadata.size_bytes;
    }
    return parts;
}

api::ServiceError InvalidPart(int32_t number, const std::string& upload_id) {
    auto error = S3Error("InvalidPart", 400,
                         "One or more of the specified parts could not be found. The part may not have been uploaded, "
                         "or the specified entity tag may not match the part's entity tag.");
    error.members["UploadId"] = upload_id;
    error.members["PartNumber"] = std::to_string(number);
    return error;
}

// The claim for one algorithm in a structure of x-amz-checksum members.
template <class T>
const std::optional<std::string>& ValueFor(const T& in, ChecksumAlgorithm algorithm) {
    switch (algorithm) {
        case ChecksumAlgorithm::kCrc32: return in.ChecksumCRC32;
        case ChecksumAlgorithm::kCrc32c: return in.ChecksumCRC32C;
        case ChecksumAlgorithm::kCrc64Nvme: return in.ChecksumCRC64NVME;
        case ChecksumAlgorithm::kSha1: return in.ChecksumSHA1;
        case ChecksumAlgorithm::kSha256: break;
    }
    return in.ChecksumSHA256;
}

// The list of the request against what was uploaded.
Outcome<std::vector<ObjectPart>> CheckParts(const s3::CompleteMultipartUploadRequest& request, const Upload& upload,
                                            const std::map<int32_t, StoredPart>& stored,
                                            std::vector<std::string>& etags) {
    const Checksum checksum = upload.attributes.checksum.value_or(Checksum{});
    if (!request.MultipartUpload || !request.MultipartUpload->Parts || request.MultipartUpload->Parts->empty()) {
        return std::unexpected(S3Error("MalformedXML", 400,
                                       "The XML you provided was not well-formed or did not validate against our "
                                       "published schema"));
    }
    const auto& listed = *request.MultipartUpload->Parts;
    std::vector<ObjectPart> parts;
    for (const auto& one : listed) {
        const int32_t number = one.PartNumber.value_or(0);
        RETURN_IF_ERROR(CheckPartNumber(number));
        if (!parts.empty() && number <= parts.back().number) {
            return std::unexpected(
                S3Error("InvalidPartOrder", 400,
                        "The list of parts was not in ascending order. Parts must be ordered by part number."));
        }
        auto found = stored.find(number);
        if (found == stored.end() || Unquoted(one.ETag.value_or("")) != found->second.etag) {
            return std::unexpected(InvalidPart(number, request.UploadId));
        }
        const auto& claimed = ValueFor(one, checksum.algorithm);
        if (upload.checksum_asked && claimed && *claimed != found->second.checksum) {
            return std::unexpected(InvalidPart(number, request.UploadId));
        }
        if (upload.checksum_asked && checksum.composite && !claimed) {
            return std::unexpected(InvalidRequest(fmt::format(
                "The upload was created using a {} checksum. The complete request must include the checksum for each "
                "part. It was missing for part {} in the request.",
                NameOf(checksum.algorithm), number)));
        }
        etags.push_back(found->second.etag);
        parts.push_back({number, found->second.size_bytes, upload.checksum_asked ? found->second.checksum : ""});
    }
    for (size_t i = 0; i + 1 < parts.size(); ++i) {
        if (parts[i].size_bytes >= kSmallestPartBytes) continue;
        auto error = S3Error("EntityTooSmall", 400,
                             "Your proposed upload is smaller than the minimum allowed size");
        error.members["PartNumber"] = std::to_string(parts[i].number);
        error.members["ProposedSize"] = std::to_string(parts[i].size_bytes);
        error.members["MinSizeAllowed"] = std::to_string(kSmallestPartBytes);
        return std::unexpected(std::move(error));
    }
    return parts;
}

std::string WholeChecksum(const Checksum& checksum, const std::vector<ObjectPart>& parts) {
    if (checksum.composite) {
        std::vector<std::string> values;
        for (const auto& part : parts) values.push_back(part.checksum);
        return CompositeChecksum(checksum.algorithm, values);
    }
    uint64_t whole = 0;
    for (const auto& part : parts) {
        uint64_t crc = CrcOfText(checksum.algorithm, part.checksum).value_or(0);
        switch (checksum.algorithm) {
            case ChecksumAlgorithm::kCrc32:
                whole = codec::Crc32Combine(static_cast<uint32_t>(whole), static_cast<uint32_t>(crc), part.size_bytes);
                break;
            case ChecksumAlgorithm::kCrc32c:
                whole = codec::Crc32cCombine(static_cast<uint32_t>(whole), static_cast<uint32_t>(crc), part.size_bytes);
                break;
            default: whole = codec::Crc64NvmeCombine(whole, crc, part.size_bytes);
        }
    }
    return CrcText(checksum.algorithm, whole);
}

Outcome<void> CheckWhole(const s3::CompleteMultipartUploadRequest& request, const ObjectAttributes& attributes) {
    uint64_t size = 0;
    for (const auto& part : attributes.parts) size += part.size_bytes;
    if (request.MpuObjectSize && static_cast<uint64_t>(*request.MpuObjectSize) != size) {
        return std::unexpected(InvalidRequest(
            fmt::format("The provided 'x-amz-mp-object-size' header value {} does not match what was computed: {}",
                        *request.MpuObjectSize, size)));
    }
    if (!attributes.checksum) return {};
    const auto& claimed = ValueFor(request, attributes.checksum->algorithm);
    const std::string& value = attributes.checksum->value;
    if (!claimed || *claimed == value || value.starts_with(*claimed + "-")) return {};
    return std::unexpected(S3Error("BadDigest", 400,
                                   fmt::format("The {} you specified did not match the calculated checksum.",
                                               NameOf(attributes.checksum->algorithm))));
}

s3::CompleteMultipartUploadOutput Answer(const CallContext& context,
                                         const s3::CompleteMultipartUploadRequest& request,
                                         const ObjectAttributes& attributes, uint64_t crc64nvme) {
    s3::CompleteMultipartUploadOutput output;
    output.Location = fmt::format("{}://{}/{}/{}", context.tls ? "https" : "http", context.host, request.Bucket,
                                  PercentEncode(request.Key));
    output.Bucket = request.Bucket;
    output.Key = request.Key;
    output.ETag = '"' + attributes.etag + '"';
    if (!attributes.encryption.empty()) output.ServerSideEncryption = attributes.encryption;
    Checksum own{ChecksumAlgorithm::kCrc64Nvme, CrcText(ChecksumAlgorithm::kCrc64Nvme, crc64nvme), false};
    SetChecksum(output, attributes.checksum.value_or(own));
    return output;
}

}  // namespace

// Asked again after it was done (the answer was lost), it answers the same.
Task<Outcome<s3::CompleteMultipartUploadOutput>> S3Service::CompleteMultipartUpload(
    const CallContext& context, s3::CompleteMultipartUploadRequest request) {
    CO_ASSIGN_OR_RETURN(StoredBucket bucket, FindBucket(request.Bucket, request.ExpectedBucketOwner));
    auto upload = co_await FindUpload(request.Bucket, request.Key, request.UploadId);
    if (!upload) {
        auto done = co_await FindObject(request.Bucket, request.Key, std::nullopt);
        if (!done || done->attributes.upload_id != request.UploadId) co_return std::unexpected(upload.error());
        auto answer = Answer(context, request, done->attributes, done->object->metadata().crc64nvme);
        answer.VersionId = done->version_id;
        co_return answer;
    }
    storage::ObjectRange range{request.UploadId + "/", "", kMostParts};
    auto entries = co_await deps_.objects.List(kPartsBucket, range);
    if (!entries) co_return std::unexpected(FromStorage(entries.error()));
    CO_ASSIGN_OR_RETURN(auto stored, ReadParts(*entries));
    ObjectAttributes attributes = upload->attributes;
    std::vector<std::string> etags;
    CO_ASSIGN_OR_RETURN(attributes.parts, CheckParts(request, *upload, stored, etags));
    attributes.etag = CompositeETag(etags);
    if (upload->checksum_asked) {
        attributes.checksum->value = WholeChecksum(*attributes.checksum, attributes.parts);
    } else {
        attributes.checksum.reset();
    }
    CO_RETURN_IF_ERROR(CheckWhole(request, attributes));
    auto condition = co_await WriteCondition(request.Bucket, request.Key, request.IfMatch, request.IfNoneMatch);
    if (!condition) co_return std::unexpected(condition.error());

    std::vector<std::shared_ptr<const storage::Object>> sources;
    for (const auto& part : attributes.parts) {
        auto source = co_await deps_.objects.Get(kPartsBucket, PartKey(request.UploadId, part.number));
        if (!source) co_return std::unexpected(InvalidPart(part.number, request.UploadId));
        sources.push_back(std::move(*source));
    }
    auto composed = co_await deps_.objects.Compose(std::move(sources), request.Bucket, request.Key,
                                                   EncodeAttributes(attributes), *condition, bucket.naming());
    if (!composed) {
        if (composed.error().code == base::ErrorCode::kConflict && request.IfNoneMatch) {
            co_return std::unexpected(PreconditionFailed("If-None-Match"));
        }
        co_return std::unexpected(FromStorage(composed.error()));
    }
    storage::TableBatch batch;
    batch.Delete(kUploadsCollection, UploadKey(request.Bucket, request.Key, request.UploadId));
    // The object stands; should this fail, the upload can be completed or aborted once more.
    auto ended = co_await deps_.table.Commit(std::move(batch));
    auto executor = co_await boost::asio::this_coro::executor;
    if (ended) env::Spawn(background_, executor, "remove parts", RemoveParts(request.UploadId));
    Emit(executor, context, "ObjectCreated:CompleteMultipartUpload", request.Bucket, request.Key, *composed,
         attributes.etag);
    auto answer = Answer(context, request, attributes, composed->crc64nvme);
    answer.VersionId = bucket.ShownVersion(*composed);
    co_return answer;
}

}  // namespace wellhead::services::s3
