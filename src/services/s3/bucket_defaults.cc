// Configurations that cannot be made here: reading and deleting them answers as AWS does where there is none, so that
// tools that look at a bucket (terraform, the console) find their way; making one is refused.

#include "services/s3/s3_errors.h"
#include "services/s3/s3_service.h"

namespace wellhead::services::s3 {

namespace {

api::ServiceError NoSuchConfiguration() {
    return S3Error("NoSuchConfiguration", 404, "The specified configuration does not exist.");
}
api::ServiceError MalformedConfiguration() {
    return S3Error("MalformedXML", 400,
                   "The XML you provided was not well-formed or did not validate against our published schema");
}

}  // namespace

Task<Outcome<s3::GetBucketLoggingOutput>> S3Service::GetBucketLogging(const CallContext&,
                                                                      s3::GetBucketLoggingRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    co_return s3::GetBucketLoggingOutput{};
}

Task<Outcome<s3::GetBucketWebsiteOutput>> S3Service::GetBucketWebsite(const CallContext&,
                                                                      s3::GetBucketWebsiteRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    co_return std::unexpected(S3Error("NoSuchWebsiteConfiguration", 404,
                                      "The specified bucket does not have a website configuration"));
}

Task<Outcome<s3::GetBucketReplicationOutput>> S3Service::GetBucketReplication(const CallContext&,
                                                                              s3::GetBucketReplicationRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    co_return std::unexpected(S3Error("ReplicationConfigurationNotFoundError", 404,
                                      "The replication configuration was not found"));
}

Task<Outcome<s3::GetBucketAccelerateConfigurationOutput>> S3Service::GetBucketAccelerateConfiguration(
    const CallContext&, s3::GetBucketAccelerateConfigurationRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    co_return s3::GetBucketAccelerateConfigurationOutput{};
}

Task<Outcome<s3::GetBucketRequestPaymentOutput>> S3Service::GetBucketRequestPayment(
    const CallContext&, s3::GetBucketRequestPaymentRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    s3::GetBucketRequestPaymentOutput output;
    output.Payer = "BucketOwner";
    co_return output;
}

Task<Outcome<s3::GetObjectLockConfigurationOutput>> S3Service::GetObjectLockConfiguration(
    const CallContext&, s3::GetObjectLockConfigurationRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    co_return std::unexpected(S3Error("ObjectLockConfigurationNotFoundError", 404,
                                      "Object Lock configuration does not exist for this bucket"));
}

// Taking away what cannot be there.
Task<Outcome<s3::DeleteBucketWebsiteOutput>> S3Service::DeleteBucketWebsite(const CallContext&,
                                                                            s3::DeleteBucketWebsiteRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    co_return s3::DeleteBucketWebsiteOutput{};
}

Task<Outcome<s3::DeleteBucketReplicationOutput>> S3Service::DeleteBucketReplication(
    const CallContext&, s3::DeleteBucketReplicationRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    co_return s3::DeleteBucketReplicationOutput{};
}

// What is so already may be asked for.
Task<Outcome<s3::PutBucketRequestPaymentOutput>> S3Service::PutBucketRequestPayment(
    const CallContext&, s3::PutBucketRequestPaymentRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    const std::string& payer = request.RequestPaymentConfiguration.Payer;
    if (payer == "Requester") co_return std::unexpected(FeatureNotServed("requester pays"));
    if (payer != "BucketOwner") co_return std::unexpected(MalformedConfiguration());
    co_return s3::PutBucketRequestPaymentOutput{};
}

Task<Outcome<s3::PutBucketLoggingOutput>> S3Service::PutBucketLogging(const CallContext&,
                                                                      s3::PutBucketLoggingRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    if (request.BucketLoggingStatus.LoggingEnabled) co_return std::unexpected(FeatureNotServed("server access logs"));
    co_return s3::PutBucketLoggingOutput{};
}

Task<Outcome<s3::PutBucketAccelerateConfigurationOutput>> S3Service::PutBucketAccelerateConfiguration(
    const CallContext&, s3::PutBucketAccelerateConfigurationRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    const std::string status = request.AccelerateConfiguration.Status.value_or("");
    if (status == "Enabled") co_return std::unexpected(FeatureNotServed("transfer acceleration"));
    if (status != "Suspended") co_return std::unexpected(MalformedConfiguration());
    co_return s3::PutBucketAccelerateConfigurationOutput{};
}

Task<Outcome<s3::ListBucketInventoryConfigurationsOutput>> S3Service::ListBucketInventoryConfigurations(
    const CallContext&, s3::ListBucketInventoryConfigurationsRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    s3::ListBucketInventoryConfigurationsOutput output;
    output.IsTruncated = false;
    co_return output;
}

Task<Outcome<s3::GetBucketInventoryConfigurationOutput>> S3Service::GetBucketInventoryConfiguration(
    const CallContext&, s3::GetBucketInventoryConfigurationRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    co_return std::unexpected(NoSuchConfiguration());
}

Task<Outcome<s3::ListBucketAnalyticsConfigurationsOutput>> S3Service::ListBucketAnalyticsConfigurations(
    const CallContext&, s3::ListBucketAnalyticsConfigurationsRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    s3::ListBucketAnalyticsConfigurationsOutput output;
    output.IsTruncated = false;
    co_return output;
}

Task<Outcome<s3::GetBucketAnalyticsConfigurationOutput>> S3Service::GetBucketAnalyticsConfiguration(
    const CallContext&, s3::GetBucketAnalyticsConfigurationRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    co_return std::unexpected(NoSuchConfiguration());
}

Task<Outcome<s3::ListBucketMetricsConfigurationsOutput>> S3Service::ListBucketMetricsConfigurations(
    const CallContext&, s3::ListBucketMetricsConfigurationsRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    s3::ListBucketMetricsConfigurationsOutput output;
    output.IsTruncated = false;
    co_return output;
}

Task<Outcome<s3::GetBucketMetricsConfigurationOutput>> S3Service::GetBucketMetricsConfiguration(
    const CallContext&, s3::GetBucketMetricsConfigurationRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    co_return std::unexpected(NoSuchConfiguration());
}

Task<Outcome<s3::ListBucketIntelligentTieringConfigurationsOutput>> S3Service::ListBucketIntelligentTieringConfigurations(
    const CallContext&, s3::ListBucketIntelligentTieringConfigurationsRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    s3::ListBucketIntelligentTieringConfigurationsOutput output;
    output.IsTruncated = false;
    co_return output;
}

Task<Outcome<s3::GetBucketIntelligentTieringConfigurationOutput>> S3Service::GetBucketIntelligentTieringConfiguration(
    const CallContext&, s3::GetBucketIntelligentTieringConfigurationRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    co_return std::unexpected(NoSuchConfiguration());
}

}  // namespace wellhead::services::s3
