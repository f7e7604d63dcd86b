// Databases, tables and views: what CREATE, DROP and ALTER do to the catalog.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "codec/base64.h"
#include "query/hive_type.h"
#include "services/athena/statement_run.h"
#include "services/athena/trino_type.h"

namespace wellhead::services::athena {

using std::unexpected;
namespace glue = apis::glue;
namespace sa = sql::athena;

namespace {

std::string AtLine(const sql::Position& at) { return fmt::format("line {}:{}: ", at.line, at.column); }

std::expected<std::vector<glue::Column>, std::string> Columns(const std::vector<sa::ColumnDefinition>& definitions) {
    std::vector<glue::Column> columns;
    for (const sa::ColumnDefinition& definition : definitions) {
        const auto type = query::ParseHiveType(definition.type);
        if (!type) return unexpected("SYNTAX_ERROR: " + AtLine(definition.at) + "Column " + definition.name + ": " + type.error().message);
        glue::Column column;
        column.Name = definition.name;
        column.Type = definition.type == "integer" ? "int" : definition.type;
        column.Comment = definition.comment;
        columns.push_back(std::move(column));
    }
    return columns;
}

std::expected<glue::StorageDescriptor, std::string> Storage(const sa::CreateTable& statement) {
    glue::StorageDescriptor storage;
    const std::string stored_as = statement.stored_as.value_or("TEXTFILE");
    const auto classes = ClassesOf(stored_as);
    if (!classes) return unexpected(fmt::format("NOT_SUPPORTED: {}STORED AS {} is not served", AtLine(statement.name.at), stored_as));
    storage.InputFormat = statement.input_format.value_or(classes->input_format);
    storage.OutputFormat = statement.output_format.value_or(classes->output_format);
    glue::SerDeInfo serde;
    serde.SerializationLibrary = statement.serde.value_or(classes->serde);
    serde.Parameters.emplace(statement.serde_properties.begin(), statement.serde_properties.end());
    const auto delimiter = statement.serde_properties.find("field.delim");
    serde.Parameters->emplace("serialization.format", statement.delimited && delimiter != statement.serde_properties.end() ? delimiter->second : "1");
    storage.SerdeInfo = std::move(serde);
    storage.Compressed = false;
    storage.NumberOfBuckets = -1;
    storage.StoredAsSubDirectories = false;
    storage.BucketColumns.emplace();
    storage.SortColumns.emplace();
    storage.Parameters.emplace();
    return storage;
}

}  // namespace

std::optional<StorageClasses> ClassesOf(std::string_view stored_as) {
    static constexpr const char* kText = "org.apache.hadoop.mapred.TextInputFormat";
    static constexpr const char* kTextOut = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat";
    if (stored_as == "PARQUET") {
        return StorageClasses{"org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat", "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
                              "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"};
    }
    if (stored_as == "TEXTFILE") return StorageClasses{kText, kTextOut, "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"};
    if (stored_as == "JSON" || stored_as == "JSONFILE") return StorageClasses{kText, kTextOut, "org.openx.data.jsonserde.JsonSerDe"};
    return std::nullopt;
}

glue::TableInput ToInput(const glue::Table& table) {
    glue::TableInput input;
    input.Name = table.Name;
    input.Description = table.Description;
    input.Owner = table.Owner;
    input.LastAccessTime = table.LastAccessTime;
    input.LastAnalyzedTime = table.LastAnalyzedTime;
    input.Retention = table.Retention;
    input.StorageDescriptor = table.StorageDescriptor;
    input.PartitionKeys = table.PartitionKeys;
    input.ViewOriginalText = table.ViewOriginalText;
    input.ViewExpandedText = table.ViewExpandedText;
    input.TableType = table.TableType;
    input.Parameters = table.Parameters;
    input.TargetTable = table.TargetTable;
    return input;
}

env::Task<Ran> StatementRun::Do(const sa::CreateDatabase& statement) {
    glue::CreateDatabaseRequest request;
    request.DatabaseInput.Name = statement.name;
    request.DatabaseInput.Description = statement.comment;
    request.DatabaseInput.LocationUri = statement.location;
    if (!statement.properties.empty()) request.DatabaseInput.Parameters.emplace(statement.properties.begin(), statement.properties.end());
    auto made = co_await deps_.glue.CreateDatabase(context_.call, std::move(request));
    if (!made && !(statement.if_not_exists && made.error().code == "AlreadyExistsException")) {
        co_return unexpected(made.error().code == "AlreadyExistsException" ? fmt::format("FAILED: Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask. "
                                                                                         "Database {} already exists", statement.name)
                                                                           : MetastoreReason(made.error()));
    }
    co_return co_await Nothing();
}

env::Task<Ran> StatementRun::Do(const sa::DropDatabase& statement) {
    glue::GetTablesRequest tables;
    tables.DatabaseName = statement.name;
    tables.MaxResults = 1;
    auto found = co_await deps_.glue.GetTables(context_.call, std::move(tables));
    if (!found) {
        if (found.error().code != "EntityNotFoundException") co_return unexpected(MetastoreReason(found.error()));
        if (statement.if_exists) co_return co_await Nothing();
        co_return unexpected(fmt::format("FAILED: SemanticException [Error 10072]: Database does not exist: {}", statement.name));
    }
    if (!found->TableList->empty() && !statement.cascade) {
        co_return unexpected(fmt::format("FAILED: Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask. "
                                         "InvalidOperationException(message:Database {} is not empty. One or more tables exist.)", statement.name));
    }
    glue::DeleteDatabaseRequest request;
    request.Name = statement.name;
    auto deleted = co_await deps_.glue.DeleteDatabase(context_.call, std::move(request));
    if (!deleted) co_return unexpected(MetastoreReason(deleted.error()));
    co_return co_await Nothing();
}

env::Task<Ran> StatementRun::Do(const sa::SetDatabaseProperties& statement) {
    glue::GetDatabaseRequest get;
    get.Name = statement.name;
    auto found = co_await deps_.glue.GetDatabase(context_.call, std::move(get));
    if (!found) co_return unexpected(fmt::format("FAILED: SemanticException [Error 10072]: Database does not exist: {}", statement.name));
    glue::UpdateDatabaseRequest request;
    request.Name = statement.name;
    request.DatabaseInput.Name = statement.name;
    request.DatabaseInput.Description = found->Database->Description;
    request.DatabaseInput.LocationUri = found->Database->LocationUri;
    request.DatabaseInput.Parameters = found->Database->Parameters;
    if (!request.DatabaseInput.Parameters) request.DatabaseInput.Parameters.emplace();
    for (const auto& [key, value] : statement.properties) (*request.DatabaseInput.Parameters)[key] = value;
    auto updated = co_await deps_.glue.UpdateDatabase(context_.call, std::move(request));
    if (!updated) co_return unexpected(MetastoreReason(updated.error()));
    co_return co_await Nothing();
}

env::Task<Ran> StatementRun::Do(const sa::CreateTable& statement) {
    const sa::TableName name = Named(statement.name);
    if (const auto kind = statement.properties.find("table_type"); kind != statement.properties.end()) {
        co_return unexpected(fmt::format("NOT_SUPPORTED: {}Tables of type {} are not served", AtLine(name.at), kind->second));
    }
    if (!statement.external) {
        co_return unexpected(fmt::format("FAILED: SemanticException {}CREATE TABLE without EXTERNAL is for Iceberg tables, which are not served", AtLine(name.at)));
    }
    if (!statement.location) co_return unexpected(fmt::format("SYNTAX_ERROR: {}CREATE EXTERNAL TABLE {} has no LOCATION", AtLine(name.at), name.table));
    if (auto place = ParseS3(*statement.location); !place) co_return unexpected("SYNTAX_ERROR: " + AtLine(name.at) + place.error().message);
    auto columns = Columns(statement.columns);
    if (!columns) co_return unexpected(columns.error());
    auto keys = Columns(statement.partition_keys);
    if (!keys) co_return unexpected(keys.error());
    auto storage = Storage(statement);
    if (!storage) co_return unexpected(storage.error());
    storage->Columns = std::move(*columns);
    storage->Location = statement.location;
    glue::CreateTableRequest request;
    request.DatabaseName = name.database;
    glue::TableInput& input = request.TableInput.emplace();
    input.Name = name.table;
    input.Owner = "hadoop";
    input.TableType = "EXTERNAL_TABLE";
    input.StorageDescriptor = std::move(*storage);
    input.PartitionKeys = std::move(*keys);
    input.Parameters.emplace(statement.properties.begin(), statement.properties.end());
    input.Parameters->emplace("EXTERNAL", "TRUE");
    input.Parameters->emplace("transient_lastDdlTime", std::to_string(base::ToUnixMs(deps_.clock.Now()) / 1000));
    if (statement.comment) input.Parameters->emplace("comment", *statement.comment);
    glue::Table shape;
    shape.Name = name.table;
    shape.StorageDescriptor = input.StorageDescriptor;
    if (auto format = FormatOf(shape); !format) co_return unexpected(fmt::format("NOT_SUPPORTED: {}{}", AtLine(name.at), format.error().message));
    auto ensured = co_await EnsureDatabase(name.database);
    if (!ensured) co_return unexpected(ensured.error());
    auto made = co_await deps_.glue.CreateTable(context_.call, std::move(request));
    if (!made && !(statement.if_not_exists && made.error().code == "AlreadyExistsException")) {
        if (made.error().code == "EntityNotFoundException") {
            co_return unexpected(fmt::format("FAILED: SemanticException [Error 10072]: Database does not exist: {}", name.database));
        }
        if (made.error().code != "AlreadyExistsException") co_return unexpected(MetastoreReason(made.error()));
        co_return unexpected(fmt::format("FAILED: Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask. "
                                         "AlreadyExistsException(message:Table {} already exists)", name.table));
    }
    co_return co_await Nothing();
}

env::Task<Ran> StatementRun::Do(const sa::DropTable& statement) {
    const sa::TableName name = Named(statement.name);
    auto table = co_await GetTable(name, !statement.view);
    if (!table) {
        const bool missing = table.error().find("not found") != std::string::npos || table.error().find("_NOT_FOUND") != std::string::npos;
        if (statement.if_exists && missing) co_return co_await Nothing();
        if (statement.view && missing) {
            co_return unexpected(fmt::format("TABLE_NOT_FOUND: {}View 'awsdatacatalog.{}.{}' does not exist", AtLine(name.at), name.database, name.table));
        }
        co_return unexpected(table.error());
    }
    const bool is_view = table->TableType == "VIRTUAL_VIEW";
    if (is_view && !statement.view) co_return unexpected(fmt::format("FAILED: SemanticException Cannot drop a view with DROP TABLE: {}.{}", name.database, name.table));
    if (!is_view && statement.view) {
        co_return unexpected(fmt::format("GENERIC_USER_ERROR: {}View 'awsdatacatalog.{}.{}' does not exist, but a table with that name exists. "
                                         "Did you mean DROP TABLE {}?", AtLine(name.at), name.database, name.table, name.table));
    }
    glue::DeleteTableRequest request;
    request.DatabaseName = name.database;
    request.Name = name.table;
    auto deleted = co_await deps_.glue.DeleteTable(context_.call, std::move(request));
    if (!deleted && !(statement.if_exists && deleted.error().code == "EntityNotFoundException")) co_return unexpected(MetastoreReason(deleted.error()));
    co_return co_await Nothing();
}

env::Task<Ran> StatementRun::Do(const sa::CreateView& statement) {
    const sa::TableName name = Named(statement.name);
    auto ensured = co_await EnsureDatabase(name.database);
    if (!ensured) co_return unexpected(ensured.error());
    auto before = co_await GetTable(name, false);
    if (!before && !before.error().starts_with("TABLE_NOT_FOUND")) co_return unexpected(before.error());
    if (before && before->TableType != "VIRTUAL_VIEW") {
        co_return unexpected(fmt::format("TABLE_ALREADY_EXISTS: {}Table already exists: 'awsdatacatalog.{}.{}'", AtLine(name.at), name.database, name.table));
    }
    if (before && !statement.or_replace) {
        co_return unexpected(fmt::format("TABLE_ALREADY_EXISTS: {}View already exists: 'awsdatacatalog.{}.{}'", AtLine(name.at), name.database, name.table));
    }
    auto ready = co_await Prepare(statement.query.text);
    if (!ready) co_return unexpected(ready.error());
    if (!ready->unnamed_columns.empty()) {
        co_return unexpected(fmt::format("SYNTAX_ERROR: {}Column name not specified at position {}", AtLine(name.at), ready->unnamed_columns.front() + 1));
    }
    auto columns = co_await ColumnsOf(*ready);
    if (!columns) co_return unexpected(columns.error());
    std::string text = statement.query.text;
    while (!text.empty() && (text.back() == ';' || text.back() == ' ' || text.back() == '\n' || text.back() == '\t' || text.back() == '\r')) text.pop_back();
    text.erase(0, std::min(text.find_first_not_of(" \t\r\n"), text.size()));
    boost::json::array shown;
    glue::StorageDescriptor storage;
    storage.Columns.emplace();
    for (const query::Column& column : *columns) {
        shown.push_back(boost::json::object{{"name", column.name}, {"type", TrinoType(column.type)}});
        glue::Column kept;
        kept.Name = column.name;
        kept.Type = query::ParseHiveType(column.type) ? column.type : "string";
        storage.Columns->push_back(std::move(kept));
    }
    const boost::json::object view = {{"originalSql", text}, {"catalog", "awsdatacatalog"}, {"schema", context_.database}, {"columns", std::move(shown)}};
    storage.Location = "";
    storage.SerdeInfo.emplace();
    storage.NumberOfBuckets = 0;
    glue::TableInput input;
    input.Name = name.table;
    input.Owner = "hadoop";
    input.TableType = "VIRTUAL_VIEW";
    input.StorageDescriptor = std::move(storage);
    input.PartitionKeys.emplace();
    input.ViewOriginalText = "/* Presto View: " + codec::EncodeBase64(boost::json::serialize(view)) + " */";
    input.ViewExpandedText = "/* Presto View */";
    input.Parameters.emplace()["presto_view"] = "true";
    input.Parameters->emplace("comment", "Presto View");
    std::optional<api::ServiceError> error;
    if (before) {
        glue::UpdateTableRequest update;
        update.DatabaseName = name.database;
        update.TableInput = std::move(input);
        auto updated = co_await deps_.glue.UpdateTable(context_.call, std::move(update));
        if (!updated) error = updated.error();
    } else {
        glue::CreateTableRequest create;
        create.DatabaseName = name.database;
        create.TableInput = std::move(input);
        auto created = co_await deps_.glue.CreateTable(context_.call, std::move(create));
        if (!created) error = created.error();
    }
    if (error) co_return unexpected(MetastoreReason(*error));
    co_return co_await Nothing();
}

env::Task<Ran> StatementRun::Do(const sa::ChangeColumns& statement) {
    auto table = co_await GetTable(Named(statement.name), true);
    if (!table) co_return unexpected(table.error());
    auto columns = Columns(statement.columns);
    if (!columns) co_return unexpected(columns.error());
    if (!table->StorageDescriptor) co_return unexpected("FAILED: SemanticException the table has no storage descriptor");
    auto& kept = table->StorageDescriptor->Columns;
    if (statement.replace || !kept) kept.emplace();
    for (glue::Column& column : *columns) {
        const auto same = [&](const glue::Column& other) { return other.Name == column.Name; };
        const bool key = table->PartitionKeys && std::any_of(table->PartitionKeys->begin(), table->PartitionKeys->end(), same);
        if (key || std::any_of(kept->begin(), kept->end(), same)) {
            co_return unexpected(fmt::format("FAILED: Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask. Duplicate column name: {}", column.Name));
        }
        kept->push_back(std::move(column));
    }
    auto updated = co_await UpdateTable(std::move(*table));
    if (!updated) co_return unexpected(updated.error());
    co_return co_await Nothing();
}

env::Task<Ran> StatementRun::Do(const sa::SetTableProperties& statement) {
    auto table = co_await GetTable(Named(statement.name), true);
    if (!table) co_return unexpected(table.error());
    if (!table->Parameters) table->Parameters.emplace();
    for (const auto& [key, value] : statement.properties) (*table->Parameters)[key] = value;
    auto updated = co_await UpdateTable(std::move(*table));
    if (!updated) co_return unexpected(updated.error());
    co_return co_await Nothing();
}

}  // namespace wellhead::services::athena
