#pragma once
// One column (or a part of a nested one) of a DuckDB chunk, filled with JSON values that fit its type.

#include <duckdb.h>
#include <simdjson.h>

#include <string>
#include <vector>

#include "query/hive_type.h"

namespace wellhead::query::duckdb {

// A new logical type; the caller destroys it.
duckdb_logical_type MakeLogicalType(const HiveType& type);

class JsonColumn {
  public:
    // timestamp_formats (ParquetJob's) outlive it; null for none.
    explicit JsonColumn(const HiveType& type, const std::vector<std::string>* timestamp_formats = nullptr);

    // The vector to fill from now on; until the next Attach.
    void Attach(duckdb_vector vector);
    // False: the value does not fit, reason says why, and the row holds nothing of meaning.
    // - a string takes any value: a number, a boolean, an object or an array as its JSON text
    // - a number takes a string that is one, and an integer takes 3.0; what is out of range does not fit
    // - a timestamp takes "2024-05-01 10:00:00.123", the same with T and Z or an offset, seconds or (from 1e11)
    //   milliseconds since 1970
    // - a date takes "2024-05-01"; a binary takes base64
    bool Put(idx_t row, const simdjson::dom::element& value, std::string& reason);
    void PutNull(idx_t row);
    // How far nested lists are filled: to be taken back when a row turns out bad.
    void Mark();
    void Rewind();

  private:
    using Element = simdjson::dom::element;
    bool Store(idx_t row, const Element& value, std::string& reason);
    bool StoreInteger(idx_t row, const Element& value, std::string& reason);
    bool StoreDouble(idx_t row, const Element& value, std::string& reason);
    bool StoreDecimal(idx_t row, const Element& value, std::string& reason);
    bool StoreText(idx_t row, const Element& value, std::string& reason);
    bool StoreTime(idx_t row, const Element& value, std::string& reason);
    bool StoreArray(idx_t row, const Element& value, std::string& reason);
    bool StoreMap(idx_t row, const Element& value, std::string& reason);
    bool StoreStruct(idx_t row, const Element& value, std::string& reason);
    bool NotFitting(const Element& value, std::string& reason) const;
    // Room for the entries of one list, from which index on.
    idx_t GrowList(idx_t row, size_t entries);
    void Forget();
    // A list that grew has moved, with what lies in it.
    void AttachKept(duckdb_vector vector);
    void AttachChildren();
    void SetValid(idx_t row);
    template <class T>
    void Set(idx_t row, T value) {
        static_cast<T*>(data_)[row] = value;
    }

    HiveType type_;
    const std::vector<std::string>* timestamp_formats_;
    std::vector<JsonColumn> children_;
    duckdb_vector vector_ = nullptr;
    void* data_ = nullptr;
    uint64_t* validity_ = nullptr;
    idx_t list_size_ = 0;
    idx_t list_capacity_ = 0;
    idx_t marked_size_ = 0;
};

}  // namespace wellhead::query::duckdb
