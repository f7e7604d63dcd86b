#pragma once
// A table of the catalog as a view over the files of the lake.

#include <memory>
#include <string>
#include <vector>

#include "api/service.h"
#include "apis/glue/api.h"
#include "apis/s3/api.h"
#include "query/engine.h"
#include "query/object_files.h"
#include "sql/athena/translation.h"

namespace wellhead::services::athena {

struct ScanPlan {
    std::vector<std::string> setup;           // makes the views
    std::vector<std::string> readable_files;  // what they read
    uint64_t bytes = 0;
    std::vector<std::shared_ptr<const void>> holds;  // keep until the query has ended
};

class TableScanner {
  public:
    TableScanner(apis::glue::GlueApi& glue, apis::s3::S3Api& s3, query::ObjectFiles& files)
        : glue_(glue), s3_(s3), files_(files) {}

    // Adds the views of these tables to a plan. An error is as Athena words it: TABLE_NOT_FOUND, ...
    env::Task<sql::athena::Translated<ScanPlan>> Plan(const api::CallContext& context,
                                                      std::vector<sql::athena::TableReference> tables);

  private:
    struct Group {  // the files of one partition
        std::vector<std::string> values;
        std::vector<std::string> paths;
    };
    env::Task<sql::athena::Translated<void>> AddTable(const api::CallContext& context, sql::athena::TableReference reference,
                                                      ScanPlan& plan);
    env::Task<base::Result<void>> AddFiles(const api::CallContext& context, std::string location, Group& group, ScanPlan& plan);

    apis::glue::GlueApi& glue_;
    apis::s3::S3Api& s3_;
    query::ObjectFiles& files_;
};

}  // namespace wellhead::services::athena
