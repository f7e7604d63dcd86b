#include "services/s3/bucket_settings.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_to.hpp>

#include "api/stored.h"
#include "apis/s3/shapes.h"

namespace wellhead::services::s3 {

namespace {

namespace json = boost::json;
namespace shapes = apis::s3::shapes;

json::object FromRule(const NotificationRule& rule) {
    json::array events;
    for (const auto& event : rule.events) events.emplace_back(event);
    return {{"id", rule.id},
            {"kind", static_cast<int>(rule.kind)},
            {"target", rule.target_arn},
            {"events", std::move(events)},
            {"prefix", rule.prefix},
            {"suffix", rule.suffix}};
}

NotificationRule ToRule(const json::object& in) {
    NotificationRule rule;
    rule.id = json::value_to<std::string>(in.at("id"));
    rule.kind = static_cast<TargetKind>(json::value_to<int>(in.at("kind")));
    rule.target_arn = json::value_to<std::string>(in.at("target"));
    for (const auto& event : in.at("events").as_array()) rule.events.push_back(json::value_to<std::string>(event));
    rule.prefix = json::value_to<std::string>(in.at("prefix"));
    rule.suffix = json::value_to<std::string>(in.at("suffix"));
    return rule;
}

template <class T>
base::Result<void> Take(const json::object& in, const char* name, std::optional<T>& to, const api::Structure& structure) {
    const auto* value = in.if_contains(name);
    if (value == nullptr) return {};
    ASSIGN_OR_RETURN(to, api::FromStored<T>(json::serialize(*value), structure));
    return {};
}

}  // namespace

base::Bytes EncodeBucketSettings(const BucketSettings& settings) {
    json::object out;
    json::object tags;
    for (const auto& [key, value] : settings.tags) tags[key] = value;
    if (!tags.empty()) out["tags"] = std::move(tags);
    if (!settings.versioning.empty()) out["versioning"] = settings.versioning;
    if (settings.public_access_block) {
        json::array flags;
        for (bool flag : *settings.public_access_block) flags.emplace_back(flag);
        out["public_access_block"] = std::move(flags);
    }
    if (!settings.ownership.empty()) out["ownership"] = settings.ownership;
    json::array rules;
    for (const auto& rule : settings.notifications) rules.push_back(FromRule(rule));
    if (!rules.empty()) out["notifications"] = std::move(rules);
    if (!settings.acl.empty()) out["acl"] = settings.acl;
    if (!settings.policy.empty()) out["policy"] = settings.policy;
    auto keep = [&out](const char* name, const auto& value, const api::Structure& structure) {
        if (value) out[name] = json::parse(api::ToStored(*value, structure));
    };
    keep("cors", settings.cors, shapes::CORSConfiguration_structure);
    keep("lifecycle", settings.lifecycle, shapes::BucketLifecycleConfiguration_structure);
    keep("encryption", settings.encryption, shapes::ServerSideEncryptionConfiguration_structure);
    return json::serialize(out);
}

base::Result<BucketSettings> DecodeBucketSettings(base::ByteView bytes) try {
    json::value value = json::parse(bytes);
    const json::object& in = value.as_object();
    BucketSettings settings;
    if (const auto* tags = in.if_contains("tags")) {
        for (const auto& tag : tags->as_object()) {
            settings.tags[std::string(tag.key())] = json::value_to<std::string>(tag.value());
        }
    }
    if (const auto* versioning = in.if_contains("versioning")) {
        settings.versioning = json::value_to<std::string>(*versioning);
    }
    if (const auto* block = in.if_contains("public_access_block")) {
        std::array<bool, 4> flags{};
        for (size_t i = 0; i < flags.size(); ++i) flags[i] = block->as_array().at(i).as_bool();
        settings.public_access_block = flags;
    }
    if (const auto* ownership = in.if_contains("ownership")) {
        settings.ownership = json::value_to<std::string>(*ownership);
    }
    if (const auto* rules = in.if_contains("notifications")) {
        for (const auto& rule : rules->as_array()) settings.notifications.push_back(ToRule(rule.as_object()));
    }
    if (const auto* acl = in.if_contains("acl")) settings.acl = json::value_to<std::string>(*acl);
    if (const auto* policy = in.if_contains("policy")) {
        settings.policy = json::value_to<std::string>(*policy);
        ASSIGN_OR_RETURN(settings.parsed_policy, BucketPolicy::Parse(settings.policy));
    }
    RETURN_IF_ERROR(Take(in, "cors", settings.cors, shapes::CORSConfiguration_structure));
    RETURN_IF_ERROR(Take(in, "lifecycle", settings.lifecycle, shapes::BucketLifecycleConfiguration_structure));
    RETURN_IF_ERROR(Take(in, "encryption", settings.encryption, shapes::ServerSideEncryptionConfiguration_structure));
    return settings;
} catch (const std::exception& error) {
    return base::Fail(base::ErrorCode::kCorrupt, std::string("a bucket's settings: ") + error.what());
}

bool Matches(const NotificationRule& rule, std::string_view event, std::string_view key) {
    if (!key.starts_with(rule.prefix) || !key.ends_with(rule.suffix)) return false;
    for (std::string_view wanted : rule.events) {
        wanted.remove_prefix(std::min<size_t>(3, wanted.size()));  // "s3:"
        if (wanted == event) return true;
        if (wanted.ends_with(":*") && event.starts_with(wanted.substr(0, wanted.size() - 1))) return true;
    }
    return false;
}

bool IsEventName(std::string_view configured) {
    static constexpr std::string_view kServed[] = {
        "s3:ObjectCreated:*",    "s3:ObjectCreated:Put", "s3:ObjectCreated:Post",
        "s3:ObjectCreated:Copy", "s3:ObjectCreated:CompleteMultipartUpload",
        "s3:ObjectRemoved:*",    "s3:ObjectRemoved:Delete", "s3:ObjectRemoved:DeleteMarkerCreated",
        "s3:ObjectTagging:*",    "s3:ObjectTagging:Put",    "s3:ObjectTagging:Delete",
        "s3:LifecycleExpiration:*", "s3:LifecycleExpiration:Delete", "s3:LifecycleExpiration:DeleteMarkerCreated"};
    for (std::string_view served : kServed) {
        if (served == configured) return true;
    }
    return false;
}

}  // namespace wellhead::services::s3
