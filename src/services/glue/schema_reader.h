#pragma once
// What columns the objects of a table have: read from the files themselves, by the SQL engine.

#include <string>
#include <vector>

#include "api/service.h"
#include "apis/glue/types.h"
#include "apis/s3/api.h"
#include "query/engine.h"
#include "query/object_files.h"
#include "services/glue/layout.h"

namespace wellhead::services::glue {

struct FileSchema {
    std::string classification;  // parquet, json, csv
    bool gzip = false;
    bool csv_header = false;
    std::string csv_delimiter = ",";
    std::vector<apis::glue::Column> columns;
    std::vector<std::string> unreadable;  // keys of broken objects
};

class SchemaReader {
  public:
    SchemaReader(apis::s3::S3Api& s3, query::ObjectFiles& files, query::SqlEngine& engine)
        : s3_(s3), files_(files), engine_(engine) {}

    // Of a sample of the objects: of Parquet the newest 500, of JSON and CSV 20. Columns of all of them; where files
    // differ on a type the wider one counts. kNotFound when no object can be read; kUnsupported: none of the formats.
    env::Task<base::Result<FileSchema>> Read(const api::CallContext& context, std::string bucket,
                                             std::vector<CrawledObject> objects, std::vector<std::string> partition_keys);

  private:
    env::Task<base::Result<std::string>> Head(const api::CallContext& context, std::string bucket, std::string key);
    env::Task<base::Result<std::vector<query::Column>>> Columns(std::string function, std::string options,
                                                                std::vector<query::ObjectFile> files);

    apis::s3::S3Api& s3_;
    query::ObjectFiles& files_;
    query::SqlEngine& engine_;
};

// The column type that holds values of both: int + bigint -> bigint, int + double -> double, else string.
std::string WiderType(const std::string& a, const std::string& b);

}  // namespace wellhead::services::glue
