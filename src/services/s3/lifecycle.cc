#include "services/s3/lifecycle.h"

#include <fmt/format.h>

#include <set>

#include "services/s3/object_answer.h"
#include "services/s3/s3_errors.h"

namespace wellhead::services::s3 {

namespace {

namespace wire = apis::s3;
using std::chrono::days;

constexpr size_t kMostRules = 1000;
constexpr int32_t kMostNewerVersions = 100;

api::ServiceError Malformed() {
    return S3Error("MalformedXML", 400,
                   "The XML you provided was not well-formed or did not validate against our published schema");
}

bool IsMidnight(base::Instant time) { return std::chrono::floor<days>(time) == time; }

api::Outcome<void> CheckExpiration(const wire::LifecycleExpiration& expiration) {
    const int given = expiration.Date.has_value() + expiration.Days.has_value() +
                      expiration.ExpiredObjectDeleteMarker.has_value();
    if (given != 1) return std::unexpected(Malformed());
    if (expiration.Days && *expiration.Days <= 0) {
        return std::unexpected(InvalidArgument("'Days' for Expiration action must be a positive integer"));
    }
    if (expiration.Date && !IsMidnight(*expiration.Date)) {
        return std::unexpected(InvalidArgument("'Date' must be at midnight GMT"));
    }
    return {};
}

bool FiltersByTag(const wire::LifecycleRule& rule) {
    return rule.Filter && (rule.Filter->Tag || (rule.Filter->And && rule.Filter->And->Tags));
}
bool FiltersBySize(const wire::LifecycleRule& rule) {
    if (!rule.Filter) return false;
    const auto& filter = *rule.Filter;
    return filter.ObjectSizeGreaterThan || filter.ObjectSizeLessThan ||
           (filter.And && (filter.And->ObjectSizeGreaterThan || filter.And->ObjectSizeLessThan));
}

api::Outcome<void> CheckFilter(const wire::LifecycleRule& rule) {
    if (rule.Filter.has_value() == rule.Prefix.has_value()) return std::unexpected(Malformed());
    if (!rule.Filter) return {};
    const auto& filter = *rule.Filter;
    const int given = filter.Prefix.has_value() + filter.Tag.has_value() + filter.And.has_value() +
                      filter.ObjectSizeGreaterThan.has_value() + filter.ObjectSizeLessThan.has_value();
    if (given > 1) return std::unexpected(Malformed());
    if (!filter.And) return {};
    const size_t parts = filter.And->Prefix.has_value() + (filter.And->Tags ? filter.And->Tags->size() : 0) +
                         filter.And->ObjectSizeGreaterThan.has_value() + filter.And->ObjectSizeLessThan.has_value();
    if (parts < 2) return std::unexpected(Malformed());
    return {};
}

api::Outcome<void> CheckRule(const wire::LifecycleRule& rule) {
    if (rule.Status != "Enabled" && rule.Status != "Disabled") return std::unexpected(Malformed());
    if (rule.ID && rule.ID->size() > 255) {
        return std::unexpected(InvalidArgument("ID length should not exceed allowed limit of 255"));
    }
    if (rule.Transitions || rule.NoncurrentVersionTransitions) {
        return std::unexpected(FeatureNotServed("transitions between storage classes"));
    }
    if (!rule.Expiration && !rule.NoncurrentVersionExpiration && !rule.AbortIncompleteMultipartUpload) {
        return std::unexpected(InvalidRequest("At least one action needs to be specified in a rule"));
    }
    RETURN_IF_ERROR(CheckFilter(rule));
    if (rule.Expiration) {
        RETURN_IF_ERROR(CheckExpiration(*rule.Expiration));
        if (rule.Expiration->ExpiredObjectDeleteMarker && FiltersByTag(rule)) {
            return std::unexpected(InvalidRequest("ExpiredObjectDeleteMarker cannot be specified with a tag-based filter"));
        }
    }
    if (rule.NoncurrentVersionExpiration) {
        const auto& noncurrent = *rule.NoncurrentVersionExpiration;
        if (!noncurrent.NoncurrentDays) return std::unexpected(Malformed());
        if (*noncurrent.NoncurrentDays <= 0) {
            return std::unexpected(
                InvalidArgument("'NoncurrentDays' for NoncurrentVersionExpiration action must be a positive integer"));
        }
        const int32_t newer = noncurrent.NewerNoncurrentVersions.value_or(1);
        if (newer < 1 || newer > kMostNewerVersions) {
            return std::unexpected(InvalidArgument("'NewerNoncurrentVersions' must be between 1 and 100"));
        }
    }
    if (rule.AbortIncompleteMultipartUpload) {
        if (rule.AbortIncompleteMultipartUpload->DaysAfterInitiation.value_or(0) <= 0) {
            return std::unexpected(InvalidArgument(
                "'DaysAfterInitiation' for AbortIncompleteMultipartUpload action must be a positive integer"));
        }
        if (FiltersByTag(rule) || FiltersBySize(rule)) {
            return std::unexpected(InvalidRequest(
                "AbortIncompleteMultipartUpload cannot be specified with a filter of tags or object sizes"));
        }
    }
    return {};
}

bool HasTag(const Tags& tags, const wire::Tag& wanted) {
    auto found = tags.find(wanted.Key);
    return found != tags.end() && found->second == wanted.Value;
}

bool SizeFits(uint64_t size, const std::optional<int64_t>& greater, const std::optional<int64_t>& less) {
    const int64_t bytes = static_cast<int64_t>(size);
    return (!greater || bytes > *greater) && (!less || bytes < *less);
}

std::string PrefixOf(const wire::LifecycleRule& rule) {
    if (rule.Prefix) return *rule.Prefix;
    if (rule.Filter && rule.Filter->Prefix) return *rule.Filter->Prefix;
    if (rule.Filter && rule.Filter->And && rule.Filter->And->Prefix) return *rule.Filter->And->Prefix;
    return {};
}

bool IsOn(const wire::LifecycleRule& rule) { return rule.Status == "Enabled"; }

// A marker that nothing is behind any more.
bool MarkerIsDue(const wire::LifecycleRule& rule, const storage::ObjectEntry& marker, base::Instant now) {
    if (!rule.Expiration || !marker.key.starts_with(PrefixOf(rule)) || FiltersByTag(rule)) return false;
    if (rule.Expiration->ExpiredObjectDeleteMarker.value_or(false)) return true;
    return rule.Expiration->Days && DueAfter(marker.metadata.modified, *rule.Expiration->Days) <= now;
}

}  // namespace

base::Instant DueAfter(base::Instant time, int32_t count) {
    base::Instant due = time + days(count);
    const auto midnight = std::chrono::floor<days>(due);
    return midnight == due ? due : base::Instant(midnight + days(1));
}

bool RuleCovers(const wire::LifecycleRule& rule, const std::string& key, uint64_t size_bytes, const Tags& tags) {
    if (!IsOn(rule) || !key.starts_with(PrefixOf(rule))) return false;
    if (!rule.Filter) return true;
    const auto& filter = *rule.Filter;
    if (filter.Tag && !HasTag(tags, *filter.Tag)) return false;
    if (!SizeFits(size_bytes, filter.ObjectSizeGreaterThan, filter.ObjectSizeLessThan)) return false;
    if (!filter.And) return true;
    if (filter.And->Tags) {
        for (const auto& tag : *filter.And->Tags) {
            if (!HasTag(tags, tag)) return false;
        }
    }
    return SizeFits(size_bytes, filter.And->ObjectSizeGreaterThan, filter.And->ObjectSizeLessThan);
}

api::Outcome<void> CheckLifecycle(wire::BucketLifecycleConfiguration& configuration) {
    if (configuration.Rules.empty()) return std::unexpected(Malformed());
    if (configuration.Rules.size() > kMostRules) {
        return std::unexpected(InvalidRequest("The number of lifecycle rules must not exceed the allowed limit of 1000 rules"));
    }
    std::set<std::string> ids;
    for (const auto& rule : configuration.Rules) {
        RETURN_IF_ERROR(CheckRule(rule));
        if (rule.ID && !rule.ID->empty() && !ids.insert(*rule.ID).second) {
            return std::unexpected(InvalidArgument("Rule ID must be unique. Found same ID for more than one rule"));
        }
    }
    int next = 1;
    for (auto& rule : configuration.Rules) {
        while (!rule.ID || rule.ID->empty()) {
            std::string id = fmt::format("rule-{}", next++);
            if (ids.insert(id).second) rule.ID = std::move(id);
        }
    }
    return {};
}

std::optional<Expiry> ExpiryOf(const wire::BucketLifecycleConfiguration& configuration, const std::string& key,
                               const storage::ObjectMetadata& metadata, const Tags& tags) {
    std::optional<Expiry> first;
    for (const auto& rule : configuration.Rules) {
        if (!rule.Expiration || !RuleCovers(rule, key, metadata.size_bytes, tags)) continue;
        base::Instant due;
        if (rule.Expiration->Days) {
            due = DueAfter(metadata.modified, *rule.Expiration->Days);
        } else if (rule.Expiration->Date) {
            due = *rule.Expiration->Date;
        } else {
            continue;
        }
        if (!first || due < first->time) first = Expiry{due, rule.ID.value_or("")};
    }
    return first;
}

std::optional<std::string> ExpirationHeader(const wire::BucketLifecycleConfiguration& configuration,
                                            const std::string& key, const storage::ObjectMetadata& metadata,
                                            const ObjectAttributes& attributes) {
    auto expiry = ExpiryOf(configuration, key, metadata, attributes.tags);
    if (!expiry) return std::nullopt;
    return fmt::format("expiry-date=\"{}\", rule-id=\"{}\"", HttpDate(expiry->time), PercentEncode(expiry->rule_id));
}

api::Outcome<std::vector<DueVersion>> DueVersions(const wire::BucketLifecycleConfiguration& configuration,
                                                  const std::vector<storage::ObjectEntry>& versions, base::Instant now) {
    std::vector<DueVersion> due;
    if (versions.empty()) return due;
    const storage::ObjectEntry& newest = versions.front();
    if (newest.tombstone && versions.size() == 1) {
        for (const auto& rule : configuration.Rules) {
            if (!IsOn(rule) || !MarkerIsDue(rule, newest, now)) continue;
            due.push_back({DueVersion::Kind::kRemove, newest});
            break;
        }
        return due;
    }
    for (size_t i = 0; i < versions.size(); ++i) {
        const storage::ObjectEntry& entry = versions[i];
        Tags tags;
        if (!entry.tombstone) {
            auto attributes = DecodeAttributes(entry.metadata.attributes);
            if (!attributes) return std::unexpected(FromStorage(attributes.error()));
            tags = std::move(attributes->tags);
        }
        if (i == 0) {
            auto expiry = entry.tombstone ? std::nullopt : ExpiryOf(configuration, entry.key, entry.metadata, tags);
            if (expiry && expiry->time <= now) due.push_back({DueVersion::Kind::kExpire, entry});
            continue;
        }
        // It became noncurrent when the one behind it came.
        for (const auto& rule : configuration.Rules) {
            if (!rule.NoncurrentVersionExpiration || !RuleCovers(rule, entry.key, entry.metadata.size_bytes, tags)) continue;
            const auto& noncurrent = *rule.NoncurrentVersionExpiration;
            const size_t kept = static_cast<size_t>(noncurrent.NewerNoncurrentVersions.value_or(0));
            if (i - 1 < kept) continue;
            if (DueAfter(versions[i - 1].metadata.modified, noncurrent.NoncurrentDays.value_or(1)) > now) continue;
            due.push_back({DueVersion::Kind::kRemove, entry});
            break;
        }
    }
    return due;
}

bool UploadIsDue(const wire::BucketLifecycleConfiguration& configuration, const std::string& key,
                 base::Instant initiated, base::Instant now) {
    for (const auto& rule : configuration.Rules) {
        if (!rule.AbortIncompleteMultipartUpload || !IsOn(rule) || !key.starts_with(PrefixOf(rule))) continue;
        if (DueAfter(initiated, rule.AbortIncompleteMultipartUpload->DaysAfterInitiation.value_or(1)) <= now) return true;
    }
    return false;
}

}  // namespace wellhead::services::s3
