#include "query/duckdb/value_text.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <utility>

namespace wellhead::query::duckdb {
namespace {

__extension__ using Wide128 = __int128;
__extension__ using Unsigned128 = unsigned __int128;

std::string TakeText(char* text) {
    std::string out = text == nullptr ? "" : text;
    duckdb_free(text);
    return out;
}

// The shortest digits that read back as value, in Java's layout.
template <class Float>
void AppendJavaFloat(std::string& out, Float value) {
    if (std::isnan(value)) {
        out += "NaN";
        return;
    }
    if (std::signbit(value)) out += '-';
    value = std::fabs(value);
    if (std::isinf(value)) {
        out += "Infinity";
        return;
    }
    if (value == 0) {
        out += "0.0";
        return;
    }
    char buffer[64];
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific).ptr;
    std::string_view text(buffer, static_cast<size_t>(end - buffer));
    const size_t e = text.find('e');
    int exponent = 0;
    const char* digits_begin = text.data() + e + 1;
    if (*digits_begin == '+') ++digits_begin;
    std::from_chars(digits_begin, end, exponent);
    std::string digits;
    for (const char c : text.substr(0, e)) {
        if (c != '.') digits += c;
    }
    const auto count = static_cast<int>(digits.size());
    if (exponent >= 7 || exponent < -3) {
        out += digits[0];
        out += '.';
        out += count > 1 ? std::string_view(digits).substr(1) : "0";
        out += fmt::format("E{}", exponent);
    } else if (exponent < 0) {
        out += "0.";
        out.append(static_cast<size_t>(-exponent - 1), '0');
        out += digits;
    } else {
        for (int i = 0; i <= exponent; ++i) out += i < count ? digits[static_cast<size_t>(i)] : '0';
        out += '.';
        out += count > exponent + 1 ? std::string_view(digits).substr(static_cast<size_t>(exponent) + 1) : "0";
    }
}

void AppendDate(std::string& out, duckdb_date date) {
    const duckdb_date_struct parts = duckdb_from_date(date);
    fmt::format_to(std::back_inserter(out), "{:04}-{:02}-{:02}", parts.year, parts.month, parts.day);
}

void AppendTimeOfDay(std::string& out, int64_t micros) {
    fmt::format_to(std::back_inserter(out), "{:02}:{:02}:{:02}.{:03}", micros / 3600000000, micros / 60000000 % 60,
                   micros / 1000000 % 60, micros / 1000 % 1000);
}

void AppendTimestamp(std::string& out, int64_t micros) {
    constexpr int64_t kDay = int64_t{86400} * 1000000;
    if (micros == INT64_MAX || micros == -INT64_MAX) {
        out += micros > 0 ? "infinity" : "-infinity";
        return;
    }
    int64_t day = micros / kDay;
    if (micros % kDay < 0) --day;
    AppendDate(out, duckdb_date{static_cast<int32_t>(day)});
    out += ' ';
    AppendTimeOfDay(out, micros - day * kDay);
}

void AppendInterval(std::string& out, const duckdb_interval& interval) {
    if (interval.months != 0 || (interval.days == 0 && interval.micros == 0)) {
        const int32_t months = std::abs(interval.months);
        if (interval.months != 0) {
            fmt::format_to(std::back_inserter(out), "{}{}-{}", interval.months < 0 ? "-" : "", months / 12,
                           months % 12);
            if (interval.days == 0 && interval.micros == 0) return;
            out += ' ';
        }
    }
    constexpr int64_t kDay = int64_t{86400} * 1000000;
    int64_t micros = interval.days * kDay + interval.micros;
    if (micros < 0) {
        out += '-';
        micros = -micros;
    }
    fmt::format_to(std::back_inserter(out), "{} ", micros / kDay);
    AppendTimeOfDay(out, micros % kDay);
}

std::string_view TextOf(duckdb_string_t& value) {
    return {duckdb_string_t_data(&value), duckdb_string_t_length(value)};
}

std::string DecimalText(Wide128 value, int scale) {
    const bool negative = value < 0;
    Unsigned128 magnitude =
        negative ? -static_cast<Unsigned128>(value) : static_cast<Unsigned128>(value);
    std::string digits;
    do {
        digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(magnitude % 10)));
        magnitude /= 10;
    } while (magnitude != 0);
    if (scale > 0) {
        const auto width = static_cast<size_t>(scale) + 1;
        if (digits.size() < width) digits.insert(0, width - digits.size(), '0');
        digits.insert(digits.size() - static_cast<size_t>(scale), ".");
    }
    return negative ? "-" + digits : digits;
}

