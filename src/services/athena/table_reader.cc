#include "services/athena/table_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "query/hive_type.h"

namespace wellhead::services::athena {

using base::ErrorCode;
using base::Fail;
using base::Result;
namespace glue = apis::glue;

namespace {

std::string QuotedWith(std::string_view text, char quote) {
    std::string out(1, quote);
    for (const char c : text) {
        if (c == quote) out += quote;
        out += c;
    }
    return out + quote;
}

std::string Upper(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    }
    return out;
}

// field.delim and the like: a character, or its number as Hive's older tables have it.
std::string Delimiter(const glue::Table& table, const std::string& name, const std::string& otherwise) {
    const std::string given = TableParameter(table, name, otherwise);
    const bool number = given.size() > 1 && std::all_of(given.begin(), given.end(), [](char c) { return c >= '0' && c <= '9'; });
    return number && std::stoul(given.substr(0, 3)) < 256 ? std::string(1, static_cast<char>(std::stoul(given.substr(0, 3)))) : given;
}

// Gives the fields of a type the names that another, like it but for case, has.
void Spell(query::HiveType& wanted, const query::HiveType& spelled) {
    if (wanted.kind != spelled.kind) return;
    for (size_t i = 0; i < wanted.children.size(); ++i) {
        if (wanted.kind != query::HiveKind::kStruct) {
            if (i < spelled.children.size()) Spell(wanted.children[i], spelled.children[i]);
            continue;
        }
        for (size_t k = 0; k < spelled.fields.size(); ++k) {
            if (Upper(spelled.fields[k]) != Upper(wanted.fields[i])) continue;
            wanted.fields[i] = spelled.fields[k];
            Spell(wanted.children[i], spelled.children[k]);
        }
    }
}

class Reader {
  public:
    Reader(const glue::Table& table, const std::vector<TypedColumn>& columns, const std::vector<TypedColumn>& keys, const TableFiles& files)
        : table_(table), columns_(columns), keys_(keys), files_(files) {}

    // FROM ..., its columns named and typed as the table's.
    Result<std::string> Source(const JsonKeys& keys_of_json) {
        ASSIGN_OR_RETURN(const Format format, FormatOf(table_));
        if (format == Format::kParquet) return Parquet();
        if (format == Format::kJson) return Json(keys_of_json);
        return Text(format == Format::kCsv);
    }
    // What stands in the SELECT list for a column.
    const std::vector<std::string>& items() const { return items_; }

  private:
    std::string Hive() const {
        if (files_.values) return "hive_partitioning=false";
        std::string types;
        for (const TypedColumn& key : keys_) types += fmt::format("{}{}: {}", types.empty() ? "" : ", ", SqlText(key.name), files_.null_values ? "VARCHAR" : key.type);
        return fmt::format("hive_partitioning=true, hive_types={{{}}}", types);
    }
    void Plain() {
        for (const TypedColumn& column : columns_) items_.push_back(fmt::format("CAST({0} AS {1}) AS {0}", SqlName(column.name), column.type));
    }

    std::string Parquet() {
        const bool binary = std::any_of(columns_.begin(), columns_.end(), [](const TypedColumn& c) { return c.type.find("BLOB") != std::string::npos; });
        const std::string strings = binary ? "" : ", binary_as_string=true";
        Plain();
        if (files_.values) {
            // The catalog's schema goes down into the reader: no file is opened before its turn, what it lacks is NULL.
            std::string schema;
            for (const TypedColumn& column : columns_) {
                schema += fmt::format("{}{}: {{name: {}, type: {}, default_value: NULL}}", schema.empty() ? "" : ", ", SqlText(column.name), SqlText(column.name),
                                      SqlText(column.type));
            }
            return fmt::format("read_parquet({}, schema=MAP{{{}}}{})", SqlList(files_.paths), schema, strings);
        }
        std::string empty;
        for (const TypedColumn& column : columns_) empty += fmt::format("{}CAST(NULL AS {}) AS {}", empty.empty() ? "" : ", ", column.type, SqlName(column.name));
        // Columns that no file has yet are NULL: the branch without rows knows them all.
        return fmt::format("(SELECT * FROM read_parquet({}, union_by_name=true, {}{}) UNION ALL BY NAME SELECT {} WHERE false)", SqlList(files_.paths), Hive(),
                           strings, empty);
    }

