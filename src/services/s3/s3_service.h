#pragma once
// S3 (API version 2006-03-01) over an object store: apis::s3::S3Api, in this process.

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "apis/s3/api.h"
#include "base/metrics.h"
#include "env/blocking_pool.h"
#include "env/clock.h"
#include "env/random.h"
#include "env/scope.h"
#include "services/s3/attributes.h"
#include "services/s3/bucket_settings.h"
#include "services/s3/conditions.h"
#include "services/s3/object_events.h"
#include "services/s3/versions.h"
#include "storage/object_store/object_store.h"
#include "storage/table/table.h"

namespace wellhead::services::s3 {

using env::Task;
using api::CallContext;
using api::Outcome;
namespace s3 = apis::s3;

struct S3Deps {
    env::Clock& clock;
    env::Random& random;
    storage::Table& table;  // collections s3/*
    storage::ObjectStore& objects;
    env::BlockingPool& pool;  // for reading files and digests
};

struct S3Settings {
    std::string account_id;
    std::string region;
};

class S3Service final : public s3::S3Api {
  public:
    // Reads the buckets that are there. The deps outlive the service.
    static Task<base::Result<std::unique_ptr<S3Service>>> Open(S3Deps deps, S3Settings settings);

    // Who delivers object events. Before the first request; outlives the service.
    void SetListener(ObjectEventListener* listener) { listener_ = listener; }
    // Removes parts of uploads that ended while the program was being killed. Once, beside all else.
    Task<void> CollectAbandonedParts();
    // Carries the buckets' lifecycle rules out. Runs until it is cancelled.
    Task<void> KeepLifecycle();
    // One bucket's, now.
    Task<void> ApplyLifecycle(std::string bucket);

    // Whether the caller may: everything inside the program and for the owner, but for what a bucket's policy denies; what
    // policy and ACLs allow for others. request: the action and its condition keys. AccessDenied, NoSuchBucket.
    Task<Outcome<void>> Authorize(const CallContext& context, PolicyRequest request, std::string bucket,
                                  std::string key);
    // The same with what every request has as condition keys.
    Task<Outcome<void>> AuthorizeObject(const CallContext& context, std::string_view action, std::string bucket,
                                        std::string key);
    // Null: none. For preflights and the headers of answers.
    std::shared_ptr<const BucketSettings> SettingsOf(const std::string& bucket) const;
    const std::string& account_id() const { return settings_.account_id; }
    const std::string& region() const { return settings_.region; }

    // Waits for deliveries and removals under way; no requests come any more.
    Task<void> Close() { return background_.Close(); }

