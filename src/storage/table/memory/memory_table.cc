#include "storage/table/memory/memory_table.h"

#include <map>
#include <mutex>

namespace wellhead::storage::memory {

namespace {

class MemoryTable final : public Table {
  public:
    env::Task<base::Result<std::optional<base::Bytes>>> Get(std::string collection,
                                                            base::Bytes key) override {
        std::lock_guard lock(mutex_);
        const auto& entries = collections_[collection];
        auto found = entries.find(key);
        if (found == entries.end()) co_return std::optional<base::Bytes>();
        co_return std::optional<base::Bytes>(found->second);
    }

    env::Task<base::Result<std::vector<TableEntry>>> Scan(std::string collection,
                                                          TableRange range) override {
        std::lock_guard lock(mutex_);
        const auto& entries = collections_[collection];
        std::vector<TableEntry> found;
        for (auto at = entries.lower_bound(range.first);
             at != entries.end() && found.size() < range.limit &&
             (range.last.empty() || at->first < range.last);
             ++at) {
            found.push_back({at->first, at->second});
        }
        co_return found;
    }

    env::Task<base::Result<void>> Commit(TableBatch batch) override {
        std::lock_guard lock(mutex_);
        for (const auto& step : batch.steps()) {
            const auto& entries = collections_[step.collection];
            auto found = entries.find(step.key);
            bool present = found != entries.end();
            bool holds = true;
            switch (step.kind) {
                case TableBatch::Kind::kRequireAbsent: holds = !present; break;
                case TableBatch::Kind::kRequirePresent: holds = present; break;
                case TableBatch::Kind::kRequireValue:
                    holds = present && found->second == step.value;
                    break;
                case TableBatch::Kind::kPut:
                case TableBatch::Kind::kDelete: break;
            }
            if (!holds) {
                co_return base::Fail(base::ErrorCode::kConflict,
                                     step.collection + ": precondition on " + step.key + " failed");
            }
        }
        for (const auto& step : batch.steps()) {
            if (step.kind == TableBatch::Kind::kPut) collections_[step.collection][step.key] = step.value;
            if (step.kind == TableBatch::Kind::kDelete) collections_[step.collection].erase(step.key);
        }
        co_return base::Result<void>();
    }

  private:
    std::mutex mutex_;
    std::map<std::string, std::map<base::Bytes, base::Bytes>> collections_;
};

}  // namespace

std::unique_ptr<Table> MakeTable() { return std::make_unique<MemoryTable>(); }

}  // namespace wellhead::storage::memory