    std::string Json(const JsonKeys& keys_of_json) {
        std::string named;
        for (const TypedColumn& column : columns_) {
            const auto spelled = keys_of_json.find(column.name);
            const std::string key = TableParameter(table_, "mapping." + column.name, spelled == keys_of_json.end() ? column.name : spelled->second.key);
            const std::string type = spelled == keys_of_json.end() ? column.type : spelled->second.type;
            named += fmt::format("{}{}: {}", named.empty() ? "" : ", ", SqlText(key), SqlText(type));
            items_.push_back(fmt::format("CAST({} AS {}) AS {}", SqlName(key), column.type, SqlName(column.name)));
        }
        const bool lenient = Upper(TableParameter(table_, "ignore.malformed.json", "false")) == "TRUE";
        return fmt::format("read_json({}, columns={{{}}}, format='newline_delimited', maximum_object_size=67108864, {}{})", SqlList(files_.paths), named, Hive(),
                           lenient ? ", ignore_errors=true" : "");
    }

    Result<std::string> Text(bool csv) {
        std::string named;
        const std::string quote = csv ? TableParameter(table_, "quoteChar", "\"") : "";
        const std::string escape = csv ? TableParameter(table_, "escapeChar", "\\") : TableParameter(table_, "escape.delim", "");
        const std::string items = Delimiter(table_, "collection.delim", Delimiter(table_, "colelction.delim", "\x02"));
        for (const TypedColumn& column : columns_) {
            named += fmt::format("{}{}: 'VARCHAR'", named.empty() ? "" : ", ", SqlText(column.name));
            const std::string name = SqlName(column.name);
            const bool nested = column.type.find_first_of("([") != std::string::npos && !column.type.starts_with("DECIMAL");
            if (nested && (csv || !column.type.ends_with("[]") || column.type.find('(') != std::string::npos)) {
                return Fail(ErrorCode::kUnsupported, fmt::format("Column {} of type {} is not served in text files", column.name, column.hive));
            }
            // Within quotes a quote is doubled or escaped, whatever escapeChar says. Hive's text SerDe makes NULL of what is not a value of the type; the CSV SerDe fails.
            if (column.type == "VARCHAR" && csv) items_.push_back(fmt::format("replace({0}, {1}, {2}) AS {0}", name, SqlText(quote + quote), SqlText(quote)));
            else if (column.type == "VARCHAR") items_.push_back(name);
            else if (nested) items_.push_back(fmt::format("TRY_CAST(string_split({0}, {1}) AS {2}) AS {0}", name, SqlText(items), column.type));
            else if (csv) items_.push_back(fmt::format("CAST(nullif({0}, '') AS {1}) AS {0}", name, column.type));
            else items_.push_back(fmt::format("TRY_CAST({0} AS {1}) AS {0}", name, column.type));
        }
        const std::string delimiter = Delimiter(table_, csv ? "separatorChar" : "field.delim", csv ? "," : Delimiter(table_, "serialization.format", "\x01"));
        // The CSV SerDe knows no NULL: an empty text is one.
        const std::string null = csv ? std::string("\x01\x01") : TableParameter(table_, "serialization.null.format", "\\N");
        const std::string skip = TableParameter(table_, "skip.header.line.count", "0");
        const bool number = !skip.empty() && skip.size() < 6 && std::all_of(skip.begin(), skip.end(), [](char c) { return c >= '0' && c <= '9'; });
        return fmt::format("read_csv({}, columns={{{}}}, delim={}, quote={}, escape={}, header=false, skip={}, auto_detect=false, null_padding=true, "
                           "strict_mode=false, max_line_size=16777216, buffer_size=33554432, nullstr={}, {})", SqlList(files_.paths), named, SqlText(delimiter == "1" ? "\x01" : delimiter),
                           SqlText(quote), SqlText(escape), number ? skip : "0", SqlText(null), Hive());
    }

    const glue::Table& table_;
    const std::vector<TypedColumn>& columns_;
    const std::vector<TypedColumn>& keys_;
    const TableFiles& files_;
    std::vector<std::string> items_;
};

}  // namespace

std::string SqlText(std::string_view text) { return QuotedWith(text, '\''); }
std::string SqlName(std::string_view text) { return QuotedWith(text, '"'); }
std::string SqlList(const std::vector<std::string>& texts) {
    std::string out = "[";
    for (const std::string& text : texts) out += (out.size() > 1 ? "," : "") + SqlText(text);
    return out + "]";
}

