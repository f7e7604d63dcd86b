#include "services/iot/registry.h"

#include <fmt/format.h>

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

std::vector<std::shared_ptr<const PolicyDocument>> Registry::DocumentsFor(std::string_view target) const {
    std::vector<std::shared_ptr<const PolicyDocument>> documents;
    for (auto& [key, attached] : policy_attachments.Page(PairKey(target, {}), {}, SIZE_MAX)) {
        auto policy = policies.Find(attached->policy);
        if (!policy) continue;
        auto version = policy->versions.find(policy->default_version);
        if (version != policy->versions.end()) documents.push_back(version->second.parsed);
    }
    return documents;
}

}  // namespace wellhead::services::iot
