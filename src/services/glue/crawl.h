#pragma once
// One run of a crawler: list the bucket, lay out tables, read schemas, bring the catalog up to date. Idempotent: run
// again, or begun anew after a crash, it comes to the same catalog.

#include <atomic>
#include <memory>

#include "apis/glue/api.h"
#include "services/glue/crawler_store.h"
#include "services/glue/schema_reader.h"

namespace wellhead::services::glue {

class Crawl {
  public:
    // catalog is the service's own API. All outlive the crawl.
    Crawl(apis::glue::GlueApi& catalog, apis::s3::S3Api& s3, query::ObjectFiles& files, query::SqlEngine& engine,
          api::CallContext context, wire::Crawler crawler, std::shared_ptr<std::atomic<bool>> stop);

    // kCancelled when stop was set.
    env::Task<base::Result<CrawlCounts>> Run();

  private:
    env::Task<base::Result<std::vector<CrawledObject>>> List(std::string bucket, std::string prefix);
    env::Task<base::Result<void>> CrawlTarget(wire::S3Target target);
    // Tables that are there, by name; what they have of partitions and columns is brought up to date.
    env::Task<base::Result<void>> CrawlCatalogTarget(wire::CatalogTarget target);
    env::Task<base::Result<void>> CrawlTable(std::string bucket, TableLayout layout);
    env::Task<base::Result<void>> CreateTable(std::string name, std::string location, const TableLayout& layout,
                                              const FileSchema& schema);
    env::Task<base::Result<void>> UpdateTable(wire::Table table, const TableLayout& layout, const FileSchema& schema);
    env::Task<base::Result<void>> SyncPartitions(std::string table, std::string bucket, const TableLayout& layout);
    // The table of such data at location.
    env::Task<base::Result<std::optional<wire::Table>>> TableAt(std::string location, const TableLayout& layout,
                                                                const FileSchema& schema);
    bool Stopped() const { return stop_->load(); }

    apis::glue::GlueApi& catalog_;
    apis::s3::S3Api& s3_;
    SchemaReader reader_;
    api::CallContext context_;
    wire::Crawler crawler_;
    std::shared_ptr<std::atomic<bool>> stop_;
    CrawlCounts counts_;
};

}  // namespace wellhead::services::glue
