// Thing groups and their things.

#include <fmt/format.h>

#include <set>

#include "apis/iot/errors.h"
#include "services/iot/iot_control.h"
#include "services/iot/paging.h"

namespace wellhead::services::iot {

namespace {

// AWS's quotas.
constexpr size_t kMaxGroupsOfAThing = 10;
constexpr size_t kMaxDepth = 7;
constexpr size_t kMaxGroupAttributes = 50;

api::ServiceError NoGroup(const std::string& name) {
    return wire::ResourceNotFoundException(fmt::format("Thing group {} cannot be found.", name));
}
api::ServiceError NoThing(const std::string& name) {
    return wire::ResourceNotFoundException(fmt::format("Thing {} cannot be found.", name));
}
api::ServiceError OtherVersion(int64_t expected, int64_t version) {
    return wire::VersionConflictException(
        fmt::format("The expected version {} is not the version {} of the thing group", expected, version));
}

// What a request says of a group, put onto what it has. Empty values drop an attribute.
api::Outcome<void> Apply(const std::optional<wire::ThingGroupProperties>& properties, ThingGroup& group) {
    if (!properties) return {};
    if (properties->thingGroupDescription) group.description = *properties->thingGroupDescription;
    if (!properties->attributePayload) return {};
    if (!properties->attributePayload->merge.value_or(false)) group.attributes.clear();
    if (properties->attributePayload->attributes) {
        for (const auto& [name, value] : *properties->attributePayload->attributes) group.attributes[name] = value;
    }
    std::erase_if(group.attributes, [](const auto& attribute) { return attribute.second.empty(); });
    if (group.attributes.size() > kMaxGroupAttributes) {
        return std::unexpected(wire::InvalidRequestException(
            fmt::format("A thing group has at most {} attributes", kMaxGroupAttributes)));
    }
    return {};
}

}  // namespace

wire::GroupNameAndArn IotControl::GroupOf(const std::string& name) const {
    wire::GroupNameAndArn group;
    group.groupName = name;
    group.groupArn = Arn("thinggroup", name);
    return group;
}

api::Outcome<std::string> IotControl::NameOrArn(const std::optional<std::string>& name,
                                                const std::optional<std::string>& arn, std::string_view kind) const {
    std::optional<std::string> from_arn;
    if (arn) {
        from_arn = NameIn(*arn, kind);
        if (!from_arn) {
            return std::unexpected(
                wire::InvalidRequestException(fmt::format("{} is not the ARN of a {} of this account", *arn, kind)));
        }
    }
    if (name && from_arn && *name != *from_arn) {
        return std::unexpected(wire::InvalidRequestException(fmt::format("The name and the ARN of the {} differ", kind)));
    }
    if (name) return *name;
    if (from_arn) return *from_arn;
    return std::unexpected(wire::InvalidRequestException(fmt::format("A {} has to be named", kind)));
}

env::Task<api::Outcome<wire::CreateThingGroupResponse>> IotControl::CreateThingGroup(
    const api::CallContext&, wire::CreateThingGroupRequest input) {
    ThingGroup group;
    group.name = input.thingGroupName;
    group.parent = input.parentGroupName.value_or("");
    auto applied = Apply(input.thingGroupProperties, group);
    if (!applied) co_return std::unexpected(applied.error());
    auto pass = co_await registry_.BeginChange();
    std::string arn = Arn("thinggroup", group.name);
    if (auto existing = registry_.thing_groups.Find(group.name)) {
        if (existing->parent != group.parent || existing->description != group.description ||
            existing->attributes != group.attributes) {
            auto error = wire::ResourceAlreadyExistsException(fmt::format(
                "Thing group {} already exists in current account with different properties", group.name));
            error.members["resourceId"] = existing->id;
            error.members["resourceArn"] = arn;
            co_return std::unexpected(error);
        }
        group.id = existing->id;
    } else {
        if (!group.parent.empty()) {
            auto line = registry_.LineOf(group.parent);
            if (line.empty()) co_return std::unexpected(NoGroup(group.parent));
            if (line.size() >= kMaxDepth) {
                co_return std::unexpected(wire::InvalidRequestException(
                    fmt::format("Thing groups are nested at most {} deep", kMaxDepth)));
            }
        }
        group.id = env::RandomUuid(random_);
        group.created = clock_.Now();
        Change change;
        change.Put(registry_.thing_groups, group);
        AddTags(change, arn, input.tags);
        auto committed = co_await Commit(std::move(change));
        if (!committed) co_return std::unexpected(committed.error());
    }
    wire::CreateThingGroupResponse response;
    response.thingGroupName = group.name;
    response.thingGroupArn = arn;
    response.thingGroupId = group.id;
    co_return response;
}

env::Task<api::Outcome<wire::DescribeThingGroupResponse>> IotControl::DescribeThingGroup(
    const api::CallContext&, wire::DescribeThingGroupRequest input) {
    auto line = registry_.LineOf(input.thingGroupName);
    if (line.empty()) co_return std::unexpected(NoGroup(input.thingGroupName));
    const ThingGroup& group = *line.back();
    wire::DescribeThingGroupResponse response;
    response.thingGroupName = group.name;
    response.thingGroupArn = Arn("thinggroup", group.name);
    response.thingGroupId = group.id;
    response.version = group.version;
    wire::ThingGroupProperties properties;
    if (!group.description.empty()) properties.thingGroupDescription = group.description;
    wire::AttributePayload attributes;
    attributes.attributes = group.attributes;
    if (!group.attributes.empty()) properties.attributePayload = std::move(attributes);
    response.thingGroupProperties = std::move(properties);
    wire::ThingGroupMetadata metadata;
    metadata.creationDate = group.created;
    if (!group.parent.empty()) {
        metadata.parentGroupName = group.parent;
        metadata.rootToParentThingGroups.emplace();
        for (size_t i = 0; i + 1 < line.size(); ++i) metadata.rootToParentThingGroups->push_back(GroupOf(line[i]->name));
    }
    response.thingGroupMetadata = std::move(metadata);
    co_return response;
}

env::Task<api::Outcome<wire::UpdateThingGroupResponse>> IotControl::UpdateThingGroup(
    const api::CallContext&, wire::UpdateThingGroupRequest input) {
    auto pass = co_await registry_.BeginChange();
    auto existing = registry_.thing_groups.Find(input.thingGroupName);
    if (!existing) co_return std::unexpected(NoGroup(input.thingGroupName));
    if (input.expectedVersion && *input.expectedVersion != existing->version) {
        co_return std::unexpected(OtherVersion(*input.expectedVersion, existing->version));
    }
    ThingGroup group = *existing;
    auto applied = Apply(input.thingGroupProperties, group);
    if (!applied) co_return std::unexpected(applied.error());
    wire::UpdateThingGroupResponse response;
    response.version = ++group.version;
    Change change;
    change.Put(registry_.thing_groups, std::move(group));
    auto committed = co_await Commit(std::move(change));
    if (!committed) co_return std::unexpected(committed.error());
    co_return response;
}

env::Task<api::Outcome<wire::DeleteThingGroupResponse>> IotControl::DeleteThingGroup(
    const api::CallContext&, wire::DeleteThingGroupRequest input) {
    auto pass = co_await registry_.BeginChange();
    auto existing = registry_.thing_groups.Find(input.thingGroupName);
    if (!existing) co_return wire::DeleteThingGroupResponse();
    if (input.expectedVersion && *input.expectedVersion != existing->version) {
        co_return std::unexpected(OtherVersion(*input.expectedVersion, existing->version));
    }
    auto children = registry_.thing_groups.Page(
        {}, {}, 1, [&](const ThingGroup& group) { return group.parent == input.thingGroupName; });
    if (!children.empty()) {
        co_return std::unexpected(wire::InvalidRequestException(
            fmt::format("Cannot delete thing group {}: it has child groups", input.thingGroupName)));
    }
    Change change;
    const std::string arn = Arn("thinggroup", input.thingGroupName);
    for (const auto& [key, member] : registry_.group_members.Page(PairKey(input.thingGroupName, {}), {}, SIZE_MAX)) {
        registry_.Leave(change, member->group, member->thing);
    }
    for (const auto& [key, attached] : registry_.policy_attachments.Page(PairKey(arn, {}), {}, SIZE_MAX)) {
        change.Delete(registry_.policy_attachments, key);
    }
    change.Delete(registry_.thing_groups, input.thingGroupName);
    change.Delete(registry_.tags, arn);
    auto committed = co_await Commit(std::move(change));
    if (!committed) co_return std::unexpected(committed.error());
    co_return wire::DeleteThingGroupResponse();
}

env::Task<api::Outcome<wire::ListThingGroupsResponse>> IotControl::ListThingGroups(const api::CallContext&,
                                                                                   wire::ListThingGroupsRequest input) {
    const bool recursive = input.recursive.value_or(true);
    if (input.parentGroup && !registry_.thing_groups.Find(*input.parentGroup)) {
        co_return std::unexpected(NoGroup(*input.parentGroup));
    }
    // The lines of all groups first: a filter may not look into the records that it walks.
    std::set<std::string> below;
    for (const auto& group : registry_.thing_groups.All()) {
        auto line = registry_.LineOf(group->name);
        const bool in = input.parentGroup
                            ? std::any_of(line.begin(), line.end() - 1,
                                          [&](const auto& each) { return each->name == *input.parentGroup; }) &&
                                  (recursive || group->parent == *input.parentGroup)
                            : recursive || group->parent.empty();
        if (in && group->name.starts_with(input.namePrefixFilter.value_or(""))) below.insert(group->name);
    }
    auto page = TakePage(std::vector<std::string>(below.begin(), below.end()), "ListThingGroups", input.nextToken,
                         PageLimit(input.maxResults, 25), false, [](const std::string& name) { return name; });
    if (!page) co_return std::unexpected(page.error());
    wire::ListThingGroupsResponse response;
    response.thingGroups.emplace();
    for (const std::string& name : page->items) response.thingGroups->push_back(GroupOf(name));
    response.nextToken = page->next;
    co_return response;
}

// groups: how many the thing is in by now.
api::Outcome<void> IotControl::JoinGroup(Change& change, const std::string& group, const std::string& thing,
                                         size_t groups) {
    if (!registry_.thing_groups.Find(group)) return std::unexpected(NoGroup(group));
    if (registry_.group_members.Find(PairKey(group, thing))) return {};
    if (groups >= kMaxGroupsOfAThing) {
        return std::unexpected(wire::InvalidRequestException(
            fmt::format("Thing {} is in {} thing groups, the most there may be", thing, groups)));
    }
    registry_.Join(change, ThingGroupMember{group, thing});
    return {};
}

env::Task<api::Outcome<wire::AddThingToThingGroupResponse>> IotControl::AddThingToThingGroup(
    const api::CallContext&, wire::AddThingToThingGroupRequest input) {
    auto group = NameOrArn(input.thingGroupName, input.thingGroupArn, "thinggroup");
    if (!group) co_return std::unexpected(group.error());
    auto thing = NameOrArn(input.thingName, input.thingArn, "thing");
    if (!thing) co_return std::unexpected(thing.error());
    auto pass = co_await registry_.BeginChange();
    if (!registry_.things.Find(*thing)) co_return std::unexpected(NoThing(*thing));
    Change change;
    auto joined = JoinGroup(change, *group, *thing, registry_.GroupsOf(*thing).size());
    if (!joined) co_return std::unexpected(joined.error());
    auto committed = co_await Commit(std::move(change));
    if (!committed) co_return std::unexpected(committed.error());
    co_return wire::AddThingToThingGroupResponse();
}

env::Task<api::Outcome<wire::RemoveThingFromThingGroupResponse>> IotControl::RemoveThingFromThingGroup(
    const api::CallContext&, wire::RemoveThingFromThingGroupRequest input) {
    auto group = NameOrArn(input.thingGroupName, input.thingGroupArn, "thinggroup");
    if (!group) co_return std::unexpected(group.error());
    auto thing = NameOrArn(input.thingName, input.thingArn, "thing");
    if (!thing) co_return std::unexpected(thing.error());
    auto pass = co_await registry_.BeginChange();
    if (!registry_.thing_groups.Find(*group)) co_return std::unexpected(NoGroup(*group));
    if (!registry_.things.Find(*thing)) co_return std::unexpected(NoThing(*thing));
    Change change;
    if (registry_.group_members.Find(PairKey(*group, *thing))) registry_.Leave(change, *group, *thing);
    auto committed = co_await Commit(std::move(change));
    if (!committed) co_return std::unexpected(committed.error());
    co_return wire::RemoveThingFromThingGroupResponse();
}

env::Task<api::Outcome<wire::UpdateThingGroupsForThingResponse>> IotControl::UpdateThingGroupsForThing(
    const api::CallContext&, wire::UpdateThingGroupsForThingRequest input) {
    if (!input.thingName) co_return std::unexpected(wire::InvalidRequestException("A thing has to be named"));
    const std::string& thing = *input.thingName;
    auto pass = co_await registry_.BeginChange();
    if (!registry_.things.Find(thing)) co_return std::unexpected(NoThing(thing));
    size_t groups = registry_.GroupsOf(thing).size();
    Change change;
    for (const std::string& group : input.thingGroupsToRemove.value_or(std::vector<std::string>())) {
        if (!registry_.thing_groups.Find(group)) co_return std::unexpected(NoGroup(group));
        if (!registry_.group_members.Find(PairKey(group, thing))) continue;
        registry_.Leave(change, group, thing);
        --groups;
    }
    for (const std::string& group : input.thingGroupsToAdd.value_or(std::vector<std::string>())) {
        auto joined = JoinGroup(change, group, thing, groups);
        if (!joined) co_return std::unexpected(joined.error());
        ++groups;
    }
    auto committed = co_await Commit(std::move(change));
    if (!committed) co_return std::unexpected(committed.error());
    co_return wire::UpdateThingGroupsForThingResponse();
}

env::Task<api::Outcome<wire::ListThingsInThingGroupResponse>> IotControl::ListThingsInThingGroup(
    const api::CallContext&, wire::ListThingsInThingGroupRequest input) {
    if (!registry_.thing_groups.Find(input.thingGroupName)) co_return std::unexpected(NoGroup(input.thingGroupName));
    std::set<std::string> things;
    for (const auto& group : registry_.thing_groups.All()) {
        bool in = group->name == input.thingGroupName;
        if (!in && input.recursive.value_or(false)) {
            auto line = registry_.LineOf(group->name);
            in = std::any_of(line.begin(), line.end(),
                             [&](const auto& each) { return each->name == input.thingGroupName; });
        }
        if (!in) continue;
        for (const auto& [key, member] : registry_.group_members.Page(PairKey(group->name, {}), {}, SIZE_MAX)) {
            things.insert(member->thing);
        }
    }
    auto page = TakePage(std::vector<std::string>(things.begin(), things.end()), "ListThingsInThingGroup",
                         input.nextToken, PageLimit(input.maxResults, 25), false,
                         [](const std::string& name) { return name; });
    if (!page) co_return std::unexpected(page.error());
    wire::ListThingsInThingGroupResponse response;
    response.things = std::move(page->items);
    response.nextToken = page->next;
    co_return response;
}

env::Task<api::Outcome<wire::ListThingGroupsForThingResponse>> IotControl::ListThingGroupsForThing(
    const api::CallContext&, wire::ListThingGroupsForThingRequest input) {
    if (!registry_.things.Find(input.thingName)) co_return std::unexpected(NoThing(input.thingName));
    auto page = TakePage(registry_.GroupsOf(input.thingName), "ListThingGroupsForThing", input.nextToken,
                         PageLimit(input.maxResults, 25), false, [](const std::string& name) { return name; });
    if (!page) co_return std::unexpected(page.error());
    wire::ListThingGroupsForThingResponse response;
    response.thingGroups.emplace();
    for (const std::string& name : page->items) response.thingGroups->push_back(GroupOf(name));
    response.nextToken = page->next;
    co_return response;
}

}  // namespace wellhead::services::iot
