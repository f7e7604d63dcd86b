#pragma once
// Athena's statements as values: Hive's DDL, Trino's DML and the questions about the catalog. A query within a statement
// stays text, to be translated when it is run.

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "sql/athena/translation.h"

namespace wellhead::sql::athena {

struct TableName {
    std::string database;  // empty: the session's; lower-case, as is table
    std::string table;
    Position at;
};

struct ColumnDefinition {
    std::string name;  // lower-case
    std::string type;  // Hive's spelling, lower-case, without blanks: "map<string,array<int>>"
    std::optional<std::string> comment;
    Position at;
};

using Properties = std::map<std::string, std::string>;
// Key and value of each partition column, in the order written.
using PartitionSpec = std::vector<std::pair<std::string, std::string>>;

// The statement with blanks in place of all but the query, so that positions are those of the statement.
struct QueryText {
    std::string text;
};

struct SelectQuery {
    QueryText query;
};

struct CreateDatabase {
    std::string name;
    bool if_not_exists = false;
    std::optional<std::string> comment, location;
    Properties properties;
};
struct DropDatabase {
    std::string name;
    bool if_exists = false, cascade = false;
};
struct SetDatabaseProperties {
    std::string name;
    Properties properties;
};

struct CreateTable {
    TableName name;
    bool external = false, if_not_exists = false;
    std::vector<ColumnDefinition> columns, partition_keys;
    std::optional<std::string> comment, location;
    std::optional<std::string> serde, input_format, output_format;  // class names
    std::optional<std::string> stored_as;                           // upper-case: PARQUET, TEXTFILE, ...
    bool delimited = false;
    Properties serde_properties, properties;
};
// CREATE TABLE ... WITH (...) AS. A value is text: 'PARQUET', or a list: ARRAY['a', 'b'].
using WithProperties = std::map<std::string, std::vector<std::string>>;
struct CreateTableAs {
    TableName name;
    bool if_not_exists = false, with_data = true;
    WithProperties properties;
    QueryText query;
};
struct DropTable {
    TableName name;
    bool if_exists = false, view = false;
};
struct CreateView {
    TableName name;
    bool or_replace = false;
    QueryText query;
};

struct AddPartitions {
    TableName name;
    bool if_not_exists = false;
    std::vector<std::pair<PartitionSpec, std::optional<std::string>>> partitions;  // with locations
};
struct DropPartitions {
    TableName name;
    bool if_exists = false;
    // Each a conjunction of comparisons, as an expression of Glue's GetPartitions.
    std::vector<std::string> filters;
};
struct RenamePartition {
    TableName name;
    PartitionSpec from, to;
};
struct ChangeColumns {
    TableName name;
    bool replace = false;  // or add
    std::vector<ColumnDefinition> columns;
};
struct SetLocation {
    TableName name;
    PartitionSpec partition;  // empty: of the table
    std::string location;
};
struct SetTableProperties {
    TableName name;
    Properties properties;
};
struct RepairTable {
    TableName name;
};

struct Insert {
    TableName name;
    std::vector<std::string> columns;  // empty: all
    QueryText query;
};
struct Unload {
    std::string location;
    WithProperties properties;
    QueryText query;
};
struct Explain {
    bool analyze = false, json = false;
    QueryText query;
};

struct Describe {
    TableName name;
    bool extended = false;  // or FORMATTED
    bool view = false;
    std::optional<std::string> column;
    PartitionSpec partition;
};
struct Show {
    enum class What { kDatabases, kTables, kViews, kColumns, kPartitions, kCreateTable, kCreateView, kTableProperties, kFunctions };
    What what = What::kTables;
    TableName name;                      // of columns, partitions, create, properties; the database alone of tables and views
    std::optional<std::string> pattern;  // * any characters, | either
    std::optional<std::string> property;
};

struct Prepare {
    std::string name;
    QueryText query;
};
struct Execute {
    std::string name;
    Position at;
    std::vector<std::string> parameters;  // texts of literals
};
struct Deallocate {
    std::string name;
};

using Statement =
    std::variant<SelectQuery, CreateDatabase, DropDatabase, SetDatabaseProperties, CreateTable, CreateTableAs, DropTable, CreateView, AddPartitions,
                 DropPartitions, RenamePartition, ChangeColumns, SetLocation, SetTableProperties, RepairTable, Insert, Unload, Explain, Describe, Show,
                 Prepare, Execute, Deallocate>;

// SYNTAX_ERROR with the place; NOT_SUPPORTED for what Athena has and this does not, by its name.
Translated<Statement> ParseStatement(const std::string& text);

// What GetQueryExecution calls it: {"DDL", "CREATE_TABLE"}, {"DML", "SELECT"}, {"UTILITY", "SHOW_TABLES"}.
struct StatementName {
    std::string_view type, subtype;
};
StatementName NameOf(const Statement& statement);

}  // namespace wellhead::sql::athena
