#include "services/glue/crawl.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/log.h"
#include "services/glue/catalog.h"
#include "services/glue/exclusion.h"

namespace wellhead::services::glue {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;

base::Error ToError(const api::ServiceError& error) {
    return {error.code == "EntityNotFoundException" ? ErrorCode::kNotFound : ErrorCode::kUnavailable,
            fmt::format("{}: {}", error.code, error.message)};
}

std::string WithSlash(std::string location) {
    if (!location.empty() && location.back() != '/') location += '/';
    return location;
}

wire::SerDeInfo SerDe(const FileSchema& schema) {
    wire::SerDeInfo serde;
    serde.Parameters.emplace();
    if (schema.classification == "parquet") {
        serde.SerializationLibrary = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe";
        serde.Parameters->emplace("serialization.format", "1");
    } else if (schema.classification == "json") {
        serde.SerializationLibrary = "org.openx.data.jsonserde.JsonSerDe";
        std::string paths;
        for (const wire::Column& column : schema.columns) paths += (paths.empty() ? "" : ",") + column.Name;
        serde.Parameters->emplace("paths", paths);
    } else {
        serde.SerializationLibrary = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe";
        serde.Parameters->emplace("field.delim", schema.csv_delimiter);
    }
    return serde;
}

wire::StorageDescriptor Descriptor(const FileSchema& schema, std::string location) {
    wire::StorageDescriptor descriptor;
    descriptor.Columns = schema.columns;
    descriptor.Location = std::move(location);
    const bool parquet = schema.classification == "parquet";
    descriptor.InputFormat = parquet ? "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
                                     : "org.apache.hadoop.mapred.TextInputFormat";
    descriptor.OutputFormat = parquet ? "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"
                                      : "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat";
    descriptor.Compressed = schema.gzip;
    descriptor.NumberOfBuckets = -1;
    descriptor.SerdeInfo = SerDe(schema);
    descriptor.BucketColumns.emplace();
    descriptor.SortColumns.emplace();
    descriptor.StoredAsSubDirectories = false;
    return descriptor;
}

std::map<std::string, std::string> TableParameters(const TableLayout& layout, const FileSchema& schema,
                                                   const std::string& crawler) {
    uint64_t bytes = 0;
    for (const CrawledObject& object : layout.objects) bytes += object.size_bytes;
    std::map<std::string, std::string> parameters{
        {"classification", schema.classification},       {"compressionType", schema.gzip ? "gzip" : "none"},
        {"typeOfData", "file"},                          {"objectCount", std::to_string(layout.objects.size())},
        {"sizeKey", std::to_string(bytes)},              {"UPDATED_BY_CRAWLER", crawler},
        {"CrawlerSchemaSerializerVersion", "1.0"},       {"CrawlerSchemaDeserializerVersion", "1.0"},
    };
    if (schema.classification == "csv") {
        parameters.emplace("delimiter", schema.csv_delimiter);
        if (schema.csv_header) parameters.emplace("skip.header.line.count", "1");
    }
    return parameters;
}

}  // namespace

Crawl::Crawl(apis::glue::GlueApi& catalog, apis::s3::S3Api& s3, query::ObjectFiles& files, query::SqlEngine& engine,
             api::CallContext context, wire::Crawler crawler, std::shared_ptr<std::atomic<bool>> stop)
    : catalog_(catalog),
      s3_(s3),
      reader_(s3, files, engine),
      context_(std::move(context)),
      crawler_(std::move(crawler)),
      stop_(std::move(stop)) {}

env::Task<Result<CrawlCounts>> Crawl::Run() {
    if (crawler_.Targets->CatalogTargets && !crawler_.Targets->CatalogTargets->empty()) {
        for (const wire::CatalogTarget& target : *crawler_.Targets->CatalogTargets) {
            auto done = co_await CrawlCatalogTarget(target);
            if (!done) co_return std::unexpected(done.error());
        }
        co_return counts_;
    }
    wire::CreateDatabaseRequest database;
    database.DatabaseInput.Name = crawler_.DatabaseName.value_or("default");
    auto created = co_await catalog_.CreateDatabase(context_, std::move(database));
    if (!created && created.error().code != "AlreadyExistsException") co_return std::unexpected(ToError(created.error()));
    for (const wire::S3Target& target : *crawler_.Targets->S3Targets) {
        CO_RETURN_IF_ERROR(co_await CrawlTarget(target));
    }
    co_return counts_;
}

