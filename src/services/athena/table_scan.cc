#include "services/athena/table_scan.h"

#include <fmt/format.h>

#include <algorithm>

#include "query/hive_type.h"

namespace wellhead::services::athena {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;
using sql::athena::QueryError;
using sql::athena::Translated;
using std::unexpected;
namespace wire = apis::glue;

std::string Quoted(std::string_view text, char quote) {
    std::string out(1, quote);
    for (const char c : text) {
        if (c == quote) out += quote;
        out += c;
    }
    return out + quote;
}
std::string Text(std::string_view text) { return Quoted(text, '\''); }
std::string Name(std::string_view text) { return Quoted(text, '"'); }

struct TypedColumn {
    std::string name;
    std::string type;  // DuckDB's
};

Result<std::vector<TypedColumn>> Typed(const std::optional<std::vector<wire::Column>>& columns) {
    std::vector<TypedColumn> typed;
    if (!columns) return typed;
    for (const wire::Column& column : *columns) {
        ASSIGN_OR_RETURN(const auto type, query::ParseHiveType(column.Type.value_or("string")));
        typed.push_back({column.Name, query::ToDuckDb(type)});
    }
    return typed;
}

std::string Parameter(const wire::Table& table, const char* name, std::string otherwise) {
    for (const auto* parameters : {table.StorageDescriptor->SerdeInfo && table.StorageDescriptor->SerdeInfo->Parameters
                                       ? &*table.StorageDescriptor->SerdeInfo->Parameters : nullptr,
                                   table.Parameters ? &*table.Parameters : nullptr}) {
        if (parameters == nullptr) continue;
        if (const auto found = parameters->find(name); found != parameters->end()) return found->second;
    }
    return otherwise;
}

// FROM ... of some files, with the columns that the table has.
Result<std::string> Reader(const wire::Table& table, const std::vector<TypedColumn>& columns, const std::string& files,
                           const std::string& extra) {
    const std::string serde = table.StorageDescriptor->SerdeInfo
                                  ? table.StorageDescriptor->SerdeInfo->SerializationLibrary.value_or("") : "";
    std::string named;
    std::string empty;
    for (const TypedColumn& column : columns) {
        named += fmt::format("{}{}: {}", named.empty() ? "" : ", ", Text(column.name), Text(column.type));
        empty += fmt::format("{}CAST(NULL AS {}) AS {}", empty.empty() ? "" : ", ", column.type, Name(column.name));
    }
    const bool gzip = table.StorageDescriptor->Compressed.value_or(false) || Parameter(table, "compressionType", "none") == "gzip";
    const std::string compression = gzip ? ", compression='gzip'" : "";
    if (serde.find("parquet") != std::string::npos) {
        // Columns that no file has yet are NULL: the empty branch knows them all.
        return fmt::format("(SELECT * FROM read_parquet({}, union_by_name=true, hive_partitioning=false{}) UNION ALL BY NAME SELECT {} WHERE false)",
                           files, extra, empty);
    }
    if (serde.find("Json") != std::string::npos || serde.find("json") != std::string::npos) {
        return fmt::format("read_json({}, columns={{{}}}, format='auto', hive_partitioning=false{}{})", files, named, compression, extra);
    }
    if (serde.find("LazySimple") != std::string::npos || serde.find("OpenCSV") != std::string::npos) {
        const bool csv = serde.find("OpenCSV") != std::string::npos;
        const std::string delimiter = Parameter(table, csv ? "separatorChar" : "field.delim", csv ? "," : "\x01");
        return fmt::format("read_csv({}, columns={{{}}}, delim={}, quote={}, header={}, auto_detect=false, null_padding=true, hive_partitioning=false{}{})",
                           files, named, Text(delimiter), Text(csv ? Parameter(table, "quoteChar", "\"") : ""),
                           Parameter(table, "skip.header.line.count", "0") != "0", compression, extra);
    }
    return Fail(ErrorCode::kUnsupported, fmt::format("the SerDe {} is not served", serde));
}

std::string List(const std::vector<std::string>& paths) {
    std::string out = "[";
    for (const std::string& path : paths) out += (out.size() > 1 ? "," : "") + Text(path);
    return out + "]";
}

}  // namespace

env::Task<Result<void>> TableScanner::AddFiles(const api::CallContext& context, std::string location, Group& group, ScanPlan& plan) {
    if (!location.starts_with("s3://")) co_return Fail(ErrorCode::kUnsupported, fmt::format("the location {} is not in S3", location));
    const size_t slash = location.find('/', 5);
    const std::string bucket = location.substr(5, slash == std::string::npos ? slash : slash - 5);
    std::string prefix = slash == std::string::npos ? "" : location.substr(slash + 1);
    if (!prefix.empty() && prefix.back() != '/') prefix += '/';
    std::optional<std::string> token;
    do {
        apis::s3::ListObjectsV2Request request;
        request.Bucket = bucket;
        request.Prefix = prefix;
        request.ContinuationToken = token;
        auto page = co_await s3_.ListObjectsV2(context, std::move(request));
        if (!page) co_return Fail(ErrorCode::kNotFound, page.error().message);
        if (page->Contents) {
            for (const apis::s3::Object& object : *page->Contents) {
                const std::string& key = *object.Key;
                const std::string name = key.substr(key.rfind('/') + 1);
                if (object.Size.value_or(0) == 0 || name.empty() || name[0] == '_' || name[0] == '.') continue;
                auto file = co_await files_.Find(bucket, key);
                if (!file) {
                    if (file.error().code == ErrorCode::kNotFound) continue;  // deleted meanwhile
                    co_return unexpected(file.error());
                }
                plan.bytes += file->size_bytes;
                plan.readable_files.push_back(file->path);
                plan.holds.push_back(std::move(file->hold));
                group.paths.push_back(std::move(file->path));
            }
        }
        token = page->NextContinuationToken;
    } while (token);
    co_return Result<void>{};
}

