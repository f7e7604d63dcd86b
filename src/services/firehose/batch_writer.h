#pragma once
// BatchWriter: a batch of records becomes its objects: those that fit, by partition; those that do not, by the kind of
// failure; and where it is configured the records as they came.

#include <set>
#include <string>
#include <vector>

#include "apis/glue/api.h"
#include "apis/s3/api.h"
#include "env/blocking_pool.h"
#include "env/clock.h"
#include "env/files.h"
#include "query/parquet_writer.h"
#include "services/firehose/delivery_plan.h"
#include "services/firehose/record_processing.h"
#include "services/firehose/record_source.h"

namespace wellhead::services::firehose {

struct ObjectPlace {
    std::string bucket;
    std::string key;
    friend auto operator<=>(const ObjectPlace&, const ObjectPlace&) = default;
};

struct OutputObject {
    ObjectPlace place;
    std::vector<size_t> rows;  // of the processed records that go there
    base::Bytes bytes;         // in their stead, of errors and backups: as they are to be stored
};

// A batch before its first byte is written: which objects there will be.
struct PreparedBatch {
    ProcessedBatch processed;
    std::vector<OutputObject> objects;
    ObjectPlace conversion_errors;   // empty without conversion
    std::set<ObjectPlace> places;    // all that may be written
};

struct BatchOutcome {
    uint64_t delivered = 0;
    uint64_t refused = 0;  // under the error prefix
    uint64_t bytes = 0;    // of objects
    std::set<ObjectPlace> written;
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

// Thread-safe.
class BatchWriter {
  public:
    explicit BatchWriter(BatchWriterDependencies dependencies) : deps_(std::move(dependencies)) {}

    // The same records and plan give the same places. records outlive the result.
    env::Task<PreparedBatch> Prepare(const DeliveryPlan& plan, const std::string& shard,
                                     const std::vector<SourceRecord>& records);
    // All of it is durable when it succeeds. name: unlike that of any other batch under way.
    env::Task<base::Result<BatchOutcome>> Store(const DeliveryPlan& plan, const std::vector<SourceRecord>& records,
                                                const PreparedBatch& batch, std::string name);
    // What an earlier try wrote and this one did not.
    env::Task<base::Result<void>> Delete(ObjectPlace place);

  private:
    env::Task<base::Result<std::vector<query::TableColumn>>> Columns(const Conversion& conversion);
    env::Task<base::Result<query::ParquetReport>> StoreParquet(const Conversion& conversion, std::vector<query::TableColumn> columns,
                                                               const PreparedBatch& batch, const OutputObject& object,
                                                               std::string path);
    env::Task<base::Result<void>> Put(ObjectPlace place, api::StreamBody body, uint64_t size);
    env::Task<base::Result<uint64_t>> PutFile(ObjectPlace place, std::string path);
    api::CallContext Context() const;

    BatchWriterDependencies deps_;
};

// The last part of the names of a batch's objects, and what stands for random-string: the same whenever they are asked.
struct BatchName {
    std::string name;
    std::string random;
};
BatchName NameOfBatch(const DeliveryPlan& plan, const std::string& shard, const SourceRecord& first);
PreparedBatch PrepareBatch(const DeliveryPlan& plan, const std::string& shard, const std::vector<SourceRecord>& records,
                           base::Instant now);

// One line of an error object, as AWS writes it (developer guide, "Record format conversion error handling").
std::string ErrorRecord(const Conversion& conversion, const SourceRecord& record, base::ByteView data,
                        const query::BadRecord& bad, base::Instant now);

}  // namespace wellhead::services::firehose
