#pragma once
// BatchWriter: a batch of records becomes its objects: one of those that fit, one of those that do not.

#include <string>
#include <vector>

#include "apis/glue/api.h"
#include "apis/s3/api.h"
#include "env/blocking_pool.h"
#include "env/clock.h"
#include "env/files.h"
#include "query/parquet_writer.h"
#include "services/firehose/delivery_plan.h"
#include "services/firehose/record_source.h"

namespace wellhead::services::firehose {

// Where a batch goes; decided before the first byte is written, so that a second try writes the same objects.
struct BatchKeys {
    std::string object;
    std::string errors;
};

struct BatchOutcome {
    uint64_t delivered = 0;
    uint64_t refused = 0;  // under the error prefix
};

struct BatchWriterDependencies {
    env::Clock& clock;
    env::Files& files;
    env::BlockingPool& pool;
    query::ParquetWriter& parquet;
    apis::s3::S3Api& s3;
    apis::glue::GlueApi& glue;
    std::string work_directory;  // for files under way; emptied at start by its owner
    std::string account_id;
    std::string region;
};

class BatchWriter {
  public:
    explicit BatchWriter(BatchWriterDependencies dependencies) : deps_(std::move(dependencies)) {}

    // Both objects are durable when it succeeds. again: the batch may have been written in part before, perhaps by
    // another version of the table: what this time does not write is deleted. Thread-safe. name: unlike that of any
    // other batch under way.
    env::Task<base::Result<BatchOutcome>> Write(const DeliveryPlan& plan, const std::vector<SourceRecord>& records,
                                                BatchKeys keys, std::string name, bool again);

  private:
    env::Task<base::Result<std::vector<query::TableColumn>>> Columns(const Conversion& conversion);
    env::Task<base::Result<BatchOutcome>> WriteParquet(const DeliveryPlan& plan, const std::vector<SourceRecord>& records,
                                                       BatchKeys keys, std::string path, bool again);
    env::Task<base::Result<void>> Put(std::string bucket, std::string key, api::StreamBody body, uint64_t size, std::string type);
    env::Task<base::Result<void>> PutFile(std::string bucket, std::string key, std::string path);
    env::Task<base::Result<void>> Delete(std::string bucket, std::string key);
    api::CallContext Context() const;

    BatchWriterDependencies deps_;
};

// One line of an error object, as AWS writes it (developer guide, "Record format conversion error handling").
std::string ErrorRecord(const Conversion& conversion, const SourceRecord& record, const query::BadRecord& bad,
                        base::Instant now);

base::Bytes Gzip(base::ByteView bytes);

}  // namespace wellhead::services::firehose
