#pragma once
// Tables of the catalog as views over the files of the lake: of each table no more than what the query's WHERE can need.

#include <memory>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "apis/glue/api.h"
#include "env/clock.h"
#include "query/engine.h"
#include "services/athena/lake.h"
#include "services/athena/projection.h"
#include "services/athena/table_reader.h"
#include "sql/athena/translation.h"

namespace wellhead::services::athena {

struct ScanPlan {
    std::vector<std::string> setup;           // makes the views
    std::vector<std::string> readable_files;  // what they read
    uint64_t bytes = 0;                       // of all of these
    std::vector<std::shared_ptr<const void>> holds;  // keep until the query has ended
};

// How Athena keeps a view in the catalog.
struct StoredView {
    std::string sql;       // Trino's
    std::string database;  // of its tables without one
};
// Nothing where the text is not one that Athena wrote.
std::optional<StoredView> ReadView(const apis::glue::Table& table);

class TableScanner {
  public:
    // links: a directory of this execution alone, for names of files that must tell their partition. All outlive it.
    TableScanner(apis::glue::GlueApi& glue, Lake& lake, query::SqlEngine& engine, env::Clock& clock, api::CallContext context, std::string links)
        : glue_(glue), lake_(lake), engine_(engine), clock_(clock), context_(std::move(context)), links_(std::move(links)) {}

    // The views of these tables. An error is as Athena words it: TABLE_NOT_FOUND, ... Once.
    env::Task<sql::athena::Translated<ScanPlan>> Plan(std::vector<sql::athena::TableReference> tables);

  private:
    using Planned = sql::athena::Translated<void>;
    struct Partition {
        std::vector<std::string> values;
        std::string location;
        std::vector<query::ObjectFile> files;
    };
    // A table, and through views all that it needs, each once: with the conditions of all that use it.
    struct Needed {
        sql::athena::TableReference reference;
        apis::glue::Table table;
        std::string view;  // its query, the engine's; empty: files
    };
    env::Task<Planned> Resolve(const sql::athena::TableReference& reference, int depth);
    env::Task<Planned> AddFiles(const sql::athena::TableReference& reference, const apis::glue::Table& table);
    env::Task<Planned> AddInformationSchema(const sql::athena::TableReference& reference);
    env::Task<Planned> AddPartitionsTable(const sql::athena::TableReference& reference);
    env::Task<base::Result<std::vector<Partition>>> Partitions(const apis::glue::Table& table, std::string database,
                                                               const std::vector<std::vector<sql::athena::PartitionCondition>>& uses);
    env::Task<base::Result<void>> ListFiles(std::vector<Partition>& partitions);
    env::Task<base::Result<TableFiles>> Arrange(const apis::glue::Table& table, std::vector<Partition> partitions);
    env::Task<JsonKeys> FindJsonKeys(const apis::glue::Table& table, const TableFiles& files);
    env::Task<base::Result<std::vector<apis::glue::Database>>> Databases(const sql::PartitionFilter& filter);
    env::Task<base::Result<std::vector<apis::glue::Table>>> Tables(std::string database);
    void AddValues(const sql::athena::TableReference& reference, const std::vector<std::string>& columns, const std::vector<std::vector<query::Cell>>& rows);

    apis::glue::GlueApi& glue_;
    Lake& lake_;
    query::SqlEngine& engine_;
    env::Clock& clock_;
    const api::CallContext context_;
    const std::string links_;
    size_t linked_ = 0;
    ScanPlan plan_;
    std::map<std::string, Needed> needed_;
    std::vector<std::string> order_;  // a view behind what it names
};

// The conditions of all uses of a table that speak of its partition keys alone, as one of Glue's expressions; "": none.
std::string KeyExpression(const std::vector<TypedColumn>& keys, const std::vector<std::vector<sql::athena::PartitionCondition>>& uses);

}  // namespace wellhead::services::athena
