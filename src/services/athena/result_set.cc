#include "services/athena/result_set.h"

#include <cstdio>

namespace wellhead::services::athena {

namespace wire = apis::athena;

namespace {

wire::ColumnInfo ColumnOf(const query::Column& column, bool rows) {
    wire::ColumnInfo info;
    info.CatalogName = "hive";
    info.SchemaName = "";
    info.TableName = "";
    info.Name = column.name;
    info.Label = column.name;
    info.Nullable = wire::ColumnNullable::kUnknown;
    info.Precision = 0;
    info.Scale = 0;
    info.CaseSensitive = false;
    info.Type = column.type;
    if (!rows) return info;
    std::string type = column.type.substr(0, column.type.find_first_of("<("));
    struct Known {
        std::string_view hive, athena;
        int32_t precision;
    };
    static constexpr Known kKnown[] = {{"string", "varchar", 2147483647}, {"int", "integer", 10}, {"bigint", "bigint", 19},
                                       {"smallint", "smallint", 5}, {"tinyint", "tinyint", 3}, {"double", "double", 17},
                                       {"float", "float", 17}, {"timestamp", "timestamp", 3}, {"struct", "row", 0}, {"time", "time", 3},
                                       {"timestamp with time zone", "timestamp with time zone", 3}, {"binary", "varbinary", 1073741824}};
    for (const Known& known : kKnown) {
        if (type != known.hive) continue;
        type = known.athena;
        info.Precision = known.precision;
        break;
    }
    if (type == "decimal") {
        int precision = 0;
        int scale = 0;
        std::sscanf(column.type.c_str(), "decimal(%d,%d)", &precision, &scale);
        info.Precision = precision;
        info.Scale = scale;
    }
    info.CaseSensitive = type == "varchar" || type == "json";
    info.Type = std::move(type);
    return info;
}

void PutNumber(std::string& out, uint64_t value) {
    for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
    out += static_cast<char>(value);
}
void PutInteger(std::string& out, int field, uint64_t value) {
    PutNumber(out, static_cast<uint64_t>(field) << 3);
    PutNumber(out, value);
}
void PutText(std::string& out, int field, std::string_view text) {
    PutNumber(out, static_cast<uint64_t>(field) << 3 | 2);
    PutNumber(out, text.size());
    out += text;
}

}  // namespace

wire::ResultSetMetadata MetadataOf(const std::vector<query::Column>& columns, bool rows) {
    wire::ResultSetMetadata metadata;
    metadata.ColumnInfo.emplace();
    for (const query::Column& column : columns) metadata.ColumnInfo->push_back(ColumnOf(column, rows));
    return metadata;
}

std::string MetadataBytes(const wire::ResultSetMetadata& metadata) {
    std::string out;
    PutText(out, 1, "1");
    if (!metadata.ColumnInfo) return out;
    for (const wire::ColumnInfo& info : *metadata.ColumnInfo) {
        std::string column;
        PutText(column, 1, info.CatalogName.value_or(""));
        PutText(column, 2, info.SchemaName.value_or(""));
        PutText(column, 3, info.TableName.value_or(""));
        PutText(column, 4, info.Name);
        PutText(column, 5, info.Label.value_or(info.Name));
        PutText(column, 6, info.Type);
        PutInteger(column, 7, static_cast<uint64_t>(info.Precision.value_or(0)));
        PutInteger(column, 8, static_cast<uint64_t>(info.Scale.value_or(0)));
        const std::string nullable = info.Nullable.value_or("UNKNOWN");
        PutInteger(column, 9, nullable == "NOT_NULL" ? 1 : nullable == "NULLABLE" ? 2 : 3);
        PutInteger(column, 10, info.CaseSensitive.value_or(false) ? 1 : 0);
        PutText(out, 4, column);
    }
    return out;
}

}  // namespace wellhead::services::athena