Wide128 Wide(const duckdb_hugeint& value) {
    return (static_cast<Wide128>(value.upper) << 64) | static_cast<Wide128>(value.lower);
}

std::string StructName(duckdb_logical_type type) {
    std::string out = "struct<";
    const idx_t count = duckdb_struct_type_child_count(type);
    for (idx_t i = 0; i < count; ++i) {
        std::string name = TakeText(duckdb_struct_type_child_name(type, i));
        if (name.empty()) name = fmt::format("field{}", i);
        duckdb_logical_type child = duckdb_struct_type_child_type(type, i);
        out += fmt::format("{}{}:{}", i == 0 ? "" : ",", name, HiveTypeName(child));
        duckdb_destroy_logical_type(&child);
    }
    return out + ">";
}

std::string ElementName(duckdb_logical_type child) {
    std::string out = HiveTypeName(child);
    duckdb_destroy_logical_type(&child);
    return out;
}

}  // namespace

void AppendDouble(std::string& out, double value) { AppendJavaFloat(out, value); }
void AppendFloat(std::string& out, float value) { AppendJavaFloat(out, value); }

std::string HiveTypeName(duckdb_logical_type type) {
    switch (duckdb_get_type_id(type)) {
        case DUCKDB_TYPE_BOOLEAN: return "boolean";
        case DUCKDB_TYPE_TINYINT: return "tinyint";
        case DUCKDB_TYPE_UTINYINT:
        case DUCKDB_TYPE_SMALLINT: return "smallint";
        case DUCKDB_TYPE_USMALLINT:
        case DUCKDB_TYPE_INTEGER: return "int";
        // Trino's sums and counts are bigint, DuckDB's are wider.
        case DUCKDB_TYPE_UINTEGER:
        case DUCKDB_TYPE_UBIGINT:
        case DUCKDB_TYPE_HUGEINT:
        case DUCKDB_TYPE_UHUGEINT:
        case DUCKDB_TYPE_BIGINT: return "bigint";
        case DUCKDB_TYPE_FLOAT: return "float";
        case DUCKDB_TYPE_DOUBLE: return "double";
        case DUCKDB_TYPE_DECIMAL:
            return fmt::format("decimal({},{})", duckdb_decimal_width(type), duckdb_decimal_scale(type));
        case DUCKDB_TYPE_DATE: return "date";
        case DUCKDB_TYPE_TIME:
        case DUCKDB_TYPE_TIME_TZ: return "time";
        case DUCKDB_TYPE_TIMESTAMP:
        case DUCKDB_TYPE_TIMESTAMP_S:
        case DUCKDB_TYPE_TIMESTAMP_MS:
        case DUCKDB_TYPE_TIMESTAMP_NS: return "timestamp";
        case DUCKDB_TYPE_TIMESTAMP_TZ: return "timestamp with time zone";
        case DUCKDB_TYPE_INTERVAL: return "interval day to second";
        case DUCKDB_TYPE_BLOB: return "binary";
        case DUCKDB_TYPE_LIST: return "array<" + ElementName(duckdb_list_type_child_type(type)) + ">";
        case DUCKDB_TYPE_ARRAY: return "array<" + ElementName(duckdb_array_type_child_type(type)) + ">";
        case DUCKDB_TYPE_MAP:
            return "map<" + ElementName(duckdb_map_type_key_type(type)) + "," +
                   ElementName(duckdb_map_type_value_type(type)) + ">";
        case DUCKDB_TYPE_STRUCT: return StructName(type);
        default: {
            const std::string alias = TakeText(duckdb_logical_type_get_alias(type));
            return alias == "JSON" ? "json" : "string";
        }
    }
}

CellPrinter::CellPrinter(duckdb_logical_type type) : type_(type), id_(duckdb_get_type_id(type)) {
    switch (id_) {
        case DUCKDB_TYPE_DECIMAL:
            scale_ = duckdb_decimal_scale(type);
            storage_ = duckdb_decimal_internal_type(type);
            break;
        case DUCKDB_TYPE_ENUM:
            storage_ = duckdb_enum_internal_type(type);
            for (idx_t i = 0; i < duckdb_enum_dictionary_size(type); ++i) {
                names_.push_back(TakeText(duckdb_enum_dictionary_value(type, i)));
            }
            break;
        case DUCKDB_TYPE_LIST:
            children_.emplace_back(duckdb_list_type_child_type(type));
            break;
        case DUCKDB_TYPE_ARRAY:
            array_size_ = duckdb_array_type_array_size(type);
            children_.emplace_back(duckdb_array_type_child_type(type));
            break;
        case DUCKDB_TYPE_MAP:
            children_.emplace_back(duckdb_map_type_key_type(type));
            children_.emplace_back(duckdb_map_type_value_type(type));
            break;
        case DUCKDB_TYPE_STRUCT:
            for (idx_t i = 0; i < duckdb_struct_type_child_count(type); ++i) {
                children_.emplace_back(duckdb_struct_type_child_type(type, i));
                names_.push_back(TakeText(duckdb_struct_type_child_name(type, i)));
                if (names_.back().empty()) names_.back() = fmt::format("field{}", i);
            }
            break;
        default:
            break;
    }
}

