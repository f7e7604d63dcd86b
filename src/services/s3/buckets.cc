#include "services/s3/s3_errors.h"
#include "services/s3/s3_service.h"
#include "services/s3/tag_sets.h"
#include "services/s3/write_request.h"

namespace wellhead::services::s3 {

namespace {

constexpr size_t kMostBucketTags = 50;
constexpr size_t kMostBuckets = 10000;
constexpr std::string_view kFirstRegion = "us-east-1";  // the only one without a location constraint

Outcome<void> CheckLocation(const std::optional<s3::CreateBucketConfiguration>& configuration,
                            const std::string& region) {
    std::string asked(kFirstRegion);
    if (configuration && configuration->LocationConstraint) asked = *configuration->LocationConstraint;
    if (configuration && (configuration->Location || configuration->Bucket)) {
        return std::unexpected(FeatureNotServed("directory buckets"));
    }
    if (asked == region) return {};
    return std::unexpected(S3Error("IllegalLocationConstraintException", 400,
                                   "The " + asked + " location constraint is incompatible for the region specific "
                                   "endpoint this request was sent to."));
}

}  // namespace

Task<Outcome<s3::CreateBucketOutput>> S3Service::CreateBucket(const CallContext&, s3::CreateBucketRequest request) {
    const std::string name = request.Bucket;
    CO_RETURN_IF_ERROR(CheckBucketName(name));
    CO_RETURN_IF_ERROR(CheckLocation(request.CreateBucketConfiguration, settings_.region));
    bool grants = request.GrantFullControl || request.GrantRead || request.GrantReadACP || request.GrantWrite ||
                  request.GrantWriteACP;
    if (request.ObjectLockEnabledForBucket.value_or(false)) co_return std::unexpected(FeatureNotServed("Object Lock"));
    auto settings = std::make_shared<BucketSettings>();
    if (request.CreateBucketConfiguration && request.CreateBucketConfiguration->Tags) {
        CO_ASSIGN_OR_RETURN(settings->tags, TagsOfSet(*request.CreateBucketConfiguration->Tags, kMostBucketTags));
    }
    if (request.ObjectOwnership) {
        CO_RETURN_IF_ERROR(CheckOwnership(*request.ObjectOwnership));
        settings->ownership = *request.ObjectOwnership;
    }
    CO_ASSIGN_OR_RETURN(settings->acl, CannedAcl(request.ACL, grants, *settings));
    s3::CreateBucketOutput output;
    output.Location = "/" + name;
    if (FindBucket(name, std::nullopt)) {
        // Only the first region answers a repeated creation with success.
        if (settings_.region == kFirstRegion) co_return output;
        co_return std::unexpected(S3Error("BucketAlreadyOwnedByYou", 409,
                                          "Your previous request to create the named bucket succeeded and you "
                                          "already own it."));
    }
    // Settings first: a bucket that is there has them.
    storage::TableBatch batch;
    batch.Put(kSettingsCollection, name, EncodeBucketSettings(*settings));
    auto stored = co_await deps_.table.Commit(std::move(batch));
    if (!stored) co_return std::unexpected(FromStorage(stored.error()));
    auto created = co_await deps_.objects.CreateBucket(name, "");
    if (!created && created.error().code != base::ErrorCode::kAlreadyExists) {
        co_return std::unexpected(FromStorage(created.error()));
    }
    auto bucket = co_await deps_.objects.GetBucket(name);
    if (!bucket) co_return std::unexpected(FromStorage(bucket.error()));
    std::lock_guard lock(mutex_);
    buckets_.try_emplace(name, StoredBucket{bucket->created, std::move(settings)});
    co_return output;
}

Task<Outcome<s3::HeadBucketOutput>> S3Service::HeadBucket(const CallContext&, s3::HeadBucketRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    s3::HeadBucketOutput output;
    output.BucketRegion = settings_.region;
    output.AccessPointAlias = false;
    co_return output;
}

Task<Outcome<s3::DeleteBucketOutput>> S3Service::DeleteBucket(const CallContext&, s3::DeleteBucketRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    auto deleted = co_await deps_.objects.DeleteBucket(request.Bucket);
    if (!deleted && deleted.error().code == base::ErrorCode::kConflict) {
        auto error = S3Error("BucketNotEmpty", 409, "The bucket you tried to delete is not empty");
        error.members["BucketName"] = request.Bucket;
        co_return std::unexpected(std::move(error));
    }
    if (!deleted && deleted.error().code != base::ErrorCode::kNotFound) {
        co_return std::unexpected(FromStorage(deleted.error()));
    }
    {
        std::lock_guard lock(mutex_);
        buckets_.erase(request.Bucket);
    }
    co_await ForgetUploads(request.Bucket);
    co_return s3::DeleteBucketOutput{};
}

Task<Outcome<s3::ListBucketsOutput>> S3Service::ListBuckets(const CallContext&, s3::ListBucketsRequest request) {
    const size_t limit = static_cast<size_t>(request.MaxBuckets.value_or(kMostBuckets));
    if (limit < 1 || limit > kMostBuckets) {
        co_return std::unexpected(InvalidArgument("Argument max-buckets must be an integer between 1 and 10000"));
    }
    const std::string prefix = request.Prefix.value_or("");
    std::string first = prefix;
    if (request.ContinuationToken) first = std::max(first, *request.ContinuationToken);
    s3::ListBucketsOutput output;
    output.Owner.emplace().ID = OwnerId();
    output.Prefix = request.Prefix;
    output.Buckets.emplace();
    if (request.BucketRegion && *request.BucketRegion != settings_.region) co_return output;
    std::lock_guard lock(mutex_);
    for (auto at = buckets_.lower_bound(first); at != buckets_.end() && at->first.starts_with(prefix); ++at) {
        if (output.Buckets->size() == limit) {
            output.ContinuationToken = at->first;
            break;
        }
        auto& bucket = output.Buckets->emplace_back();
        bucket.Name = at->first;
        bucket.CreationDate = at->second.created;
        bucket.BucketRegion = settings_.region;
    }
    co_return output;
}

Task<Outcome<s3::GetBucketLocationOutput>> S3Service::GetBucketLocation(const CallContext&,
                                                                        s3::GetBucketLocationRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    s3::GetBucketLocationOutput output;
    output.LocationConstraint = settings_.region == kFirstRegion ? "" : settings_.region;
    co_return output;
}

}  // namespace wellhead::services::s3
