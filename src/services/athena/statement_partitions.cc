// Partitions of the catalog: ALTER TABLE ADD and DROP PARTITION, SET LOCATION, MSCK REPAIR TABLE, SHOW PARTITIONS.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "api/uri.h"
#include "services/athena/statement_run.h"

namespace wellhead::services::athena {

using std::unexpected;
namespace glue = apis::glue;
namespace sa = sql::athena;

namespace {

constexpr size_t kBatch = 100;  // BatchCreatePartition's limit
constexpr size_t kDeleteBatch = 25;

// The values in the order of the table's keys.
std::expected<std::vector<std::string>, std::string> Values(const glue::Table& table, const sa::PartitionSpec& spec) {
    std::vector<std::string> values;
    const auto none = std::vector<glue::Column>{};
    for (const glue::Column& key : table.PartitionKeys ? *table.PartitionKeys : none) {
        const auto found = std::find_if(spec.begin(), spec.end(), [&](const auto& part) { return part.first == key.Name; });
        if (found == spec.end()) return unexpected(fmt::format("FAILED: SemanticException Partition spec does not contain the key {}", key.Name));
        values.push_back(found->second);
    }
    for (const auto& [key, value] : spec) {
        const bool known = table.PartitionKeys && std::any_of(table.PartitionKeys->begin(), table.PartitionKeys->end(), [&](const glue::Column& k) { return k.Name == key; });
        if (!known) return unexpected(fmt::format("FAILED: SemanticException [Error 10098]: {} is not a partition column of the table", key));
    }
    if (values.size() != spec.size()) return unexpected("FAILED: SemanticException A partition key is named twice");
    return values;
}

glue::PartitionInput Input(const glue::Table& table, std::vector<std::string> values, std::string location) {
    glue::PartitionInput input;
    input.Values = std::move(values);
    input.StorageDescriptor = table.StorageDescriptor;
    input.StorageDescriptor->Location = std::move(location);
    return input;
}

std::string Folder(const glue::Table& table) {
    std::string location = table.StorageDescriptor->Location.value_or("");
    if (!location.empty() && location.back() != '/') location += '/';
    return location;
}

}  // namespace

std::string PartitionFolder(const std::vector<glue::Column>& keys, const std::vector<std::string>& values) {
    static constexpr std::string_view kEscaped = "\"#%'*/:=?\\\x7f{[]^";
    std::string out;
    for (size_t i = 0; i < keys.size() && i < values.size(); ++i) {
        out += fmt::format("{}{}=", i > 0 ? "/" : "", keys[i].Name);
        for (const char c : values[i]) {
            const bool plain = static_cast<unsigned char>(c) >= 0x20 && kEscaped.find(c) == std::string_view::npos;
            out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
        }
    }
    return out;
}

env::Task<Ran> StatementRun::Do(const sa::AddPartitions& statement) {
    auto table = co_await GetTable(Named(statement.name), true);
    if (!table) co_return unexpected(table.error());
    if (!table->StorageDescriptor) co_return unexpected("FAILED: SemanticException the table has no storage descriptor");
    for (size_t from = 0; from < statement.partitions.size(); from += kBatch) {
        glue::BatchCreatePartitionRequest request;
        request.DatabaseName = *table->DatabaseName;
        request.TableName = table->Name;
        for (size_t i = from; i < std::min(from + kBatch, statement.partitions.size()); ++i) {
            auto values = Values(*table, statement.partitions[i].first);
            if (!values) co_return unexpected(values.error());
            std::string location = statement.partitions[i].second.value_or(Folder(*table) + PartitionFolder(*table->PartitionKeys, *values));
            request.PartitionInputList.push_back(Input(*table, std::move(*values), std::move(location)));
        }
        auto created = co_await deps_.glue.BatchCreatePartition(context_.call, std::move(request));
        if (!created) co_return unexpected(MetastoreReason(created.error()));
        if (!created->Errors) continue;
        for (const glue::PartitionError& error : *created->Errors) {
            const std::string code = error.ErrorDetail->ErrorCode.value_or("");
            if (statement.if_not_exists && code == "AlreadyExistsException") continue;
            co_return unexpected(fmt::format("FAILED: Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask. {}(message:{})", code,
                                             error.ErrorDetail->ErrorMessage.value_or("")));
        }
    }
    co_return co_await Nothing();
}

env::Task<Ran> StatementRun::Do(const sa::DropPartitions& statement) {
    const sa::TableName name = Named(statement.name);
    auto table = co_await GetTable(name, true);
    if (!table) co_return unexpected(table.error());
    for (const std::string& filter : statement.filters) {
        auto found = co_await GetPartitions(name, filter);
        if (!found) co_return unexpected(found.error());
        if (found->empty() && !statement.if_exists) {
            co_return unexpected(fmt::format("FAILED: SemanticException [Error 10006]: Partition not found ({})", filter));
        }
        for (size_t from = 0; from < found->size(); from += kDeleteBatch) {
            glue::BatchDeletePartitionRequest request;
            request.DatabaseName = name.database;
            request.TableName = name.table;
            for (size_t i = from; i < std::min(from + kDeleteBatch, found->size()); ++i) {
                glue::PartitionValueList values;
                values.Values = *(*found)[i].Values;
                request.PartitionsToDelete.push_back(std::move(values));
            }
            auto deleted = co_await deps_.glue.BatchDeletePartition(context_.call, std::move(request));
            if (!deleted) co_return unexpected(MetastoreReason(deleted.error()));
        }
    }
    co_return co_await Nothing();
}

env::Task<Ran> StatementRun::Do(const sa::RenamePartition& statement) {
    const sa::TableName name = Named(statement.name);
    auto table = co_await GetTable(name, true);
    if (!table) co_return unexpected(table.error());
    auto from = Values(*table, statement.from);
    auto to = Values(*table, statement.to);
    if (!from || !to) co_return unexpected(from ? to.error() : from.error());
    glue::GetPartitionRequest get;
    get.DatabaseName = name.database;
    get.TableName = name.table;
    get.PartitionValues = *from;
    auto found = co_await deps_.glue.GetPartition(context_.call, std::move(get));
    if (!found) co_return unexpected(MetastoreReason(found.error()));
    glue::UpdatePartitionRequest update;
    update.DatabaseName = name.database;
    update.TableName = name.table;
    update.PartitionValueList = std::move(*from);
    update.PartitionInput.Values = std::move(*to);
    update.PartitionInput.StorageDescriptor = found->Partition->StorageDescriptor;
    update.PartitionInput.Parameters = found->Partition->Parameters;
    auto updated = co_await deps_.glue.UpdatePartition(context_.call, std::move(update));
    if (!updated) co_return unexpected(MetastoreReason(updated.error()));
    co_return co_await Nothing();
}

env::Task<Ran> StatementRun::Do(const sa::SetLocation& statement) {
    const sa::TableName name = Named(statement.name);
    if (auto place = ParseS3(statement.location); !place) co_return unexpected("FAILED: SemanticException " + place.error().message);
    auto table = co_await GetTable(name, true);
    if (!table) co_return unexpected(table.error());
    if (!table->StorageDescriptor) co_return unexpected("FAILED: SemanticException the table has no storage descriptor");
    if (statement.partition.empty()) {
        table->StorageDescriptor->Location = statement.location;
        auto updated = co_await UpdateTable(std::move(*table));
        if (!updated) co_return unexpected(updated.error());
        co_return co_await Nothing();
    }
    auto values = Values(*table, statement.partition);
    if (!values) co_return unexpected(values.error());
    glue::UpdatePartitionRequest update;
    update.DatabaseName = name.database;
    update.TableName = name.table;
    update.PartitionValueList = *values;
    update.PartitionInput = Input(*table, std::move(*values), statement.location);
    auto updated = co_await deps_.glue.UpdatePartition(context_.call, std::move(update));
    if (!updated) co_return unexpected(MetastoreReason(updated.error()));
    co_return co_await Nothing();
}

env::Task<Ran> StatementRun::Do(const sa::RepairTable& statement) {
    const sa::TableName name = Named(statement.name);
    auto table = co_await GetTable(name, true);
    if (!table) co_return unexpected(table.error());
    if (!table->StorageDescriptor || !table->PartitionKeys || table->PartitionKeys->empty()) {
        co_return unexpected(fmt::format("FAILED: SemanticException Table {}.{} is not partitioned", name.database, name.table));
    }
    const std::vector<glue::Column>& keys = *table->PartitionKeys;
    auto place = ParseS3Folder(Folder(*table));
    if (!place) co_return unexpected("FAILED: SemanticException " + place.error().message);
    std::set<std::vector<std::string>> there;
    const auto note = [&](size_t, const apis::s3::Object& object) {
        std::string_view rest = std::string_view(*object.Key).substr(place->key.size());
        std::vector<std::string> values;
        for (const glue::Column& key : keys) {
            const size_t slash = rest.find('/');
            if (slash == std::string_view::npos || !rest.starts_with(key.Name + "=")) return;
            const std::string_view value = rest.substr(key.Name.size() + 1, slash - key.Name.size() - 1);
            values.push_back(api::UriDecode(value).value_or(std::string(value)));
            rest.remove_prefix(slash + 1);
        }
        there.insert(std::move(values));
    };
    std::vector<std::string> prefixes = {place->key};
    auto listed = co_await deps_.lake.List(context_.call, place->bucket, std::move(prefixes), note);
    if (!listed) co_return unexpected("FAILED: Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask. " + listed.error().message);
    auto known = co_await GetPartitions(name, "");
    if (!known) co_return unexpected(known.error());
    for (const glue::Partition& partition : *known) there.erase(*partition.Values);
    std::string missing;
    std::string repaired;
    const std::vector<std::vector<std::string>> added(there.begin(), there.end());
    for (size_t from = 0; from < added.size(); from += kBatch) {
        glue::BatchCreatePartitionRequest request;
        request.DatabaseName = name.database;
        request.TableName = name.table;
        for (size_t i = from; i < std::min(from + kBatch, added.size()); ++i) {
            const std::string folder = PartitionFolder(keys, added[i]);
            missing += fmt::format("{}{}:{}", missing.empty() ? "Partitions not in metastore:\t" : "\t", name.table, folder);
            repaired += fmt::format("Repair: Added partition to metastore {}:{}\n", name.table, folder);
            request.PartitionInputList.push_back(Input(*table, added[i], Folder(*table) + folder));
        }
        auto created = co_await deps_.glue.BatchCreatePartition(context_.call, std::move(request));
        if (!created) co_return unexpected(MetastoreReason(created.error()));
    }
    if (!missing.empty()) missing += "\n";
    co_return co_await Text(StringColumns("tab_name"), missing + repaired);
}

}  // namespace wellhead::services::athena
