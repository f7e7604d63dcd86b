#include "services/firehose/batch_writer.h"

#include <fmt/format.h>
#include <zlib.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/check.h"
#include "codec/base64.h"

namespace wellhead::services::firehose {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;

constexpr size_t kPieceBytes = size_t{256} << 10;

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

base::Bytes Gzip(base::ByteView bytes) {
    z_stream stream{};
    CHECK(deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    base::Bytes out(deflateBound(&stream, bytes.size()), '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

std::string ErrorRecord(const Conversion& conversion, const SourceRecord& record, const query::BadRecord& bad,
                        base::Instant now) {
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
                             {"rawData", codec::EncodeBase64(record.data)},
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

env::Task<Result<void>> BatchWriter::Put(std::string bucket, std::string key, api::StreamBody body, uint64_t size, std::string type) {
    apis::s3::PutObjectRequest request;
    request.Bucket = std::move(bucket);
    request.Key = std::move(key);
    request.Body = std::move(body);
    request.ContentLength = static_cast<int64_t>(size);
    request.ContentType = std::move(type);
    const api::CallContext context = Context();
    auto put = co_await deps_.s3.PutObject(context, std::move(request));
    if (!put) co_return std::unexpected(ToError(put.error()));
    co_return Result<void>{};
}

env::Task<Result<void>> BatchWriter::PutFile(std::string bucket, std::string key, std::string path) {
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
    auto put = co_await Put(std::move(bucket), std::move(key), std::move(body), opened.size, "application/octet-stream");
    const auto remove = [this, &path] { return deps_.files.Remove(path); };
    auto removed = co_await env::RunBlocking(deps_.pool, remove);
    CO_RETURN_IF_ERROR(std::move(put));
    co_return removed;
}

env::Task<Result<void>> BatchWriter::Delete(std::string bucket, std::string key) {
    apis::s3::DeleteObjectRequest request;
    request.Bucket = std::move(bucket);
    request.Key = std::move(key);
    const api::CallContext context = Context();
    auto deleted = co_await deps_.s3.DeleteObject(context, std::move(request));
    if (!deleted && deleted.error().code != "NoSuchKey") co_return std::unexpected(ToError(deleted.error()));
    co_return Result<void>{};
}

env::Task<Result<BatchOutcome>> BatchWriter::WriteParquet(const DeliveryPlan& plan, const std::vector<SourceRecord>& records,
                                                          BatchKeys keys, std::string path, bool again) {
    query::ParquetJob job;
    CO_ASSIGN_OR_RETURN(job.columns, co_await Columns(*plan.conversion));
    for (const SourceRecord& record : records) job.records.push_back(record.data);
    job.compression = plan.conversion->compression;
    job.case_insensitive = plan.conversion->case_insensitive;
    job.dots_to_underscores = plan.conversion->dots_to_underscores;
    job.key_of_column = plan.conversion->key_of_column;
    job.path = path;
    const auto write = [this, &job] { return deps_.parquet.Write(job); };
    CO_ASSIGN_OR_RETURN(query::ParquetReport report, co_await env::RunBlocking(deps_.pool, write));
    if (report.rows > 0) {
        CO_RETURN_IF_ERROR(co_await PutFile(plan.bucket, keys.object, path));
    } else if (again) {
        CO_RETURN_IF_ERROR(co_await Delete(plan.bucket, keys.object));
    }
    if (!report.bad.empty()) {
        base::Bytes lines;
        for (const query::BadRecord& bad : report.bad) {
            lines += ErrorRecord(*plan.conversion, records[bad.index], bad, deps_.clock.Now());
        }
        const uint64_t size = lines.size();
        auto body = api::MakeByteStream(std::move(lines));
        CO_RETURN_IF_ERROR(co_await Put(plan.bucket, keys.errors, std::move(body), size, "application/octet-stream"));
    } else if (again) {
        CO_RETURN_IF_ERROR(co_await Delete(plan.bucket, keys.errors));
    }
    co_return BatchOutcome{report.rows, report.bad.size()};
}

env::Task<Result<BatchOutcome>> BatchWriter::Write(const DeliveryPlan& plan, const std::vector<SourceRecord>& records,
                                                   BatchKeys keys, std::string name, bool again) {
    if (plan.conversion) {
        std::string path = deps_.work_directory + "/" + name + ".parquet";
        co_return co_await WriteParquet(plan, records, std::move(keys), std::move(path), again);
    }
    base::Bytes bytes;
    for (const SourceRecord& record : records) {
        bytes += record.data;
        if (plan.append_newline) bytes += '\n';
    }
    if (plan.gzip) {
        const auto compress = [&bytes] { return Gzip(bytes); };
        bytes = co_await env::RunBlocking(deps_.pool, compress);
    }
    const uint64_t size = bytes.size();
    auto body = api::MakeByteStream(std::move(bytes));
    CO_RETURN_IF_ERROR(co_await Put(plan.bucket, keys.object, std::move(body), size, "application/octet-stream"));
    co_return BatchOutcome{records.size(), 0};
}

}  // namespace wellhead::services::firehose
