// Any text as a statement; what it says of a query is translated, its conditions are read as the catalog reads them.

#include <cstddef>
#include <cstdint>

#include "sql/athena/statement.h"
#include "sql/partition_filter.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace wellhead::sql;
    const std::string text(reinterpret_cast<const char*>(data), size);
    const auto statement = athena::ParseStatement(text);
    if (statement) (void)athena::NameOf(*statement);
    const auto translation = athena::TranslateQuery(text, {"db", {"'x'", "1"}});
    if (!translation) return 0;
    for (const athena::TableReference& table : translation->tables) {
        for (const auto& use : table.uses) {
            for (const athena::PartitionCondition& condition : use) {
                std::vector<PartitionKeyType> keys;
                for (const auto& [name, number] : condition.columns) keys.push_back({name, number ? "bigint" : "string"});
                if (auto filter = ParsePartitionFilter(condition.expression, keys); filter) (void)(*filter)(std::vector<std::string>(keys.size(), "1"));
            }
        }
    }
    return 0;
}
