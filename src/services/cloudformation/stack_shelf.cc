#include "services/cloudformation/stack_shelf.h"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace wellhead::services::cloudformation {

namespace {

namespace json = boost::json;
using base::ErrorCode;
using base::Result;
using pipeline::PlannedChange;
using pipeline::StackOperation;

constexpr const char* kStacks = "cloudformation/stacks";
constexpr const char* kChangeSets = "cloudformation/change_sets";
constexpr size_t kKeptDeleted = 100;

json::value ChangeSetToJson(const ChangeSet& set) {
    json::array changes;
    for (const auto& change : set.changes) {
        json::array properties;
        for (const auto& name : change.properties) properties.emplace_back(name);
        changes.push_back(json::object{{"action", static_cast<int64_t>(change.action)},
                                       {"logical_id", change.logical_id},
                                       {"physical_id", change.physical_id},
                                       {"type", change.type},
                                       {"replacement", change.replacement},
                                       {"properties", std::move(properties)}});
    }
    return json::object{{"name", set.name},
                        {"id", set.id},
                        {"stack_id", set.stack_id},
                        {"stack_name", set.stack_name},
                        {"description", set.description},
                        {"status", set.status},
                        {"reason", set.reason},
                        {"execution_status", set.execution_status},
                        {"wish", pipeline::WishToJson(set.wish)},
                        {"changes", std::move(changes)},
                        {"on_failure", static_cast<int64_t>(set.on_failure)},
                        {"created_us", base::ToUnixUs(set.created)}};
}

std::string Text(const json::object& object, std::string_view name) {
    return std::string(object.at(name).as_string());
}

Result<ChangeSet> ChangeSetFromJson(const json::value& value) {
    try {
        const json::object& object = value.as_object();
        ChangeSet set;
        set.name = Text(object, "name");
        set.id = Text(object, "id");
        set.stack_id = Text(object, "stack_id");
        set.stack_name = Text(object, "stack_name");
        set.description = Text(object, "description");
        set.status = Text(object, "status");
        set.reason = Text(object, "reason");
        set.execution_status = Text(object, "execution_status");
        set.wish = pipeline::WishFromJson(object.at("wish").as_object());
        for (const auto& item : object.at("changes").as_array()) {
            const json::object& change = item.as_object();
            PlannedChange planned{static_cast<PlannedChange::Action>(change.at("action").as_int64()),
                                  Text(change, "logical_id"),
                                  Text(change, "physical_id"),
                                  Text(change, "type"),
                                  change.at("replacement").as_bool(),
                                  {}};
            for (const auto& name : change.at("properties").as_array()) planned.properties.emplace_back(name.as_string());
            set.changes.push_back(std::move(planned));
        }
        set.on_failure = static_cast<StackOperation::OnFailure>(object.at("on_failure").as_int64());
        set.created = base::FromUnixUs(object.at("created_us").as_int64());
        return set;
    } catch (const std::exception& error) {
        return base::Fail(ErrorCode::kCorrupt, std::string("a stored change set: ") + error.what());
    }
}

Result<json::value> ParseEntry(const storage::TableEntry& entry) {
    boost::system::error_code error;
    json::value value = json::parse(entry.value, error);
    if (error) return base::Fail(ErrorCode::kCorrupt, "stack " + entry.key + " is not JSON");
    return value;
}

template <class T>
void NewestFirst(std::vector<std::shared_ptr<const T>>& all) {
    std::ranges::sort(all, [](const auto& a, const auto& b) { return a->created > b->created; });
}

}  // namespace

env::Task<Result<void>> StackShelf::Load() {
    storage::TableRange everything;
    auto stacks = co_await table_.Scan(kStacks, everything);
    if (!stacks) co_return std::unexpected(stacks.error());
    auto sets = co_await table_.Scan(kChangeSets, everything);
    if (!sets) co_return std::unexpected(sets.error());
    for (const auto& entry : *stacks) {
        CO_ASSIGN_OR_RETURN(json::value value, ParseEntry(entry));
        CO_ASSIGN_OR_RETURN(pipeline::Stack stack, pipeline::StackFromJson(value));
        auto snapshot = std::make_shared<const pipeline::Stack>(std::move(stack));
        stacks_.emplace(snapshot->id, snapshot);
    }
    for (const auto& entry : *sets) {
        CO_ASSIGN_OR_RETURN(json::value value, ParseEntry(entry));
        CO_ASSIGN_OR_RETURN(ChangeSet set, ChangeSetFromJson(value));
        auto snapshot = std::make_shared<const ChangeSet>(std::move(set));
        change_sets_.emplace(snapshot->id, snapshot);
    }
    co_return Result<void>();
}

