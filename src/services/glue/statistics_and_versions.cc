// What hangs on a table besides its partitions: column statistics, versions, partition indexes; and search over tables.
#include <fmt/format.h>

#include <algorithm>

#include "apis/glue/errors.h"
#include "services/glue/glue_service.h"
#include "services/glue/paging.h"

namespace wellhead::services::glue {

namespace errors = apis::glue;
using api::CallContext;
using api::Outcome;
using std::unexpected;

namespace {

constexpr size_t kMostIndexes = 3;  // a table, as AWS has it

wire::ErrorDetail Detail(const char* code, std::string message) { return wire::ErrorDetail{std::string(code), std::move(message)}; }

bool HasColumn(const wire::Table& table, const std::string& name) {
    const auto has = [&](const std::optional<std::vector<wire::Column>>& columns) {
        return columns && std::any_of(columns->begin(), columns->end(), [&](const wire::Column& column) { return LowerCase(column.Name) == name; });
    };
    return (table.StorageDescriptor && has(table.StorageDescriptor->Columns)) || has(table.PartitionKeys);
}

}  // namespace

Outcome<CatalogTable> GlueService::FindStatisticsOwner(const std::string& database, const std::string& table, const Catalog::Partition& values) const {
    std::vector<PartitionValues> wanted;
    if (values) wanted.push_back(*values);
    auto found = FindPartitions(database, table, wanted);
    if (found && values && found->partitions.empty()) return unexpected(errors::EntityNotFoundException("Partition not found."));
    return found;
}

env::Task<Outcome<wire::GetColumnStatisticsForTableResponse>> GlueService::GetStatistics(std::string database, std::string table, Catalog::Partition values,
                                                                                         std::vector<std::string> columns) {
    auto found = FindStatisticsOwner(database, table, values);
    if (!found) co_return unexpected(found.error());
    auto kept = co_await catalog_.Statistics(LowerCase(database), LowerCase(table), std::move(values));
    if (!kept) co_return unexpected(ToServiceError(kept.error()));
    wire::GetColumnStatisticsForTableResponse output;
    output.ColumnStatisticsList.emplace();
    output.Errors.emplace();
    for (const std::string& column : columns) {
        if (const auto one = kept->find(LowerCase(column)); one != kept->end()) {
            output.ColumnStatisticsList->push_back(one->second);
            continue;
        }
        wire::ColumnError missing;
        missing.ColumnName = column;
        missing.Error = Detail("EntityNotFoundException", fmt::format("Statistics of column {} not found.", column));
        output.Errors->push_back(std::move(missing));
    }
    co_return output;
}

env::Task<Outcome<wire::UpdateColumnStatisticsForTableResponse>> GlueService::UpdateStatistics(std::string database, std::string table, Catalog::Partition values,
                                                                                               std::vector<wire::ColumnStatistics> statistics) {
    auto pass = co_await catalog_.turnstile().Enter();
    auto found = FindStatisticsOwner(database, table, values);
    if (!found) co_return unexpected(found.error());
    wire::UpdateColumnStatisticsForTableResponse output;
    output.Errors.emplace();
    std::vector<wire::ColumnStatistics> put;
    for (wire::ColumnStatistics& one : statistics) {
        one.ColumnName = LowerCase(one.ColumnName);
        if (HasColumn(found->table, one.ColumnName)) {
            put.push_back(std::move(one));
            continue;
        }
        wire::ColumnStatisticsError error;
        error.Error = Detail("InvalidInputException", fmt::format("Column {} does not exist.", one.ColumnName));
        error.ColumnStatistics = std::move(one);
        output.Errors->push_back(std::move(error));
    }
    auto done = co_await catalog_.PutStatistics(LowerCase(database), LowerCase(table), std::move(values), std::move(put));
    if (!done) co_return unexpected(ToServiceError(done.error()));
    co_return output;
}

env::Task<Outcome<void>> GlueService::DeleteStatistics(std::string database, std::string table, Catalog::Partition values, std::string column) {
    auto pass = co_await catalog_.turnstile().Enter();
    auto found = FindStatisticsOwner(database, table, values);
    if (!found) co_return unexpected(found.error());
    auto kept = co_await catalog_.Statistics(LowerCase(database), LowerCase(table), values);
    if (!kept) co_return unexpected(ToServiceError(kept.error()));
    if (!kept->contains(LowerCase(column))) co_return unexpected(errors::EntityNotFoundException(fmt::format("Statistics of column {} not found.", column)));
    auto done = co_await catalog_.DeleteStatistics(LowerCase(database), LowerCase(table), std::move(values), LowerCase(column));
    if (!done) co_return unexpected(ToServiceError(done.error()));
    co_return Outcome<void>{};
}

env::Task<Outcome<wire::GetColumnStatisticsForTableResponse>> GlueService::GetColumnStatisticsForTable(const CallContext&,
                                                                                                       wire::GetColumnStatisticsForTableRequest input) {
    co_return co_await GetStatistics(std::move(input.DatabaseName), std::move(input.TableName), std::nullopt, std::move(input.ColumnNames));
}

env::Task<Outcome<wire::GetColumnStatisticsForPartitionResponse>> GlueService::GetColumnStatisticsForPartition(
    const CallContext&, wire::GetColumnStatisticsForPartitionRequest input) {
    Catalog::Partition values = std::move(input.PartitionValues);
    auto found = co_await GetStatistics(std::move(input.DatabaseName), std::move(input.TableName), std::move(values), std::move(input.ColumnNames));
    if (!found) co_return unexpected(found.error());
    wire::GetColumnStatisticsForPartitionResponse output;
    output.ColumnStatisticsList = std::move(found->ColumnStatisticsList);
    output.Errors = std::move(found->Errors);
    co_return output;
}

env::Task<Outcome<wire::UpdateColumnStatisticsForTableResponse>> GlueService::UpdateColumnStatisticsForTable(
    const CallContext&, wire::UpdateColumnStatisticsForTableRequest input) {
    co_return co_await UpdateStatistics(std::move(input.DatabaseName), std::move(input.TableName), std::nullopt, std::move(input.ColumnStatisticsList));
}

env::Task<Outcome<wire::UpdateColumnStatisticsForPartitionResponse>> GlueService::UpdateColumnStatisticsForPartition(
    const CallContext&, wire::UpdateColumnStatisticsForPartitionRequest input) {
    Catalog::Partition values = std::move(input.PartitionValues);
    auto done = co_await UpdateStatistics(std::move(input.DatabaseName), std::move(input.TableName), std::move(values), std::move(input.ColumnStatisticsList));
    if (!done) co_return unexpected(done.error());
    wire::UpdateColumnStatisticsForPartitionResponse output;
    output.Errors = std::move(done->Errors);
    co_return output;
}

env::Task<Outcome<wire::DeleteColumnStatisticsForTableResponse>> GlueService::DeleteColumnStatisticsForTable(
    const CallContext&, wire::DeleteColumnStatisticsForTableRequest input) {
    auto done = co_await DeleteStatistics(std::move(input.DatabaseName), std::move(input.TableName), std::nullopt, std::move(input.ColumnName));
    if (!done) co_return unexpected(done.error());
    co_return wire::DeleteColumnStatisticsForTableResponse{};
}

env::Task<Outcome<wire::DeleteColumnStatisticsForPartitionResponse>> GlueService::DeleteColumnStatisticsForPartition(
    const CallContext&, wire::DeleteColumnStatisticsForPartitionRequest input) {
    Catalog::Partition values = std::move(input.PartitionValues);
    auto done = co_await DeleteStatistics(std::move(input.DatabaseName), std::move(input.TableName), std::move(values), std::move(input.ColumnName));
    if (!done) co_return unexpected(done.error());
    co_return wire::DeleteColumnStatisticsForPartitionResponse{};
}

env::Task<Outcome<wire::BatchDeleteTableVersionResponse>> GlueService::BatchDeleteTableVersion(const CallContext&, wire::BatchDeleteTableVersionRequest input) {
    auto pass = co_await catalog_.turnstile().Enter();
    auto found = FindTable(input.DatabaseName, input.TableName);
    if (!found) co_return unexpected(found.error());
    auto versions = co_await catalog_.Versions(LowerCase(input.DatabaseName), LowerCase(input.TableName));
    if (!versions) co_return unexpected(ToServiceError(versions.error()));
    wire::BatchDeleteTableVersionResponse output;
    output.Errors.emplace();
    std::vector<std::string> gone;
    for (const std::string& id : input.VersionIds) {
        const bool current = found->table.VersionId == id;
        const bool known = std::any_of(versions->begin(), versions->end(), [&](const wire::Table& version) { return version.VersionId == id; });
        if (known && !current) {
            gone.push_back(id);
            continue;
        }
        wire::TableVersionError error;
        error.TableName = input.TableName;
        error.VersionId = id;
        error.ErrorDetail = current ? Detail("InvalidInputException", "The current version of a table cannot be deleted.") : Detail("EntityNotFoundException", "Version not found.");
        output.Errors->push_back(std::move(error));
    }
    auto deleted = co_await catalog_.DeleteVersions(LowerCase(input.DatabaseName), LowerCase(input.TableName), std::move(gone));
    if (!deleted) co_return unexpected(ToServiceError(deleted.error()));
    co_return output;
}

env::Task<Outcome<wire::DeleteTableVersionResponse>> GlueService::DeleteTableVersion(const CallContext& context, wire::DeleteTableVersionRequest input) {
    wire::BatchDeleteTableVersionRequest batch;
    batch.DatabaseName = std::move(input.DatabaseName);
    batch.TableName = std::move(input.TableName);
    batch.VersionIds.push_back(std::move(input.VersionId));
    auto deleted = co_await BatchDeleteTableVersion(context, std::move(batch));
    if (!deleted) co_return unexpected(deleted.error());
    if (!deleted->Errors->empty()) {
        const wire::ErrorDetail& detail = *deleted->Errors->front().ErrorDetail;
        if (detail.ErrorCode == "EntityNotFoundException") co_return unexpected(errors::EntityNotFoundException(*detail.ErrorMessage));
        co_return unexpected(errors::InvalidInputException(*detail.ErrorMessage));
    }
    co_return wire::DeleteTableVersionResponse{};
}

env::Task<Outcome<wire::CreatePartitionIndexResponse>> GlueService::CreatePartitionIndex(const CallContext&, wire::CreatePartitionIndexRequest input) {
    auto pass = co_await catalog_.turnstile().Enter();
    auto found = FindTable(input.DatabaseName, input.TableName);
    if (!found) co_return unexpected(found.error());
    for (std::string& key : input.PartitionIndex.Keys) {
        key = LowerCase(key);
        const auto& keys = found->table.PartitionKeys;
        if (!keys || std::none_of(keys->begin(), keys->end(), [&](const wire::Column& column) { return column.Name == key; })) {
            co_return unexpected(errors::InvalidInputException(fmt::format("'{}' is not a partition key.", key)));
        }
    }
    for (const wire::PartitionIndex& index : found->indexes) {
        if (index.IndexName == input.PartitionIndex.IndexName) co_return unexpected(errors::AlreadyExistsException(fmt::format("Index {} already exists.", index.IndexName)));
    }
    if (found->indexes.size() >= kMostIndexes) co_return unexpected(errors::ResourceNumberLimitExceededException("A table has at most three partition indexes."));
    found->indexes.push_back(std::move(input.PartitionIndex));
    auto put = co_await catalog_.PutTable(std::move(found->table), std::move(found->indexes), std::nullopt);
    if (!put) co_return unexpected(ToServiceError(put.error()));
    co_return wire::CreatePartitionIndexResponse{};
}

env::Task<Outcome<wire::DeletePartitionIndexResponse>> GlueService::DeletePartitionIndex(const CallContext&, wire::DeletePartitionIndexRequest input) {
    auto pass = co_await catalog_.turnstile().Enter();
    auto found = FindTable(input.DatabaseName, input.TableName);
    if (!found) co_return unexpected(found.error());
    const auto same = [&](const wire::PartitionIndex& index) { return index.IndexName == input.IndexName; };
    if (std::none_of(found->indexes.begin(), found->indexes.end(), same)) co_return unexpected(errors::EntityNotFoundException(fmt::format("Index {} not found.", input.IndexName)));
    auto deleted = co_await catalog_.DeleteIndex(LowerCase(input.DatabaseName), LowerCase(input.TableName), std::move(input.IndexName));
    if (!deleted) co_return unexpected(ToServiceError(deleted.error()));
    co_return wire::DeletePartitionIndexResponse{};
}

env::Task<Outcome<wire::SearchTablesResponse>> GlueService::SearchTables(const CallContext&, wire::SearchTablesRequest input) {
    if (input.Filters) {
        for (const wire::PropertyPredicate& filter : *input.Filters) {
            const std::string key = filter.Key.value_or("");
            const bool known = key == "DatabaseName" || key == "Name" || key == "TableName";
            if (!known || filter.Comparator.value_or("EQUALS") != "EQUALS") {
                co_return unexpected(errors::InvalidInputException(fmt::format("The filter of {} is not served.", key)));
            }
        }
    }
    if (input.SortCriteria && !input.SortCriteria->empty()) co_return unexpected(errors::InvalidInputException("SortCriteria are not served: tables come by name."));
    const std::string text = LowerCase(input.SearchText.value_or(""));
    std::vector<wire::Table> all;
    catalog_.WithContents([&](const auto& databases) {
        for (const auto& [database, contents] : databases) {
            for (const auto& [name, table] : contents.tables) {
                bool fits = text.empty() || name.find(text) != std::string::npos || LowerCase(table.table.Description.value_or("")).find(text) != std::string::npos;
                if (input.Filters) {
                    for (const wire::PropertyPredicate& filter : *input.Filters) {
                        fits = fits && LowerCase(filter.Value.value_or("")) == (filter.Key == "DatabaseName" ? database : name);
                    }
                }
                if (fits) all.push_back(table.table);
            }
        }
    });
    const auto page = TakePage(all.size(), input.NextToken, input.MaxResults, 100);
    if (!page) co_return unexpected(errors::InvalidInputException("The NextToken is not one of ours."));
    wire::SearchTablesResponse output;
    output.TableList = {all.begin() + static_cast<long>(page->begin), all.begin() + static_cast<long>(page->end)};
    output.NextToken = page->next;
    co_return output;
}

}  // namespace wellhead::services::glue
