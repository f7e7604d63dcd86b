#include "services/s3/s3_service.h"

#include <boost/asio/this_coro.hpp>

#include "base/log.h"
#include "services/s3/lifecycle.h"
#include "services/s3/s3_errors.h"

namespace wellhead::services::s3 {

Task<base::Result<std::unique_ptr<S3Service>>> S3Service::Open(S3Deps deps, S3Settings settings) {
    std::unique_ptr<S3Service> service(new S3Service(deps, std::move(settings)));
    auto buckets = co_await deps.objects.ListBuckets();
    if (!buckets) co_return std::unexpected(buckets.error());
    bool has_parts = false;
    for (const auto& bucket : *buckets) {
        if (bucket.name == kPartsBucket) {
            has_parts = true;
            continue;
        }
        auto stored = co_await deps.table.Get(kSettingsCollection, bucket.name);
        if (!stored) co_return std::unexpected(stored.error());
        auto current = std::make_shared<BucketSettings>();
        if (*stored) {
            CO_ASSIGN_OR_RETURN(*current, DecodeBucketSettings(**stored));
        }
        service->buckets_[bucket.name] = StoredBucket{bucket.created, std::move(current)};
    }
    if (!has_parts) {
        auto made = co_await deps.objects.CreateBucket(kPartsBucket, "");
        if (!made) co_return std::unexpected(made.error());
    }
    auto looked = co_await service->FindAbandonedParts();
    if (!looked) co_return std::unexpected(looked.error());
    co_return service;
}

Outcome<S3Service::StoredBucket> S3Service::FindBucket(const std::string& bucket,
                                                       const std::optional<std::string>& expected_owner) const {
    std::lock_guard lock(mutex_);
    auto found = buckets_.find(bucket);
    if (found == buckets_.end()) return std::unexpected(NoSuchBucket(bucket));
    if (expected_owner && *expected_owner != settings_.account_id) {
        return std::unexpected(S3Error("AccessDenied", 403, "Access Denied"));
    }
    return found->second;
}

Task<Outcome<S3Service::FoundObject>> S3Service::FindObject(std::string bucket, std::string key,
                                                            std::optional<std::string> version_id) {
    CO_ASSIGN_OR_RETURN(const uint64_t version, VersionOfId(version_id));
    CO_ASSIGN_OR_RETURN(StoredBucket stored, FindBucket(bucket, std::nullopt));
    auto object = co_await deps_.objects.Get(bucket, key, version);
    if (!object) {
        if (object.error().code != base::ErrorCode::kNotFound) co_return std::unexpected(FromStorage(object.error()));
        if (!stored.settings->HasVersions()) co_return std::unexpected(NotThere(key, version_id));
        auto entry = co_await EntryOfVersion(deps_.objects, bucket, key, version);
        if (!entry) co_return std::unexpected(FromStorage(entry.error()));
        if (!*entry || !(*entry)->tombstone) co_return std::unexpected(NotThere(key, version_id));
        co_return std::unexpected(IsDeleteMarker(key, VersionIdOf((*entry)->metadata), version_id.has_value()));
    }
    auto attributes = DecodeAttributes((*object)->metadata().attributes);
    if (!attributes) co_return std::unexpected(FromStorage(attributes.error()));
    FoundObject found{std::move(*object), std::move(*attributes), {}, {}};
    found.version_id = stored.ShownVersion(found.object->metadata());
    if (stored.settings->lifecycle && version == storage::kCurrentVersion) {
        found.expiration = ExpirationHeader(*stored.settings->lifecycle, key, found.object->metadata(), found.attributes);
    }
    co_return found;
}

api::ServiceError S3Service::NotThere(const std::string& key, const std::optional<std::string>& version_id) const {
    return version_id ? NoSuchVersion(key, *version_id) : NoSuchKey(key);
}

std::shared_ptr<const BucketSettings> S3Service::SettingsOf(const std::string& bucket) const {
    std::lock_guard lock(mutex_);
    auto found = buckets_.find(bucket);
    return found == buckets_.end() ? nullptr : found->second.settings;
}

Task<Outcome<void>> S3Service::ChangeSettings(std::string bucket, std::function<void(BucketSettings&)> change) {
    for (;;) {
        std::shared_ptr<const BucketSettings> before;
        {
            std::lock_guard lock(mutex_);
            auto found = buckets_.find(bucket);
            if (found == buckets_.end()) co_return std::unexpected(NoSuchBucket(bucket));
            before = found->second.settings;
        }
        auto after = std::make_shared<BucketSettings>(*before);
        change(*after);
        storage::TableBatch batch;
        batch.Put(kSettingsCollection, bucket, EncodeBucketSettings(*after));
        auto committed = co_await deps_.table.Commit(std::move(batch));
        if (!committed) co_return std::unexpected(FromStorage(committed.error()));
        std::lock_guard lock(mutex_);
        auto found = buckets_.find(bucket);
        if (found == buckets_.end()) co_return std::unexpected(NoSuchBucket(bucket));
        // Another change was made meanwhile: what is stored may be either, so this one is made again on top.
        if (found->second.settings != before) continue;
        found->second.settings = std::move(after);
        co_return Outcome<void>();
    }
}

Task<Outcome<storage::ObjectCondition>> S3Service::WriteCondition(std::string bucket, std::string key,
                                                                  std::optional<std::string> if_match,
                                                                  std::optional<std::string> if_none_match) {
    using Kind = storage::ObjectCondition::Kind;
    if (if_none_match) {
        if (*if_none_match != "*" || if_match) {
            co_return std::unexpected(FeatureNotServed("If-None-Match of a write with another value than *"));
        }
        auto current = co_await deps_.objects.Get(bucket, key);
        if (current) co_return std::unexpected(PreconditionFailed("If-None-Match"));
        co_return storage::ObjectCondition{Kind::kAbsent, 0};
    }
    if (if_match) {
        auto found = co_await FindObject(bucket, key, std::nullopt);
        if (!found) co_return std::unexpected(NoSuchKey(key));
        if (!MatchesETag(*if_match, found->attributes.etag)) {
            co_return std::unexpected(PreconditionFailed("If-Match"));
        }
        co_return storage::ObjectCondition{Kind::kGeneration, found->object->metadata().generation};
    }
    co_return storage::ObjectCondition{};
}

void S3Service::Emit(env::Executor executor, const CallContext& context, std::string_view name,
                     const std::string& bucket, const std::string& key,
                     const storage::ObjectMetadata& metadata, const std::string& etag) {
    if (name.starts_with("ObjectCreated:")) {
        objects_put_.Add();
        bytes_put_.Add(metadata.size_bytes);
    }
    events_.Add();
    if (listener_ == nullptr) return;
    std::shared_ptr<const BucketSettings> settings;
    {
        std::lock_guard lock(mutex_);
        auto found = buckets_.find(bucket);
        if (found == buckets_.end()) return;
        settings = found->second.settings;
    }
    for (const auto& rule : settings->notifications) {
        if (!Matches(rule, name, key)) continue;
        ObjectEvent event;
        event.name = name;
        event.bucket = bucket;
        event.key = key;
        event.size_bytes = metadata.size_bytes;
        event.etag = etag;
        event.time = deps_.clock.Now();
        event.sequencer = metadata.generation;
        event.region = settings_.region;
        event.request_id = context.request_id;
        event.source_address = context.peer_address;
        event.principal_id = context.caller.account_id;
        event.configuration_id = rule.id;
        event.target_arn = rule.target_arn;
        env::Spawn(background_, executor, "s3 event", listener_->OnObjectEvent(std::move(event)));
    }
}

}  // namespace wellhead::services::s3