    // buckets.cc
    Task<Outcome<s3::CreateBucketOutput>> CreateBucket(const CallContext&, s3::CreateBucketRequest) override;
    Task<Outcome<s3::HeadBucketOutput>> HeadBucket(const CallContext&, s3::HeadBucketRequest) override;
    Task<Outcome<s3::DeleteBucketOutput>> DeleteBucket(const CallContext&, s3::DeleteBucketRequest) override;
    Task<Outcome<s3::ListBucketsOutput>> ListBuckets(const CallContext&, s3::ListBucketsRequest) override;
    Task<Outcome<s3::GetBucketLocationOutput>> GetBucketLocation(const CallContext&,
                                                                 s3::GetBucketLocationRequest) override;
    // list_objects.cc
    Task<Outcome<s3::ListObjectsOutput>> ListObjects(const CallContext&, s3::ListObjectsRequest) override;
    Task<Outcome<s3::ListObjectsV2Output>> ListObjectsV2(const CallContext&, s3::ListObjectsV2Request) override;
    Task<Outcome<s3::ListObjectVersionsOutput>> ListObjectVersions(const CallContext&,
                                                                   s3::ListObjectVersionsRequest) override;
    // put_object.cc
    Task<Outcome<s3::PutObjectOutput>> PutObject(const CallContext&, s3::PutObjectRequest) override;
    // get_object.cc
    Task<Outcome<s3::GetObjectOutput>> GetObject(const CallContext&, s3::GetObjectRequest) override;
    Task<Outcome<s3::HeadObjectOutput>> HeadObject(const CallContext&, s3::HeadObjectRequest) override;
    Task<Outcome<s3::GetObjectAttributesOutput>> GetObjectAttributes(const CallContext&,
                                                                     s3::GetObjectAttributesRequest) override;
    // copy_object.cc
    Task<Outcome<s3::CopyObjectOutput>> CopyObject(const CallContext&, s3::CopyObjectRequest) override;
    Task<Outcome<s3::UploadPartCopyOutput>> UploadPartCopy(const CallContext&, s3::UploadPartCopyRequest) override;
    // delete_objects.cc
    Task<Outcome<s3::DeleteObjectOutput>> DeleteObject(const CallContext&, s3::DeleteObjectRequest) override;
    Task<Outcome<s3::DeleteObjectsOutput>> DeleteObjects(const CallContext&, s3::DeleteObjectsRequest) override;
    // object_tagging.cc
    Task<Outcome<s3::PutObjectTaggingOutput>> PutObjectTagging(const CallContext&,
                                                               s3::PutObjectTaggingRequest) override;
    Task<Outcome<s3::GetObjectTaggingOutput>> GetObjectTagging(const CallContext&,
                                                               s3::GetObjectTaggingRequest) override;
    Task<Outcome<s3::DeleteObjectTaggingOutput>> DeleteObjectTagging(const CallContext&,
                                                                     s3::DeleteObjectTaggingRequest) override;
    Task<Outcome<s3::GetObjectAclOutput>> GetObjectAcl(const CallContext&, s3::GetObjectAclRequest) override;
    Task<Outcome<s3::PutObjectAclOutput>> PutObjectAcl(const CallContext&, s3::PutObjectAclRequest) override;
    Task<Outcome<s3::GetObjectLegalHoldOutput>> GetObjectLegalHold(const CallContext&,
                                                                   s3::GetObjectLegalHoldRequest) override;
    Task<Outcome<s3::GetObjectRetentionOutput>> GetObjectRetention(const CallContext&,
                                                                   s3::GetObjectRetentionRequest) override;
    // multipart.cc, multipart_complete.cc, multipart_list.cc
    Task<Outcome<s3::CreateMultipartUploadOutput>> CreateMultipartUpload(const CallContext&,
                                                                         s3::CreateMultipartUploadRequest) override;
    Task<Outcome<s3::UploadPartOutput>> UploadPart(const CallContext&, s3::UploadPartRequest) override;
    Task<Outcome<s3::CompleteMultipartUploadOutput>> CompleteMultipartUpload(
        const CallContext&, s3::CompleteMultipartUploadRequest) override;
    Task<Outcome<s3::AbortMultipartUploadOutput>> AbortMultipartUpload(const CallContext&,
                                                                       s3::AbortMultipartUploadRequest) override;
    Task<Outcome<s3::ListPartsOutput>> ListParts(const CallContext&, s3::ListPartsRequest) override;
    Task<Outcome<s3::ListMultipartUploadsOutput>> ListMultipartUploads(const CallContext&,
                                                                       s3::ListMultipartUploadsRequest) override;
    // bucket_configuration.cc
    Task<Outcome<s3::PutBucketTaggingOutput>> PutBucketTagging(const CallContext&,
                                                               s3::PutBucketTaggingRequest) override;
    Task<Outcome<s3::GetBucketTaggingOutput>> GetBucketTagging(const CallContext&,
                                                               s3::GetBucketTaggingRequest) override;
    Task<Outcome<s3::DeleteBucketTaggingOutput>> DeleteBucketTagging(const CallContext&,
                                                                     s3::DeleteBucketTaggingRequest) override;
    Task<Outcome<s3::PutBucketVersioningOutput>> PutBucketVersioning(const CallContext&,
                                                                     s3::PutBucketVersioningRequest) override;
    Task<Outcome<s3::GetBucketVersioningOutput>> GetBucketVersioning(const CallContext&,
                                                                     s3::GetBucketVersioningRequest) override;
    Task<Outcome<s3::PutPublicAccessBlockOutput>> PutPublicAccessBlock(const CallContext&,
                                                                       s3::PutPublicAccessBlockRequest) override;
    Task<Outcome<s3::GetPublicAccessBlockOutput>> GetPublicAccessBlock(const CallContext&,
                                                                       s3::GetPublicAccessBlockRequest) override;
    Task<Outcome<s3::DeletePublicAccessBlockOutput>> DeletePublicAccessBlock(
        const CallContext&, s3::DeletePublicAccessBlockRequest) override;
    Task<Outcome<s3::PutBucketOwnershipControlsOutput>> PutBucketOwnershipControls(
        const CallContext&, s3::PutBucketOwnershipControlsRequest) override;
    Task<Outcome<s3::GetBucketOwnershipControlsOutput>> GetBucketOwnershipControls(
        const CallContext&, s3::GetBucketOwnershipControlsRequest) override;
    Task<Outcome<s3::DeleteBucketOwnershipControlsOutput>> DeleteBucketOwnershipControls(
        const CallContext&, s3::DeleteBucketOwnershipControlsRequest) override;
    // bucket_notifications.cc
    Task<Outcome<s3::PutBucketNotificationConfigurationOutput>> PutBucketNotificationConfiguration(
        const CallContext&, s3::PutBucketNotificationConfigurationRequest) override;
    Task<Outcome<s3::NotificationConfiguration>> GetBucketNotificationConfiguration(
        const CallContext&, s3::GetBucketNotificationConfigurationRequest) override;
    // bucket_defaults.cc: what cannot be configured answers as AWS does where nothing is.
    Task<Outcome<s3::GetBucketAclOutput>> GetBucketAcl(const CallContext&, s3::GetBucketAclRequest) override;
    Task<Outcome<s3::PutBucketAclOutput>> PutBucketAcl(const CallContext&, s3::PutBucketAclRequest) override;
    Task<Outcome<s3::GetBucketPolicyOutput>> GetBucketPolicy(const CallContext&, s3::GetBucketPolicyRequest) override;
    Task<Outcome<s3::GetBucketPolicyStatusOutput>> GetBucketPolicyStatus(const CallContext&,
                                                                         s3::GetBucketPolicyStatusRequest) override;
    Task<Outcome<s3::DeleteBucketPolicyOutput>> DeleteBucketPolicy(const CallContext&,
                                                                   s3::DeleteBucketPolicyRequest) override;
    Task<Outcome<s3::GetBucketCorsOutput>> GetBucketCors(const CallContext&, s3::GetBucketCorsRequest) override;
    Task<Outcome<s3::DeleteBucketCorsOutput>> DeleteBucketCors(const CallContext&,
                                                               s3::DeleteBucketCorsRequest) override;
    Task<Outcome<s3::GetBucketLifecycleConfigurationOutput>> GetBucketLifecycleConfiguration(
        const CallContext&, s3::GetBucketLifecycleConfigurationRequest) override;
    Task<Outcome<s3::DeleteBucketLifecycleOutput>> DeleteBucketLifecycle(const CallContext&,
                                                                         s3::DeleteBucketLifecycleRequest) override;
    Task<Outcome<s3::GetBucketEncryptionOutput>> GetBucketEncryption(const CallContext&,
                                                                     s3::GetBucketEncryptionRequest) override;
    Task<Outcome<s3::DeleteBucketEncryptionOutput>> DeleteBucketEncryption(
        const CallContext&, s3::DeleteBucketEncryptionRequest) override;
    Task<Outcome<s3::PutBucketPolicyOutput>> PutBucketPolicy(const CallContext&, s3::PutBucketPolicyRequest) override;
    Task<Outcome<s3::PutBucketCorsOutput>> PutBucketCors(const CallContext&, s3::PutBucketCorsRequest) override;
    Task<Outcome<s3::PutBucketLifecycleConfigurationOutput>> PutBucketLifecycleConfiguration(
        const CallContext&, s3::PutBucketLifecycleConfigurationRequest) override;
    Task<Outcome<s3::PutBucketEncryptionOutput>> PutBucketEncryption(const CallContext&,
                                                                     s3::PutBucketEncryptionRequest) override;
    Task<Outcome<s3::GetBucketLoggingOutput>> GetBucketLogging(const CallContext&,
                                                               s3::GetBucketLoggingRequest) override;
    Task<Outcome<s3::GetBucketWebsiteOutput>> GetBucketWebsite(const CallContext&,
                                                               s3::GetBucketWebsiteRequest) override;
    Task<Outcome<s3::GetBucketReplicationOutput>> GetBucketReplication(const CallContext&,
                                                                       s3::GetBucketReplicationRequest) override;
    Task<Outcome<s3::GetBucketAccelerateConfigurationOutput>> GetBucketAccelerateConfiguration(
        const CallContext&, s3::GetBucketAccelerateConfigurationRequest) override;
    Task<Outcome<s3::GetBucketRequestPaymentOutput>> GetBucketRequestPayment(
        const CallContext&, s3::GetBucketRequestPaymentRequest) override;
    Task<Outcome<s3::GetObjectLockConfigurationOutput>> GetObjectLockConfiguration(
        const CallContext&, s3::GetObjectLockConfigurationRequest) override;
    Task<Outcome<s3::DeleteBucketWebsiteOutput>> DeleteBucketWebsite(const CallContext&, s3::DeleteBucketWebsiteRequest) override;
    Task<Outcome<s3::DeleteBucketReplicationOutput>> DeleteBucketReplication(const CallContext&, s3::DeleteBucketReplicationRequest) override;
    Task<Outcome<s3::PutBucketRequestPaymentOutput>> PutBucketRequestPayment(const CallContext&, s3::PutBucketRequestPaymentRequest) override;
    Task<Outcome<s3::PutBucketLoggingOutput>> PutBucketLogging(const CallContext&, s3::PutBucketLoggingRequest) override;
    Task<Outcome<s3::PutBucketAccelerateConfigurationOutput>> PutBucketAccelerateConfiguration(const CallContext&, s3::PutBucketAccelerateConfigurationRequest) override;
    Task<Outcome<s3::ListBucketInventoryConfigurationsOutput>> ListBucketInventoryConfigurations(
        const CallContext&, s3::ListBucketInventoryConfigurationsRequest) override;
    Task<Outcome<s3::GetBucketInventoryConfigurationOutput>> GetBucketInventoryConfiguration(
        const CallContext&, s3::GetBucketInventoryConfigurationRequest) override;
    Task<Outcome<s3::ListBucketAnalyticsConfigurationsOutput>> ListBucketAnalyticsConfigurations(
        const CallContext&, s3::ListBucketAnalyticsConfigurationsRequest) override;
    Task<Outcome<s3::GetBucketAnalyticsConfigurationOutput>> GetBucketAnalyticsConfiguration(
        const CallContext&, s3::GetBucketAnalyticsConfigurationRequest) override;
    Task<Outcome<s3::ListBucketMetricsConfigurationsOutput>> ListBucketMetricsConfigurations(
        const CallContext&, s3::ListBucketMetricsConfigurationsRequest) override;
    Task<Outcome<s3::GetBucketMetricsConfigurationOutput>> GetBucketMetricsConfiguration(
        const CallContext&, s3::GetBucketMetricsConfigurationRequest) override;
    Task<Outcome<s3::ListBucketIntelligentTieringConfigurationsOutput>> ListBucketIntelligentTieringConfigurations(
        const CallContext&, s3::ListBucketIntelligentTieringConfigurationsRequest) override;
    Task<Outcome<s3::GetBucketIntelligentTieringConfigurationOutput>> GetBucketIntelligentTieringConfiguration(
        const CallContext&, s3::GetBucketIntelligentTieringConfigurationRequest) override;