env::Task<Result<void>> StackShelf::Save(pipeline::Stack stack) {
    storage::TableBatch batch;
    batch.Put(kStacks, stack.id, json::serialize(pipeline::StackToJson(stack)));
    std::vector<std::string> forgotten;
    if (stack.status == "DELETE_COMPLETE") forgotten = DeletedTooMany();
    for (const auto& id : forgotten) batch.Delete(kStacks, id);
    auto saved = co_await table_.Commit(std::move(batch));
    if (!saved) co_return saved;
    auto snapshot = std::make_shared<const pipeline::Stack>(std::move(stack));
    std::lock_guard lock(mutex_);
    stacks_[snapshot->id] = snapshot;
    for (const auto& id : forgotten) stacks_.erase(id);
    co_return saved;
}

std::vector<std::string> StackShelf::DeletedTooMany() const {
    std::vector<std::string> ids;
    size_t deleted = 0;
    for (const auto& stack : All()) {
        if (stack->status == "DELETE_COMPLETE" && ++deleted >= kKeptDeleted) ids.push_back(stack->id);
    }
    return ids;
}

std::map<std::string, StackShelf::Export> StackShelf::ExportsBeside(const std::string& stack_id) const {
    std::map<std::string, Export> exports;
    for (const auto& stack : All()) {
        if (stack->id == stack_id) continue;
        for (const auto& output : stack->outputs) {
            if (!output.export_name.empty()) exports[output.export_name] = {output.value, stack->name};
        }
    }
    return exports;
}

std::vector<std::string> StackShelf::ImportersOf(const std::string& export_name) const {
    std::vector<std::string> names;
    for (const auto& stack : All()) {
        if (std::ranges::find(stack->imports, export_name) != stack->imports.end()) names.push_back(stack->name);
    }
    return names;
}

StackShelf::StackPointer StackShelf::Find(std::string_view name_or_id) const {
    std::lock_guard lock(mutex_);
    if (auto found = stacks_.find(name_or_id); found != stacks_.end()) return found->second;
    for (const auto& [id, stack] : stacks_) {
        if (stack->name == name_or_id && stack->status != "DELETE_COMPLETE") return stack;
    }
    return nullptr;
}

std::vector<StackShelf::StackPointer> StackShelf::All() const {
    std::vector<StackPointer> all;
    {
        std::lock_guard lock(mutex_);
        for (const auto& [id, stack] : stacks_) all.push_back(stack);
    }
    NewestFirst(all);
    return all;
}

env::Task<Result<void>> StackShelf::SaveChangeSet(ChangeSet change_set) {
    storage::TableBatch batch;
    batch.Put(kChangeSets, change_set.id, json::serialize(ChangeSetToJson(change_set)));
    auto saved = co_await table_.Commit(std::move(batch));
    if (!saved) co_return saved;
    auto snapshot = std::make_shared<const ChangeSet>(std::move(change_set));
    std::lock_guard lock(mutex_);
    change_sets_[snapshot->id] = snapshot;
    co_return saved;
}

env::Task<Result<void>> StackShelf::RemoveChangeSet(std::string id) {
    storage::TableBatch batch;
    batch.Delete(kChangeSets, id);
    auto saved = co_await table_.Commit(std::move(batch));
    if (!saved) co_return saved;
    std::lock_guard lock(mutex_);
    change_sets_.erase(id);
    co_return saved;
}

StackShelf::ChangeSetPointer StackShelf::FindChangeSet(std::string_view name_or_id, std::string_view stack_id) const {
    std::lock_guard lock(mutex_);
    if (auto found = change_sets_.find(name_or_id); found != change_sets_.end()) return found->second;
    for (const auto& [id, set] : change_sets_) {
        if (set->name == name_or_id && set->stack_id == stack_id) return set;
    }
    return nullptr;
}

std::vector<StackShelf::ChangeSetPointer> StackShelf::ChangeSetsOf(std::string_view stack_id) const {
    std::vector<ChangeSetPointer> sets;
    {
        std::lock_guard lock(mutex_);
        for (const auto& [id, set] : change_sets_) {
            if (set->stack_id == stack_id) sets.push_back(set);
        }
    }
    NewestFirst(sets);
    return sets;
}

}  // namespace wellhead::services::cloudformation
