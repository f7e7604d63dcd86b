#include "services/s3/s3_errors.h"
#include "services/s3/s3_service.h"
#include "services/s3/tag_sets.h"
#include "services/s3/write_request.h"

namespace wellhead::services::s3 {

namespace {
constexpr size_t kMostBucketTags = 50;
}  // namespace

Outcome<void> CheckOwnership(const std::string& ownership) {
    if (ownership == "BucketOwnerEnforced" || ownership == "BucketOwnerPreferred" || ownership == "ObjectWriter") return {};
    return std::unexpected(S3Error("MalformedXML", 400,
                                   "The XML you provided was not well-formed or did not validate against our published "
                                   "schema"));
}

Task<Outcome<s3::PutBucketTaggingOutput>> S3Service::PutBucketTagging(const CallContext&,
                                                                      s3::PutBucketTaggingRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    CO_ASSIGN_OR_RETURN(Tags tags, TagsOfSet(request.Tagging.TagSet, kMostBucketTags));
    auto change = [&tags](BucketSettings& settings) { settings.tags = tags; };
    auto changed = co_await ChangeSettings(request.Bucket, change);
    if (!changed) co_return std::unexpected(changed.error());
    co_return s3::PutBucketTaggingOutput{};
}

Task<Outcome<s3::GetBucketTaggingOutput>> S3Service::GetBucketTagging(const CallContext&,
                                                                      s3::GetBucketTaggingRequest request) {
    CO_ASSIGN_OR_RETURN(StoredBucket bucket, FindBucket(request.Bucket, request.ExpectedBucketOwner));
    if (bucket.settings->tags.empty()) {
        co_return std::unexpected(S3Error("NoSuchTagSet", 404, "The TagSet does not exist"));
    }
    s3::GetBucketTaggingOutput output;
    output.TagSet = SetOfTags(bucket.settings->tags);
    co_return output;
}

Task<Outcome<s3::DeleteBucketTaggingOutput>> S3Service::DeleteBucketTagging(const CallContext&,
                                                                            s3::DeleteBucketTaggingRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    auto change = [](BucketSettings& settings) { settings.tags.clear(); };
    auto changed = co_await ChangeSettings(request.Bucket, change);
    if (!changed) co_return std::unexpected(changed.error());
    co_return s3::DeleteBucketTaggingOutput{};
}

Task<Outcome<s3::PutBucketVersioningOutput>> S3Service::PutBucketVersioning(const CallContext&,
                                                                            s3::PutBucketVersioningRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    const auto& configuration = request.VersioningConfiguration;
    if (configuration.MFADelete == "Enabled") co_return std::unexpected(FeatureNotServed("MFA delete"));
    if (configuration.Status != "Suspended" && configuration.Status != "Enabled") {
        co_return std::unexpected(S3Error("IllegalVersioningConfigurationException", 400,
                                          "The Versioning element must be specified"));
    }
    auto change = [&](BucketSettings& settings) { settings.versioning = *configuration.Status; };
    auto changed = co_await ChangeSettings(request.Bucket, change);
    if (!changed) co_return std::unexpected(changed.error());
    co_return s3::PutBucketVersioningOutput{};
}

Task<Outcome<s3::GetBucketVersioningOutput>> S3Service::GetBucketVersioning(const CallContext&,
                                                                            s3::GetBucketVersioningRequest request) {
    CO_ASSIGN_OR_RETURN(StoredBucket bucket, FindBucket(request.Bucket, request.ExpectedBucketOwner));
    s3::GetBucketVersioningOutput output;
    if (!bucket.settings->versioning.empty()) output.Status = bucket.settings->versioning;
    co_return output;
}

Task<Outcome<s3::PutPublicAccessBlockOutput>> S3Service::PutPublicAccessBlock(
    const CallContext&, s3::PutPublicAccessBlockRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    const auto& block = request.PublicAccessBlockConfiguration;
    std::array<bool, 4> flags{block.BlockPublicAcls.value_or(false), block.IgnorePublicAcls.value_or(false),
                              block.BlockPublicPolicy.value_or(false), block.RestrictPublicBuckets.value_or(false)};
    auto change = [flags](BucketSettings& settings) { settings.public_access_block = flags; };
    auto changed = co_await ChangeSettings(request.Bucket, change);
    if (!changed) co_return std::unexpected(changed.error());
    co_return s3::PutPublicAccessBlockOutput{};
}

Task<Outcome<s3::GetPublicAccessBlockOutput>> S3Service::GetPublicAccessBlock(
    const CallContext&, s3::GetPublicAccessBlockRequest request) {
    CO_ASSIGN_OR_RETURN(StoredBucket bucket, FindBucket(request.Bucket, request.ExpectedBucketOwner));
    if (!bucket.settings->public_access_block) {
        co_return std::unexpected(S3Error("NoSuchPublicAccessBlockConfiguration", 404,
                                          "The public access block configuration was not found"));
    }
    const auto& flags = *bucket.settings->public_access_block;
    s3::GetPublicAccessBlockOutput output;
    auto& block = output.PublicAccessBlockConfiguration.emplace();
    block.BlockPublicAcls = flags[0];
    block.IgnorePublicAcls = flags[1];
    block.BlockPublicPolicy = flags[2];
    block.RestrictPublicBuckets = flags[3];
    co_return output;
}

Task<Outcome<s3::DeletePublicAccessBlockOutput>> S3Service::DeletePublicAccessBlock(
    const CallContext&, s3::DeletePublicAccessBlockRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    auto change = [](BucketSettings& settings) { settings.public_access_block.reset(); };
    auto changed = co_await ChangeSettings(request.Bucket, change);
    if (!changed) co_return std::unexpected(changed.error());
    co_return s3::DeletePublicAccessBlockOutput{};
}

Task<Outcome<s3::PutBucketOwnershipControlsOutput>> S3Service::PutBucketOwnershipControls(
    const CallContext&, s3::PutBucketOwnershipControlsRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    const auto& rules = request.OwnershipControls.Rules;
    if (rules.size() != 1) {
        co_return std::unexpected(S3Error("MalformedXML", 400,
                                          "The XML you provided was not well-formed or did not validate against our "
                                          "published schema"));
    }
    CO_RETURN_IF_ERROR(CheckOwnership(rules[0].ObjectOwnership));
    auto change = [&rules](BucketSettings& settings) { settings.ownership = rules[0].ObjectOwnership; };
    auto changed = co_await ChangeSettings(request.Bucket, change);
    if (!changed) co_return std::unexpected(changed.error());
    co_return s3::PutBucketOwnershipControlsOutput{};
}

Task<Outcome<s3::GetBucketOwnershipControlsOutput>> S3Service::GetBucketOwnershipControls(
    const CallContext&, s3::GetBucketOwnershipControlsRequest request) {
    CO_ASSIGN_OR_RETURN(StoredBucket bucket, FindBucket(request.Bucket, request.ExpectedBucketOwner));
    if (bucket.settings->ownership.empty()) {
        co_return std::unexpected(S3Error("OwnershipControlsNotFoundError", 404,
                                          "The bucket ownership controls were not found"));
    }
    s3::GetBucketOwnershipControlsOutput output;
    output.OwnershipControls.emplace().Rules.emplace_back().ObjectOwnership = bucket.settings->ownership;
    co_return output;
}

Task<Outcome<s3::DeleteBucketOwnershipControlsOutput>> S3Service::DeleteBucketOwnershipControls(
    const CallContext&, s3::DeleteBucketOwnershipControlsRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    auto change = [](BucketSettings& settings) { settings.ownership.clear(); };
    auto changed = co_await ChangeSettings(request.Bucket, change);
    if (!changed) co_return std::unexpected(changed.error());
    co_return s3::DeleteBucketOwnershipControlsOutput{};
}

}  // namespace wellhead::services::s3
