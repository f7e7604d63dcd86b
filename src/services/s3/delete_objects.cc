#include <boost/asio/this_coro.hpp>

#include "services/s3/s3_errors.h"
#include "services/s3/s3_service.h"

namespace wellhead::services::s3 {

namespace {

constexpr size_t kMostDeletes = 1000;

bool IsThisVersion(const std::optional<std::string>& version_id) { return !version_id || *version_id == "null"; }

}  // namespace

Task<Outcome<s3::DeleteObjectOutput>> S3Service::DeleteObject(const CallContext& context,
                                                              s3::DeleteObjectRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    if (request.IfMatchLastModifiedTime || request.IfMatchSize) {
        co_return std::unexpected(FeatureNotServed("deletes on the condition of a time or a size"));
    }
    s3::DeleteObjectOutput output;
    // A version that never was is deleted already.
    if (!IsThisVersion(request.VersionId)) co_return output;
    storage::ObjectCondition condition;
    if (request.IfMatch && *request.IfMatch != "*") {
        auto checked = co_await WriteCondition(request.Bucket, request.Key, request.IfMatch, std::nullopt);
        if (!checked) co_return std::unexpected(checked.error());
        condition = *checked;
    }
    auto deleted = co_await deps_.objects.Delete(request.Bucket, request.Key, condition);
    if (!deleted) {
        if (deleted.error().code != base::ErrorCode::kNotFound) {
            co_return std::unexpected(FromStorage(deleted.error()));
        }
        if (request.IfMatch) co_return std::unexpected(NoSuchKey(request.Key));
        co_return output;
    }
    storage::ObjectMetadata gone;
    gone.generation = static_cast<uint64_t>(base::ToUnixUs(deps_.clock.Now()));
    auto executor = co_await boost::asio::this_coro::executor;
    Emit(executor, context, "ObjectRemoved:Delete", request.Bucket, request.Key, gone, "");
    co_return output;
}

Task<Outcome<s3::DeleteObjectsOutput>> S3Service::DeleteObjects(const CallContext& context,
                                                                s3::DeleteObjectsRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    const auto& objects = request.Delete.Objects;
    if (objects.empty() || objects.size() > kMostDeletes) {
        co_return std::unexpected(S3Error("MalformedXML", 400,
                                          "The XML you provided was not well-formed or did not validate against our "
                                          "published schema"));
    }
    s3::DeleteObjectsOutput output;
    for (const auto& object : objects) {
        s3::DeleteObjectRequest one;
        one.Bucket = request.Bucket;
        one.Key = object.Key;
        one.VersionId = object.VersionId;
        one.IfMatch = object.ETag;
        one.IfMatchLastModifiedTime = object.LastModifiedTime;
        one.IfMatchSize = object.Size;
        auto deleted = co_await DeleteObject(context, std::move(one));
        if (!deleted) {
            if (!output.Errors) output.Errors.emplace();
            auto& error = output.Errors->emplace_back();
            error.Key = object.Key;
            error.VersionId = object.VersionId;
            error.Code = deleted.error().code;
            error.Message = deleted.error().message;
        } else if (!request.Delete.Quiet.value_or(false)) {
            if (!output.Deleted) output.Deleted.emplace();
            auto& entry = output.Deleted->emplace_back();
            entry.Key = object.Key;
            entry.VersionId = object.VersionId;
        }
    }
    co_return output;
}

}  // namespace wellhead::services::s3
