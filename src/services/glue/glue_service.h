#pragma once
// AWS Glue: the Data Catalog and its crawlers, as the Glue API.

#include <atomic>
#include <memory>
#include <string>

#include "apis/glue/api.h"
#include "apis/s3/api.h"
#include "env/clock.h"
#include "env/random.h"
#include "env/scope.h"
#include "query/engine.h"
#include "query/object_files.h"
#include "services/glue/catalog.h"
#include "services/glue/crawler_store.h"

namespace wellhead::services::glue {

struct GlueSettings {
    std::string account_id = "000000000000";
    std::string region = "us-east-1";
};

// What the service works with; all outlive it. executor: where crawls run, in turns with requests.
struct GlueDependencies {
    env::Clock& clock;
    env::Random& random;
    storage::Table& table;
    apis::s3::S3Api& s3;
    query::ObjectFiles& files;
    query::SqlEngine& engine;
    env::Executor executor;
};

class GlueService : public apis::glue::GlueApi {
  public:
    // Reads the catalog; a crawl that a crash broke off is begun anew.
    static env::Task<base::Result<std::unique_ptr<GlueService>>> Open(GlueDependencies dependencies, GlueSettings settings);
    ~GlueService() override;
    // Stops crawls and schedules.
    env::Task<void> Close();

#define GLUE_OPERATION(Name, Input, Output) \
    env::Task<api::Outcome<wire::Output>> Name(const api::CallContext& context, wire::Input input) override;
    GLUE_OPERATION(CreateDatabase, CreateDatabaseRequest, CreateDatabaseResponse)
    GLUE_OPERATION(GetDatabase, GetDatabaseRequest, GetDatabaseResponse)
    GLUE_OPERATION(GetDatabases, GetDatabasesRequest, GetDatabasesResponse)
    GLUE_OPERATION(UpdateDatabase, UpdateDatabaseRequest, UpdateDatabaseResponse)
    GLUE_OPERATION(DeleteDatabase, DeleteDatabaseRequest, DeleteDatabaseResponse)
    GLUE_OPERATION(CreateTable, CreateTableRequest, CreateTableResponse)
    GLUE_OPERATION(GetTable, GetTableRequest, GetTableResponse)
    GLUE_OPERATION(GetTables, GetTablesRequest, GetTablesResponse)
    GLUE_OPERATION(UpdateTable, UpdateTableRequest, UpdateTableResponse)
    GLUE_OPERATION(DeleteTable, DeleteTableRequest, DeleteTableResponse)
    GLUE_OPERATION(BatchDeleteTable, BatchDeleteTableRequest, BatchDeleteTableResponse)
    GLUE_OPERATION(GetTableVersion, GetTableVersionRequest, GetTableVersionResponse)
    GLUE_OPERATION(GetTableVersions, GetTableVersionsRequest, GetTableVersionsResponse)
    GLUE_OPERATION(CreatePartition, CreatePartitionRequest, CreatePartitionResponse)
    GLUE_OPERATION(BatchCreatePartition, BatchCreatePartitionRequest, BatchCreatePartitionResponse)
    GLUE_OPERATION(GetPartition, GetPartitionRequest, GetPartitionResponse)
    GLUE_OPERATION(BatchGetPartition, BatchGetPartitionRequest, BatchGetPartitionResponse)
    GLUE_OPERATION(GetPartitions, GetPartitionsRequest, GetPartitionsResponse)
    GLUE_OPERATION(UpdatePartition, UpdatePartitionRequest, UpdatePartitionResponse)
    GLUE_OPERATION(BatchUpdatePartition, BatchUpdatePartitionRequest, BatchUpdatePartitionResponse)
    GLUE_OPERATION(DeletePartition, DeletePartitionRequest, DeletePartitionResponse)
    GLUE_OPERATION(BatchDeletePartition, BatchDeletePartitionRequest, BatchDeletePartitionResponse)
    GLUE_OPERATION(GetPartitionIndexes, GetPartitionIndexesRequest, GetPartitionIndexesResponse)
    GLUE_OPERATION(CreatePartitionIndex, CreatePartitionIndexRequest, CreatePartitionIndexResponse)
    GLUE_OPERATION(DeletePartitionIndex, DeletePartitionIndexRequest, DeletePartitionIndexResponse)
    GLUE_OPERATION(DeleteTableVersion, DeleteTableVersionRequest, DeleteTableVersionResponse)
    GLUE_OPERATION(BatchDeleteTableVersion, BatchDeleteTableVersionRequest, BatchDeleteTableVersionResponse)
    GLUE_OPERATION(GetColumnStatisticsForTable, GetColumnStatisticsForTableRequest, GetColumnStatisticsForTableResponse)
    GLUE_OPERATION(UpdateColumnStatisticsForTable, UpdateColumnStatisticsForTableRequest, UpdateColumnStatisticsForTableResponse)
    GLUE_OPERATION(DeleteColumnStatisticsForTable, DeleteColumnStatisticsForTableRequest, DeleteColumnStatisticsForTableResponse)
    GLUE_OPERATION(GetColumnStatisticsForPartition, GetColumnStatisticsForPartitionRequest, GetColumnStatisticsForPartitionResponse)
    GLUE_OPERATION(UpdateColumnStatisticsForPartition, UpdateColumnStatisticsForPartitionRequest, UpdateColumnStatisticsForPartitionResponse)
    GLUE_OPERATION(DeleteColumnStatisticsForPartition, DeleteColumnStatisticsForPartitionRequest, DeleteColumnStatisticsForPartitionResponse)
    GLUE_OPERATION(SearchTables, SearchTablesRequest, SearchTablesResponse)
    GLUE_OPERATION(GetUserDefinedFunctions, GetUserDefinedFunctionsRequest, GetUserDefinedFunctionsResponse)
    GLUE_OPERATION(GetTags, GetTagsRequest, GetTagsResponse)
    GLUE_OPERATION(TagResource, TagResourceRequest, TagResourceResponse)
    GLUE_OPERATION(UntagResource, UntagResourceRequest, UntagResourceResponse)
    GLUE_OPERATION(CreateCrawler, CreateCrawlerRequest, CreateCrawlerResponse)
    GLUE_OPERATION(UpdateCrawler, UpdateCrawlerRequest, UpdateCrawlerResponse)
    GLUE_OPERATION(DeleteCrawler, DeleteCrawlerRequest, DeleteCrawlerResponse)
    GLUE_OPERATION(GetCrawler, GetCrawlerRequest, GetCrawlerResponse)
    GLUE_OPERATION(GetCrawlers, GetCrawlersRequest, GetCrawlersResponse)
    GLUE_OPERATION(BatchGetCrawlers, BatchGetCrawlersRequest, BatchGetCrawlersResponse)
    GLUE_OPERATION(ListCrawlers, ListCrawlersRequest, ListCrawlersResponse)
    GLUE_OPERATION(GetCrawlerMetrics, GetCrawlerMetricsRequest, GetCrawlerMetricsResponse)
    GLUE_OPERATION(ListCrawls, ListCrawlsRequest, ListCrawlsResponse)
    GLUE_OPERATION(StartCrawler, StartCrawlerRequest, StartCrawlerResponse)
    GLUE_OPERATION(StopCrawler, StopCrawlerRequest, StopCrawlerResponse)
    GLUE_OPERATION(StartCrawlerSchedule, StartCrawlerScheduleRequest, StartCrawlerScheduleResponse)
    GLUE_OPERATION(StopCrawlerSchedule, StopCrawlerScheduleRequest, StopCrawlerScheduleResponse)
    GLUE_OPERATION(UpdateCrawlerSchedule, UpdateCrawlerScheduleRequest, UpdateCrawlerScheduleResponse)
#undef GLUE_OPERATION

