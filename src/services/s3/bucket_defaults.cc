// Configurations that cannot be made here: reading and deleting them answers as AWS does where there is none, so that
// tools that look at a bucket (terraform, the console) find their way; making one is refused.

#include "services/s3/s3_errors.h"
#include "services/s3/s3_service.h"
#include "services/s3/tag_sets.h"
#include "services/s3/write_request.h"

namespace wellhead::services::s3 {

Task<Outcome<s3::GetBucketAclOutput>> S3Service::GetBucketAcl(const CallContext&, s3::GetBucketAclRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    s3::GetBucketAclOutput output;
    output.Owner.emplace().ID = OwnerId();
    output.Grants = OwnerGrants(OwnerId());
    co_return output;
}

Task<Outcome<s3::PutBucketAclOutput>> S3Service::PutBucketAcl(const CallContext&, s3::PutBucketAclRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    bool grants = request.AccessControlPolicy || request.GrantFullControl || request.GrantRead ||
                  request.GrantReadACP || request.GrantWrite || request.GrantWriteACP;
    CO_RETURN_IF_ERROR(CheckCannedAcl(request.ACL, grants));
    co_return s3::PutBucketAclOutput{};
}

Task<Outcome<s3::GetBucketPolicyOutput>> S3Service::GetBucketPolicy(const CallContext&,
                                                                    s3::GetBucketPolicyRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    co_return std::unexpected(S3Error("NoSuchBucketPolicy", 404, "The bucket policy does not exist"));
}

Task<Outcome<s3::GetBucketPolicyStatusOutput>> S3Service::GetBucketPolicyStatus(
    const CallContext&, s3::GetBucketPolicyStatusRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    co_return std::unexpected(S3Error("NoSuchBucketPolicy", 404, "The bucket policy does not exist"));
}

Task<Outcome<s3::DeleteBucketPolicyOutput>> S3Service::DeleteBucketPolicy(const CallContext&,
                                                                          s3::DeleteBucketPolicyRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    co_return s3::DeleteBucketPolicyOutput{};
}

Task<Outcome<s3::GetBucketCorsOutput>> S3Service::GetBucketCors(const CallContext&, s3::GetBucketCorsRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    co_return std::unexpected(S3Error("NoSuchCORSConfiguration", 404, "The CORS configuration does not exist"));
}

Task<Outcome<s3::DeleteBucketCorsOutput>> S3Service::DeleteBucketCors(const CallContext&,
                                                                      s3::DeleteBucketCorsRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    co_return s3::DeleteBucketCorsOutput{};
}

Task<Outcome<s3::GetBucketLifecycleConfigurationOutput>> S3Service::GetBucketLifecycleConfiguration(
    const CallContext&, s3::GetBucketLifecycleConfigurationRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    co_return std::unexpected(
        S3Error("NoSuchLifecycleConfiguration", 404, "The lifecycle configuration does not exist"));
}

Task<Outcome<s3::DeleteBucketLifecycleOutput>> S3Service::DeleteBucketLifecycle(
    const CallContext&, s3::DeleteBucketLifecycleRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    co_return s3::DeleteBucketLifecycleOutput{};
}

Task<Outcome<s3::GetBucketEncryptionOutput>> S3Service::GetBucketEncryption(const CallContext&,
                                                                            s3::GetBucketEncryptionRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    co_return std::unexpected(S3Error("ServerSideEncryptionConfigurationNotFoundError", 404,
                                      "The server side encryption configuration was not found"));
}

Task<Outcome<s3::DeleteBucketEncryptionOutput>> S3Service::DeleteBucketEncryption(
    const CallContext&, s3::DeleteBucketEncryptionRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    co_return s3::DeleteBucketEncryptionOutput{};
}

Task<Outcome<s3::PutBucketPolicyOutput>> S3Service::PutBucketPolicy(const CallContext&,
                                                                    s3::PutBucketPolicyRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    co_return std::unexpected(FeatureNotServed("bucket policies"));
}

Task<Outcome<s3::PutBucketCorsOutput>> S3Service::PutBucketCors(const CallContext&, s3::PutBucketCorsRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    co_return std::unexpected(FeatureNotServed("CORS rules of buckets"));
}

Task<Outcome<s3::PutBucketLifecycleConfigurationOutput>> S3Service::PutBucketLifecycleConfiguration(
    const CallContext&, s3::PutBucketLifecycleConfigurationRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    co_return std::unexpected(FeatureNotServed("lifecycle rules"));
}

Task<Outcome<s3::PutBucketEncryptionOutput>> S3Service::PutBucketEncryption(const CallContext&,
                                                                            s3::PutBucketEncryptionRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    co_return std::unexpected(FeatureNotServed("server-side encryption"));
}

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

}  // namespace wellhead::services::s3
