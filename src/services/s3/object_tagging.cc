// Tags and access of single objects.

#include "services/s3/s3_errors.h"
#include "services/s3/s3_service.h"
#include "services/s3/tag_sets.h"
#include "services/s3/write_request.h"

namespace wellhead::services::s3 {

namespace {

constexpr size_t kMostObjectTags = 10;

// Of an object; a new version that comes in between is tagged instead.
template <class Request>
Task<Outcome<void>> ReplaceTags(storage::ObjectStore& objects, const Request& request, Tags tags) {
    for (;;) {
        auto object = co_await objects.Get(request.Bucket, request.Key);
        if (!object && object.error().code == base::ErrorCode::kNotFound) {
            co_return std::unexpected(NoSuchKey(request.Key));
        }
        if (!object) co_return std::unexpected(FromStorage(object.error()));
        if (request.VersionId && *request.VersionId != "null") {
            co_return std::unexpected(NoSuchVersion(request.Key, *request.VersionId));
        }
        auto attributes = DecodeAttributes((*object)->metadata().attributes);
        if (!attributes) co_return std::unexpected(FromStorage(attributes.error()));
        attributes->tags = tags;
        auto set = co_await objects.SetAttributes(request.Bucket, request.Key, (*object)->metadata().generation,
                                                  EncodeAttributes(*attributes));
        if (set) co_return Outcome<void>();
        base::ErrorCode code = set.error().code;
        if (code != base::ErrorCode::kConflict && code != base::ErrorCode::kNotFound) {
            co_return std::unexpected(FromStorage(set.error()));
        }
    }
}

}  // namespace

Task<Outcome<s3::PutObjectTaggingOutput>> S3Service::PutObjectTagging(const CallContext&,
                                                                      s3::PutObjectTaggingRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    CO_ASSIGN_OR_RETURN(Tags tags, TagsOfSet(request.Tagging.TagSet, kMostObjectTags));
    auto replaced = co_await ReplaceTags(deps_.objects, request, std::move(tags));
    if (!replaced) co_return std::unexpected(replaced.error());
    co_return s3::PutObjectTaggingOutput{};
}

Task<Outcome<s3::DeleteObjectTaggingOutput>> S3Service::DeleteObjectTagging(
    const CallContext&, s3::DeleteObjectTaggingRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    Tags none;
    auto replaced = co_await ReplaceTags(deps_.objects, request, none);
    if (!replaced) co_return std::unexpected(replaced.error());
    co_return s3::DeleteObjectTaggingOutput{};
}

Task<Outcome<s3::GetObjectTaggingOutput>> S3Service::GetObjectTagging(const CallContext&,
                                                                      s3::GetObjectTaggingRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    auto found = co_await FindObject(request.Bucket, request.Key, request.VersionId);
    if (!found) co_return std::unexpected(found.error());
    s3::GetObjectTaggingOutput output;
    output.TagSet = SetOfTags(found->attributes.tags);
    co_return output;
}

Task<Outcome<s3::GetObjectAclOutput>> S3Service::GetObjectAcl(const CallContext&, s3::GetObjectAclRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    auto found = co_await FindObject(request.Bucket, request.Key, request.VersionId);
    if (!found) co_return std::unexpected(found.error());
    s3::GetObjectAclOutput output;
    output.Owner.emplace().ID = OwnerId();
    output.Grants = OwnerGrants(OwnerId());
    co_return output;
}

Task<Outcome<s3::PutObjectAclOutput>> S3Service::PutObjectAcl(const CallContext&, s3::PutObjectAclRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    auto found = co_await FindObject(request.Bucket, request.Key, request.VersionId);
    if (!found) co_return std::unexpected(found.error());
    bool grants = request.AccessControlPolicy || request.GrantFullControl || request.GrantRead ||
                  request.GrantReadACP || request.GrantWrite || request.GrantWriteACP;
    CO_RETURN_IF_ERROR(CheckCannedAcl(request.ACL, grants));
    co_return s3::PutObjectAclOutput{};
}

Task<Outcome<s3::GetObjectLegalHoldOutput>> S3Service::GetObjectLegalHold(const CallContext&,
                                                                          s3::GetObjectLegalHoldRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    co_return std::unexpected(InvalidRequest("Bucket is missing Object Lock Configuration"));
}

Task<Outcome<s3::GetObjectRetentionOutput>> S3Service::GetObjectRetention(const CallContext&,
                                                                          s3::GetObjectRetentionRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    co_return std::unexpected(InvalidRequest("Bucket is missing Object Lock Configuration"));
}

}  // namespace wellhead::services::s3
