#pragma once
// All stacks and change sets: in memory as immutable snapshots for readers, in the table for the next start
// (docs/formats/stack.md). Deleted stacks are kept for a while, as their ids still answer.

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "pipeline/deployer.h"
#include "pipeline/stack.h"
#include "storage/table/table.h"

namespace wellhead::services::cloudformation {

struct ChangeSet {
    std::string name;
    std::string id;  // arn:aws:cloudformation:...:changeSet/name/uuid
    std::string stack_id;
    std::string stack_name;
    std::string description;
    std::string status;            // CREATE_COMPLETE, FAILED
    std::string reason;
    std::string execution_status;  // AVAILABLE, UNAVAILABLE, EXECUTE_IN_PROGRESS, EXECUTE_COMPLETE, ...
    pipeline::StackWish wish;
    std::vector<pipeline::PlannedChange> changes;
    pipeline::StackOperation::OnFailure on_failure = pipeline::StackOperation::OnFailure::kRollBack;
    base::Instant created;
};

// Thread-safe.
class StackShelf final : public pipeline::StackStore {
  public:
    // table outlives it.
    explicit StackShelf(storage::Table& table) : table_(table) {}
    env::Task<base::Result<void>> Load();

    env::Task<base::Result<void>> Save(pipeline::Stack stack) override;
    std::map<std::string, Export> ExportsBeside(const std::string& stack_id) const override;
    std::vector<std::string> ImportersOf(const std::string& export_name) const override;

    using StackPointer = std::shared_ptr<const pipeline::Stack>;
    // By id, or by the name of one that is not deleted. Null.
    StackPointer Find(std::string_view name_or_id) const;
    // Newest first.
    std::vector<StackPointer> All() const;

    using ChangeSetPointer = std::shared_ptr<const ChangeSet>;
    env::Task<base::Result<void>> SaveChangeSet(ChangeSet change_set);
    env::Task<base::Result<void>> RemoveChangeSet(std::string id);
    // By id, or by name with the id of its stack. Null.
    ChangeSetPointer FindChangeSet(std::string_view name_or_id, std::string_view stack_id) const;
    // Newest first.
    std::vector<ChangeSetPointer> ChangeSetsOf(std::string_view stack_id) const;

  private:
    std::vector<std::string> DeletedTooMany() const;

    storage::Table& table_;
    mutable std::mutex mutex_;
    std::map<std::string, StackPointer, std::less<>> stacks_;           // by id
    std::map<std::string, ChangeSetPointer, std::less<>> change_sets_;  // by id
};

}  // namespace wellhead::services::cloudformation
