// Tags and access of single objects.

#include "services/s3/s3_errors.h"
#include "services/s3/s3_service.h"
#include "services/s3/tag_sets.h"
#include "services/s3/write_request.h"

#include <boost/asio/this_coro.hpp>

namespace wellhead::services::s3 {

namespace {

constexpr size_t kMostObjectTags = 10;

}  // namespace

// Of a version; where none is named and a new one comes in between, that is changed instead.
Task<Outcome<S3Service::FoundObject>> S3Service::ChangeAttributes(std::string bucket, std::string key,
                                                                  std::optional<std::string> version_id,
                                                                  std::function<void(ObjectAttributes&)> change) {
    for (;;) {
        auto found = co_await FindObject(bucket, key, version_id);
        if (!found) co_return std::unexpected(found.error());
        change(found->attributes);
        auto set = co_await deps_.objects.SetAttributes(bucket, key, found->object->metadata().generation,
                                                        EncodeAttributes(found->attributes));
        if (set) co_return std::move(*found);
        base::ErrorCode code = set.error().code;
        if (code != base::ErrorCode::kConflict && code != base::ErrorCode::kNotFound) {
            co_return std::unexpected(FromStorage(set.error()));
        }
    }
}

Task<Outcome<s3::PutObjectTaggingOutput>> S3Service::PutObjectTagging(const CallContext& context,
                                                                      s3::PutObjectTaggingRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    CO_ASSIGN_OR_RETURN(Tags tags, TagsOfSet(request.Tagging.TagSet, kMostObjectTags));
    auto change = [&tags](ObjectAttributes& attributes) { attributes.tags = tags; };
    auto changed = co_await ChangeAttributes(request.Bucket, request.Key, request.VersionId, change);
    if (!changed) co_return std::unexpected(changed.error());
    auto executor = co_await boost::asio::this_coro::executor;
    Emit(executor, context, "ObjectTagging:Put", request.Bucket, request.Key, changed->object->metadata(),
         changed->attributes.etag);
    s3::PutObjectTaggingOutput output;
    output.VersionId = changed->version_id;
    co_return output;
}

Task<Outcome<s3::DeleteObjectTaggingOutput>> S3Service::DeleteObjectTagging(
    const CallContext& context, s3::DeleteObjectTaggingRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    auto change = [](ObjectAttributes& attributes) { attributes.tags.clear(); };
    auto changed = co_await ChangeAttributes(request.Bucket, request.Key, request.VersionId, change);
    if (!changed) co_return std::unexpected(changed.error());
    auto executor = co_await boost::asio::this_coro::executor;
    Emit(executor, context, "ObjectTagging:Delete", request.Bucket, request.Key, changed->object->metadata(),
         changed->attributes.etag);
    s3::DeleteObjectTaggingOutput output;
    output.VersionId = changed->version_id;
    co_return output;
}

Task<Outcome<s3::GetObjectTaggingOutput>> S3Service::GetObjectTagging(const CallContext&,
                                                                      s3::GetObjectTaggingRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    auto found = co_await FindObject(request.Bucket, request.Key, request.VersionId);
    if (!found) co_return std::unexpected(found.error());
    s3::GetObjectTaggingOutput output;
    output.TagSet = SetOfTags(found->attributes.tags);
    output.VersionId = found->version_id;
    co_return output;
}

Task<Outcome<s3::GetObjectAclOutput>> S3Service::GetObjectAcl(const CallContext&, s3::GetObjectAclRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    auto found = co_await FindObject(request.Bucket, request.Key, request.VersionId);
    if (!found) co_return std::unexpected(found.error());
    s3::GetObjectAclOutput output;
    output.Owner.emplace().ID = OwnerId();
    output.Grants = GrantsOf(found->attributes.acl, OwnerId());
    co_return output;
}

Task<Outcome<s3::PutObjectAclOutput>> S3Service::PutObjectAcl(const CallContext&, s3::PutObjectAclRequest request) {
    CO_ASSIGN_OR_RETURN(StoredBucket bucket, FindBucket(request.Bucket, request.ExpectedBucketOwner));
    CO_ASSIGN_OR_RETURN(const std::string acl, AclOf(request, *bucket.settings, OwnerId()));
    auto change = [&acl](ObjectAttributes& attributes) { attributes.acl = acl; };
    auto changed = co_await ChangeAttributes(request.Bucket, request.Key, request.VersionId, change);
    if (!changed) co_return std::unexpected(changed.error());
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
