#pragma once
// The errors of S3 that its API definition does not model (Amazon S3 API reference, "Error responses", List of error
// codes), and the mapping of storage errors.

#include <string>
#include <string_view>

#include "api/service.h"

namespace wellhead::services::s3 {

api::ServiceError S3Error(std::string_view code, int http_status, std::string message);

api::ServiceError NoSuchBucket(const std::string& bucket);
api::ServiceError NoSuchKey(const std::string& key);
api::ServiceError NoSuchUpload(const std::string& upload_id);
api::ServiceError NoSuchVersion(const std::string& key, const std::string& version_id);
// A tombstone stands for the object: NoSuchKey, or MethodNotAllowed when it was asked for by its version id.
api::ServiceError IsDeleteMarker(const std::string& key, const std::string& version_id, bool asked_for);
api::ServiceError AccessDenied();
api::ServiceError InvalidArgument(std::string message, std::string_view name = {}, std::string_view value = {});
api::ServiceError InvalidRequest(std::string message);
api::ServiceError PreconditionFailed(std::string_view condition);
// Understood, and not served: the message names the feature.
api::ServiceError FeatureNotServed(std::string_view feature);

// What the object store or the table said of an object or bucket.
api::ServiceError FromStorage(const base::Error& error);
// What went wrong while the body was read.
api::ServiceError FromBody(const base::Error& error);

}  // namespace wellhead::services::s3
