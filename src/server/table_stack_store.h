#pragma once
// Stacks of templates in the metadata table: collection "pipeline/stacks", name -> JSON (docs/formats/stack.md).

#include "pipeline/stack.h"
#include "storage/table/table.h"

namespace wellhead::server {

class TableStackStore final : public pipeline::StackStore {
  public:
    // table outlives it.
    explicit TableStackStore(storage::Table& table) : table_(table) {}
    env::Task<base::Result<std::vector<pipeline::Stack>>> LoadAll() override;
    env::Task<base::Result<void>> Save(pipeline::Stack stack) override;
    env::Task<base::Result<void>> Remove(std::string name) override;

  private:
    storage::Table& table_;
};

}  // namespace wellhead::server
