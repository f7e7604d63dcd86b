#pragma once
// What can be configured of a bucket, as kept in the table (s3/bucket_settings: name -> JSON).

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
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
    std::string versioning;  // "" or "Suspended"
    // BlockPublicAcls, IgnorePublicAcls, BlockPublicPolicy, RestrictPublicBuckets
    std::optional<std::array<bool, 4>> public_access_block;
    std::string ownership;  // "" or "BucketOwnerEnforced"
    std::vector<NotificationRule> notifications;
};

base::Bytes EncodeBucketSettings(const BucketSettings& settings);
// kCorrupt.
base::Result<BucketSettings> DecodeBucketSettings(base::ByteView bytes);

// Whether the rule asks for the event ("ObjectCreated:Put") on the key.
bool Matches(const NotificationRule& rule, std::string_view event, std::string_view key);
bool IsEventName(std::string_view configured);

}  // namespace wellhead::services::s3