env::Task<Translated<void>> TableScanner::AddTable(const api::CallContext& context, sql::athena::TableReference reference,
                                                   ScanPlan& plan) {
    const auto fail = [&](std::string name, std::string message) { return unexpected(QueryError{std::move(name), std::move(message), reference.at}); };
    wire::GetTableRequest get;
    get.DatabaseName = reference.database;
    get.Name = reference.table;
    auto found = co_await glue_.GetTable(context, std::move(get));
    if (!found) {
        const bool schema = found.error().message.starts_with("Database");
        co_return fail(schema ? "SCHEMA_NOT_FOUND" : "TABLE_NOT_FOUND",
                       schema ? fmt::format("Schema '{}' does not exist", reference.database)
                              : fmt::format("Table 'awsdatacatalog.{}.{}' does not exist", reference.database, reference.table));
    }
    const wire::Table& table = *found->Table;
    if (table.TableType == "VIRTUAL_VIEW") co_return fail("NOT_SUPPORTED", "Views are not served");
    if (!table.StorageDescriptor || !table.StorageDescriptor->Location) co_return fail("HIVE_METASTORE_ERROR", "The table has no location");
    auto columns = Typed(table.StorageDescriptor->Columns);
    auto keys = Typed(table.PartitionKeys);
    if (!columns) co_return fail("HIVE_METASTORE_ERROR", columns.error().message);
    if (!keys) co_return fail("HIVE_METASTORE_ERROR", keys.error().message);

    std::vector<Group> groups;
    if (keys->empty()) {
        Group group;
        auto added = co_await AddFiles(context, *table.StorageDescriptor->Location, group, plan);
        if (!added) co_return fail("HIVE_FILESYSTEM_ERROR", added.error().message);
        groups.push_back(std::move(group));
    } else {
        std::optional<std::string> token;
        do {
            wire::GetPartitionsRequest request;
            request.DatabaseName = reference.database;
            request.TableName = reference.table;
            request.ExcludeColumnSchema = true;
            request.NextToken = token;
            auto page = co_await glue_.GetPartitions(context, std::move(request));
            if (!page) co_return fail("HIVE_METASTORE_ERROR", page.error().message);
            for (const wire::Partition& partition : *page->Partitions) {
                Group group;
                group.values = *partition.Values;
                if (!partition.StorageDescriptor || !partition.StorageDescriptor->Location) continue;
                auto added = co_await AddFiles(context, *partition.StorageDescriptor->Location, group, plan);
                if (!added) co_return fail("HIVE_FILESYSTEM_ERROR", added.error().message);
                if (!group.paths.empty()) groups.push_back(std::move(group));
            }
            token = page->NextToken;
        } while (token);
    }
    std::string selected;
    for (const TypedColumn& column : *columns) {
        selected += fmt::format("{}CAST({} AS {}) AS {}", selected.empty() ? "" : ", ", Name(column.name), column.type, Name(column.name));
    }
    // One branch a partition, its values as constants: what WHERE excludes is not opened.
    std::string body;
    for (const Group& group : groups) {
        if (group.paths.empty()) continue;
        auto reader = Reader(table, *columns, List(group.paths), "");
        if (!reader) co_return fail("NOT_SUPPORTED", reader.error().message);
        std::string values;
        for (size_t i = 0; i < keys->size(); ++i) {
            const std::string value = i < group.values.size() ? group.values[i] : "";
            values += value == "__HIVE_DEFAULT_PARTITION__" ? fmt::format(", CAST(NULL AS {}) AS {}", (*keys)[i].type, Name((*keys)[i].name))
                                                            : fmt::format(", CAST({} AS {}) AS {}", Text(value), (*keys)[i].type, Name((*keys)[i].name));
        }
        body += fmt::format("{}SELECT {}{} FROM {}", body.empty() ? "" : " UNION ALL ", selected, values, *reader);
    }
    if (body.empty()) {
        std::string empty;
        for (const auto* some : {&*columns, &*keys}) {
            for (const TypedColumn& column : *some) {
                empty += fmt::format("{}CAST(NULL AS {}) AS {}", empty.empty() ? "" : ", ", column.type, Name(column.name));
            }
        }
        body = fmt::format("SELECT {} WHERE false", empty);
    }
    plan.setup.push_back(fmt::format("CREATE SCHEMA IF NOT EXISTS {}", Name(reference.database)));
    plan.setup.push_back(fmt::format("CREATE VIEW {}.{} AS {}", Name(reference.database), Name(reference.table), body));
    co_return Translated<void>{};
}

env::Task<Translated<ScanPlan>> TableScanner::Plan(const api::CallContext& context, std::vector<sql::athena::TableReference> tables) {
    ScanPlan plan;
    for (const sql::athena::TableReference& table : tables) {
        auto added = co_await AddTable(context, table, plan);
        if (!added) co_return unexpected(added.error());
    }
    co_return plan;
}

}  // namespace wellhead::services::athena
