#include "query/duckdb/json_column.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "codec/base64.h"
#include "query/duckdb/json_text.h"

namespace wellhead::query::duckdb {
namespace {

using Element = simdjson::dom::element;

std::string_view JsonKind(const Element& value) {
    switch (value.type()) {
        case simdjson::dom::element_type::ARRAY: return "an array";
        case simdjson::dom::element_type::OBJECT: return "an object";
        case simdjson::dom::element_type::INT64:
        case simdjson::dom::element_type::UINT64:
        case simdjson::dom::element_type::DOUBLE: return "a number";
        case simdjson::dom::element_type::STRING: return "a string";
        case simdjson::dom::element_type::BOOL: return "a boolean";
        default: return "null";
    }
}

bool EqualsLower(std::string_view key, std::string_view lower) {
    if (key.size() != lower.size()) return false;
    for (size_t i = 0; i < key.size(); ++i) {
        const char c = key[i] >= 'A' && key[i] <= 'Z' ? static_cast<char>(key[i] - 'A' + 'a') : key[i];
        if (c != lower[i]) return false;
    }
    return true;
}

}  // namespace

duckdb_logical_type MakeLogicalType(const HiveType& type) {
    switch (type.kind) {
        case HiveKind::kBoolean: return duckdb_create_logical_type(DUCKDB_TYPE_BOOLEAN);
        case HiveKind::kTinyint: return duckdb_create_logical_type(DUCKDB_TYPE_TINYINT);
        case HiveKind::kSmallint: return duckdb_create_logical_type(DUCKDB_TYPE_SMALLINT);
        case HiveKind::kInt: return duckdb_create_logical_type(DUCKDB_TYPE_INTEGER);
        case HiveKind::kBigint: return duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
        case HiveKind::kFloat: return duckdb_create_logical_type(DUCKDB_TYPE_FLOAT);
        case HiveKind::kDouble: return duckdb_create_logical_type(DUCKDB_TYPE_DOUBLE);
        case HiveKind::kDecimal:
            return duckdb_create_decimal_type(static_cast<uint8_t>(type.precision), static_cast<uint8_t>(type.scale));
        case HiveKind::kString: return duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
        case HiveKind::kBinary: return duckdb_create_logical_type(DUCKDB_TYPE_BLOB);
        case HiveKind::kDate: return duckdb_create_logical_type(DUCKDB_TYPE_DATE);
        case HiveKind::kTimestamp: return duckdb_create_logical_type(DUCKDB_TYPE_TIMESTAMP);
        default: break;
    }
    std::vector<duckdb_logical_type> children;
    for (const HiveType& child : type.children) children.push_back(MakeLogicalType(child));
    duckdb_logical_type made = nullptr;
    if (type.kind == HiveKind::kArray) {
        made = duckdb_create_list_type(children[0]);
    } else if (type.kind == HiveKind::kMap) {
        made = duckdb_create_map_type(children[0], children[1]);
    } else {
        std::vector<const char*> names;
        for (const std::string& name : type.fields) names.push_back(name.c_str());
        made = duckdb_create_struct_type(children.data(), names.data(), children.size());
    }
    for (duckdb_logical_type& child : children) duckdb_destroy_logical_type(&child);
    return made;
}

JsonColumn::JsonColumn(const HiveType& type, const std::vector<std::string>* timestamp_formats)
    : type_(type), timestamp_formats_(timestamp_formats) {
    for (const HiveType& child : type.children) children_.emplace_back(child, timestamp_formats);
}

void JsonColumn::Attach(duckdb_vector vector) {
    Forget();
    AttachKept(vector);
}

void JsonColumn::Forget() {
    list_size_ = marked_size_ = list_capacity_ = 0;
    for (JsonColumn& child : children_) child.Forget();
}

void JsonColumn::AttachKept(duckdb_vector vector) {
    vector_ = vector;
    data_ = duckdb_vector_get_data(vector);
    duckdb_vector_ensure_validity_writable(vector);
    validity_ = duckdb_vector_get_validity(vector);
    if (type_.kind == HiveKind::kStruct || list_capacity_ > 0) AttachChildren();
}

void JsonColumn::AttachChildren() {
    const bool is_struct = type_.kind == HiveKind::kStruct;
    const duckdb_vector entries = is_struct ? vector_ : duckdb_list_vector_get_child(vector_);
    for (size_t i = 0; i < children_.size(); ++i) {
        children_[i].AttachKept(type_.kind == HiveKind::kArray ? entries : duckdb_struct_vector_get_child(entries, i));
    }
}

void JsonColumn::Mark() {
    marked_size_ = list_size_;
    for (JsonColumn& child : children_) child.Mark();
}

void JsonColumn::Rewind() {
    if (list_size_ != marked_size_) {
        list_size_ = marked_size_;
        duckdb_list_vector_set_size(vector_, list_size_);
    }
    for (JsonColumn& child : children_) child.Rewind();
}

void JsonColumn::SetValid(idx_t row) { duckdb_validity_set_row_valid(validity_, row); }

void JsonColumn::PutNull(idx_t row) {
    duckdb_validity_set_row_invalid(validity_, row);
    if (type_.kind == HiveKind::kStruct) {
        for (JsonColumn& child : children_) child.PutNull(row);
    } else if (type_.kind == HiveKind::kArray || type_.kind == HiveKind::kMap) {
        Set(row, duckdb_list_entry{list_size_, 0});
    }
}

bool JsonColumn::Put(idx_t row, const Element& value, std::string& reason) {
    if (value.is_null()) {
        PutNull(row);
        return true;
    }
    SetValid(row);
    return Store(row, value, reason);
}

bool JsonColumn::NotFitting(const Element& value, std::string& reason) const {
    std::string text = JsonText(value);
    if (text.size() > 100) text = text.substr(0, 100) + "...";
    reason = fmt::format("{} {} does not fit {}", JsonKind(value), text, ToHive(type_));
    return false;
}

bool JsonColumn::Store(idx_t row, const Element& value, std::string& reason) {
    switch (type_.kind) {
        case HiveKind::kBoolean: {
            bool flag = false;
            if (std::string_view text; value.get(text) == simdjson::SUCCESS) {
                if (!EqualsLower(text, "true") && !EqualsLower(text, "false")) return NotFitting(value, reason);
                flag = text.size() == 4;
            } else if (value.get(flag) != simdjson::SUCCESS) {
                return NotFitting(value, reason);
            }
            Set(row, flag);
            return true;
        }
        case HiveKind::kTinyint:
        case HiveKind::kSmallint:
        case HiveKind::kInt:
        case HiveKind::kBigint: return StoreInteger(row, value, reason);
        case HiveKind::kFloat:
        case HiveKind::kDouble: return StoreDouble(row, value, reason);
        case HiveKind::kDecimal: return StoreDecimal(row, value, reason);
        case HiveKind::kString:
        case HiveKind::kBinary: return StoreText(row, value, reason);
        case HiveKind::kDate:
        case HiveKind::kTimestamp: return StoreTime(row, value, reason);
        case HiveKind::kArray: return StoreArray(row, value, reason);
        case HiveKind::kMap: return StoreMap(row, value, reason);
        case HiveKind::kStruct: return StoreStruct(row, value, reason);
    }
    return false;
}

bool JsonColumn::StoreInteger(idx_t row, const Element& value, std::string& reason) {
    int64_t number = 0;
    if (value.get(number) != simdjson::SUCCESS) {
        std::string_view text;
        double real = 0;
        if (value.get(text) == simdjson::SUCCESS) {
            const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
            if (error != std::errc() || end != text.data() + text.size()) return NotFitting(value, reason);
        } else if (value.type() == simdjson::dom::element_type::DOUBLE && value.get(real) == simdjson::SUCCESS &&
                   std::trunc(real) == real && std::fabs(real) < 9007199254740992.0) {
            number = static_cast<int64_t>(real);
        } else {
            return NotFitting(value, reason);
        }
    }
    const auto within = [number](int64_t low, int64_t high) { return number >= low && number <= high; };
    switch (type_.kind) {
        case HiveKind::kTinyint:
            if (!within(INT8_MIN, INT8_MAX)) return NotFitting(value, reason);
            Set(row, static_cast<int8_t>(number));
            return true;
        case HiveKind::kSmallint:
            if (!within(INT16_MIN, INT16_MAX)) return NotFitting(value, reason);
            Set(row, static_cast<int16_t>(number));
            return true;
        case HiveKind::kInt:
            if (!within(INT32_MIN, INT32_MAX)) return NotFitting(value, reason);
            Set(row, static_cast<int32_t>(number));
            return true;
        default: Set(row, number); return true;
    }
}

bool JsonColumn::StoreDouble(idx_t row, const Element& value, std::string& reason) {
    double number = 0;
    if (value.get(number) != simdjson::SUCCESS) {
        std::string_view text;
        if (value.get(text) != simdjson::SUCCESS || text.empty()) return NotFitting(value, reason);
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (error != std::errc() || end != text.data() + text.size()) return NotFitting(value, reason);
    }
    if (type_.kind == HiveKind::kDouble) {
        Set(row, number);
        return true;
    }
    const auto single = static_cast<float>(number);
    if (std::isinf(single) && !std::isinf(number)) return NotFitting(value, reason);
    Set(row, single);
    return true;
}

bool JsonColumn::StoreDecimal(idx_t row, const Element& value, std::string& reason) {
    std::string text;
    if (std::string_view view; value.get(view) == simdjson::SUCCESS) {
        text = view;
    } else if (value.is_number()) {
        text = JsonText(value);
    } else {
        return NotFitting(value, reason);
    }
    Wide128 number = 0;
    if (!ParseDecimal(text, type_.precision, type_.scale, number)) return NotFitting(value, reason);
    if (type_.precision <= 4) Set(row, static_cast<int16_t>(number));
    else if (type_.precision <= 9) Set(row, static_cast<int32_t>(number));
    else if (type_.precision <= 18) Set(row, static_cast<int64_t>(number));
    else Set(row, duckdb_hugeint{static_cast<uint64_t>(number), static_cast<int64_t>(number >> 64)});
    return true;
}

bool JsonColumn::StoreText(idx_t row, const Element& value, std::string& reason) {
    std::string_view text;
    std::string made;
    if (type_.kind == HiveKind::kBinary) {
        if (value.get(text) != simdjson::SUCCESS) return NotFitting(value, reason);
        auto bytes = codec::DecodeBase64(text);
        if (!bytes) return NotFitting(value, reason);
        made = std::move(*bytes);
        text = made;
    } else if (value.get(text) != simdjson::SUCCESS) {
        made = JsonText(value);
        text = made;
    }
    if (type_.kind == HiveKind::kString && type_.precision > 0) {
        size_t points = 0;
        for (const char c : text) points += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
        if (points > static_cast<size_t>(type_.precision)) return NotFitting(value, reason);
    }
    duckdb_vector_assign_string_element_len(vector_, row, text.data(), text.size());
    return true;
}

bool JsonColumn::StoreTime(idx_t row, const Element& value, std::string& reason) {
    constexpr double kMillisecondsFrom = 1e11;  // as seconds this is the year 5138
    int64_t micros = 0;
    double number = 0;
    if (std::string_view text; value.get(text) == simdjson::SUCCESS) {
        bool read = false;
        if (timestamp_formats_ != nullptr) {
            for (const std::string& format : *timestamp_formats_) read = read || ParseTimestampBy(format, text, micros);
        }
        if (!read && !ParseTimestamp(text, micros)) return NotFitting(value, reason);
    } else if (type_.kind == HiveKind::kTimestamp && value.get(number) == simdjson::SUCCESS &&
               std::fabs(number) < 1e15) {
        micros = std::llround(number * (std::fabs(number) >= kMillisecondsFrom ? 1e3 : 1e6));
    } else {
        return NotFitting(value, reason);
    }
    if (type_.kind == HiveKind::kTimestamp) {
        Set(row, micros);
    } else {
        constexpr int64_t kDay = int64_t{86400} * 1000000;
        if (micros % kDay != 0) return NotFitting(value, reason);
        Set(row, static_cast<int32_t>(micros / kDay));
    }
    return true;
}

idx_t JsonColumn::GrowList(idx_t row, size_t entries) {
    const idx_t from = list_size_;
    const idx_t size = from + entries;
    if (size > list_capacity_) {
        idx_t capacity = std::max<idx_t>(duckdb_vector_size(), list_capacity_);
        while (capacity < size) capacity *= 2;
        duckdb_list_vector_reserve(vector_, capacity);
        list_capacity_ = capacity;
        AttachChildren();
    }
    duckdb_list_vector_set_size(vector_, size);
    list_size_ = size;
    Set(row, duckdb_list_entry{from, entries});
    return from;
}

bool JsonColumn::StoreArray(idx_t row, const Element& value, std::string& reason) {
    simdjson::dom::array array;
    if (value.get(array) != simdjson::SUCCESS) return NotFitting(value, reason);
    size_t count = 0;
    for ([[maybe_unused]] const Element item : array) ++count;
    idx_t at = GrowList(row, count);
    for (const Element item : array) {
        if (!children_[0].Put(at++, item, reason)) return false;
    }
    return true;
}

bool JsonColumn::StoreMap(idx_t row, const Element& value, std::string& reason) {
    simdjson::dom::object object;
    if (value.get(object) != simdjson::SUCCESS) return NotFitting(value, reason);
    // A map has each key once; of doubles the last counts.
    std::vector<std::pair<std::string_view, Element>> entries;
    for (const auto& [key, item] : object) {
        auto same = std::find_if(entries.begin(), entries.end(), [&](const auto& entry) { return entry.first == key; });
        if (same != entries.end()) same->second = item;
        else entries.emplace_back(key, item);
        if (entries.size() > 10000) {
            reason = "a map of more than 10000 keys";
            return false;
        }
    }
    if (type_.children[0].kind != HiveKind::kString) {
        reason = fmt::format("{} needs string keys to be read from JSON", ToHive(type_));
        return false;
    }
    idx_t at = GrowList(row, entries.size());
    for (const auto& [key, item] : entries) {
        children_[0].SetValid(at);
        duckdb_vector_assign_string_element_len(children_[0].vector_, at, key.data(), key.size());
        if (!children_[1].Put(at++, item, reason)) return false;
    }
    return true;
}

bool JsonColumn::StoreStruct(idx_t row, const Element& value, std::string& reason) {
    simdjson::dom::object object;
    if (value.get(object) != simdjson::SUCCESS) return NotFitting(value, reason);
    for (JsonColumn& child : children_) child.PutNull(row);
    for (const auto& [key, item] : object) {
        for (size_t i = 0; i < children_.size(); ++i) {
            if (!EqualsLower(key, type_.fields[i])) continue;
            if (!children_[i].Put(row, item, reason)) {
                reason = fmt::format("{}: {}", type_.fields[i], reason);
                return false;
            }
            break;
        }
    }
    return true;
}

}  // namespace wellhead::query::duckdb
