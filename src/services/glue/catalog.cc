#include "services/glue/catalog.h"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "apis/glue/shapes.h"
#include "api/stored.h"

namespace wellhead::services::glue {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;
namespace shapes = apis::glue::shapes;

constexpr const char* kDatabases = "glue/databases";
constexpr const char* kTables = "glue/tables";
constexpr const char* kIndexes = "glue/partition_indexes";
constexpr const char* kVersions = "glue/table_versions";
constexpr const char* kPartitions = "glue/partitions";
constexpr const char* kStatistics = "glue/column_statistics";
constexpr const char* kTags = "glue/tags";

// Parts may hold any byte but are ended unmistakably: 0 becomes 0 1, the end is 0 0.
void AppendPart(std::string& key, std::string_view part) {
    for (const char c : part) {
        key += c;
        if (c == '\0') key += '\1';
    }
    key.append(2, '\0');
}
std::string Key(std::initializer_list<std::string_view> parts) {
    std::string key;
    for (const std::string_view part : parts) AppendPart(key, part);
    return key;
}
std::string PartitionKey(std::string_view database, std::string_view table, const PartitionValues& values) {
    std::string key = Key({database, table});
    for (const std::string& value : values) AppendPart(key, value);
    return key;
}
std::string StatisticsPrefix(std::string_view database, std::string_view table, const Catalog::Partition& values) {
    std::string key = Key({database, table, values ? "partition" : "table"});
    if (values) {
        for (const std::string& value : *values) AppendPart(key, value);
    }
    return key;
}
// Later versions sort first.
std::string VersionKey(std::string_view database, std::string_view table, const std::string& version) {
    return Key({database, table}) + fmt::format("{:020}", UINT64_MAX - std::stoull(version));
}

}  // namespace

std::string LowerCase(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return out;
}

Result<void> Catalog::AddTable(const storage::TableEntry& entry) {
    ASSIGN_OR_RETURN(auto table, api::FromStored<wire::Table>(entry.value, shapes::Table_structure));
    const auto database = databases_.find(table.DatabaseName.value_or(""));
    if (database == databases_.end()) return Fail(ErrorCode::kCorrupt, "a table without its database");
    std::string name = table.Name;
    database->second.tables[name].table = std::move(table);
    return {};
}

Result<void> Catalog::AddPartition(const storage::TableEntry& entry) {
    ASSIGN_OR_RETURN(auto partition, api::FromStored<wire::Partition>(entry.value, shapes::Partition_structure));
    const auto database = databases_.find(partition.DatabaseName.value_or(""));
    if (database == databases_.end()) return Fail(ErrorCode::kCorrupt, "a partition without its database");
    const auto table = database->second.tables.find(partition.TableName.value_or(""));
    if (table == database->second.tables.end()) return Fail(ErrorCode::kCorrupt, "a partition without its table");
    PartitionValues values = partition.Values.value_or(PartitionValues{});
    table->second.partitions[std::move(values)] = std::move(partition);
    return {};
}

env::Task<Result<void>> Catalog::Load() {
    CO_ASSIGN_OR_RETURN(auto databases, co_await table_.Scan(kDatabases, storage::PrefixRange("")));
    CO_ASSIGN_OR_RETURN(auto tables, co_await table_.Scan(kTables, storage::PrefixRange("")));
    CO_ASSIGN_OR_RETURN(auto indexes, co_await table_.Scan(kIndexes, storage::PrefixRange("")));
    CO_ASSIGN_OR_RETURN(auto partitions, co_await table_.Scan(kPartitions, storage::PrefixRange("")));
    const std::lock_guard lock(mutex_);
    for (const auto& entry : databases) {
        CO_ASSIGN_OR_RETURN(auto database, api::FromStored<wire::Database>(entry.value, shapes::Database_structure));
        std::string name = database.Name;
        databases_[name].database = std::move(database);
    }
    for (const auto& entry : tables) CO_RETURN_IF_ERROR(AddTable(entry));
    for (const auto& entry : partitions) CO_RETURN_IF_ERROR(AddPartition(entry));
    for (auto& [name, database] : databases_) {
        for (auto& [table_name, table] : database.tables) {
            const std::string prefix = Key({name, table_name});
            for (const auto& entry : indexes) {
                if (!entry.key.starts_with(prefix)) continue;
                CO_ASSIGN_OR_RETURN(auto index, api::FromStored<wire::PartitionIndex>(entry.value, shapes::PartitionIndex_structure));
                table.indexes.push_back(std::move(index));
            }
        }
    }
    co_return Result<void>{};
}

