#include <fmt/format.h>

#include "apis/athena/errors.h"
#include "services/athena/athena_service.h"

namespace wellhead::services::athena {

using api::CallContext;
using api::Outcome;
using std::unexpected;
namespace errors = apis::athena;

namespace {

wire::TableMetadata Metadata(const apis::glue::Table& table) {
    wire::TableMetadata metadata;
    metadata.Name = table.Name;
    metadata.CreateTime = table.CreateTime;
    metadata.LastAccessTime = table.LastAccessTime;
    metadata.TableType = table.TableType;
    metadata.Parameters = table.Parameters;
    const auto columns = [](const std::optional<std::vector<apis::glue::Column>>& from) {
        std::vector<wire::Column> to;
        if (from) {
            for (const apis::glue::Column& column : *from) to.push_back({column.Name, column.Type, column.Comment});
        }
        return to;
    };
    if (table.StorageDescriptor) metadata.Columns = columns(table.StorageDescriptor->Columns);
    metadata.PartitionKeys = columns(table.PartitionKeys);
    return metadata;
}

wire::Database Shown(const apis::glue::Database& database) {
    wire::Database shown;
    shown.Name = database.Name;
    shown.Description = database.Description;
    shown.Parameters = database.Parameters;
    return shown;
}

}  // namespace

env::Task<Outcome<wire::ListDataCatalogsOutput>> AthenaService::ListDataCatalogs(const CallContext&, wire::ListDataCatalogsInput) {
    wire::ListDataCatalogsOutput output;
    wire::DataCatalogSummary summary;
    summary.CatalogName = "AwsDataCatalog";
    summary.Type = wire::DataCatalogType::kGlue;
    output.DataCatalogsSummary.emplace().push_back(std::move(summary));
    co_return output;
}

env::Task<Outcome<wire::GetDataCatalogOutput>> AthenaService::GetDataCatalog(const CallContext&, wire::GetDataCatalogInput input) {
    if (input.Name != "AwsDataCatalog") co_return unexpected(errors::InvalidRequestException(fmt::format("DataCatalog {} was not found", input.Name)));
    wire::GetDataCatalogOutput output;
    wire::DataCatalog catalog;
    catalog.Name = input.Name;
    catalog.Type = wire::DataCatalogType::kGlue;
    catalog.Parameters.emplace().emplace("catalog-id", settings_.account_id);
    output.DataCatalog = std::move(catalog);
    co_return output;
}

env::Task<Outcome<wire::ListDatabasesOutput>> AthenaService::ListDatabases(const CallContext& context, wire::ListDatabasesInput input) {
    apis::glue::GetDatabasesRequest request;
    request.NextToken = input.NextToken;
    request.MaxResults = input.MaxResults;
    auto page = co_await deps_.glue.GetDatabases(context, std::move(request));
    if (!page) co_return unexpected(errors::MetadataException(page.error().message));
    wire::ListDatabasesOutput output;
    output.DatabaseList.emplace();
    for (const auto& database : page->DatabaseList) output.DatabaseList->push_back(Shown(database));
    output.NextToken = page->NextToken;
    co_return output;
}

env::Task<Outcome<wire::GetDatabaseOutput>> AthenaService::GetDatabase(const CallContext& context, wire::GetDatabaseInput input) {
    apis::glue::GetDatabaseRequest request;
    request.Name = input.DatabaseName;
    auto found = co_await deps_.glue.GetDatabase(context, std::move(request));
    if (!found) co_return unexpected(errors::MetadataException(found.error().message));
    wire::GetDatabaseOutput output;
    output.Database = Shown(*found->Database);
    co_return output;
}

env::Task<Outcome<wire::ListTableMetadataOutput>> AthenaService::ListTableMetadata(const CallContext& context, wire::ListTableMetadataInput input) {
    apis::glue::GetTablesRequest request;
    request.DatabaseName = input.DatabaseName;
    request.Expression = input.Expression;
    request.NextToken = input.NextToken;
    request.MaxResults = input.MaxResults;
    auto page = co_await deps_.glue.GetTables(context, std::move(request));
    if (!page) co_return unexpected(errors::MetadataException(page.error().message));
    wire::ListTableMetadataOutput output;
    output.TableMetadataList.emplace();
    for (const auto& table : *page->TableList) output.TableMetadataList->push_back(Metadata(table));
    output.NextToken = page->NextToken;
    co_return output;
}

env::Task<Outcome<wire::GetTableMetadataOutput>> AthenaService::GetTableMetadata(const CallContext& context, wire::GetTableMetadataInput input) {
    apis::glue::GetTableRequest request;
    request.DatabaseName = input.DatabaseName;
    request.Name = input.TableName;
    auto found = co_await deps_.glue.GetTable(context, std::move(request));
    if (!found) co_return unexpected(errors::MetadataException(found.error().message));
    wire::GetTableMetadataOutput output;
    output.TableMetadata = Metadata(*found->Table);
    co_return output;
}

}  // namespace wellhead::services::athena