env::Task<Result<std::vector<CrawledObject>>> Crawl::List(std::string bucket, std::string prefix) {
    std::vector<CrawledObject> objects;
    std::optional<std::string> token;
    do {
        if (Stopped()) co_return Fail(ErrorCode::kCancelled, "the crawl was stopped");
        apis::s3::ListObjectsV2Request request;
        request.Bucket = bucket;
        request.Prefix = prefix;
        request.ContinuationToken = token;
        auto page = co_await s3_.ListObjectsV2(context_, std::move(request));
        if (!page) co_return std::unexpected(ToError(page.error()));
        if (page->Contents) {
            for (const auto& object : *page->Contents) {
                objects.push_back({object.Key.value_or(""), static_cast<uint64_t>(object.Size.value_or(0)),
                                   object.LastModified ? base::ToUnixMs(*object.LastModified) : 0});
            }
        }
        token = page->NextContinuationToken;
    } while (token);
    co_return objects;
}

env::Task<Result<void>> Crawl::CrawlTarget(wire::S3Target target) {
    std::string path = target.Path.value_or("");
    if (path.starts_with("s3://")) path = path.substr(5);
    const size_t slash = path.find('/');
    const std::string bucket = path.substr(0, slash);
    const std::string prefix = slash == std::string::npos ? "" : WithSlash(path.substr(slash + 1));
    CO_ASSIGN_OR_RETURN(auto objects, co_await List(bucket, prefix));
    if (target.Exclusions) {
        const auto excluded = [&](const CrawledObject& object) {
            const std::string rest = object.key.substr(prefix.size());
            return std::any_of(target.Exclusions->begin(), target.Exclusions->end(),
                               [&](const std::string& pattern) { return MatchesGlob(rest, pattern); });
        };
        std::erase_if(objects, excluded);
    }
    for (TableLayout& layout : LayOut(bucket, prefix, objects)) {
        if (Stopped()) co_return Fail(ErrorCode::kCancelled, "the crawl was stopped");
        CO_RETURN_IF_ERROR(co_await CrawlTable(bucket, std::move(layout)));
    }
    co_return Result<void>{};
}

env::Task<Result<void>> Crawl::CrawlCatalogTarget(wire::CatalogTarget target) {
    crawler_.DatabaseName = target.DatabaseName;
    for (const std::string& name : target.Tables) {
        if (Stopped()) co_return Fail(ErrorCode::kCancelled, "the crawl was stopped");
        wire::GetTableRequest request;
        request.DatabaseName = target.DatabaseName;
        request.Name = name;
        auto found = co_await catalog_.GetTable(context_, std::move(request));
        if (!found) co_return std::unexpected(ToError(found.error()));
        wire::Table table = std::move(*found->Table);
        const std::string location = table.StorageDescriptor ? WithSlash(table.StorageDescriptor->Location.value_or("")) : "";
        const size_t slash = location.find('/', 5);
        if (!location.starts_with("s3://") || slash == std::string::npos) co_return Fail(ErrorCode::kInvalidArgument, fmt::format("table {} is not in S3", name));
        const std::string bucket = location.substr(5, slash - 5);
        const std::string prefix = location.substr(slash + 1);
        CO_ASSIGN_OR_RETURN(auto objects, co_await List(bucket, prefix));
        for (TableLayout& layout : LayOut(bucket, prefix, objects)) {
            if (layout.prefix != prefix) continue;
            auto schema = co_await reader_.Read(context_, bucket, layout.objects, layout.partition_keys);
            if (!schema) co_return std::unexpected(schema.error());
            auto updated = co_await UpdateTable(table, layout, *schema);
            if (!updated) co_return updated;
            auto synced = co_await SyncPartitions(table.Name, bucket, layout);
            if (!synced) co_return synced;
        }
    }
    co_return Result<void>{};
}

