// Rules that a bucket has: lifecycle (and its enforcement), cross-origin access, default encryption.

#include <algorithm>
#include <boost/asio/this_coro.hpp>

#include "base/log.h"
#include "env/deadline.h"
#include "services/s3/lifecycle.h"
#include "services/s3/multipart.h"
#include "services/s3/s3_errors.h"
#include "services/s3/s3_service.h"

namespace wellhead::services::s3 {

namespace {

// AWS looks once a day; rules are of whole days, so that an hour late is soon enough.
constexpr base::Duration kLifecycleInterval = std::chrono::hours(1);
constexpr size_t kLifecyclePage = 1000;
constexpr size_t kMostCorsRules = 100;

api::ServiceError Malformed() {
    return S3Error("MalformedXML", 400,
                   "The XML you provided was not well-formed or did not validate against our published schema");
}

Outcome<void> CheckCors(const s3::CORSConfiguration& cors) {
    static constexpr std::string_view kMethods[] = {"GET", "PUT", "HEAD", "POST", "DELETE"};
    if (cors.CORSRules.empty() || cors.CORSRules.size() > kMostCorsRules) return std::unexpected(Malformed());
    for (const auto& rule : cors.CORSRules) {
        if (rule.AllowedMethods.empty() || rule.AllowedOrigins.empty()) return std::unexpected(Malformed());
        for (const std::string& method : rule.AllowedMethods) {
            if (std::find(std::begin(kMethods), std::end(kMethods), method) != std::end(kMethods)) continue;
            return std::unexpected(InvalidRequest("Found unsupported HTTP method in CORS config. Unsupported method is " + method));
        }
        for (const std::string& origin : rule.AllowedOrigins) {
            if (std::count(origin.begin(), origin.end(), '*') <= 1) continue;
            return std::unexpected(InvalidRequest("AllowedOrigin \"" + origin + "\" can not have more than one wildcard."));
        }
        for (const std::string& header : rule.AllowedHeaders.value_or(std::vector<std::string>{})) {
            if (std::count(header.begin(), header.end(), '*') <= 1) continue;
            return std::unexpected(InvalidRequest("AllowedHeader \"" + header + "\" can not have more than one wildcard."));
        }
        for (const std::string& header : rule.ExposeHeaders.value_or(std::vector<std::string>{})) {
            if (header.find('*') == header.npos) continue;
            return std::unexpected(
                InvalidRequest("ExposeHeader \"" + header + "\" contains wildcard. We currently do not support wildcard for ExposeHeader"));
        }
    }
    return {};
}

}  // namespace

Task<Outcome<s3::PutBucketCorsOutput>> S3Service::PutBucketCors(const CallContext&, s3::PutBucketCorsRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    CO_RETURN_IF_ERROR(CheckCors(request.CORSConfiguration));
    auto change = [&request](BucketSettings& settings) { settings.cors = request.CORSConfiguration; };
    auto changed = co_await ChangeSettings(request.Bucket, change);
    if (!changed) co_return std::unexpected(changed.error());
    co_return s3::PutBucketCorsOutput{};
}

Task<Outcome<s3::GetBucketCorsOutput>> S3Service::GetBucketCors(const CallContext&, s3::GetBucketCorsRequest request) {
    CO_ASSIGN_OR_RETURN(StoredBucket bucket, FindBucket(request.Bucket, request.ExpectedBucketOwner));
    if (!bucket.settings->cors) {
        co_return std::unexpected(S3Error("NoSuchCORSConfiguration", 404, "The CORS configuration does not exist"));
    }
    s3::GetBucketCorsOutput output;
    output.CORSRules = bucket.settings->cors->CORSRules;
    co_return output;
}

Task<Outcome<s3::DeleteBucketCorsOutput>> S3Service::DeleteBucketCors(const CallContext&,
                                                                      s3::DeleteBucketCorsRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    auto change = [](BucketSettings& settings) { settings.cors.reset(); };
    auto changed = co_await ChangeSettings(request.Bucket, change);
    if (!changed) co_return std::unexpected(changed.error());
    co_return s3::DeleteBucketCorsOutput{};
}

Task<Outcome<s3::PutBucketEncryptionOutput>> S3Service::PutBucketEncryption(const CallContext&,
                                                                            s3::PutBucketEncryptionRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    const auto& rules = request.ServerSideEncryptionConfiguration.Rules;
    if (rules.size() != 1 || !rules[0].ApplyServerSideEncryptionByDefault) co_return std::unexpected(Malformed());
    const auto& rule = *rules[0].ApplyServerSideEncryptionByDefault;
    if (rule.SSEAlgorithm.starts_with("aws:") || rule.KMSMasterKeyID) {
        co_return std::unexpected(FeatureNotServed("encryption with KMS keys (SSE-KMS)"));
    }
    if (rule.SSEAlgorithm != "AES256") co_return std::unexpected(Malformed());
    auto change = [&request](BucketSettings& settings) {
        settings.encryption = request.ServerSideEncryptionConfiguration;
    };
    auto changed = co_await ChangeSettings(request.Bucket, change);
    if (!changed) co_return std::unexpected(changed.error());
    co_return s3::PutBucketEncryptionOutput{};
}

Task<Outcome<s3::GetBucketEncryptionOutput>> S3Service::GetBucketEncryption(const CallContext&,
                                                                            s3::GetBucketEncryptionRequest request) {
    CO_ASSIGN_OR_RETURN(StoredBucket bucket, FindBucket(request.Bucket, request.ExpectedBucketOwner));
    if (!bucket.settings->encryption) {
        co_return std::unexpected(S3Error("ServerSideEncryptionConfigurationNotFoundError", 404,
                                          "The server side encryption configuration was not found"));
    }
    s3::GetBucketEncryptionOutput output;
    output.ServerSideEncryptionConfiguration = bucket.settings->encryption;
    co_return output;
}

Task<Outcome<s3::DeleteBucketEncryptionOutput>> S3Service::DeleteBucketEncryption(
    const CallContext&, s3::DeleteBucketEncryptionRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    auto change = [](BucketSettings& settings) { settings.encryption.reset(); };
    auto changed = co_await ChangeSettings(request.Bucket, change);
    if (!changed) co_return std::unexpected(changed.error());
    co_return s3::DeleteBucketEncryptionOutput{};
}

Task<Outcome<s3::PutBucketLifecycleConfigurationOutput>> S3Service::PutBucketLifecycleConfiguration(
    const CallContext&, s3::PutBucketLifecycleConfigurationRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    if (!request.LifecycleConfiguration) co_return std::unexpected(Malformed());
    CO_RETURN_IF_ERROR(CheckLifecycle(*request.LifecycleConfiguration));
    auto change = [&request](BucketSettings& settings) { settings.lifecycle = request.LifecycleConfiguration; };
    auto changed = co_await ChangeSettings(request.Bucket, change);
    if (!changed) co_return std::unexpected(changed.error());
    auto executor = co_await boost::asio::this_coro::executor;
    env::Spawn(background_, executor, "lifecycle of " + request.Bucket, ApplyLifecycle(request.Bucket));
    co_return s3::PutBucketLifecycleConfigurationOutput{};
}

Task<Outcome<s3::GetBucketLifecycleConfigurationOutput>> S3Service::GetBucketLifecycleConfiguration(
    const CallContext&, s3::GetBucketLifecycleConfigurationRequest request) {
    CO_ASSIGN_OR_RETURN(StoredBucket bucket, FindBucket(request.Bucket, request.ExpectedBucketOwner));
    if (!bucket.settings->lifecycle) {
        co_return std::unexpected(
            S3Error("NoSuchLifecycleConfiguration", 404, "The lifecycle configuration does not exist"));
    }
    s3::GetBucketLifecycleConfigurationOutput output;
    output.Rules = bucket.settings->lifecycle->Rules;
    co_return output;
}

Task<Outcome<s3::DeleteBucketLifecycleOutput>> S3Service::DeleteBucketLifecycle(
    const CallContext&, s3::DeleteBucketLifecycleRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    auto change = [](BucketSettings& settings) { settings.lifecycle.reset(); };
    auto changed = co_await ChangeSettings(request.Bucket, change);
    if (!changed) co_return std::unexpected(changed.error());
    co_return s3::DeleteBucketLifecycleOutput{};
}

Task<void> S3Service::KeepLifecycle() {
    for (;;) {
        std::vector<std::string> names;
        {
            std::lock_guard lock(mutex_);
            for (const auto& [name, bucket] : buckets_) {
                if (bucket.settings->lifecycle) names.push_back(name);
            }
        }
        for (const std::string& name : names) co_await ApplyLifecycle(name);
        co_await env::Sleep(kLifecycleInterval);
    }
}

Task<void> S3Service::ApplyLifecycle(std::string name) {
    auto bucket = FindBucket(name, std::nullopt);
    if (!bucket || !bucket->settings->lifecycle) co_return;
    storage::ObjectRange range;
    range.versions = true;
    range.limit = kLifecyclePage;
    std::vector<storage::ObjectEntry> of_key;
    for (;;) {
        auto page = co_await deps_.objects.List(name, range);
        if (!page) {
            base::LogWarning("s3", "the lifecycle of {} waits for its next hour: {}", name, page.error().message);
            co_return;
        }
        for (auto& entry : *page) {
            if (!of_key.empty() && of_key.front().key != entry.key) {
                co_await EndDueVersions(name, *bucket, std::move(of_key));
                of_key = {};
            }
            range.first = entry.key;
            range.below = entry.metadata.version;
            of_key.push_back(std::move(entry));
        }
        if (page->size() < range.limit) break;
    }
    co_await EndDueVersions(name, *bucket, std::move(of_key));
    co_await AbortDueUploads(name, *bucket);
}

Task<void> S3Service::EndDueVersions(std::string name, StoredBucket bucket, std::vector<storage::ObjectEntry> versions) {
    auto due = DueVersions(*bucket.settings->lifecycle, versions, deps_.clock.Now());
    if (!due) co_return;  // said already
    CallContext context;
    context.region = settings_.region;
    auto executor = co_await boost::asio::this_coro::executor;
    for (auto& one : *due) {
        storage::ObjectCondition condition;
        storage::Removal removal;
        removal.version = one.entry.metadata.version;
        if (one.kind == DueVersion::Kind::kExpire) {
            // Only this very version: one that came meanwhile has its own time.
            condition = {storage::ObjectCondition::Kind::kGeneration, one.entry.metadata.generation};
            if (bucket.settings->HasVersions()) {
                removal.kind = storage::Removal::Kind::kTombstone;
                removal.naming = bucket.naming();
            }
        }
        auto removed = co_await deps_.objects.Delete(name, one.entry.key, condition, removal);
        if (!removed) continue;
        expired_.Add();
        const bool marked = removal.kind == storage::Removal::Kind::kTombstone;
        Emit(executor, context, marked ? "LifecycleExpiration:DeleteMarkerCreated" : "LifecycleExpiration:Delete", name,
             one.entry.key, one.entry.metadata, "");
    }
}

Task<void> S3Service::AbortDueUploads(std::string name, StoredBucket bucket) {
    storage::TableRange range = storage::PrefixRange(name + '\0');
    auto entries = co_await deps_.table.Scan(kUploadsCollection, range);
    if (!entries) co_return;
    for (const auto& entry : *entries) {
        auto upload = DecodeUpload(entry.value);
        if (!upload) continue;
        UploadName upload_name = NameOfUpload(entry.key, name.size());
        if (!UploadIsDue(*bucket.settings->lifecycle, upload_name.key, upload->initiated, deps_.clock.Now())) continue;
        storage::TableBatch batch;
        batch.RequirePresent(kUploadsCollection, entry.key).Delete(kUploadsCollection, entry.key);
        auto deleted = co_await deps_.table.Commit(std::move(batch));
        if (!deleted) continue;
        expired_.Add();
        co_await RemoveParts(upload_name.upload_id);
    }
}

}  // namespace wellhead::services::s3