  private:
    S3Service(S3Deps deps, S3Settings settings) : deps_(deps), settings_(std::move(settings)) {}

    struct FoundObject {
        std::shared_ptr<const storage::Object> object;
        ObjectAttributes attributes;
        std::optional<std::string> version_id;  // where the bucket has or had versions
        std::optional<std::string> expiration;  // x-amz-expiration
    };
    struct StoredBucket {
        base::Instant created;
        std::shared_ptr<const BucketSettings> settings;

        storage::Naming naming() const {
            return settings->versioning == "Enabled" ? storage::Naming::kNamed : storage::Naming::kUnnamed;
        }
        std::optional<std::string> ShownVersion(const storage::ObjectMetadata& metadata) const {
            if (!settings->HasVersions()) return std::nullopt;
            return VersionIdOf(metadata);
        }
    };
    struct ReceivedBody {
        std::string md5_hex;
        std::optional<Checksum> checksum;  // none: nothing but the store's CRC-64/NVME was asked for
    };
    struct BodyClaims {
        std::optional<ClaimedChecksum> checksum;
        std::optional<ChecksumAlgorithm> announced;  // by x-amz-sdk-checksum-algorithm or the upload
        std::optional<std::string> content_md5;
    };

    // NoSuchBucket, AccessDenied when the caller expects another owner.
    Outcome<StoredBucket> FindBucket(const std::string& bucket,
                                     const std::optional<std::string>& expected_owner) const;
    // NoSuchKey, NoSuchVersion, MethodNotAllowed for a delete marker by its id.
    Task<Outcome<FoundObject>> FindObject(std::string bucket, std::string key,
                                          std::optional<std::string> version_id);
    api::ServiceError NotThere(const std::string& key, const std::optional<std::string>& version_id) const;
    Task<Outcome<void>> ChangeSettings(std::string bucket, std::function<void(BucketSettings&)> change);

