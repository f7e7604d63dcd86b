#include <boost/asio/this_coro.hpp>

#include "services/s3/s3_errors.h"
#include "services/s3/s3_service.h"

namespace wellhead::services::s3 {

namespace {

constexpr size_t kMostDeletes = 1000;

}  // namespace

Task<Outcome<s3::DeleteObjectOutput>> S3Service::DeleteObject(const CallContext& context,
                                                              s3::DeleteObjectRequest request) {
    CO_ASSIGN_OR_RETURN(StoredBucket bucket, FindBucket(request.Bucket, request.ExpectedBucketOwner));
    CO_ASSIGN_OR_RETURN(const uint64_t version, VersionOfId(request.VersionId));
    s3::DeleteObjectOutput output;
    output.VersionId = request.VersionId;
    storage::ObjectCondition condition;
    if (request.IfMatch || request.IfMatchLastModifiedTime || request.IfMatchSize) {
        auto checked = co_await DeleteCondition(request);
        if (!checked) co_return std::unexpected(checked.error());
        condition = *checked;
    }
    storage::Removal removal;
    removal.version = version;
    if (!request.VersionId && bucket.settings->HasVersions()) {
        removal.kind = storage::Removal::Kind::kTombstone;
        removal.naming = bucket.naming();
    }
    auto deleted = co_await deps_.objects.Delete(request.Bucket, request.Key, condition, removal);
    if (!deleted) {
        // What never was is deleted already.
        if (deleted.error().code == base::ErrorCode::kNotFound) co_return output;
        co_return std::unexpected(FromStorage(deleted.error()));
    }
    if (deleted->tombstone) output.DeleteMarker = true;
    if (removal.kind == storage::Removal::Kind::kTombstone) output.VersionId = VersionIdOf(deleted->metadata);
    storage::ObjectMetadata gone;
    gone.generation = static_cast<uint64_t>(base::ToUnixUs(deps_.clock.Now()));
    auto executor = co_await boost::asio::this_coro::executor;
    const bool marked = removal.kind == storage::Removal::Kind::kTombstone;
    Emit(executor, context, marked ? "ObjectRemoved:DeleteMarkerCreated" : "ObjectRemoved:Delete", request.Bucket,
         request.Key, gone, "");
    co_return output;
}

// If-Match and x-amz-if-match-* against the current version.
Task<Outcome<storage::ObjectCondition>> S3Service::DeleteCondition(const s3::DeleteObjectRequest& request) {
    using Kind = storage::ObjectCondition::Kind;
    auto found = co_await FindObject(request.Bucket, request.Key, request.VersionId);
    if (!found) co_return std::unexpected(found.error());
    const storage::ObjectMetadata& metadata = found->object->metadata();
    if (request.IfMatch && !MatchesETag(*request.IfMatch, found->attributes.etag)) {
        co_return std::unexpected(PreconditionFailed("If-Match"));
    }
    if (request.IfMatchSize && *request.IfMatchSize != static_cast<int64_t>(metadata.size_bytes)) {
        co_return std::unexpected(PreconditionFailed("x-amz-if-match-size"));
    }
    auto seconds = [](base::Instant time) { return std::chrono::floor<std::chrono::seconds>(time); };
    if (request.IfMatchLastModifiedTime && seconds(*request.IfMatchLastModifiedTime) != seconds(metadata.modified)) {
        co_return std::unexpected(PreconditionFailed("x-amz-if-match-last-modified-time"));
    }
    // A named version never changes; of the current one it must still be this.
    if (request.VersionId) co_return storage::ObjectCondition{};
    co_return storage::ObjectCondition{Kind::kGeneration, metadata.generation};
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
        const char* action = object.VersionId ? "s3:DeleteObjectVersion" : "s3:DeleteObject";
        auto allowed = co_await AuthorizeObject(context, action, request.Bucket, object.Key);
        s3::DeleteObjectRequest one;
        one.Bucket = request.Bucket;
        one.Key = object.Key;
        one.VersionId = object.VersionId;
        one.IfMatch = object.ETag;
        one.IfMatchLastModifiedTime = object.LastModifiedTime;
        one.IfMatchSize = object.Size;
        Outcome<s3::DeleteObjectOutput> deleted = std::unexpected(allowed ? api::ServiceError{} : allowed.error());
        if (allowed) deleted = co_await DeleteObject(context, std::move(one));
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
            if (deleted->DeleteMarker) {
                entry.DeleteMarker = true;
                entry.DeleteMarkerVersionId = deleted->VersionId;
            }
        }
    }
    co_return output;
}

}  // namespace wellhead::services::s3