CellPrinter::CellPrinter(CellPrinter&& other) noexcept
    : type_(std::exchange(other.type_, nullptr)),
      id_(other.id_),
      children_(std::move(other.children_)),
      names_(std::move(other.names_)),
      scale_(other.scale_),
      storage_(other.storage_),
      array_size_(other.array_size_) {}

CellPrinter::~CellPrinter() {
    if (type_ != nullptr) duckdb_destroy_logical_type(&type_);
}

void CellPrinter::Attach(duckdb_vector vector) {
    vector_ = vector;
    data_ = duckdb_vector_get_data(vector);
    validity_ = duckdb_vector_get_validity(vector);
    switch (id_) {
        case DUCKDB_TYPE_LIST:
            children_[0].Attach(duckdb_list_vector_get_child(vector));
            break;
        case DUCKDB_TYPE_ARRAY:
            children_[0].Attach(duckdb_array_vector_get_child(vector));
            break;
        case DUCKDB_TYPE_MAP: {
            const duckdb_vector entries = duckdb_list_vector_get_child(vector);
            children_[0].Attach(duckdb_struct_vector_get_child(entries, 0));
            children_[1].Attach(duckdb_struct_vector_get_child(entries, 1));
            break;
        }
        case DUCKDB_TYPE_STRUCT:
            for (size_t i = 0; i < children_.size(); ++i) {
                children_[i].Attach(duckdb_struct_vector_get_child(vector, i));
            }
            break;
        default:
            break;
    }
}

bool CellPrinter::IsNull(idx_t row) const {
    return validity_ != nullptr && !duckdb_validity_row_is_valid(validity_, row);
}

void CellPrinter::AppendDecimal(std::string& out, idx_t row) const {
    Wide128 value = 0;
    switch (storage_) {
        case DUCKDB_TYPE_SMALLINT: value = static_cast<int16_t*>(data_)[row]; break;
        case DUCKDB_TYPE_INTEGER: value = static_cast<int32_t*>(data_)[row]; break;
        case DUCKDB_TYPE_BIGINT: value = static_cast<int64_t*>(data_)[row]; break;
        default: value = Wide(static_cast<duckdb_hugeint*>(data_)[row]); break;
    }
    out += DecimalText(value, scale_);
}

void CellPrinter::AppendNested(std::string& out, idx_t row) {
    const auto append = [&out](CellPrinter& child, idx_t at) {
        if (child.IsNull(at)) {
            out += "null";
        } else {
            child.Append(out, at);
        }
    };
    if (id_ == DUCKDB_TYPE_STRUCT) {
        out += '{';
        for (size_t i = 0; i < children_.size(); ++i) {
            if (i > 0) out += ", ";
            out += names_[i];
            out += '=';
            append(children_[i], row);
        }
        out += '}';
        return;
    }
    duckdb_list_entry range{row * array_size_, array_size_};
    if (id_ != DUCKDB_TYPE_ARRAY) range = static_cast<duckdb_list_entry*>(data_)[row];
    out += id_ == DUCKDB_TYPE_MAP ? '{' : '[';
    for (idx_t i = range.offset; i < range.offset + range.length; ++i) {
        if (i > range.offset) out += ", ";
        append(children_[0], i);
        if (id_ == DUCKDB_TYPE_MAP) {
            out += '=';
            append(children_[1], i);
        }
    }
    out += id_ == DUCKDB_TYPE_MAP ? '}' : ']';
}

