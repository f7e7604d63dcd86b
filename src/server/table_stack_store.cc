#include "server/table_stack_store.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace wellhead::server {

namespace {
constexpr const char* kStacks = "pipeline/stacks";
}

env::Task<base::Result<std::vector<pipeline::Stack>>> TableStackStore::LoadAll() {
    storage::TableRange everything;
    auto entries = co_await table_.Scan(kStacks, std::move(everything));
    if (!entries) co_return std::unexpected(entries.error());
    std::vector<pipeline::Stack> stacks;
    for (const auto& entry : *entries) {
        boost::system::error_code error;
        auto value = boost::json::parse(entry.value, error);
        if (error) co_return base::Fail(base::ErrorCode::kCorrupt, "stack " + entry.key + " is not JSON");
        auto stack = pipeline::StackFromJson(value);
        if (!stack) co_return std::unexpected(stack.error());
        stacks.push_back(std::move(*stack));
    }
    co_return stacks;
}

env::Task<base::Result<void>> TableStackStore::Save(pipeline::Stack stack) {
    storage::TableBatch batch;
    batch.Put(kStacks, stack.name, boost::json::serialize(pipeline::StackToJson(stack)));
    co_return co_await table_.Commit(std::move(batch));
}

env::Task<base::Result<void>> TableStackStore::Remove(std::string name) {
    storage::TableBatch batch;
    batch.Delete(kStacks, std::move(name));
    co_return co_await table_.Commit(std::move(batch));
}

}  // namespace wellhead::server
