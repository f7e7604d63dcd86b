#pragma once
// What can be configured of a bucket, as kept in the table (s3/bucket_settings: name -> JSON).

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apis/s3/types.h"
#include "base/result.h"
#include "services/s3/bucket_policy.h"
#include "services/s3/names.h"

namespace wellhead::services::s3 {

inline constexpr const char* kSettingsCollection = "s3/bucket_settings";

enum class TargetKind { kFunction, kQueue, kTopic };

struct NotificationRule {
    std::string id;
    TargetKind kind = TargetKind::kFunction;
    std::string target_arn;
    std::vector<std::string> events;  // "s3:ObjectCreated:*"
    std::string prefix;
    std::string suffix;
};

struct BucketSettings {
    Tags tags;
    std::string versioning;  // "", "Enabled" or "Suspended"
    // BlockPublicAcls, IgnorePublicAcls, BlockPublicPolicy, RestrictPublicBuckets
    std::optional<std::array<bool, 4>> public_access_block;
    std::string ownership;  // "" (as BucketOwnerEnforced) or what was set
    std::vector<NotificationRule> notifications;
    std::string acl;     // canned; empty: private
    std::string policy;  // as it was given
    std::shared_ptr<const BucketPolicy> parsed_policy;
    std::optional<apis::s3::CORSConfiguration> cors;
    std::optional<apis::s3::BucketLifecycleConfiguration> lifecycle;
    std::optional<apis::s3::ServerSideEncryptionConfiguration> encryption;

    bool AclsServed() const { return !ownership.empty() && ownership != "BucketOwnerEnforced"; }
    bool HasVersions() const { return !versioning.empty(); }
};

base::Bytes EncodeBucketSettings(const BucketSettings& settings);
// kCorrupt.
base::Result<BucketSettings> DecodeBucketSettings(base::ByteView bytes);

// Whether the rule asks for the event ("ObjectCreated:Put") on the key.
bool Matches(const NotificationRule& rule, std::string_view event, std::string_view key);
bool IsEventName(std::string_view configured);

}  // namespace wellhead::services::s3