env::Task<Result<std::optional<wire::Table>>> Crawl::TableAt(std::string location, const TableLayout& layout, const FileSchema& schema) {
    std::optional<std::string> token;
    do {
        wire::GetTablesRequest request;
        request.DatabaseName = crawler_.DatabaseName.value_or("default");
        request.NextToken = token;
        auto page = co_await catalog_.GetTables(context_, std::move(request));
        if (!page) co_return std::unexpected(ToError(page.error()));
        for (wire::Table& table : *page->TableList) {
            if (!table.StorageDescriptor || !table.StorageDescriptor->Location) continue;
            if (WithSlash(*table.StorageDescriptor->Location) != location) continue;
            // A table that only shares the place (a schema for delivery, say) is left alone.
            const size_t keys = table.PartitionKeys ? table.PartitionKeys->size() : 0;
            const std::string serde = table.StorageDescriptor->SerdeInfo
                                          ? LowerCase(table.StorageDescriptor->SerdeInfo->SerializationLibrary.value_or("")) : "";
            const std::string word = schema.classification == "csv" ? "serde2" : schema.classification;
            if (keys != layout.partition_keys.size() || (!serde.empty() && serde.find(word) == std::string::npos)) continue;
            co_return std::optional<wire::Table>(std::move(table));
        }
        token = page->NextToken;
    } while (token);
    co_return std::optional<wire::Table>();
}

env::Task<Result<void>> Crawl::CrawlTable(std::string bucket, TableLayout layout) {
    const std::string location = "s3://" + bucket + "/" + layout.prefix;
    auto schema = co_await reader_.Read(context_, bucket, layout.objects, layout.partition_keys);
    if (!schema && (schema.error().code == ErrorCode::kUnsupported || schema.error().code == ErrorCode::kNotFound)) {
        base::LogWarning("glue", "crawler {}: {} makes no table: {}", *crawler_.Name, location, schema.error().message);
        co_return Result<void>{};
    }
    if (!schema) co_return std::unexpected(schema.error());
    CO_ASSIGN_OR_RETURN(auto before, co_await TableAt(location, layout, *schema));
    std::string name;
    if (before) {
        name = before->Name;
        CO_RETURN_IF_ERROR(co_await UpdateTable(std::move(*before), layout, *schema));
    } else {
        name = LowerCase(crawler_.TablePrefix.value_or("")) + layout.name;
        wire::GetTableRequest request;
        request.DatabaseName = crawler_.DatabaseName.value_or("default");
        request.Name = name;
        // A table of other data has the name: the crawler's own gets a tail made of its place.
        if (co_await catalog_.GetTable(context_, std::move(request))) {
            name += fmt::format("_{:08x}", static_cast<uint32_t>(std::hash<std::string>()(location)));
        }
        CO_RETURN_IF_ERROR(co_await CreateTable(name, location, layout, *schema));
    }
    co_return co_await SyncPartitions(name, bucket, layout);
}

env::Task<Result<void>> Crawl::CreateTable(std::string name, std::string location, const TableLayout& layout,
                                           const FileSchema& schema) {
    wire::CreateTableRequest request;
    request.DatabaseName = crawler_.DatabaseName.value_or("default");
    wire::TableInput input;
    input.Name = std::move(name);
    input.Owner = "owner";
    input.TableType = "EXTERNAL_TABLE";
    input.StorageDescriptor = Descriptor(schema, std::move(location));
    input.PartitionKeys.emplace();
    for (const std::string& key : layout.partition_keys) {
        wire::Column column;
        column.Name = key;
        column.Type = "string";
        input.PartitionKeys->push_back(std::move(column));
    }
    input.Parameters = TableParameters(layout, schema, *crawler_.Name);
    request.TableInput = std::move(input);
    auto created = co_await catalog_.CreateTable(context_, std::move(request));
    if (!created) co_return std::unexpected(ToError(created.error()));
    ++counts_.created;
    co_return Result<void>{};
}

