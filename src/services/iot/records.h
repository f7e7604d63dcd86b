#pragma once
// What the registry keeps: one record a thing, type, certificate, policy and rule, each kept as JSON in a table.
// docs/formats/iot_tables.md describes the collections.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "services/iot/policy_document.h"

namespace wellhead::services::iot {

struct ThingType {
    std::string name;
    std::string id;
    std::string description;
    std::vector<std::string> searchable_attributes;
    base::Instant created;
    std::optional<base::Instant> deprecated;
};

struct Thing {
    std::string name;
    std::string id;
    std::string type_name;  // empty: none
    std::map<std::string, std::string> attributes;
    int64_t version = 1;
};

// status values are the wire's: ACTIVE, INACTIVE, REVOKED, PENDING_ACTIVATION, ...
struct Certificate {
    std::string id;
    std::string pem;
    std::string status;
    std::string ca_id;  // of a registered authority; empty: ours or none
    std::string mode;   // DEFAULT or SNI_ONLY
    base::Instant created;
    base::Instant modified;
    int32_t version = 1;
    base::Instant not_before;
    base::Instant not_after;
};

struct CaCertificate {
    std::string id;
    std::string pem;
    std::string status;  // ACTIVE, INACTIVE
    std::string mode;
    std::string auto_registration = "DISABLE";  // ENABLE, DISABLE
    base::Instant created;
    base::Instant modified;
    int32_t version = 1;
    base::Instant not_before;
    base::Instant not_after;
};

struct PolicyVersion {
    std::string document;  // as given
    base::Instant created;
    // Parsed from document; not kept.
    std::shared_ptr<const PolicyDocument> parsed;
};

struct Policy {
    std::string name;
    std::map<int, PolicyVersion> versions;
    int default_version = 1;
    int next_version = 2;
    base::Instant created;
    base::Instant modified;

    const PolicyVersion& in_force() const { return versions.at(default_version); }
};

// One of a thing's principals; the key names both.
struct ThingPrincipal {
    std::string thing;
    std::string principal;  // ARN of a certificate, or a Cognito identity
    bool exclusive = false;
};

struct ThingGroup {
    std::string name;
    std::string id;
    std::string parent;  // empty: a root
    std::string description;
    std::map<std::string, std::string> attributes;
    int64_t version = 1;
    base::Instant created;
};

// One thing of a group; the key names both.
struct ThingGroupMember {
    std::string group;
    std::string thing;
};

struct PolicyAttachment {
    std::string target;  // ARN of a certificate or a thing group, or a Cognito identity
    std::string policy;
};

struct TopicRule {
    std::string name;
    std::string sql;
    std::string description;
    std::string sql_version;
    base::Instant created;
    bool disabled = false;
    // The actions as the API has them, as JSON.
    std::string actions_json;
    std::string error_action_json;  // empty: none
};

struct TagSet {
    std::string arn;
    std::map<std::string, std::string> tags;
};

// Each record's JSON, its key, and its collection's name.
template <class Record>
struct RecordFormat;

#define WELLHEAD_IOT_RECORD(Type)                                 \
    template <>                                                   \
    struct RecordFormat<Type> {                                   \
        static std::string_view Collection();                     \
        static std::string Key(const Type& record);               \
        static std::string Write(const Type& record);             \
        static base::Result<Type> Read(std::string_view text);    \
    };
WELLHEAD_IOT_RECORD(ThingType)
WELLHEAD_IOT_RECORD(Thing)
WELLHEAD_IOT_RECORD(Certificate)
WELLHEAD_IOT_RECORD(CaCertificate)
WELLHEAD_IOT_RECORD(Policy)
WELLHEAD_IOT_RECORD(ThingPrincipal)
WELLHEAD_IOT_RECORD(ThingGroup)
WELLHEAD_IOT_RECORD(ThingGroupMember)
WELLHEAD_IOT_RECORD(PolicyAttachment)
WELLHEAD_IOT_RECORD(TopicRule)
WELLHEAD_IOT_RECORD(TagSet)
#undef WELLHEAD_IOT_RECORD

// Two names as one key, with a zero byte between them.
std::string PairKey(std::string_view first, std::string_view second);

}  // namespace wellhead::services::iot