Result<Format> FormatOf(const glue::Table& table) {
    // Its files are not its rows: which of them are is told elsewhere.
    if (table.Parameters) {
        const auto kind = table.Parameters->find("table_type");
        if (kind != table.Parameters->end() && Upper(kind->second) != "HIVE") return Fail(ErrorCode::kUnsupported, fmt::format("Tables of type {} are not served", kind->second));
    }
    std::string serde;
    if (table.StorageDescriptor && table.StorageDescriptor->SerdeInfo) serde = table.StorageDescriptor->SerdeInfo->SerializationLibrary.value_or("");
    const std::string upper = Upper(serde);
    if (upper.find("PARQUET") != std::string::npos) return Format::kParquet;
    if (upper.find("JSON") != std::string::npos) return Format::kJson;
    if (upper.find("LAZYSIMPLE") != std::string::npos) return Format::kText;
    if (upper.find("OPENCSV") != std::string::npos) return Format::kCsv;
    return Fail(ErrorCode::kUnsupported, serde.empty() ? "A table without a SerDe is not served" : fmt::format("The SerDe {} is not served", serde));
}

std::string TableParameter(const glue::Table& table, const std::string& name, std::string otherwise) {
    const auto& serde = table.StorageDescriptor->SerdeInfo;
    for (const auto* parameters : {serde && serde->Parameters ? &*serde->Parameters : nullptr, table.Parameters ? &*table.Parameters : nullptr}) {
        if (parameters == nullptr) continue;
        if (const auto found = parameters->find(name); found != parameters->end()) return found->second;
    }
    return otherwise;
}

Result<std::vector<TypedColumn>> TypedColumns(const std::optional<std::vector<glue::Column>>& columns) {
    std::vector<TypedColumn> typed;
    if (!columns) return typed;
    for (const glue::Column& column : *columns) {
        const std::string hive = column.Type.value_or("string");
        ASSIGN_OR_RETURN(const auto type, query::ParseHiveType(hive));
        typed.push_back({column.Name, hive, query::ToDuckDb(type)});
    }
    return typed;
}

JsonKeys SpellKeys(const std::vector<TypedColumn>& columns, const std::vector<std::pair<std::string, std::string>>& found) {
    JsonKeys keys;
    for (const TypedColumn& column : columns) {
        for (const auto& [name, type] : found) {
            if (Upper(name) != Upper(column.name)) continue;
            auto wanted = query::ParseHiveType(column.hive);
            const auto spelled = query::ParseHiveType(type, query::FieldNames::kAsWritten);
            if (wanted && spelled) Spell(*wanted, *spelled);
            keys[column.name] = {name, wanted ? query::ToDuckDb(*wanted) : column.type};
        }
    }
    return keys;
}

Result<std::string> ReadTable(const glue::Table& table, const TableFiles& files, const JsonKeys& keys_of_json) {
    ASSIGN_OR_RETURN(const auto columns, TypedColumns(table.StorageDescriptor->Columns));
    ASSIGN_OR_RETURN(const auto keys, TypedColumns(table.PartitionKeys));
    ASSIGN_OR_RETURN(const Format format, FormatOf(table));
    (void)format;
    std::string items;
    const auto add = [&items](const std::string& item) { items += (items.empty() ? "" : ", ") + item; };
    if (files.paths.empty()) {
        for (const auto* some : {&columns, &keys}) {
            for (const TypedColumn& column : *some) add(fmt::format("CAST(NULL AS {}) AS {}", column.type, SqlName(column.name)));
        }
        return fmt::format("SELECT {} WHERE false", items);
    }
    Reader reader(table, columns, keys, files);
    ASSIGN_OR_RETURN(const std::string source, reader.Source(keys_of_json));
    for (const std::string& item : reader.items()) add(item);
    for (size_t i = 0; i < keys.size(); ++i) {
        const std::string name = SqlName(keys[i].name);
        if (files.values) {
            const auto& value = i < files.values->size() ? (*files.values)[i] : std::nullopt;
            add(fmt::format("CAST({} AS {}) AS {}", value ? SqlText(*value) : "NULL", keys[i].type, name));
        } else if (files.null_values) {
            add(fmt::format("CAST(nullif({0}, {1}) AS {2}) AS {0}", name, SqlText(kNullPartition), keys[i].type));
        } else {
            add(name);
        }
    }
    return fmt::format("SELECT {} FROM {}", items, source);
}

}  // namespace wellhead::services::athena