void CellPrinter::Append(std::string& out, idx_t row) {
    const auto number = [&](auto type) {
        fmt::format_to(std::back_inserter(out), "{}", static_cast<decltype(type)*>(data_)[row]);
    };
    switch (id_) {
        case DUCKDB_TYPE_BOOLEAN: out += static_cast<bool*>(data_)[row] ? "true" : "false"; break;
        case DUCKDB_TYPE_TINYINT: out += std::to_string(static_cast<int8_t*>(data_)[row]); break;
        case DUCKDB_TYPE_UTINYINT: out += std::to_string(static_cast<uint8_t*>(data_)[row]); break;
        case DUCKDB_TYPE_SMALLINT: number(int16_t{}); break;
        case DUCKDB_TYPE_USMALLINT: number(uint16_t{}); break;
        case DUCKDB_TYPE_INTEGER: number(int32_t{}); break;
        case DUCKDB_TYPE_UINTEGER: number(uint32_t{}); break;
        case DUCKDB_TYPE_BIGINT: number(int64_t{}); break;
        case DUCKDB_TYPE_UBIGINT: number(uint64_t{}); break;
        case DUCKDB_TYPE_HUGEINT: out += DecimalText(Wide(static_cast<duckdb_hugeint*>(data_)[row]), 0); break;
        case DUCKDB_TYPE_UHUGEINT: {
            const auto& value = static_cast<duckdb_uhugeint*>(data_)[row];
            out += DecimalText(Wide({value.lower, static_cast<int64_t>(value.upper)}), 0);
            break;
        }
        case DUCKDB_TYPE_FLOAT: AppendFloat(out, static_cast<float*>(data_)[row]); break;
        case DUCKDB_TYPE_DOUBLE: AppendDouble(out, static_cast<double*>(data_)[row]); break;
        case DUCKDB_TYPE_DECIMAL: AppendDecimal(out, row); break;
        case DUCKDB_TYPE_DATE: AppendDate(out, static_cast<duckdb_date*>(data_)[row]); break;
        case DUCKDB_TYPE_TIME: AppendTimeOfDay(out, static_cast<int64_t*>(data_)[row]); break;
        case DUCKDB_TYPE_TIME_TZ:
            AppendTimeOfDay(out, static_cast<int64_t>(static_cast<uint64_t*>(data_)[row] >> 24));
            break;
        case DUCKDB_TYPE_TIMESTAMP: AppendTimestamp(out, static_cast<int64_t*>(data_)[row]); break;
        case DUCKDB_TYPE_TIMESTAMP_S: AppendTimestamp(out, static_cast<int64_t*>(data_)[row] * 1000000); break;
        case DUCKDB_TYPE_TIMESTAMP_MS: AppendTimestamp(out, static_cast<int64_t*>(data_)[row] * 1000); break;
        case DUCKDB_TYPE_TIMESTAMP_NS: AppendTimestamp(out, static_cast<int64_t*>(data_)[row] / 1000); break;
        case DUCKDB_TYPE_TIMESTAMP_TZ:
            AppendTimestamp(out, static_cast<int64_t*>(data_)[row]);
            out += " UTC";
            break;
        case DUCKDB_TYPE_INTERVAL: AppendInterval(out, static_cast<duckdb_interval*>(data_)[row]); break;
        case DUCKDB_TYPE_UUID: {
            // Stored with the top bit flipped, so that it sorts.
            const auto& value = static_cast<duckdb_hugeint*>(data_)[row];
            const uint64_t high = static_cast<uint64_t>(value.upper) ^ (uint64_t{1} << 63);
            fmt::format_to(std::back_inserter(out), "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32,
                           (high >> 16) & 0xffff, high & 0xffff, value.lower >> 48,
                           value.lower & 0xffffffffffffULL);
            break;
        }
        case DUCKDB_TYPE_ENUM: {
            size_t index = 0;
            if (storage_ == DUCKDB_TYPE_UTINYINT) index = static_cast<uint8_t*>(data_)[row];
            else if (storage_ == DUCKDB_TYPE_USMALLINT) index = static_cast<uint16_t*>(data_)[row];
            else index = static_cast<uint32_t*>(data_)[row];
            out += names_[index];
            break;
        }
        case DUCKDB_TYPE_BLOB: {
            bool first = true;
            for (const char c : TextOf(static_cast<duckdb_string_t*>(data_)[row])) {
                fmt::format_to(std::back_inserter(out), "{}{:02x}", first ? "" : " ", static_cast<unsigned char>(c));
                first = false;
            }
            break;
        }
        case DUCKDB_TYPE_LIST:
        case DUCKDB_TYPE_ARRAY:
        case DUCKDB_TYPE_MAP:
        case DUCKDB_TYPE_STRUCT: AppendNested(out, row); break;
        case DUCKDB_TYPE_VARCHAR: out += TextOf(static_cast<duckdb_string_t*>(data_)[row]); break;
        default: break;  // SQLNULL: never valid
    }
}

}  // namespace wellhead::query::duckdb
