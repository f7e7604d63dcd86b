#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "apis/glue/errors.h"
#include "services/glue/glue_service.h"
#include "services/glue/paging.h"
#include "sql/partition_filter.h"

namespace wellhead::services::glue {

namespace errors = apis::glue;
using api::CallContext;
using api::Outcome;
using std::unexpected;

namespace {

constexpr size_t kMostPartitions = 1000;

wire::PartitionError ItemError(const PartitionValues& values, const api::ServiceError& error) {
    wire::PartitionError item;
    item.PartitionValues = values;
    item.ErrorDetail = wire::ErrorDetail{error.code, error.message};
    return item;
}

Outcome<void> CheckValues(const CatalogTable& table, const std::optional<PartitionValues>& values) {
    const size_t keys = table.table.PartitionKeys ? table.table.PartitionKeys->size() : 0;
    if (!values || values->size() != keys) {
        return unexpected(errors::InvalidInputException(
            fmt::format("The number of partition keys do not match the number of partition values: {} and {}.", keys,
                        values ? values->size() : 0)));
    }
    return {};
}

api::ServiceError NoPartition() { return errors::EntityNotFoundException("Partition not found."); }
api::ServiceError PartitionThere() { return errors::AlreadyExistsException("Partition already exists."); }

std::vector<sql::PartitionKeyType> KeyTypes(const wire::Table& table) {
    std::vector<sql::PartitionKeyType> keys;
    if (table.PartitionKeys) {
        for (const wire::Column& column : *table.PartitionKeys) keys.push_back({column.Name, column.Type.value_or("string")});
    }
    return keys;
}

}  // namespace

wire::Partition GlueService::MakePartition(const std::string& database, const std::string& table,
                                           wire::PartitionInput input) const {
    wire::Partition partition;
    partition.Values = std::move(input.Values);
    partition.DatabaseName = database;
    partition.TableName = table;
    partition.CreationTime = deps_.clock.Now();
    partition.LastAccessTime = input.LastAccessTime;
    partition.LastAnalyzedTime = input.LastAnalyzedTime;
    partition.StorageDescriptor = std::move(input.StorageDescriptor);
    partition.Parameters = std::move(input.Parameters);
    partition.CatalogId = settings_.account_id;
    return partition;
}

env::Task<Outcome<wire::CreatePartitionResponse>> GlueService::CreatePartition(const CallContext& context,
                                                                               wire::CreatePartitionRequest input) {
    wire::BatchCreatePartitionRequest batch;
    batch.DatabaseName = input.DatabaseName;
    batch.TableName = input.TableName;
    batch.PartitionInputList.push_back(std::move(input.PartitionInput));
    auto created = co_await BatchCreatePartition(context, std::move(batch));
    if (!created) co_return unexpected(created.error());
    if (created->Errors && !created->Errors->empty()) {
        const wire::ErrorDetail& detail = *created->Errors->front().ErrorDetail;
        co_return unexpected(detail.ErrorCode == "AlreadyExistsException" ? PartitionThere()
                                                                          : errors::InvalidInputException(*detail.ErrorMessage));
    }
    co_return wire::CreatePartitionResponse{};
}

env::Task<Outcome<wire::BatchCreatePartitionResponse>> GlueService::BatchCreatePartition(
    const CallContext&, wire::BatchCreatePartitionRequest input) {
    auto pass = co_await catalog_.turnstile().Enter();
    std::vector<PartitionValues> wanted;
    for (const wire::PartitionInput& partition : input.PartitionInputList) wanted.push_back(partition.Values.value_or(PartitionValues{}));
    auto found = FindPartitions(input.DatabaseName, input.TableName, wanted);
    if (!found) co_return unexpected(found.error());
    const std::string database = LowerCase(input.DatabaseName);
    const std::string table = LowerCase(input.TableName);
    wire::BatchCreatePartitionResponse output;
    output.Errors.emplace();
    Catalog::PartitionChange change;
    for (wire::PartitionInput& partition : input.PartitionInputList) {
        const PartitionValues values = partition.Values.value_or(PartitionValues{});
        if (auto checked = CheckValues(*found, partition.Values); !checked) {
            output.Errors->push_back(ItemError(values, checked.error()));
        } else if (found->partitions.contains(values)) {
            output.Errors->push_back(ItemError(values, PartitionThere()));
        } else {
            wire::Partition made = MakePartition(database, table, std::move(partition));
            found->partitions.emplace(values, made);
            change.put.push_back(std::move(made));
        }
    }
    auto changed = co_await catalog_.ChangePartitions(database, table, std::move(change));
    if (!changed) co_return unexpected(ToServiceError(changed.error()));
    co_return output;
}

env::Task<Outcome<wire::GetPartitionResponse>> GlueService::GetPartition(const CallContext&, wire::GetPartitionRequest input) {
    const std::vector<PartitionValues> wanted = {input.PartitionValues};
    auto found = FindPartitions(input.DatabaseName, input.TableName, wanted);
    if (!found) co_return unexpected(found.error());
    const auto partition = found->partitions.find(input.PartitionValues);
    if (partition == found->partitions.end()) co_return unexpected(NoPartition());
    wire::GetPartitionResponse output;
    output.Partition = partition->second;
    co_return output;
}

env::Task<Outcome<wire::BatchGetPartitionResponse>> GlueService::BatchGetPartition(const CallContext&,
                                                                                   wire::BatchGetPartitionRequest input) {
    std::vector<PartitionValues> wanted;
    for (const wire::PartitionValueList& values : input.PartitionsToGet) wanted.push_back(values.Values);
    auto found = FindPartitions(input.DatabaseName, input.TableName, wanted);
    if (!found) co_return unexpected(found.error());
    wire::BatchGetPartitionResponse output;
    output.Partitions.emplace();
    output.UnprocessedKeys.emplace();
    for (const wire::PartitionValueList& values : input.PartitionsToGet) {
        const auto partition = found->partitions.find(values.Values);
        if (partition != found->partitions.end()) output.Partitions->push_back(partition->second);
    }
    co_return output;
}

env::Task<Outcome<wire::GetPartitionsResponse>> GlueService::GetPartitions(const CallContext&,
                                                                           wire::GetPartitionsRequest input) {
    auto table = FindTable(input.DatabaseName, input.TableName);
    if (!table) co_return unexpected(table.error());
    auto filter = sql::ParsePartitionFilter(input.Expression.value_or(""), KeyTypes(table->table));
    if (!filter) co_return unexpected(ToServiceError(filter.error()));
    std::vector<wire::Partition> all;
    const std::string database = LowerCase(input.DatabaseName);
    const std::string name = LowerCase(input.TableName);
    catalog_.WithContents([&](const auto& databases) {
        const auto entry = databases.find(database);
        if (entry == databases.end() || !entry->second.tables.contains(name)) return;
        size_t index = 0;
        for (const auto& [values, partition] : entry->second.tables.at(name).partitions) {
            const bool mine = !input.Segment || index % static_cast<size_t>(std::max(1, input.Segment->TotalSegments)) ==
                                                    static_cast<size_t>(input.Segment->SegmentNumber);
            ++index;
            if (mine && (*filter)(values)) all.push_back(partition);
        }
    });
    const auto page = TakePage(all.size(), input.NextToken, input.MaxResults, kMostPartitions);
    if (!page) co_return unexpected(errors::InvalidInputException("The NextToken is not one of ours."));
    wire::GetPartitionsResponse output;
    output.Partitions = {all.begin() + static_cast<long>(page->begin), all.begin() + static_cast<long>(page->end)};
    if (input.ExcludeColumnSchema.value_or(false)) {
        for (wire::Partition& partition : *output.Partitions) {
            if (partition.StorageDescriptor) partition.StorageDescriptor->Columns.reset();
        }
    }
    output.NextToken = page->next;
    co_return output;
}

env::Task<Outcome<wire::UpdatePartitionResponse>> GlueService::UpdatePartition(const CallContext& context,
                                                                               wire::UpdatePartitionRequest input) {
    wire::BatchUpdatePartitionRequest batch;
    batch.DatabaseName = input.DatabaseName;
    batch.TableName = input.TableName;
    wire::BatchUpdatePartitionRequestEntry entry;
    entry.PartitionValueList = std::move(input.PartitionValueList);
    entry.PartitionInput = std::move(input.PartitionInput);
    batch.Entries.push_back(std::move(entry));
    auto updated = co_await BatchUpdatePartition(context, std::move(batch));
    if (!updated) co_return unexpected(updated.error());
    if (updated->Errors && !updated->Errors->empty()) {
        const wire::ErrorDetail& detail = *updated->Errors->front().ErrorDetail;
        if (detail.ErrorCode == "EntityNotFoundException") co_return unexpected(NoPartition());
        if (detail.ErrorCode == "AlreadyExistsException") co_return unexpected(PartitionThere());
        co_return unexpected(errors::InvalidInputException(*detail.ErrorMessage));
    }
    co_return wire::UpdatePartitionResponse{};
}

env::Task<Outcome<wire::BatchUpdatePartitionResponse>> GlueService::BatchUpdatePartition(
    const CallContext&, wire::BatchUpdatePartitionRequest input) {
    auto pass = co_await catalog_.turnstile().Enter();
    std::vector<PartitionValues> wanted;
    for (const wire::BatchUpdatePartitionRequestEntry& entry : input.Entries) {
        wanted.push_back(entry.PartitionValueList);
        if (entry.PartitionInput.Values) wanted.push_back(*entry.PartitionInput.Values);
    }
    auto found = FindPartitions(input.DatabaseName, input.TableName, wanted);
    if (!found) co_return unexpected(found.error());
    const std::string database = LowerCase(input.DatabaseName);
    const std::string table = LowerCase(input.TableName);
    wire::BatchUpdatePartitionResponse output;
    output.Errors.emplace();
    Catalog::PartitionChange change;
    for (wire::BatchUpdatePartitionRequestEntry& entry : input.Entries) {
        if (!entry.PartitionInput.Values) entry.PartitionInput.Values = entry.PartitionValueList;
        const PartitionValues values = *entry.PartitionInput.Values;
        Outcome<void> checked = CheckValues(*found, entry.PartitionInput.Values);
        const auto before = found->partitions.find(entry.PartitionValueList);
        if (checked && before == found->partitions.end()) checked = unexpected(NoPartition());
        const bool moves = values != entry.PartitionValueList;
        if (checked && moves && found->partitions.contains(values)) checked = unexpected(PartitionThere());
        if (!checked) {
            wire::BatchUpdatePartitionFailureEntry failure;
            failure.PartitionValueList = entry.PartitionValueList;
            failure.ErrorDetail = wire::ErrorDetail{checked.error().code, checked.error().message};
            output.Errors->push_back(std::move(failure));
            continue;
        }
        wire::Partition partition = MakePartition(database, table, std::move(entry.PartitionInput));
        partition.CreationTime = before->second.CreationTime;
        if (moves) {
            change.removed.push_back(entry.PartitionValueList);
            found->partitions.erase(before);
        }
        found->partitions[values] = partition;
        change.put.push_back(std::move(partition));
    }
    auto changed = co_await catalog_.ChangePartitions(database, table, std::move(change));
    if (!changed) co_return unexpected(ToServiceError(changed.error()));
    co_return output;
}

env::Task<Outcome<wire::DeletePartitionResponse>> GlueService::DeletePartition(const CallContext& context,
                                                                               wire::DeletePartitionRequest input) {
    wire::BatchDeletePartitionRequest batch;
    batch.DatabaseName = input.DatabaseName;
    batch.TableName = input.TableName;
    wire::PartitionValueList values;
    values.Values = std::move(input.PartitionValues);
    batch.PartitionsToDelete.push_back(std::move(values));
    auto deleted = co_await BatchDeletePartition(context, std::move(batch));
    if (!deleted) co_return unexpected(deleted.error());
    if (deleted->Errors && !deleted->Errors->empty()) co_return unexpected(NoPartition());
    co_return wire::DeletePartitionResponse{};
}

env::Task<Outcome<wire::BatchDeletePartitionResponse>> GlueService::BatchDeletePartition(
    const CallContext&, wire::BatchDeletePartitionRequest input) {
    auto pass = co_await catalog_.turnstile().Enter();
    std::vector<PartitionValues> wanted;
    for (const wire::PartitionValueList& values : input.PartitionsToDelete) wanted.push_back(values.Values);
    auto found = FindPartitions(input.DatabaseName, input.TableName, wanted);
    if (!found) co_return unexpected(found.error());
    wire::BatchDeletePartitionResponse output;
    output.Errors.emplace();
    Catalog::PartitionChange change;
    for (wire::PartitionValueList& values : input.PartitionsToDelete) {
        if (found->partitions.erase(values.Values) == 0) {
            output.Errors->push_back(ItemError(values.Values, NoPartition()));
        } else {
            change.removed.push_back(std::move(values.Values));
        }
    }
    auto changed =
        co_await catalog_.ChangePartitions(LowerCase(input.DatabaseName), LowerCase(input.TableName), std::move(change));
    if (!changed) co_return unexpected(ToServiceError(changed.error()));
    co_return output;
}

env::Task<Outcome<wire::GetPartitionIndexesResponse>> GlueService::GetPartitionIndexes(
    const CallContext&, wire::GetPartitionIndexesRequest input) {
    auto found = FindTable(input.DatabaseName, input.TableName);
    if (!found) co_return unexpected(found.error());
    wire::GetPartitionIndexesResponse output;
    output.PartitionIndexDescriptorList.emplace();
    for (const wire::PartitionIndex& index : found->indexes) {
        wire::PartitionIndexDescriptor descriptor;
        descriptor.IndexName = index.IndexName;
        descriptor.IndexStatus = "ACTIVE";
        for (const std::string& key : index.Keys) {
            wire::KeySchemaElement element;
            element.Name = LowerCase(key);
            element.Type = "string";
            for (const sql::PartitionKeyType& type : KeyTypes(found->table)) {
                if (type.name == element.Name) element.Type = type.type;
            }
            descriptor.Keys.push_back(std::move(element));
        }
        output.PartitionIndexDescriptorList->push_back(std::move(descriptor));
    }
    co_return output;
}

}  // namespace wellhead::services::glue
