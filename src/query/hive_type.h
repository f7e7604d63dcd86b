#pragma once
// Column types in Hive's spelling, as the catalog keeps them: "struct<a:int,b:array<decimal(10,2)>>".

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace wellhead::query {

enum class HiveKind {
    kBoolean,
    kTinyint,
    kSmallint,
    kInt,
    kBigint,
    kFloat,
    kDouble,
    kDecimal,
    kString,  // string, varchar(n), char(n)
    kBinary,
    kDate,
    kTimestamp,
    kArray,
    kMap,
    kStruct,
};

struct HiveType {
    HiveKind kind = HiveKind::kString;
    int precision = 0;  // of decimal; the length of varchar and char, 0 without
    int scale = 0;
    std::vector<HiveType> children;   // element; key and value; fields
    std::vector<std::string> fields;  // names, lower-case
};

enum class FieldNames { kLowerCase, kAsWritten };
// kInvalidArgument: not a type, too deep (more than 32 levels), decimal out of range; kUnsupported: uniontype, interval.
base::Result<HiveType> ParseHiveType(std::string_view text, FieldNames names = FieldNames::kLowerCase);
// The same in Hive's spelling.
std::string ToHive(const HiveType& type);
// In DuckDB's: "STRUCT(a INTEGER, b DECIMAL(10,2)[])".
std::string ToDuckDb(const HiveType& type);

}  // namespace wellhead::query