env::Task<Result<void>> Crawl::UpdateTable(wire::Table table, const TableLayout& layout, const FileSchema& schema) {
    if (crawler_.SchemaChangePolicy && crawler_.SchemaChangePolicy->UpdateBehavior == wire::UpdateBehavior::kLog) {
        co_return Result<void>{};
    }
    // What is there stays as it is, a user may have refined it; what is new is added.
    auto& columns = table.StorageDescriptor->Columns;
    if (!columns) columns.emplace();
    bool changed = false;
    for (const wire::Column& column : schema.columns) {
        const auto same = [&](const wire::Column& c) { return LowerCase(c.Name) == column.Name; };
        const bool key = table.PartitionKeys && std::any_of(table.PartitionKeys->begin(), table.PartitionKeys->end(), same);
        if (key || std::any_of(columns->begin(), columns->end(), same)) continue;
        columns->push_back(column);
        changed = true;
    }
    if (!table.StorageDescriptor->SerdeInfo) {
        const std::string location = *table.StorageDescriptor->Location;
        std::vector<wire::Column> kept = *columns;
        table.StorageDescriptor = Descriptor(schema, location);
        table.StorageDescriptor->Columns = std::move(kept);
        changed = true;
    }
    if (!changed) co_return Result<void>{};
    wire::UpdateTableRequest request;
    request.DatabaseName = crawler_.DatabaseName.value_or("default");
    request.VersionId = table.VersionId;
    wire::TableInput input;
    input.Name = table.Name;
    input.Description = table.Description;
    input.Owner = table.Owner;
    input.Retention = table.Retention;
    input.StorageDescriptor = table.StorageDescriptor;
    input.PartitionKeys = table.PartitionKeys;
    input.TableType = table.TableType;
    std::map<std::string, std::string> parameters = table.Parameters.value_or(std::map<std::string, std::string>{});
    for (auto& [key, value] : TableParameters(layout, schema, *crawler_.Name)) parameters[key] = value;
    input.Parameters = std::move(parameters);
    request.TableInput = std::move(input);
    auto updated = co_await catalog_.UpdateTable(context_, std::move(request));
    if (!updated) co_return std::unexpected(ToError(updated.error()));
    ++counts_.updated;
    co_return Result<void>{};
}

env::Task<Result<void>> Crawl::SyncPartitions(std::string table, std::string bucket, const TableLayout& layout) {
    wire::GetTableRequest find;
    find.DatabaseName = crawler_.DatabaseName.value_or("default");
    find.Name = table;
    auto found = co_await catalog_.GetTable(context_, std::move(find));
    if (!found) co_return std::unexpected(ToError(found.error()));
    const size_t keys = found->Table->PartitionKeys ? found->Table->PartitionKeys->size() : 0;
    if (keys == 0 || keys != layout.partition_keys.size()) co_return Result<void>{};

    std::set<std::vector<std::string>> known;
    std::optional<std::string> token;
    do {
        wire::GetPartitionsRequest request;
        request.DatabaseName = crawler_.DatabaseName.value_or("default");
        request.TableName = table;
        request.ExcludeColumnSchema = true;
        request.NextToken = token;
        auto page = co_await catalog_.GetPartitions(context_, std::move(request));
        if (!page) co_return std::unexpected(ToError(page.error()));
        for (const wire::Partition& partition : *page->Partitions) known.insert(*partition.Values);
        token = page->NextToken;
    } while (token);

    wire::BatchCreatePartitionRequest create;
    const auto flush = [&]() {
        wire::BatchCreatePartitionRequest full = std::move(create);
        create = {};
        full.DatabaseName = crawler_.DatabaseName.value_or("default");
        full.TableName = table;
        return full;
    };
    for (const auto& [values, prefix] : layout.partitions) {
        if (known.erase(values) > 0) continue;
        wire::PartitionInput input;
        input.Values = values;
        input.StorageDescriptor = found->Table->StorageDescriptor;
        input.StorageDescriptor->Location = "s3://" + bucket + "/" + prefix;
        create.PartitionInputList.push_back(std::move(input));
        if (create.PartitionInputList.size() < 100) continue;
        auto made = co_await catalog_.BatchCreatePartition(context_, flush());
        if (!made) co_return std::unexpected(ToError(made.error()));
    }
    if (!create.PartitionInputList.empty()) {
        auto made = co_await catalog_.BatchCreatePartition(context_, flush());
        if (!made) co_return std::unexpected(ToError(made.error()));
    }
    // What is left of known has no object any more.
    const bool remove = crawler_.SchemaChangePolicy &&
                        crawler_.SchemaChangePolicy->DeleteBehavior == wire::DeleteBehavior::kDeleteFromDatabase;
    if (!remove || known.empty()) co_return Result<void>{};
    wire::BatchDeletePartitionRequest request;
    request.DatabaseName = crawler_.DatabaseName.value_or("default");
    request.TableName = table;
    for (const auto& values : known) {
        wire::PartitionValueList list;
        list.Values = values;
        request.PartitionsToDelete.push_back(std::move(list));
    }
    auto deleted = co_await catalog_.BatchDeletePartition(context_, std::move(request));
    if (!deleted) co_return std::unexpected(ToError(deleted.error()));
    co_return Result<void>{};
}

}  // namespace wellhead::services::glue