  private:
    GlueService(GlueDependencies dependencies, GlueSettings settings);

    api::Outcome<CatalogTable> FindTable(const std::string& database, const std::string& table) const;
    // With those of these partitions that are there.
    api::Outcome<CatalogTable> FindPartitions(const std::string& database, const std::string& table, const std::vector<PartitionValues>& partitions) const;
    // The table, and the partition where values are given.
    api::Outcome<CatalogTable> FindStatisticsOwner(const std::string& database, const std::string& table, const Catalog::Partition& values) const;
    env::Task<api::Outcome<wire::GetColumnStatisticsForTableResponse>> GetStatistics(std::string database, std::string table, Catalog::Partition values,
                                                                                     std::vector<std::string> columns);
    env::Task<api::Outcome<wire::UpdateColumnStatisticsForTableResponse>> UpdateStatistics(std::string database, std::string table, Catalog::Partition values,
                                                                                           std::vector<wire::ColumnStatistics> statistics);
    env::Task<api::Outcome<void>> DeleteStatistics(std::string database, std::string table, Catalog::Partition values, std::string column);
    bool HasDatabase(const std::string& name) const;
    wire::Table MakeTable(const std::string& database, wire::TableInput input, const wire::Table* before) const;
    wire::Partition MakePartition(const std::string& database, const std::string& table, wire::PartitionInput input) const;
    std::string Arn(const std::string& resource) const;
    api::Outcome<std::string> KnownArn(const std::string& arn) const;

    api::Outcome<void> BeginCrawl(const std::string& name);
    env::Task<void> RunCrawl(std::string name, std::shared_ptr<std::atomic<bool>> stop);
    env::Task<void> RunSchedules();

    GlueDependencies deps_;
    GlueSettings settings_;
    Catalog catalog_;
    CrawlerStore crawlers_;
    env::Scope scope_;
};

api::ServiceError ToServiceError(const base::Error& error);

}  // namespace wellhead::services::glue
