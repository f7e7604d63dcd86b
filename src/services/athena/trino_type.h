#pragma once
// A column's type as Trino spells it.

#include <string>

namespace wellhead::services::athena {

// "array<struct<a:int>>" -> "array(row(a integer))"; what is not Hive's spelling stays as it is.
std::string TrinoType(const std::string& hive);

}  // namespace wellhead::services::athena
