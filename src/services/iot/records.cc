#include "services/iot/records.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

namespace wellhead::services::iot {

namespace {

namespace json = boost::json;

// Members of a record's JSON, with a default where one is absent.
class Members {
  public:
    static base::Result<Members> Parse(std::string_view text) {
        boost::system::error_code error;
        json::value value = json::parse(text, error);
        if (error || !value.is_object()) return base::Fail(base::ErrorCode::kCorrupt, "a record is not a JSON object");
        return Members(std::move(value.as_object()));
    }
    std::string Text(std::string_view name) const {
        const auto* value = Find(name);
        return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
    }
    int64_t Number(std::string_view name, int64_t otherwise = 0) const {
        const auto* value = Find(name);
        return value != nullptr && value->is_int64() ? value->as_int64() : otherwise;
    }
    bool Flag(std::string_view name) const {
        const auto* value = Find(name);
        return value != nullptr && value->is_bool() && value->as_bool();
    }
    base::Instant Time(std::string_view name) const { return base::FromUnixMs(Number(name)); }
    std::map<std::string, std::string> TextMap(std::string_view name) const {
        std::map<std::string, std::string> map;
        const auto* value = Find(name);
        if (value != nullptr && value->is_object()) {
            for (const auto& member : value->as_object()) {
                if (member.value().is_string()) map[member.key()] = std::string(member.value().as_string());
            }
        }
        return map;
    }
    const json::value* Find(std::string_view name) const { return object_.if_contains(name); }

