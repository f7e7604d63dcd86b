#pragma once
// The registry: every record in memory, kept in the metadata table. Reads come from any thread and see whole records;
// changes are committed to the table first and then seen.

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <vector>

#include "env/turnstile.h"
#include "services/iot/records.h"
#include "storage/table/table.h"

namespace wellhead::services::iot {

// The records of one kind by key. Thread-safe.
template <class Record>
class Records {
  public:
    using Pointer = std::shared_ptr<const Record>;

    Pointer Find(std::string_view key) const {
        std::shared_lock lock(mutex_);
        auto found = records_.find(key);
        return found == records_.end() ? nullptr : found->second;
    }
    // In order of keys, those greater than after that begin with prefix and that keep accepts; at most limit.
    std::vector<std::pair<std::string, Pointer>> Page(
        std::string_view prefix, std::string_view after, size_t limit,
        const std::function<bool(const Record&)>& keep = nullptr) const {
        std::vector<std::pair<std::string, Pointer>> page;
        std::shared_lock lock(mutex_);
        auto at = after >= prefix && !after.empty() ? records_.upper_bound(after) : records_.lower_bound(prefix);
        for (; at != records_.end() && page.size() < limit && at->first.starts_with(prefix); ++at) {
            if (!keep || keep(*at->second)) page.emplace_back(at->first, at->second);
        }
        return page;
    }
    std::vector<Pointer> All(const std::function<bool(const Record&)>& keep = nullptr) const {
        std::vector<Pointer> all;
        for (auto& [key, record] : Page({}, {}, SIZE_MAX, keep)) all.push_back(std::move(record));
        return all;
    }

  private:
    friend class Registry;
    friend class Change;
    void Set(std::string key, Pointer record) {
        std::unique_lock lock(mutex_);
        records_[std::move(key)] = std::move(record);
    }
    void Erase(const std::string& key) {
        std::unique_lock lock(mutex_);
        records_.erase(key);
    }

    mutable std::shared_mutex mutex_;
    std::map<std::string, Pointer, std::less<>> records_;
};

// Changes that become durable and visible together.
class Change {
  public:
    template <class Record>
    void Put(Records<Record>& records, Record record) {
        using Format = RecordFormat<Record>;
        std::string key = Format::Key(record);
        batch_.Put(std::string(Format::Collection()), key, Format::Write(record));
        apply_.push_back([&records, key, kept = std::make_shared<const Record>(std::move(record))] {
            records.Set(key, kept);
        });
    }
    template <class Record>
    void Delete(Records<Record>& records, std::string key) {
        batch_.Delete(std::string(RecordFormat<Record>::Collection()), key);
        apply_.push_back([&records, key = std::move(key)] { records.Erase(key); });
    }
    bool empty() const { return apply_.empty(); }

  private:
    friend class Registry;
    storage::TableBatch batch_;
    std::vector<std::function<void()>> apply_;
};

class Registry {
  public:
    // table outlives the registry.
    explicit Registry(storage::Table& table) : table_(table) {}
    // Reads everything. Once, before anything else.
    env::Task<base::Result<void>> Load();

    Records<ThingType> thing_types;
    Records<Thing> things;
    Records<Certificate> certificates;
    Records<CaCertificate> ca_certificates;
    Records<Policy> policies;
    Records<ThingPrincipal> thing_principals;      // by thing, principal; change them by Attach and Detach
    Records<ThingGroup> thing_groups;
    Records<ThingGroupMember> group_members;       // by group, thing; change them by Join and Leave
    Records<PolicyAttachment> policy_attachments;  // by target, policy
    Records<TopicRule> topic_rules;
    Records<TagSet> tags;

    // Whoever changes something holds a pass from before it looks until it has committed.
    env::Task<env::Turnstile::Pass> BeginChange() { return turnstile_.Enter(); }
    void Attach(Change& change, ThingPrincipal attached);
    void Detach(Change& change, const std::string& thing, const std::string& principal);
    void Join(Change& change, ThingGroupMember member);
    void Leave(Change& change, const std::string& group, const std::string& thing);
    // Durable, then visible.
    env::Task<base::Result<void>> Commit(Change change);

    // Grows with every change; what was derived from the registry at another value may be stale.
    uint64_t generation() const { return generation_.load(std::memory_order_acquire); }

    // All principals of a thing, all things of a principal.
    std::vector<std::shared_ptr<const ThingPrincipal>> PrincipalsOf(std::string_view thing) const;
    std::vector<std::shared_ptr<const ThingPrincipal>> ThingsOf(std::string_view principal) const;
    // The names of the groups that a thing was put into, in their order.
    std::vector<std::string> GroupsOf(std::string_view thing) const;
    // From the root down to the group itself; empty when there is none of that name.
    std::vector<std::shared_ptr<const ThingGroup>> LineOf(std::string_view group) const;
    // Those attached to target, in the order of their names.
    std::vector<std::shared_ptr<const Policy>> PoliciesOf(std::string_view target) const;
    // Those of the groups of thing and of the groups above them, each once. group_arn begins the groups' ARNs.
    std::vector<std::shared_ptr<const Policy>> GroupPoliciesOf(std::string_view thing, std::string_view group_arn) const;

    storage::Table& table() { return table_; }

  private:
    template <class Record>
    env::Task<base::Result<void>> LoadAll(Records<Record>& records);

    storage::Table& table_;
    Records<ThingPrincipal> things_by_principal_;  // by principal, thing; in memory only
    Records<ThingGroupMember> groups_by_thing_;    // by thing, group; in memory only
    env::Turnstile turnstile_;
    std::atomic<uint64_t> generation_{1};
};

}  // namespace wellhead::services::iot
