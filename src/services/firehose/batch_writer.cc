#include "services/firehose/batch_writer.h"

#include <fmt/format.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/fault_point.h"
#include "codec/base64.h"

namespace wellhead::services::firehose {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;

constexpr size_t kPieceBytes = size_t{256} << 10;
constexpr size_t kMostKeyBytes = 1024;
constexpr size_t kMostPartitions = 500;  // AWS's quota of active partitions

// A file as a request's body. Reads on the pool.
class FileBody : public api::ByteStream {
  public:
    FileBody(env::BlockingPool& pool, std::shared_ptr<env::File> file, uint64_t size)
        : pool_(pool), file_(std::move(file)), size_(size) {}

    env::Task<Result<base::Bytes>> Read() override {
        const auto read = [this]() -> Result<base::Bytes> {
            base::Bytes piece(std::min<uint64_t>(kPieceBytes, size_ - at_), '\0');
            ASSIGN_OR_RETURN(const size_t got, file_->ReadAt(at_, piece));
            if (got != piece.size()) return Fail(ErrorCode::kIo, "a file under way became shorter");
            at_ += got;
            return piece;
        };
        co_return co_await env::RunBlocking(pool_, read);
    }
    std::optional<uint64_t> length() const override { return size_; }
    std::optional<FilePart> file_part() const override { return FilePart{file_, 0, size_}; }

  private:
    env::BlockingPool& pool_;
    std::shared_ptr<env::File> file_;
    uint64_t size_;
    uint64_t at_ = 0;
};

base::Error ToError(const api::ServiceError& error) {
    return {ErrorCode::kUnavailable, fmt::format("{}: {}", error.code, error.message)};
}

}  // namespace

std::string ErrorRecord(const Conversion& conversion, const SourceRecord& record, base::ByteView data,
                        const query::BadRecord& bad, base::Instant now) {
    const char* code = bad.kind == query::BadRecord::Kind::kNotJson ? "DataFormatConversion.MalformedData"
                                                                    : "DataFormatConversion.ParseError";
    boost::json::object table;
    const auto add = [&table](const char* name, const std::optional<std::string>& value) {
        if (value) table[name] = *value;
        else table[name] = nullptr;
    };
    add("catalogId", conversion.schema.CatalogId);
    add("databaseName", conversion.schema.DatabaseName);
    add("tableName", conversion.schema.TableName);
    add("region", conversion.schema.Region);
    add("versionId", conversion.schema.VersionId);
    add("roleArn", conversion.schema.RoleARN);
    boost::json::object line{{"attemptsMade", 1},
                             {"arrivalTimestamp", base::ToUnixMs(record.arrival)},
                             {"lastErrorCode", code},
                             {"lastErrorMessage", bad.reason},
                             {"errorCode", code},
                             {"errorMessage", bad.reason},
                             {"attemptEndingTimestamp", base::ToUnixMs(now)},
                             {"rawData", codec::EncodeBase64(data)},
                             {"sequenceNumber", record.sequence},
                             {"subSequenceNumber", nullptr},
                             {"dataCatalogTable", std::move(table)}};
    return boost::json::serialize(line) + "\n";
}

api::CallContext BatchWriter::Context() const {
    api::CallContext context;
    context.account_id = deps_.account_id;
    context.region = deps_.region;
    context.caller.account_id = deps_.account_id;
    context.caller.arn = fmt::format("arn:aws:iam::{}:root", deps_.account_id);
    context.caller.authenticated = true;
    context.caller.root = true;
    return context;
}

