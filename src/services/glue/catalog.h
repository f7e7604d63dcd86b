#pragma once
// The catalog's contents: mirrored in memory, kept in the metadata table (docs/formats/glue.md).

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "api/service.h"
#include "apis/glue/types.h"
#include "env/turnstile.h"
#include "storage/table/table.h"

namespace wellhead::services::glue {

namespace wire = apis::glue;

using PartitionValues = std::vector<std::string>;

// One table with what hangs on it. The values are as the API shows them.
struct CatalogTable {
    wire::Table table;
    std::vector<wire::PartitionIndex> indexes;
    std::map<PartitionValues, wire::Partition> partitions;
};
struct CatalogDatabase {
    wire::Database database;
    std::map<std::string, CatalogTable> tables;
};

// Names are lower-case before they come here. Readers lock; writers pass the turnstile, commit, then lock and change.
class Catalog {
  public:
    explicit Catalog(storage::Table& table) : table_(table) {}
    env::Task<base::Result<void>> Load();

    // Calls read with the databases while they do not change. Must not block or call back.
    template <class Read>
    auto WithContents(Read read) const {
        const std::lock_guard lock(mutex_);
        return read(databases_);
    }

    env::Turnstile& turnstile() { return turnstile_; }

    // Each: durable when it succeeds, seen by readers after. Under the turnstile.
    env::Task<base::Result<void>> PutDatabase(wire::Database database);
    env::Task<base::Result<void>> DeleteDatabase(std::string name);
    // archived: the version that this one takes the place of, kept for GetTableVersions.
    env::Task<base::Result<void>> PutTable(wire::Table table, std::vector<wire::PartitionIndex> indexes,
                                           std::optional<wire::Table> archived);
    env::Task<base::Result<void>> DeleteTables(std::string database, std::vector<std::string> names);
    struct PartitionChange {
        std::vector<PartitionValues> removed;
        std::vector<wire::Partition> put;
    };
    env::Task<base::Result<void>> ChangePartitions(std::string database, std::string table, PartitionChange change);

    // Archived versions, newest first.
    env::Task<base::Result<std::vector<wire::Table>>> Versions(std::string database, std::string table);

    env::Task<base::Result<void>> DeleteVersions(std::string database, std::string table, std::vector<std::string> ids);
    env::Task<base::Result<void>> DeleteIndex(std::string database, std::string table, std::string index);

    // Of the table's columns, or of a partition's where values are given; by column.
    using Partition = std::optional<PartitionValues>;
    env::Task<base::Result<std::map<std::string, wire::ColumnStatistics>>> Statistics(std::string database, std::string table, Partition values);
    env::Task<base::Result<void>> PutStatistics(std::string database, std::string table, Partition values, std::vector<wire::ColumnStatistics> put);
    env::Task<base::Result<void>> DeleteStatistics(std::string database, std::string table, Partition values, std::string column);

    env::Task<base::Result<std::map<std::string, std::string>>> Tags(std::string arn);
    env::Task<base::Result<void>> PutTags(std::string arn, std::map<std::string, std::string> tags);

  private:
    base::Result<void> AddTable(const storage::TableEntry& entry);
    base::Result<void> AddPartition(const storage::TableEntry& entry);

    storage::Table& table_;
    env::Turnstile turnstile_;
    mutable std::mutex mutex_;
    std::map<std::string, CatalogDatabase> databases_;
};

std::string LowerCase(std::string_view text);

}  // namespace wellhead::services::glue
