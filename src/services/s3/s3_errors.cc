#include "services/s3/s3_errors.h"

#include <fmt/format.h>

#include "base/log.h"

namespace wellhead::services::s3 {

api::ServiceError S3Error(std::string_view code, int http_status, std::string message) {
    return {std::string(code), std::move(message), http_status, {}};
}

api::ServiceError NoSuchBucket(const std::string& bucket) {
    auto error = S3Error("NoSuchBucket", 404, "The specified bucket does not exist");
    error.members["BucketName"] = bucket;
    return error;
}
api::ServiceError NoSuchKey(const std::string& key) {
    auto error = S3Error("NoSuchKey", 404, "The specified key does not exist.");
    error.members["Key"] = key;
    return error;
}
api::ServiceError NoSuchUpload(const std::string& upload_id) {
    auto error = S3Error("NoSuchUpload", 404,
                         "The specified upload does not exist. The upload ID may be invalid, or the upload may have "
                         "been aborted or completed.");
    error.members["UploadId"] = upload_id;
    return error;
}
api::ServiceError NoSuchVersion(const std::string& key, const std::string& version_id) {
    auto error = S3Error("NoSuchVersion", 404, "The specified version does not exist.");
    error.members["Key"] = key;
    error.members["VersionId"] = version_id;
    return error;
}
api::ServiceError IsDeleteMarker(const std::string& key, const std::string& version_id, bool asked_for) {
    auto error = asked_for ? S3Error("MethodNotAllowed", 405,
                                     "The specified method is not allowed against this resource.")
                           : NoSuchKey(key);
    if (asked_for) error.members["Method"] = "GET";
    if (asked_for) error.members["ResourceType"] = "DeleteMarker";
    error.members["x-amz-delete-marker"] = "true";
    error.members["x-amz-version-id"] = version_id;
    return error;
}
api::ServiceError AccessDenied() { return S3Error("AccessDenied", 403, "Access Denied"); }
api::ServiceError InvalidArgument(std::string message, std::string_view name, std::string_view value) {
    auto error = S3Error("InvalidArgument", 400, std::move(message));
    if (!name.empty()) error.members["ArgumentName"] = name;
    if (!name.empty()) error.members["ArgumentValue"] = value;
    return error;
}
api::ServiceError InvalidRequest(std::string message) {
    return S3Error("InvalidRequest", 400, std::move(message));
}
api::ServiceError PreconditionFailed(std::string_view condition) {
    auto error = S3Error("PreconditionFailed", 412, "At least one of the pre-conditions you specified did not hold");
    error.members["Condition"] = condition;
    return error;
}
api::ServiceError FeatureNotServed(std::string_view feature) {
    return S3Error("NotImplemented", 501,
                   fmt::format("Your request implies functionality that is not served here: {}.", feature));
}

api::ServiceError FromStorage(const base::Error& error) {
    using base::ErrorCode;
    switch (error.code) {
        case ErrorCode::kNotFound: return S3Error("NoSuchKey", 404, "The specified key does not exist.");
        case ErrorCode::kAlreadyExists: return S3Error("BucketAlreadyOwnedByYou", 409, error.message);
        case ErrorCode::kConflict:
            return S3Error("ConditionalRequestConflict", 409,
                           "The conditional request cannot succeed due to a conflicting operation against this "
                           "resource.");
        case ErrorCode::kLimit:
        case ErrorCode::kUnavailable:
        case ErrorCode::kReadOnly:
        case ErrorCode::kTimeout:
            base::LogWarning("s3", "refused: {}", error.message);
            return S3Error("ServiceUnavailable", 503, "Storage cannot take the request now: " + error.message);
        case ErrorCode::kInvalidArgument: return InvalidArgument(error.message);
        case ErrorCode::kUnsupported: return FeatureNotServed(error.message);
        case ErrorCode::kCancelled:
        case ErrorCode::kPermission:
        case ErrorCode::kIo:
        case ErrorCode::kCorrupt: break;
    }
    base::LogError("s3", "storage failed: {}", error.message);
    return S3Error("InternalError", 500, "We encountered an internal error: " + error.message);
}

api::ServiceError FromBody(const base::Error& error) {
    using base::ErrorCode;
    switch (error.code) {
        case ErrorCode::kConflict:
            return S3Error("XAmzContentSHA256Mismatch", 400,
                           "The provided 'x-amz-content-sha256' header does not match what was computed.");
        case ErrorCode::kPermission: return S3Error("SignatureDoesNotMatch", 403, error.message);
        case ErrorCode::kLimit: return S3Error("EntityTooLarge", 400, error.message);
        case ErrorCode::kTimeout:
            return S3Error("RequestTimeout", 400,
                           "Your socket connection to the server was not read from or written to within the timeout "
                           "period.");
        case ErrorCode::kCorrupt: return S3Error("MalformedTrailerError", 400, error.message);
        case ErrorCode::kUnavailable:
            return S3Error("IncompleteBody", 400,
                           "You did not provide the number of bytes specified by the Content-Length HTTP header");
        default: return InvalidRequest(error.message);
    }
}

}  // namespace wellhead::services::s3