env::Task<Result<void>> Catalog::PutDatabase(wire::Database database) {
    storage::TableBatch batch;
    batch.Put(kDatabases, database.Name, api::ToStored(database, shapes::Database_structure));
    CO_RETURN_IF_ERROR(co_await table_.Commit(std::move(batch)));
    const std::lock_guard lock(mutex_);
    std::string name = database.Name;
    databases_[name].database = std::move(database);
    co_return Result<void>{};
}

env::Task<Result<void>> Catalog::DeleteDatabase(std::string name) {
    std::vector<std::string> tables;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [table, contents] : databases_[name].tables) tables.push_back(table);
    }
    CO_RETURN_IF_ERROR(co_await DeleteTables(name, std::move(tables)));
    storage::TableBatch batch;
    batch.Delete(kDatabases, name);
    CO_RETURN_IF_ERROR(co_await table_.Commit(std::move(batch)));
    const std::lock_guard lock(mutex_);
    databases_.erase(name);
    co_return Result<void>{};
}

env::Task<Result<void>> Catalog::PutTable(wire::Table table, std::vector<wire::PartitionIndex> indexes,
                                          std::optional<wire::Table> archived) {
    const std::string database = table.DatabaseName.value_or("");
    const std::string name = table.Name;
    storage::TableBatch batch;
    batch.Put(kTables, Key({database, name}), api::ToStored(table, shapes::Table_structure));
    for (const auto& index : indexes) {
        batch.Put(kIndexes, Key({database, name, index.IndexName}), api::ToStored(index, shapes::PartitionIndex_structure));
    }
    if (archived) {
        batch.Put(kVersions, VersionKey(database, name, archived->VersionId.value_or("0")),
                  api::ToStored(*archived, shapes::Table_structure));
    }
    CO_RETURN_IF_ERROR(co_await table_.Commit(std::move(batch)));
    const std::lock_guard lock(mutex_);
    CatalogTable& entry = databases_[database].tables[name];
    entry.table = std::move(table);
    entry.indexes = std::move(indexes);
    co_return Result<void>{};
}

env::Task<Result<void>> Catalog::DeleteTables(std::string database, std::vector<std::string> names) {
    storage::TableBatch batch;
    for (const std::string& name : names) {
        const std::string prefix = Key({database, name});
        batch.Delete(kTables, prefix);
        for (const char* collection : {kIndexes, kVersions, kPartitions, kStatistics}) {
            CO_ASSIGN_OR_RETURN(auto entries, co_await table_.Scan(collection, storage::PrefixRange(prefix)));
            for (auto& entry : entries) batch.Delete(collection, std::move(entry.key));
        }
    }
    CO_RETURN_IF_ERROR(co_await table_.Commit(std::move(batch)));
    const std::lock_guard lock(mutex_);
    for (const std::string& name : names) databases_[database].tables.erase(name);
    co_return Result<void>{};
}

env::Task<Result<void>> Catalog::ChangePartitions(std::string database, std::string table, PartitionChange change) {
    storage::TableBatch batch;
    for (const PartitionValues& values : change.removed) {
        batch.Delete(kPartitions, PartitionKey(database, table, values));
        CO_ASSIGN_OR_RETURN(auto statistics, co_await table_.Scan(kStatistics, storage::PrefixRange(StatisticsPrefix(database, table, values))));
        for (auto& entry : statistics) batch.Delete(kStatistics, std::move(entry.key));
    }
    for (const wire::Partition& partition : change.put) {
        batch.Put(kPartitions, PartitionKey(database, table, *partition.Values),
                  api::ToStored(partition, shapes::Partition_structure));
    }
    CO_RETURN_IF_ERROR(co_await table_.Commit(std::move(batch)));
    const std::lock_guard lock(mutex_);
    auto& partitions = databases_[database].tables[table].partitions;
    for (const PartitionValues& values : change.removed) partitions.erase(values);
    for (wire::Partition& partition : change.put) {
        PartitionValues values = *partition.Values;
        partitions[std::move(values)] = std::move(partition);
    }
    co_return Result<void>{};
}