  private:
    explicit Members(json::object object) : object_(std::move(object)) {}
    json::object object_;
};

json::object TextObject(const std::map<std::string, std::string>& map) {
    json::object object;
    for (const auto& [key, value] : map) object[key] = value;
    return object;
}

int64_t Ms(base::Instant time) { return base::ToUnixMs(time); }

}  // namespace

std::string PairKey(std::string_view first, std::string_view second) {
    std::string key(first);
    key.push_back('\0');
    return key.append(second);
}

std::string_view RecordFormat<ThingType>::Collection() { return "iot/thing_types"; }
std::string RecordFormat<ThingType>::Key(const ThingType& type) { return type.name; }
std::string RecordFormat<ThingType>::Write(const ThingType& type) {
    json::object object{{"name", type.name}, {"id", type.id}, {"created", Ms(type.created)}};
    if (!type.description.empty()) object["description"] = type.description;
    if (!type.searchable_attributes.empty()) {
        object["searchable"] = json::array(type.searchable_attributes.begin(), type.searchable_attributes.end());
    }
    if (type.deprecated) object["deprecated"] = Ms(*type.deprecated);
    return json::serialize(object);
}
base::Result<ThingType> RecordFormat<ThingType>::Read(std::string_view text) {
    ASSIGN_OR_RETURN(Members members, Members::Parse(text));
    ThingType type{members.Text("name"), members.Text("id"), members.Text("description"), {}, members.Time("created"), {}};
    if (const auto* list = members.Find("searchable"); list != nullptr && list->is_array()) {
        for (const json::value& item : list->as_array()) {
            if (item.is_string()) type.searchable_attributes.emplace_back(item.as_string());
        }
    }
    if (members.Find("deprecated") != nullptr) type.deprecated = members.Time("deprecated");
    return type;
}

std::string_view RecordFormat<Thing>::Collection() { return "iot/things"; }
std::string RecordFormat<Thing>::Key(const Thing& thing) { return thing.name; }
std::string RecordFormat<Thing>::Write(const Thing& thing) {
    json::object object{{"name", thing.name}, {"id", thing.id}, {"version", thing.version}};
    if (!thing.type_name.empty()) object["type"] = thing.type_name;
    if (!thing.attributes.empty()) object["attributes"] = TextObject(thing.attributes);
    return json::serialize(object);
}
base::Result<Thing> RecordFormat<Thing>::Read(std::string_view text) {
    ASSIGN_OR_RETURN(Members members, Members::Parse(text));
    return Thing{members.Text("name"), members.Text("id"), members.Text("type"), members.TextMap("attributes"),
                 members.Number("version", 1)};
}

std::string_view RecordFormat<Certificate>::Collection() { return "iot/certificates"; }
std::string RecordFormat<Certificate>::Key(const Certificate& certificate) { return certificate.id; }
std::string RecordFormat<Certificate>::Write(const Certificate& certificate) {
    json::object object{{"id", certificate.id},
                        {"pem", certificate.pem},
                        {"status", certificate.status},
                        {"mode", certificate.mode},
                        {"created", Ms(certificate.created)},
                        {"modified", Ms(certificate.modified)},
                        {"version", certificate.version},
                        {"not_before", Ms(certificate.not_before)},
                        {"not_after", Ms(certificate.not_after)}};
    if (!certificate.ca_id.empty()) object["ca_id"] = certificate.ca_id;
    return json::serialize(object);
}
base::Result<Certificate> RecordFormat<Certificate>::Read(std::string_view text) {
    ASSIGN_OR_RETURN(Members members, Members::Parse(text));
    return Certificate{members.Text("id"),
                       members.Text("pem"),
                       members.Text("status"),
                       members.Text("ca_id"),
                       members.Text("mode"),
                       members.Time("created"),
                       members.Time("modified"),
                       static_cast<int32_t>(members.Number("version", 1)),
                       members.Time("not_before"),
                       members.Time("not_after")};
}

std::string_view RecordFormat<CaCertificate>::Collection() { return "iot/ca_certificates"; }
std::string RecordFormat<CaCertificate>::Key(const CaCertificate& certificate) { return certificate.id; }
std::string RecordFormat<CaCertificate>::Write(const CaCertificate& certificate) {
    json::object object{{"id", certificate.id},
                        {"pem", certificate.pem},
                        {"status", certificate.status},
                        {"mode", certificate.mode},
                        {"auto_registration", certificate.auto_registration},
                        {"created", Ms(certificate.created)},
                        {"modified", Ms(certificate.modified)},
                        {"version", certificate.version},
                        {"not_before", Ms(certificate.not_before)},
                        {"not_after", Ms(certificate.not_after)}};
    return json::serialize(object);
}
base::Result<CaCertificate> RecordFormat<CaCertificate>::Read(std::string_view text) {
    ASSIGN_OR_RETURN(Members members, Members::Parse(text));
    return CaCertificate{members.Text("id"),
                         members.Text("pem"),
                         members.Text("status"),
                         members.Text("mode"),
                         members.Text("auto_registration"),
                         members.Time("created"),
                         members.Time("modified"),
                         static_cast<int32_t>(members.Number("version", 1)),
                         members.Time("not_before"),
                         members.Time("not_after")};
}

std::string_view RecordFormat<Policy>::Collection() { return "iot/policies"; }
std::string RecordFormat<Policy>::Key(const Policy& policy) { return policy.name; }
std::string RecordFormat<Policy>::Write(const Policy& policy) {
    json::object versions;
    for (const auto& [number, version] : policy.versions) {
        versions[std::to_string(number)] =
            json::object{{"document", version.document}, {"created", Ms(version.created)}};
    }
    return json::serialize(json::object{{"name", policy.name},
                                        {"versions", std::move(versions)},
                                        {"default", policy.default_version},
                                        {"next", policy.next_version},
                                        {"created", Ms(policy.created)},
                                        {"modified", Ms(policy.modified)}});
}
base::Result<Policy> RecordFormat<Policy>::Read(std::string_view text) {
    ASSIGN_OR_RETURN(Members members, Members::Parse(text));
    Policy policy;
    policy.name = members.Text("name");
    policy.default_version = static_cast<int>(members.Number("default", 1));
    policy.next_version = static_cast<int>(members.Number("next", 2));
    policy.created = members.Time("created");
    policy.modified = members.Time("modified");
    const auto* versions = members.Find("versions");
    if (versions == nullptr || !versions->is_object()) {
        return base::Fail(base::ErrorCode::kCorrupt, "a policy has no versions");
    }
    for (const auto& member : versions->as_object()) {
        ASSIGN_OR_RETURN(Members version, Members::Parse(json::serialize(member.value())));
        PolicyVersion read{version.Text("document"), version.Time("created"), nullptr};
        ASSIGN_OR_RETURN(read.parsed, PolicyDocument::Parse(read.document));
        policy.versions[std::atoi(std::string(member.key()).c_str())] = std::move(read);
    }
    return policy;
}

std::string_view RecordFormat<ThingPrincipal>::Collection() { return "iot/thing_principals"; }
std::string RecordFormat<ThingPrincipal>::Key(const ThingPrincipal& attached) {
    return PairKey(attached.thing, attached.principal);
}
std::string RecordFormat<ThingPrincipal>::Write(const ThingPrincipal& attached) {
    return json::serialize(json::object{{"thing", attached.thing},
                                        {"principal", attached.principal},
                                        {"exclusive", attached.exclusive}});
}
base::Result<ThingPrincipal> RecordFormat<ThingPrincipal>::Read(std::string_view text) {
    ASSIGN_OR_RETURN(Members members, Members::Parse(text));
    return ThingPrincipal{members.Text("thing"), members.Text("principal"), members.Flag("exclusive")};
}

std::string_view RecordFormat<ThingGroup>::Collection() { return "iot/thing_groups"; }
std::string RecordFormat<ThingGroup>::Key(const ThingGroup& group) { return group.name; }
std::string RecordFormat<ThingGroup>::Write(const ThingGroup& group) {
    json::object object{
        {"name", group.name}, {"id", group.id}, {"version", group.version}, {"created", Ms(group.created)}};
    if (!group.parent.empty()) object["parent"] = group.parent;
    if (!group.description.empty()) object["description"] = group.description;
    if (!group.attributes.empty()) object["attributes"] = TextObject(group.attributes);
    return json::serialize(object);
}
base::Result<ThingGroup> RecordFormat<ThingGroup>::Read(std::string_view text) {
    ASSIGN_OR_RETURN(Members members, Members::Parse(text));
    return ThingGroup{members.Text("name"),          members.Text("id"),           members.Text("parent"),
                      members.Text("description"),   members.TextMap("attributes"), members.Number("version", 1),
                      members.Time("created")};
}

std::string_view RecordFormat<ThingGroupMember>::Collection() { return "iot/thing_group_members"; }
std::string RecordFormat<ThingGroupMember>::Key(const ThingGroupMember& member) {
    return PairKey(member.group, member.thing);
}
std::string RecordFormat<ThingGroupMember>::Write(const ThingGroupMember& member) {
    return json::serialize(json::object{{"group", member.group}, {"thing", member.thing}});
}
base::Result<ThingGroupMember> RecordFormat<ThingGroupMember>::Read(std::string_view text) {
    ASSIGN_OR_RETURN(Members members, Members::Parse(text));
    return ThingGroupMember{members.Text("group"), members.Text("thing")};
}

std::string_view RecordFormat<PolicyAttachment>::Collection() { return "iot/policy_attachments"; }
std::string RecordFormat<PolicyAttachment>::Key(const PolicyAttachment& attached) {
    return PairKey(attached.target, attached.policy);
}
std::string RecordFormat<PolicyAttachment>::Write(const PolicyAttachment& attached) {
    return json::serialize(json::object{{"target", attached.target}, {"policy", attached.policy}});
}
base::Result<PolicyAttachment> RecordFormat<PolicyAttachment>::Read(std::string_view text) {
    ASSIGN_OR_RETURN(Members members, Members::Parse(text));
    return PolicyAttachment{members.Text("target"), members.Text("policy")};
}

std::string_view RecordFormat<TopicRule>::Collection() { return "iot/topic_rules"; }
std::string RecordFormat<TopicRule>::Key(const TopicRule& rule) { return rule.name; }
std::string RecordFormat<TopicRule>::Write(const TopicRule& rule) {
    json::object object{{"name", rule.name},
                        {"sql", rule.sql},
                        {"sql_version", rule.sql_version},
                        {"created", Ms(rule.created)},
                        {"disabled", rule.disabled},
                        {"actions", rule.actions_json}};
    if (!rule.description.empty()) object["description"] = rule.description;
    if (!rule.error_action_json.empty()) object["error_action"] = rule.error_action_json;
    return json::serialize(object);
}
base::Result<TopicRule> RecordFormat<TopicRule>::Read(std::string_view text) {
    ASSIGN_OR_RETURN(Members members, Members::Parse(text));
    return TopicRule{members.Text("name"),          members.Text("sql"),     members.Text("description"),
                     members.Text("sql_version"),   members.Time("created"), members.Flag("disabled"),
                     members.Text("actions"),       members.Text("error_action")};
}

std::string_view RecordFormat<TagSet>::Collection() { return "iot/tags"; }
std::string RecordFormat<TagSet>::Key(const TagSet& set) { return set.arn; }
std::string RecordFormat<TagSet>::Write(const TagSet& set) {
    return json::serialize(json::object{{"arn", set.arn}, {"tags", TextObject(set.tags)}});
}
base::Result<TagSet> RecordFormat<TagSet>::Read(std::string_view text) {
    ASSIGN_OR_RETURN(Members members, Members::Parse(text));
    return TagSet{members.Text("arn"), members.TextMap("tags")};
}

}  // namespace wellhead::services::iot