    Task<Outcome<FoundObject>> ChangeAttributes(std::string bucket, std::string key,
                                                std::optional<std::string> version_id,
                                                std::function<void(ObjectAttributes&)> change);

    // All of the body into the writer, its claims verified. The store's errors, BadDigest, InvalidDigest, ...
    Task<Outcome<ReceivedBody>> Receive(storage::ObjectWriter& writer, api::ByteStream* body, BodyClaims claims);
    // The condition for the store that If-Match and If-None-Match of a write mean now.
    Task<Outcome<storage::ObjectCondition>> WriteCondition(std::string bucket, std::string key,
                                                           std::optional<std::string> if_match,
                                                           std::optional<std::string> if_none_match);
    Task<Outcome<storage::ObjectCondition>> DeleteCondition(const s3::DeleteObjectRequest& request);
    // MD5 and checksum of an object's bytes, read from its file.
    Task<Outcome<ReceivedBody>> DigestOf(std::shared_ptr<const storage::Object> object,
                                         std::optional<ChecksumAlgorithm> algorithm);
    // Counts the event and tells the listener of it.
    void Emit(env::Executor executor, const CallContext& context, std::string_view name, const std::string& bucket,
              const std::string& key, const storage::ObjectMetadata& metadata, const std::string& etag);

    Task<Outcome<Upload>> FindUpload(std::string bucket, std::string key, std::string upload_id);
    Task<Outcome<void>> StorePart(const std::string& upload_key, std::string part_key,
                                  std::unique_ptr<storage::ObjectWriter> writer, ObjectAttributes attributes);
    Task<void> EndDueVersions(std::string name, StoredBucket bucket, std::vector<storage::ObjectEntry> versions);
    Task<void> AbortDueUploads(std::string name, StoredBucket bucket);
    Task<void> RemoveParts(std::string upload_id);
    Task<base::Result<void>> FindAbandonedParts();
    // Ends the uploads of a bucket that is gone.
    Task<void> ForgetUploads(std::string bucket);
    std::string OwnerId() const { return CanonicalUserId(settings_.account_id); }

    const S3Deps deps_;
    const S3Settings settings_;
    ObjectEventListener* listener_ = nullptr;
    base::Counter& objects_put_ = base::Metrics::Global().GetCounter(
        "wellhead_s3_objects_put_total", "Objects made, by puts, copies and completed uploads.", {});
    base::Counter& bytes_put_ =
        base::Metrics::Global().GetCounter("wellhead_s3_put_bytes_total", "Bytes of the objects made.", {});
    base::Counter& events_ =
        base::Metrics::Global().GetCounter("wellhead_s3_events_total", "Changes of objects, told or not.", {});
    base::Counter& expired_ = base::Metrics::Global().GetCounter(
        "wellhead_s3_lifecycle_actions_total", "Objects, versions and uploads that lifecycle rules ended.", {});
    mutable std::mutex mutex_;
    std::map<std::string, StoredBucket> buckets_;  // a mirror of what is stored
    std::vector<std::string> abandoned_uploads_;  // found at start
    env::Scope background_;
};

// Where parts of uploads under way are kept; no client's bucket has such a name.
inline constexpr const char* kPartsBucket = ".uploads";

}  // namespace wellhead::services::s3
