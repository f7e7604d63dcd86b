// Tables that are not in the catalog but about it: information_schema, and "table$partitions".
#include <fmt/format.h>

#include "query/hive_type.h"
#include "services/athena/table_scan.h"
#include "services/athena/trino_type.h"

namespace wellhead::services::athena {

using base::Fail;
using base::Result;
using query::Cell;
using sql::athena::QueryError;
using sql::athena::TableReference;
using std::unexpected;
namespace wire = apis::glue;

namespace {

struct SystemTable {
    std::string_view name;
    std::vector<std::string> columns;
};

const std::vector<SystemTable>& SystemTables() {
    static const std::vector<SystemTable> tables = {
        {"schemata", {"catalog_name", "schema_name"}},
        {"tables", {"table_catalog", "table_schema", "table_name", "table_type"}},
        {"views", {"table_catalog", "table_schema", "table_name", "view_definition"}},
        {"columns", {"table_catalog", "table_schema", "table_name", "column_name", "ordinal_position:bigint", "column_default", "is_nullable", "data_type", "comment", "extra_info"}},
    };
    return tables;
}

}  // namespace

void TableScanner::AddValues(const TableReference& reference, const std::vector<std::string>& columns, const std::vector<std::vector<Cell>>& rows) {
    std::string values;
    for (const auto& row : rows) {
        values += values.empty() ? "(" : ", (";
        for (size_t i = 0; i < row.size(); ++i) values += (i > 0 ? ", " : "") + (row[i] ? SqlText(*row[i]) : std::string("NULL"));
        values += ")";
    }
    std::string items;
    std::string names;
    for (const std::string& column : columns) {
        const size_t colon = column.find(':');
        const std::string name = SqlName(column.substr(0, colon));
        const std::string type = colon == std::string::npos ? "VARCHAR" : column.substr(colon + 1);
        items += fmt::format("{}CAST({} AS {}) AS {}", items.empty() ? "" : ", ", rows.empty() ? "NULL" : name, type, name);
        names += (names.empty() ? "" : ", ") + name;
    }
    const std::string source = rows.empty() ? "WHERE false" : fmt::format("FROM (VALUES {}) AS wh_rows({})", values, names);
    // The engine has an information_schema of its own, and would look there: ours stands in main's place.
    plan_.setup.push_back(fmt::format("CREATE VIEW {}.{} AS SELECT {} {}",
                                      SqlName(reference.database == "information_schema" ? std::string(sql::athena::kInformationSchema) : reference.database),
                                      SqlName(reference.table), items, source));
}

env::Task<Result<std::vector<wire::Database>>> TableScanner::Databases(const sql::PartitionFilter& filter) {
    std::vector<wire::Database> all;
    std::optional<std::string> token;
    do {
        wire::GetDatabasesRequest request;
        request.NextToken = token;
        auto page = co_await glue_.GetDatabases(context_, std::move(request));
        if (!page) co_return Fail(base::ErrorCode::kUnavailable, page.error().message);
        for (wire::Database& database : page->DatabaseList) {
            if (filter({database.Name})) all.push_back(std::move(database));
        }
        token = page->NextToken;
    } while (token);
    co_return all;
}

env::Task<Result<std::vector<wire::Table>>> TableScanner::Tables(std::string database) {
    std::vector<wire::Table> all;
    std::optional<std::string> token;
    do {
        wire::GetTablesRequest request;
        request.DatabaseName = database;
        request.NextToken = token;
        auto page = co_await glue_.GetTables(context_, std::move(request));
        if (!page) co_return Fail(base::ErrorCode::kUnavailable, page.error().message);
        for (wire::Table& table : *page->TableList) all.push_back(std::move(table));
        token = page->NextToken;
    } while (token);
    co_return all;
}

env::Task<TableScanner::Planned> TableScanner::AddInformationSchema(const TableReference& reference) {
    const auto fail = [&](std::string name, std::string message) { return unexpected(QueryError{std::move(name), std::move(message), reference.at}); };
    const SystemTable* asked = nullptr;
    for (const SystemTable& table : SystemTables()) {
        if (table.name == reference.table) asked = &table;
    }
    if (asked == nullptr) co_return fail("TABLE_NOT_FOUND", fmt::format("Table 'awsdatacatalog.information_schema.{}' does not exist", reference.table));
    // WHERE table_schema = 'x' is for other databases' tables not to be fetched.
    const std::vector<TypedColumn> keys = {{asked->name == "schemata" ? "schema_name" : "table_schema", "string", "VARCHAR"}};
    auto filter = sql::ParsePartitionFilter(KeyExpression(keys, reference.uses), {{keys[0].name, "string"}});
    if (!filter) co_return fail("GENERIC_INTERNAL_ERROR", filter.error().message);
    auto databases = co_await Databases(*filter);
    if (!databases) co_return fail("HIVE_METASTORE_ERROR", databases.error().message);
    const Cell catalog = "awsdatacatalog";
    std::vector<std::vector<Cell>> rows;
    for (const wire::Database& database : *databases) {
        const Cell schema = database.Name;
        if (asked->name == "schemata") {
            rows.push_back({catalog, schema});
            continue;
        }
        auto tables = co_await Tables(database.Name);
        if (!tables) co_return fail("HIVE_METASTORE_ERROR", tables.error().message);
        for (const wire::Table& table : *tables) {
            const bool view = table.TableType == "VIRTUAL_VIEW";
            if (asked->name == "tables") rows.push_back({catalog, schema, table.Name, view ? "VIEW" : "BASE TABLE"});
            if (asked->name == "views" && view) {
                const auto stored = ReadView(table);
                rows.push_back({catalog, schema, table.Name, stored ? Cell(stored->sql) : std::nullopt});
            }
            if (asked->name != "columns") continue;
            int64_t ordinal = 0;
            const auto add = [&](const std::optional<std::vector<wire::Column>>& columns, const Cell& extra) {
                if (!columns) return;
                for (const wire::Column& column : *columns) {
                    rows.push_back({catalog, schema, table.Name, column.Name, std::to_string(++ordinal), std::nullopt, "YES", TrinoType(column.Type.value_or("string")),
                                    column.Comment ? Cell(*column.Comment) : std::nullopt, extra});
                }
            };
            if (table.StorageDescriptor) add(table.StorageDescriptor->Columns, std::nullopt);
            add(table.PartitionKeys, "partition key");
        }
    }
    plan_.setup.push_back(fmt::format("CREATE SCHEMA IF NOT EXISTS {}", SqlName(sql::athena::kInformationSchema)));
    AddValues(reference, asked->columns, rows);
    co_return Planned{};
}

env::Task<TableScanner::Planned> TableScanner::AddPartitionsTable(const TableReference& reference) {
    const auto fail = [&](std::string name, std::string message) { return unexpected(QueryError{std::move(name), std::move(message), reference.at}); };
    wire::GetTableRequest get;
    get.DatabaseName = reference.database;
    get.Name = reference.table.substr(0, reference.table.rfind('$'));
    auto found = co_await glue_.GetTable(context_, std::move(get));
    if (!found || !found->Table->PartitionKeys || found->Table->PartitionKeys->empty()) {
        co_return fail("TABLE_NOT_FOUND", fmt::format("Table 'awsdatacatalog.{}.{}' does not exist", reference.database, reference.table));
    }
    auto keys = TypedColumns(found->Table->PartitionKeys);
    if (!keys) co_return fail("HIVE_METASTORE_ERROR", keys.error().message);
    auto partitions = co_await Partitions(*found->Table, reference.database, reference.uses);
    if (!partitions) co_return fail("HIVE_METASTORE_ERROR", partitions.error().message);
    std::vector<std::string> columns;
    for (const TypedColumn& key : *keys) columns.push_back(key.name + ":" + key.type);
    std::vector<std::vector<Cell>> rows;
    for (const Partition& partition : *partitions) {
        auto& row = rows.emplace_back();
        for (const std::string& value : partition.values) row.push_back(value == kNullPartition ? std::nullopt : Cell(value));
        row.resize(columns.size());
    }
    AddValues(reference, columns, rows);
    co_return Planned{};
}

}  // namespace wellhead::services::athena