env::Task<Result<std::vector<query::TableColumn>>> BatchWriter::Columns(const Conversion& conversion) {
    const api::CallContext context = Context();
    apis::glue::Table table;
    if (conversion.version) {
        apis::glue::GetTableVersionRequest request;
        request.DatabaseName = conversion.database;
        request.TableName = conversion.table;
        request.VersionId = conversion.version;
        auto found = co_await deps_.glue.GetTableVersion(context, std::move(request));
        if (!found) co_return std::unexpected(ToError(found.error()));
        table = *found->TableVersion->Table;
    } else {
        apis::glue::GetTableRequest request;
        request.DatabaseName = conversion.database;
        request.Name = conversion.table;
        auto found = co_await deps_.glue.GetTable(context, std::move(request));
        if (!found) co_return std::unexpected(ToError(found.error()));
        table = *found->Table;
    }
    std::vector<query::TableColumn> columns;
    if (table.StorageDescriptor && table.StorageDescriptor->Columns) {
        for (const apis::glue::Column& column : *table.StorageDescriptor->Columns) {
            CO_ASSIGN_OR_RETURN(auto type, query::ParseHiveType(column.Type.value_or("string")));
            columns.push_back({column.Name, std::move(type)});
        }
    }
    co_return columns;
}

env::Task<Result<void>> BatchWriter::Put(ObjectPlace place, api::StreamBody body, uint64_t size) {
    apis::s3::PutObjectRequest request;
    request.Bucket = std::move(place.bucket);
    request.Key = std::move(place.key);
    request.Body = std::move(body);
    request.ContentLength = static_cast<int64_t>(size);
    request.ContentType = "application/octet-stream";
    const api::CallContext context = Context();
    auto put = co_await deps_.s3.PutObject(context, std::move(request));
    if (!put) co_return std::unexpected(ToError(put.error()));
    base::FaultPoint("firehose.object");
    co_return Result<void>{};
}

env::Task<Result<uint64_t>> BatchWriter::PutFile(ObjectPlace place, std::string path) {
    struct Opened {
        std::shared_ptr<env::File> file;
        uint64_t size = 0;
    };
    const auto open = [this, &path]() -> Result<Opened> {
        ASSIGN_OR_RETURN(std::shared_ptr<env::File> file, deps_.files.Open(path, env::OpenMode::kRead));
        ASSIGN_OR_RETURN(const uint64_t size, file->Size());
        return Opened{std::move(file), size};
    };
    CO_ASSIGN_OR_RETURN(Opened opened, co_await env::RunBlocking(deps_.pool, open));
    auto body = std::make_unique<FileBody>(deps_.pool, opened.file, opened.size);
    auto put = co_await Put(std::move(place), std::move(body), opened.size);
    const auto remove = [this, &path] { return deps_.files.Remove(path); };
    auto removed = co_await env::RunBlocking(deps_.pool, remove);
    CO_RETURN_IF_ERROR(std::move(put));
    CO_RETURN_IF_ERROR(std::move(removed));
    co_return opened.size;
}

env::Task<Result<void>> BatchWriter::Delete(ObjectPlace place) {
    apis::s3::DeleteObjectRequest request;
    request.Bucket = std::move(place.bucket);
    request.Key = std::move(place.key);
    const api::CallContext context = Context();
    auto deleted = co_await deps_.s3.DeleteObject(context, std::move(request));
    const bool gone = !deleted && (deleted.error().code == "NoSuchKey" || deleted.error().code == "NoSuchBucket");
    if (!deleted && !gone) co_return std::unexpected(ToError(deleted.error()));
    co_return Result<void>{};
}

BatchName NameOfBatch(const DeliveryPlan& plan, const std::string& shard, const SourceRecord& first) {
    const std::string text = plan.stream_id + '\n' + shard + '\n' + first.sequence;
    std::array<unsigned char, SHA256_DIGEST_LENGTH> hash{};
    SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), hash.data());
    const std::string digest = codec::EncodeHex({reinterpret_cast<const char*>(hash.data()), 16});
    const std::string uuid = fmt::format("{}-{}-{}-{}-{}", digest.substr(0, 8), digest.substr(8, 4), digest.substr(12, 4),
                                         digest.substr(16, 4), digest.substr(20));
    const std::string time = FormatJavaTime("yyyy-MM-dd-HH-mm-ss", plan.LocalTime(first.arrival)).value();
    return {fmt::format("{}-{}-{}-{}", plan.stream_name, plan.version, time, uuid), digest.substr(0, 11)};
}

