#pragma once
// Lifecycle rules (S3 user guide, "Managing the lifecycle of objects"): what may be configured, and what is due when.

#include <optional>
#include <string>

#include "api/service.h"
#include "apis/s3/types.h"
#include "base/time.h"
#include "services/s3/attributes.h"
#include "storage/object_store/object_store.h"

namespace wellhead::services::s3 {

// MalformedXML, InvalidArgument, InvalidRequest, NotImplemented for transitions. Rules without an id are given one.
api::Outcome<void> CheckLifecycle(apis::s3::BucketLifecycleConfiguration& configuration);

// Midnight UTC behind time and that many whole days.
base::Instant DueAfter(base::Instant time, int32_t days);

bool RuleCovers(const apis::s3::LifecycleRule& rule, const std::string& key, uint64_t size_bytes, const Tags& tags);

// The rule by which a current object is removed first, and when.
struct Expiry {
    base::Instant time;
    std::string rule_id;
};
std::optional<Expiry> ExpiryOf(const apis::s3::BucketLifecycleConfiguration& configuration, const std::string& key,
                               const storage::ObjectMetadata& metadata, const Tags& tags);
// x-amz-expiration: expiry-date="Fri, 23 Dec 2012 00:00:00 GMT", rule-id="picture-deletion-rule"
std::optional<std::string> ExpirationHeader(const apis::s3::BucketLifecycleConfiguration& configuration,
                                            const std::string& key, const storage::ObjectMetadata& metadata,
                                            const ObjectAttributes& attributes);

// The versions of one key, newest first, and what of them is due now.
struct DueVersion {
    enum class Kind { kExpire, kRemove };  // kExpire: the current one, as a delete without version does it
    Kind kind = Kind::kRemove;
    storage::ObjectEntry entry;
};
api::Outcome<std::vector<DueVersion>> DueVersions(const apis::s3::BucketLifecycleConfiguration& configuration,
                                                  const std::vector<storage::ObjectEntry>& versions, base::Instant now);
// Whether an upload begun at that time is due.
bool UploadIsDue(const apis::s3::BucketLifecycleConfiguration& configuration, const std::string& key,
                 base::Instant initiated, base::Instant now);

}  // namespace wellhead::services::s3