env::Task<Result<std::vector<wire::Table>>> Catalog::Versions(std::string database, std::string table) {
    const std::string prefix = Key({database, table});
    CO_ASSIGN_OR_RETURN(auto entries, co_await table_.Scan(kVersions, storage::PrefixRange(prefix)));
    std::vector<wire::Table> versions;
    for (const auto& entry : entries) {
        CO_ASSIGN_OR_RETURN(auto version, api::FromStored<wire::Table>(entry.value, shapes::Table_structure));
        versions.push_back(std::move(version));
    }
    co_return versions;
}

env::Task<Result<void>> Catalog::DeleteVersions(std::string database, std::string table, std::vector<std::string> ids) {
    storage::TableBatch batch;
    for (const std::string& id : ids) batch.Delete(kVersions, VersionKey(database, table, id));
    co_return co_await table_.Commit(std::move(batch));
}

env::Task<Result<void>> Catalog::DeleteIndex(std::string database, std::string table, std::string index) {
    storage::TableBatch batch;
    batch.Delete(kIndexes, Key({database, table, index}));
    CO_RETURN_IF_ERROR(co_await table_.Commit(std::move(batch)));
    const std::lock_guard lock(mutex_);
    std::erase_if(databases_[database].tables[table].indexes, [&](const wire::PartitionIndex& one) { return one.IndexName == index; });
    co_return Result<void>{};
}

env::Task<Result<std::map<std::string, wire::ColumnStatistics>>> Catalog::Statistics(std::string database, std::string table, Partition values) {
    CO_ASSIGN_OR_RETURN(auto entries, co_await table_.Scan(kStatistics, storage::PrefixRange(StatisticsPrefix(database, table, values))));
    std::map<std::string, wire::ColumnStatistics> statistics;
    for (const auto& entry : entries) {
        CO_ASSIGN_OR_RETURN(auto one, api::FromStored<wire::ColumnStatistics>(entry.value, shapes::ColumnStatistics_structure));
        std::string column = one.ColumnName;
        statistics[std::move(column)] = std::move(one);
    }
    co_return statistics;
}

env::Task<Result<void>> Catalog::PutStatistics(std::string database, std::string table, Partition values, std::vector<wire::ColumnStatistics> put) {
    storage::TableBatch batch;
    for (const wire::ColumnStatistics& one : put) {
        std::string key = StatisticsPrefix(database, table, values);
        AppendPart(key, one.ColumnName);
        batch.Put(kStatistics, std::move(key), api::ToStored(one, shapes::ColumnStatistics_structure));
    }
    co_return co_await table_.Commit(std::move(batch));
}

env::Task<Result<void>> Catalog::DeleteStatistics(std::string database, std::string table, Partition values, std::string column) {
    std::string key = StatisticsPrefix(database, table, values);
    AppendPart(key, column);
    storage::TableBatch batch;
    batch.Delete(kStatistics, std::move(key));
    co_return co_await table_.Commit(std::move(batch));
}

env::Task<Result<std::map<std::string, std::string>>> Catalog::Tags(std::string arn) {
    CO_ASSIGN_OR_RETURN(auto stored, co_await table_.Get(kTags, arn));
    std::map<std::string, std::string> tags;
    if (!stored) co_return tags;
    boost::system::error_code error;
    const auto json = boost::json::parse(*stored, error);
    if (error || !json.is_object()) co_return Fail(ErrorCode::kCorrupt, "stored tags are not JSON");
    for (const auto& [key, value] : json.get_object()) tags.emplace(key, value.as_string());
    co_return tags;
}

env::Task<Result<void>> Catalog::PutTags(std::string arn, std::map<std::string, std::string> tags) {
    storage::TableBatch batch;
    if (tags.empty()) {
        batch.Delete(kTags, arn);
    } else {
        boost::json::object json;
        for (const auto& [key, value] : tags) json[key] = value;
        batch.Put(kTags, arn, boost::json::serialize(json));
    }
    co_return co_await table_.Commit(std::move(batch));
}

}  // namespace wellhead::services::glue
