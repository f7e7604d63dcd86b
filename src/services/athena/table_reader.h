#pragma once
// The engine's SQL that reads files as a table of the catalog has it: by its SerDe, with its columns and types.

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apis/glue/types.h"
#include "base/result.h"

namespace wellhead::services::athena {

enum class Format { kParquet, kJson, kText, kCsv };
// By the SerDe; kUnsupported names it.
base::Result<Format> FormatOf(const apis::glue::Table& table);
// A parameter of the SerDe, or else of the table.
std::string TableParameter(const apis::glue::Table& table, const std::string& name, std::string otherwise);

struct TypedColumn {
    std::string name;
    std::string hive;  // as in the catalog
    std::string type;  // DuckDB's
};
base::Result<std::vector<TypedColumn>> TypedColumns(const std::optional<std::vector<apis::glue::Column>>& columns);

// Files that make up a table, or the part of it that a query needs.
struct TableFiles {
    std::vector<std::string> paths;
    // All files are of one partition: its values (NULL: none). Otherwise each path names its own, .../key=value/..., as
    // Hive writes it.
    std::optional<std::vector<std::optional<std::string>>> values;
    // A key's value that Hive writes for NULL is among them.
    bool null_values = false;
};

// How the files spell the key of a column, and the type with the keys within it, DuckDB's; by the column's name.
struct JsonKey {
    std::string key, type;
};
using JsonKeys = std::map<std::string, JsonKey>;
// found: columns that files have, their types in Hive's way but in the files' own spelling.
JsonKeys SpellKeys(const std::vector<TypedColumn>& columns, const std::vector<std::pair<std::string, std::string>>& found);

// SELECT ... with the table's columns, then its partition keys.
// kUnsupported: the SerDe, or a type in it.
base::Result<std::string> ReadTable(const apis::glue::Table& table, const TableFiles& files, const JsonKeys& keys_of_json);

std::string SqlText(std::string_view text);  // 'text'
std::string SqlName(std::string_view text);  // "text"
std::string SqlList(const std::vector<std::string>& texts);

inline constexpr std::string_view kNullPartition = "__HIVE_DEFAULT_PARTITION__";

}  // namespace wellhead::services::athena
