#include "services/iot/registry.h"

#include <fmt/format.h>

#include <map>
#include <set>

namespace wellhead::services::iot {

template <class Record>
env::Task<base::Result<void>> Registry::LoadAll(Records<Record>& records) {
    using Format = RecordFormat<Record>;
    std::string collection(Format::Collection());
    const storage::TableRange all = storage::PrefixRange("");
    CO_ASSIGN_OR_RETURN(auto entries, co_await table_.Scan(collection, all));
    for (const storage::TableEntry& entry : entries) {
        auto record = Format::Read(entry.value);
        if (!record) {
            co_return base::Fail(record.error().code,
                                 fmt::format("{} {}: {}", collection, entry.key, record.error().message));
        }
        records.Set(entry.key, std::make_shared<const Record>(std::move(*record)));
    }
    co_return base::Result<void>();
}

env::Task<base::Result<void>> Registry::Load() {
    CO_RETURN_IF_ERROR(co_await LoadAll(thing_types));
    CO_RETURN_IF_ERROR(co_await LoadAll(things));
    CO_RETURN_IF_ERROR(co_await LoadAll(certificates));
    CO_RETURN_IF_ERROR(co_await LoadAll(ca_certificates));
    CO_RETURN_IF_ERROR(co_await LoadAll(policies));
    CO_RETURN_IF_ERROR(co_await LoadAll(thing_principals));
    for (const auto& attached : thing_principals.All()) {
        things_by_principal_.Set(PairKey(attached->principal, attached->thing), attached);
    }
    CO_RETURN_IF_ERROR(co_await LoadAll(thing_groups));
    CO_RETURN_IF_ERROR(co_await LoadAll(group_members));
    for (const auto& member : group_members.All()) {
        groups_by_thing_.Set(PairKey(member->thing, member->group), member);
    }
    CO_RETURN_IF_ERROR(co_await LoadAll(policy_attachments));
    CO_RETURN_IF_ERROR(co_await LoadAll(topic_rules));
    CO_RETURN_IF_ERROR(co_await LoadAll(tags));
    co_return base::Result<void>();
}

env::Task<base::Result<void>> Registry::Commit(Change change) {
    if (change.empty()) co_return base::Result<void>();
    auto committed = co_await table_.Commit(std::move(change.batch_));
    if (!committed) co_return std::unexpected(committed.error());
    for (const auto& apply : change.apply_) apply();
    generation_.fetch_add(1, std::memory_order_release);
    co_return base::Result<void>();
}

std::vector<std::shared_ptr<const ThingPrincipal>> Registry::PrincipalsOf(std::string_view thing) const {
    std::vector<std::shared_ptr<const ThingPrincipal>> principals;
    for (auto& [key, record] : thing_principals.Page(PairKey(thing, {}), {}, SIZE_MAX)) principals.push_back(record);
    return principals;
}

std::vector<std::shared_ptr<const ThingPrincipal>> Registry::ThingsOf(std::string_view principal) const {
    std::vector<std::shared_ptr<const ThingPrincipal>> attached;
    for (auto& [key, record] : things_by_principal_.Page(PairKey(principal, {}), {}, SIZE_MAX)) {
        attached.push_back(record);
    }
    return attached;
}

void Registry::Attach(Change& change, ThingPrincipal attached) {
    std::string reverse_key = PairKey(attached.principal, attached.thing);
    auto shared = std::make_shared<const ThingPrincipal>(attached);
    change.Put(thing_principals, std::move(attached));
    change.apply_.push_back([this, reverse_key, shared] { things_by_principal_.Set(reverse_key, shared); });
}

void Registry::Detach(Change& change, const std::string& thing, const std::string& principal) {
    change.Delete(thing_principals, PairKey(thing, principal));
    change.apply_.push_back(
        [this, reverse_key = PairKey(principal, thing)] { things_by_principal_.Erase(reverse_key); });
}

void Registry::Join(Change& change, ThingGroupMember member) {
    std::string reverse_key = PairKey(member.thing, member.group);
    auto shared = std::make_shared<const ThingGroupMember>(member);
    change.Put(group_members, std::move(member));
    change.apply_.push_back([this, reverse_key, shared] { groups_by_thing_.Set(reverse_key, shared); });
}

void Registry::Leave(Change& change, const std::string& group, const std::string& thing) {
    change.Delete(group_members, PairKey(group, thing));
    change.apply_.push_back([this, reverse_key = PairKey(thing, group)] { groups_by_thing_.Erase(reverse_key); });
}

std::vector<std::string> Registry::GroupsOf(std::string_view thing) const {
    std::vector<std::string> groups;
    for (auto& [key, member] : groups_by_thing_.Page(PairKey(thing, {}), {}, SIZE_MAX)) groups.push_back(member->group);
    return groups;
}

std::vector<std::shared_ptr<const ThingGroup>> Registry::LineOf(std::string_view group) const {
    std::vector<std::shared_ptr<const ThingGroup>> line;
    for (auto at = thing_groups.Find(group); at; at = thing_groups.Find(at->parent)) line.insert(line.begin(), at);
    return line;
}

std::vector<std::shared_ptr<const Policy>> Registry::PoliciesOf(std::string_view target) const {
    std::vector<std::shared_ptr<const Policy>> attached;
    for (auto& [key, attachment] : policy_attachments.Page(PairKey(target, {}), {}, SIZE_MAX)) {
        if (auto policy = policies.Find(attachment->policy)) attached.push_back(std::move(policy));
    }
    return attached;
}

std::vector<std::shared_ptr<const Policy>> Registry::GroupPoliciesOf(std::string_view thing,
                                                                     std::string_view group_arn) const {
    std::set<std::string> groups;
    for (const std::string& group : GroupsOf(thing)) {
        for (const auto& each : LineOf(group)) groups.insert(each->name);
    }
    std::map<std::string, std::shared_ptr<const Policy>> found;
    for (const std::string& group : groups) {
        for (auto& policy : PoliciesOf(std::string(group_arn) + group)) found.emplace(policy->name, policy);
    }
    std::vector<std::shared_ptr<const Policy>> all;
    for (auto& [name, policy] : found) all.push_back(std::move(policy));
    return all;
}

}  // namespace wellhead::services::iot