namespace {

// Records into objects by what their prefix comes to; those that have no place fail.
void AssignObjects(const DeliveryPlan& plan, const std::string& shard, const SourceRecord& first, const BatchName& name,
                   PreparedBatch& batch) {
    std::map<std::string, size_t> object_of;
    ObjectPrefix::Values values{plan.LocalTime(first.arrival), name.random, "", shard, nullptr};
    std::vector<ProcessedRecord> kept;
    for (ProcessedRecord& record : batch.processed.records) {
        values.partition = &record.partition;
        const bool missing = std::any_of(plan.prefix.partition_keys().begin(), plan.prefix.partition_keys().end(),
                                         [&](const std::string& key) { return !record.partition.contains(key); });
        std::string key = missing ? "" : plan.prefix.Evaluate(values) + name.name + plan.extension;
        const bool fits = !missing && key.size() <= kMostKeyBytes;
        const bool room = object_of.contains(key) || object_of.size() < kMostPartitions;
        if (!fits || !room) {
            FailedRecord failed{record.source, "DynamicPartitioning.MetadataExtractionFailed",
                                missing ? "a partition key of the prefix is not in the query's result"
                                        : "the object's key would be longer than 1024 bytes",
                                base::Bytes(record.data)};
            if (fits) failed.code = "DynamicPartitioning.ActivePartitionsLimitExceeded";
            if (fits) failed.message = fmt::format("more than {} partitions in one batch", kMostPartitions);
            batch.processed.failed.push_back(std::move(failed));
            continue;
        }
        auto [found, added] = object_of.emplace(std::move(key), batch.objects.size());
        if (added) batch.objects.push_back({{plan.bucket, found->first}, {}, {}});
        batch.objects[found->second].rows.push_back(kept.size());
        kept.push_back(std::move(record));
    }
    batch.processed.records = std::move(kept);
}

base::Bytes FailureLines(const std::vector<FailedRecord>& failed, const std::vector<SourceRecord>& records,
                         base::Instant now) {
    base::Bytes lines;
    for (const FailedRecord& one : failed) {
        boost::json::object line{{"attemptsMade", 1},
                                 {"arrivalTimestamp", base::ToUnixMs(records[one.source].arrival)},
                                 {"errorCode", one.code},
                                 {"errorMessage", one.message},
                                 {"attemptEndingTimestamp", base::ToUnixMs(now)},
                                 {"rawData", codec::EncodeBase64(one.data)},
                                 {"sequenceNumber", records[one.source].sequence}};
        lines += boost::json::serialize(line) + "\n";
    }
    return lines;
}

base::Bytes Joined(const DeliveryPlan& plan, const PreparedBatch& batch, const OutputObject& object) {
    base::Bytes bytes;
    for (const size_t row : object.rows) {
        bytes += batch.processed.records[row].data;
        bytes += plan.processing.append;
    }
    const std::string& key = object.place.key;
    const std::string base_name = key.substr(key.rfind('/') + 1);
    return Compress(plan.compression, bytes, base_name.substr(0, base_name.size() - plan.extension.size()));
}

}  // namespace

PreparedBatch PrepareBatch(const DeliveryPlan& plan, const std::string& shard, const std::vector<SourceRecord>& records,
                           base::Instant now) {
    const BatchName name = NameOfBatch(plan, shard, records.front());
    PreparedBatch batch;
    batch.processed = ProcessRecords(plan.processing, records);
    AssignObjects(plan, shard, records.front(), name, batch);
    ObjectPrefix::Values values{plan.LocalTime(records.front().arrival), name.random, "", shard, nullptr};
    if (plan.conversion) {
        values.error_type = "format-conversion-failed";
        batch.conversion_errors = {plan.bucket, plan.error_prefix.Evaluate(values) + name.name};
        batch.places.insert(batch.conversion_errors);
    }
    if (!batch.processed.failed.empty()) {
        values.error_type = "processing-failed";
        ObjectPlace place{plan.bucket, plan.error_prefix.Evaluate(values) + name.name};
        batch.objects.push_back({std::move(place), {}, FailureLines(batch.processed.failed, records, now)});
    }
    if (plan.backup) {
        base::Bytes bytes;
        for (const SourceRecord& record : records) bytes += record.data;
        values.error_type.clear();
        const std::string extension = ExtensionOf(plan.backup->compression);
        ObjectPlace place{plan.backup->bucket, plan.backup->prefix.Evaluate(values) + name.name + extension};
        batch.objects.push_back({std::move(place), {}, Compress(plan.backup->compression, bytes, name.name)});
    }
    for (const OutputObject& object : batch.objects) batch.places.insert(object.place);
    return batch;
}

