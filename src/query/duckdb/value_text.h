#pragma once
// Values of DuckDB's vectors as text in Athena's form, and types in Hive's spelling.

#include <duckdb.h>

#include <memory>
#include <string>
#include <vector>

namespace wellhead::query::duckdb {

// "bigint", "array<struct<a:int>>", "decimal(10,2)", "timestamp with time zone", ...
std::string HiveTypeName(duckdb_logical_type type);

// Java's Double.toString and Float.toString: 100.0, 1.0E7, 1.0E-4, NaN, Infinity.
void AppendDouble(std::string& out, double value);
void AppendFloat(std::string& out, float value);

// Writes the values of one vector. The vector and the printer's type outlive it.
class CellPrinter {
  public:
    explicit CellPrinter(duckdb_logical_type type);  // takes the type
    ~CellPrinter();
    CellPrinter(CellPrinter&&) noexcept;
    CellPrinter& operator=(CellPrinter&&) = delete;

    void Attach(duckdb_vector vector);
    bool IsNull(idx_t row) const;
    // The value is not NULL. NULLs within print as null.
    void Append(std::string& out, idx_t row);

  private:
    void AppendNested(std::string& out, idx_t row);
    void AppendDecimal(std::string& out, idx_t row) const;

    duckdb_logical_type type_ = nullptr;
    duckdb_type id_ = DUCKDB_TYPE_INVALID;
    duckdb_vector vector_ = nullptr;
    void* data_ = nullptr;
    uint64_t* validity_ = nullptr;
    std::vector<CellPrinter> children_;  // element; key and value; fields
    std::vector<std::string> names_;     // of fields; of an enum's values
    int scale_ = 0;
    duckdb_type storage_ = DUCKDB_TYPE_INVALID;  // of a decimal, an enum
    idx_t array_size_ = 0;
};

}  // namespace wellhead::query::duckdb