env::Task<PreparedBatch> BatchWriter::Prepare(const DeliveryPlan& plan, const std::string& shard,
                                              const std::vector<SourceRecord>& records) {
    const auto prepare = [&] { return PrepareBatch(plan, shard, records, deps_.clock.Now()); };
    co_return co_await env::RunBlocking(deps_.pool, prepare);
}

env::Task<Result<query::ParquetReport>> BatchWriter::StoreParquet(const Conversion& conversion,
                                                                  std::vector<query::TableColumn> columns,
                                                                  const PreparedBatch& batch, const OutputObject& object,
                                                                  std::string path) {
    query::ParquetJob job;
    job.columns = std::move(columns);
    job.records.reserve(object.rows.size());
    for (const size_t row : object.rows) job.records.push_back(batch.processed.records[row].data);
    job.compression = conversion.compression;
    job.case_insensitive = conversion.case_insensitive;
    job.dots_to_underscores = conversion.dots_to_underscores;
    job.key_of_column = conversion.key_of_column;
    job.timestamp_formats = conversion.timestamp_formats;
    job.path = std::move(path);
    const auto write = [this, &job] { return deps_.parquet.Write(job); };
    co_return co_await env::RunBlocking(deps_.pool, write);
}

env::Task<Result<BatchOutcome>> BatchWriter::Store(const DeliveryPlan& plan, const std::vector<SourceRecord>& records,
                                                   const PreparedBatch& batch, std::string name) {
    BatchOutcome outcome;
    outcome.refused = batch.processed.failed.size();
    std::vector<query::TableColumn> columns;
    if (plan.conversion) {
        CO_ASSIGN_OR_RETURN(columns, co_await Columns(*plan.conversion));
    }
    base::Bytes conversion_errors;
    for (size_t i = 0; i < batch.objects.size(); ++i) {
        const OutputObject& object = batch.objects[i];
        if (plan.conversion && !object.rows.empty()) {
            const std::string path = fmt::format("{}/{}-{}.parquet", deps_.work_directory, name, i);
            CO_ASSIGN_OR_RETURN(auto report, co_await StoreParquet(*plan.conversion, columns, batch, object, path));
            for (const query::BadRecord& bad : report.bad) {
                const ProcessedRecord& record = batch.processed.records[object.rows[bad.index]];
                conversion_errors += ErrorRecord(*plan.conversion, records[record.source], record.data, bad, deps_.clock.Now());
            }
            outcome.delivered += report.rows;
            outcome.refused += report.bad.size();
            if (report.rows == 0) continue;
            CO_ASSIGN_OR_RETURN(const uint64_t size, co_await PutFile(object.place, path));
            outcome.bytes += size;
        } else {
            base::Bytes bytes = object.bytes;
            if (!object.rows.empty()) {
                const auto join = [&] { return Joined(plan, batch, object); };
                bytes = co_await env::RunBlocking(deps_.pool, join);
            }
            const uint64_t size = bytes.size();
            auto body = api::MakeByteStream(std::move(bytes));
            CO_RETURN_IF_ERROR(co_await Put(object.place, std::move(body), size));
            outcome.delivered += object.rows.size();
            outcome.bytes += size;
        }
        outcome.written.insert(object.place);
    }
    if (!conversion_errors.empty()) {
        const uint64_t size = conversion_errors.size();
        auto body = api::MakeByteStream(std::move(conversion_errors));
        CO_RETURN_IF_ERROR(co_await Put(batch.conversion_errors, std::move(body), size));
        outcome.written.insert(batch.conversion_errors);
    }
    co_return outcome;
}

}  // namespace wellhead::services::firehose
