// Statements that write rows: CREATE TABLE AS, INSERT INTO, UNLOAD. The engine writes files into the run's directory;
// they become objects; only then the catalog learns of them. What fails in between takes its objects back.
#include <fmt/format.h>

#include <algorithm>

#include "api/uri.h"
#include "query/hive_type.h"
#include "services/athena/statement_run.h"

namespace wellhead::services::athena {

using base::ErrorCode;
using base::Result;
using std::unexpected;
namespace glue = apis::glue;
namespace sa = sql::athena;

namespace {

std::string Upper(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    return out;
}

// How a query asks for its files: WITH (format = ..., ...).
struct Asked {
    std::string format = "PARQUET";
    std::string compression;
    std::optional<std::string> location, delimiter;
    std::vector<std::string> partition_by;
};

std::expected<Asked, std::string> ReadProperties(const sa::WithProperties& properties, bool unload, const sql::Position& at) {
    const std::string place = fmt::format("line {}:{}: ", at.line, at.column);
    Asked asked;
    if (unload && !properties.contains("format")) return unexpected("SYNTAX_ERROR: " + place + "UNLOAD needs the property format");
    for (const auto& [name, values] : properties) {
        const std::string first = values.empty() ? "" : values.front();
        if (name == "format") asked.format = Upper(first);
        else if (name == "write_compression" || name == "compression" || name == "parquet_compression" || name == "orc_compression") asked.compression = Upper(first);
        else if (name == "external_location" && !unload) asked.location = first;
        else if (name == "field_delimiter") asked.delimiter = first;
        else if (name == "partitioned_by") asked.partition_by = values;
        else if (name == "is_external" || (name == "table_type" && Upper(first) == "HIVE")) continue;
        else if (name == "bucketed_by" || name == "bucket_count") return unexpected(fmt::format("NOT_SUPPORTED: {}The property {} is not served", place, name));
        else return unexpected(fmt::format("NOT_SUPPORTED: {}The property {} is not known or not served", place, name));
    }
    if (asked.format == "TEXT") asked.format = "TEXTFILE";
    if (asked.format != "PARQUET" && asked.format != "JSON" && asked.format != "TEXTFILE") {
        return unexpected(fmt::format("NOT_SUPPORTED: {}The format {} is not served", place, asked.format));
    }
    const bool parquet = asked.format == "PARQUET";
    if (asked.compression.empty()) asked.compression = parquet && !unload ? "GZIP" : parquet ? "SNAPPY" : "GZIP";
    static constexpr std::string_view kParquet[] = {"NONE", "UNCOMPRESSED", "SNAPPY", "GZIP", "ZSTD", "LZ4"};
    static constexpr std::string_view kText[] = {"NONE", "GZIP", "ZSTD"};
    const bool known = parquet ? std::find(std::begin(kParquet), std::end(kParquet), asked.compression) != std::end(kParquet)
                               : std::find(std::begin(kText), std::end(kText), asked.compression) != std::end(kText);
    if (!known) return unexpected(fmt::format("NOT_SUPPORTED: {}The compression {} is not served for {}", place, asked.compression, asked.format));
    for (std::string& key : asked.partition_by) {
        for (char& c : key) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return asked;
}

// What DuckDB appends to "COPY ... TO ...".
std::string CopyOptions(const std::string& format, const std::string& compression, const std::string& delimiter) {
    const bool none = compression == "NONE" || compression == "UNCOMPRESSED";
    std::string lower = none ? (format == "PARQUET" ? "uncompressed" : "none") : compression;
    for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (format == "PARQUET") return fmt::format("FORMAT parquet, COMPRESSION {}", lower == "lz4" ? "lz4_raw" : lower);
    // The engine's JSON writer knows no partitions: a line of JSON is a CSV of one column without quotes.
    if (format == "JSON") return fmt::format("FORMAT csv, HEADER false, DELIM '\x01', QUOTE '', ESCAPE '', COMPRESSION {}", lower);
    return fmt::format("FORMAT csv, HEADER false, DELIM {}, QUOTE '', ESCAPE '', NULLSTR '\\N', COMPRESSION {}", SqlText(delimiter), lower);
}

struct LocalFile {
    std::string path;
    std::vector<std::string> values;
    uint64_t size = 0;
};

// The files below a directory with the values that their folders name.
Result<void> FindFiles(env::Files& files, const std::string& directory, std::vector<std::string> values, std::vector<LocalFile>& found) {
    ASSIGN_OR_RETURN(auto entries, files.List(directory));
    std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    for (const env::DirectoryEntry& entry : entries) {
        const std::string path = directory + "/" + entry.name;
        if (entry.kind == env::FileKind::kDirectory) {
            std::vector<std::string> deeper = values;
            const std::string value = entry.name.substr(entry.name.find('=') + 1);
            deeper.push_back(api::UriDecode(value).value_or(value));
            RETURN_IF_ERROR(FindFiles(files, path, std::move(deeper), found));
        } else {
            ASSIGN_OR_RETURN(const auto file, files.Open(path, env::OpenMode::kRead));
            ASSIGN_OR_RETURN(const uint64_t size, file->Size());
            found.push_back({path, values, size});
        }
    }
    return {};
}

// Whether Trino would put values of the one type into the other without being told to.
bool Fits(const query::HiveType& from, const query::HiveType& to) {
    using query::HiveKind;
    const auto rank = [](HiveKind kind) {
        static constexpr HiveKind kWider[] = {HiveKind::kTinyint, HiveKind::kSmallint, HiveKind::kInt, HiveKind::kBigint, HiveKind::kDecimal, HiveKind::kFloat, HiveKind::kDouble};
        const auto found = std::find(std::begin(kWider), std::end(kWider), kind);
        return found == std::end(kWider) ? -1 : static_cast<int>(found - std::begin(kWider));
    };
    if (from.kind != to.kind) {
        if (from.kind == HiveKind::kDate && to.kind == HiveKind::kTimestamp) return true;
        // Between integers the engine checks each value: how narrow a literal's type is differs from Trino's.
        const int bigint = 3;
        return rank(from.kind) >= 0 && rank(to.kind) >= 0 && (rank(from.kind) <= rank(to.kind) || (rank(from.kind) <= bigint && rank(to.kind) <= bigint));
    }
    if (from.children.size() != to.children.size()) return false;
    for (size_t i = 0; i < from.children.size(); ++i) {
        if (!Fits(from.children[i], to.children[i])) return false;
    }
    return true;
}

}  // namespace

env::Task<StatementRun::Done<void>> StatementRun::CheckEmpty(std::string folder, std::string what) {
    auto place = ParseS3Folder(folder);
    if (!place) co_return unexpected("INVALID_TABLE_PROPERTY: " + place.error().message);
    auto any = co_await deps_.lake.HasObjects(context_.call, std::move(*place));
    if (!any) co_return unexpected("HIVE_FILESYSTEM_ERROR: " + any.error().message);
    if (*any) co_return unexpected(fmt::format("HIVE_PATH_ALREADY_EXISTS: Target directory for {} already exists: {}. You may need to manually clean the data at location "
                                               "before retrying. Athena will not delete data in your account.", what, folder));
    co_return Done<void>{};
}

env::Task<StatementRun::Done<StatementRun::Written>> StatementRun::Write(Ready ready, WriteJob job) {
    std::string items;
    std::string fields;
    for (size_t i = 0; i < job.targets.size(); ++i) {
        const query::Column& target = job.targets[i];
        auto type = query::ParseHiveType(target.type);
        if (!type) co_return unexpected(fmt::format("NOT_SUPPORTED: Unsupported Hive type: {}", target.type));
        const bool key = std::find(job.partition_by.begin(), job.partition_by.end(), target.name) != job.partition_by.end();
        const std::string from = fmt::format("CAST({} AS {})", SqlName(fmt::format("wh_{}", i)), query::ToDuckDb(*type));
        if (job.format == "JSON" && !key) {
            fields += fmt::format("{}{} := {}", fields.empty() ? "" : ", ", SqlName(target.name), from);
            continue;
        }
        items += fmt::format("{}{} AS {}", items.empty() ? "" : ", ",
                             key ? fmt::format("coalesce(CAST({} AS VARCHAR), {})", from, SqlText(kNullPartition)) : from, SqlName(target.name));
    }
    if (job.format == "JSON") items = fmt::format("CAST(to_json(struct_pack({})) AS VARCHAR) AS wh_json{}{}", fields, items.empty() ? "" : ", ", items);
    std::string names;
    for (size_t i = 0; i < job.columns.size(); ++i) names += fmt::format("{}{}", i > 0 ? ", " : "", SqlName(fmt::format("wh_{}", i)));
    const std::string directory = context_.directory + "/written";
    const auto make = [this, &directory] { return deps_.lake.files().MakeDirectories(directory); };
    auto made = co_await env::RunBlocking(deps_.lake.pool(), make);
    if (!made) co_return unexpected("GENERIC_INTERNAL_ERROR: " + made.error().message);
    std::string keys;
    for (const std::string& key : job.partition_by) keys += (keys.empty() ? "" : ", ") + SqlName(key);
    const std::string options = CopyOptions(job.format, job.compression, job.delimiter) + (keys.empty() ? "" : fmt::format(", PARTITION_BY ({}), OVERWRITE_OR_IGNORE true", keys));
    ready.query.sql = fmt::format("COPY (SELECT {} FROM ({}) AS wh_query({})) TO {} ({})", items, ready.query.sql, names,
                                  SqlText(keys.empty() ? directory + "/data" : directory), options);
    ready.query.writable_directories.push_back(directory);
    auto answer = co_await RunEngine(std::move(ready.query));
    if (!answer) co_return unexpected(answer.error());
    Written written;
    written.scanned_bytes = answer->read_bytes;
    if (!answer->rows.empty() && answer->rows[0][0]) written.rows = std::strtoull(answer->rows[0][0]->c_str(), nullptr, 10);
    co_return co_await Upload(std::move(job), std::move(written));
}

env::Task<StatementRun::Done<StatementRun::Written>> StatementRun::Upload(WriteJob job, Written written) {
    if (written.rows == 0) co_return written;
    std::vector<LocalFile> files;
    const auto find = [&] { return FindFiles(deps_.lake.files(), context_.directory + "/written", {}, files); };
    auto found = co_await env::RunBlocking(deps_.lake.pool(), find);
    if (!found) co_return unexpected("GENERIC_INTERNAL_ERROR: " + found.error().message);
    std::vector<glue::Column> keys;
    for (const std::string& key : job.partition_by) keys.emplace_back().Name = key;
    std::string folder = job.folder;
    if (folder.back() != '/') folder += '/';
    const std::string extension = job.format == "PARQUET" ? "" : job.compression == "GZIP" ? ".gz" : job.compression == "ZSTD" ? ".zst" : "";
    if (!keys.empty()) {
        for (const LocalFile& file : files) written.partitions.emplace(file.values, folder + PartitionFolder(keys, file.values) + "/");
        auto places = co_await FindPlaces(job, written);
        if (!places) co_return unexpected(places.error());
    }
    for (size_t i = 0; i < files.size(); ++i) {
        const LocalFile& file = files[i];
        std::string place = keys.empty() ? folder : written.partitions.at(file.values);
        place += fmt::format("{}_{:05}{}", context_.execution_id, i, extension);
        auto target = ParseS3(place);
        auto put = target ? co_await deps_.lake.PutFile(context_.call, std::move(*target), "application/octet-stream", file.path)
                          : Result<void>(unexpected(target.error()));
        if (!put || context_.stop.stop_requested()) {
            co_await TakeBack(written);
            co_return unexpected(put ? "the query was stopped" : "PERMISSION_DENIED: the files cannot be written: " + put.error().message);
        }
        written.files.push_back(std::move(place));
        written.bytes += file.size;
    }
    co_return written;
}

env::Task<StatementRun::Done<void>> StatementRun::FindPlaces(const WriteJob& job, Written& written) {
    if (!job.existing) co_return Done<void>{};
    constexpr size_t kMost = 1000;  // BatchGetPartition's limit
    std::vector<glue::PartitionValueList> wanted;
    for (const auto& [values, place] : written.partitions) wanted.emplace_back().Values = values;
    for (size_t from = 0; from < wanted.size(); from += kMost) {
        glue::BatchGetPartitionRequest request;
        request.DatabaseName = job.existing->database;
        request.TableName = job.existing->table;
        request.PartitionsToGet = {wanted.begin() + static_cast<long>(from), wanted.begin() + static_cast<long>(std::min(from + kMost, wanted.size()))};
        auto found = co_await deps_.glue.BatchGetPartition(context_.call, std::move(request));
        if (!found) co_return unexpected(MetastoreReason(found.error()));
        for (const glue::Partition& partition : *found->Partitions) {
            if (!partition.StorageDescriptor || !partition.StorageDescriptor->Location) continue;
            std::string place = *partition.StorageDescriptor->Location;
            if (!place.empty() && place.back() != '/') place += '/';
            written.partitions[*partition.Values] = std::move(place);
        }
    }
    co_return Done<void>{};
}

env::Task<void> StatementRun::TakeBack(const Written& written) {
    for (const std::string& file : written.files) {
        auto place = ParseS3(file);
        if (place) (void)co_await deps_.lake.Delete(context_.call, std::move(*place));
    }
}

env::Task<StatementRun::Done<std::string>> StatementRun::PutManifest(std::string address, const Written& written) {
    std::string text;
    for (const std::string& file : written.files) text += file + "\n";
    auto place = ParseS3(address);
    if (!place) co_return unexpected(place.error().message);
    auto put = co_await deps_.lake.PutText(context_.call, std::move(*place), "text/csv", std::move(text));
    if (!put) co_return unexpected("PERMISSION_DENIED: the manifest cannot be written: " + put.error().message);
    co_return address;
}

env::Task<StatementRun::Done<void>> StatementRun::AddWrittenPartitions(const glue::Table& table, std::string database, const Written& written) {
    std::vector<glue::PartitionInput> inputs;
    for (const auto& [values, folder] : written.partitions) {
        glue::PartitionInput& input = inputs.emplace_back();
        input.Values = values;
        input.StorageDescriptor = table.StorageDescriptor;
        input.StorageDescriptor->Location = folder;
    }
    constexpr size_t kBatch = 100;  // BatchCreatePartition's limit
    for (size_t from = 0; from < inputs.size(); from += kBatch) {
        glue::BatchCreatePartitionRequest request;
        request.DatabaseName = database;
        request.TableName = table.Name;
        for (size_t i = from; i < std::min(from + kBatch, inputs.size()); ++i) request.PartitionInputList.push_back(std::move(inputs[i]));
        // Those that are there keep their place: INSERT writes into it.
        auto created = co_await deps_.glue.BatchCreatePartition(context_.call, std::move(request));
        if (!created) co_return unexpected(MetastoreReason(created.error()));
    }
    co_return Done<void>{};
}

env::Task<Ran> StatementRun::Do(const sa::CreateTableAs& statement) {
    const sa::TableName name = Named(statement.name);
    auto asked = ReadProperties(statement.properties, false, name.at);
    if (!asked) co_return unexpected(asked.error());
    if (asked->location && context_.output_enforced) {
        co_return unexpected("INVALID_TABLE_PROPERTY: The Create Table As Select query failed because it was submitted with an 'external_location' property to an Athena "
                             "Workgroup that enforces a centralized output location for all queries. Please remove the 'external_location' property and resubmit the query.");
    }
    auto ensured = co_await EnsureDatabase(name.database);
    if (!ensured) co_return unexpected(ensured.error());
    auto before = co_await GetTable(name, false);
    if (before && statement.if_not_exists) co_return RunResult{};
    if (before) co_return unexpected(fmt::format("TABLE_ALREADY_EXISTS: line {}:{}: Destination table 'awsdatacatalog.{}.{}' already exists", name.at.line, name.at.column,
                                                 name.database, name.table));
    if (!before.error().starts_with("TABLE_NOT_FOUND")) co_return unexpected(before.error());
    auto ready = co_await Prepare(statement.query.text);
    if (!ready) co_return unexpected(ready.error());
    if (!ready->unnamed_columns.empty()) {
        co_return unexpected(fmt::format("MISSING_COLUMN_NAME: line {}:{}: Column name not specified at position {}", name.at.line, name.at.column,
                                         ready->unnamed_columns.front() + 1));
    }
    auto columns = co_await ColumnsOf(*ready);
    if (!columns) co_return unexpected(columns.error());
    const size_t data = columns->size() - std::min(columns->size(), asked->partition_by.size());
    for (size_t i = 0; i < asked->partition_by.size(); ++i) {
        if (data == 0 || (*columns)[data + i].name == asked->partition_by[i]) continue;
        co_return unexpected(fmt::format("HIVE_COLUMN_ORDER_MISMATCH: Partition keys must be the last columns in the table and in the same order as the table properties: [{}]",
                                         fmt::join(asked->partition_by, ", ")));
    }
    if (data == 0) co_return unexpected("INVALID_TABLE_PROPERTY: Table contains only partition columns");
    const std::string folder = asked->location.value_or(context_.output + "/");
    auto empty = co_await CheckEmpty(folder, fmt::format("table '{}.{}'", name.database, name.table));
    if (!empty) co_return unexpected(empty.error());

    glue::StorageDescriptor storage;
    const auto classes = ClassesOf(asked->format);
    storage.InputFormat = classes->input_format;
    storage.OutputFormat = classes->output_format;
    storage.Location = folder;
    storage.Compressed = asked->compression != "NONE";
    storage.NumberOfBuckets = 0;
    storage.SerdeInfo.emplace().SerializationLibrary = classes->serde;
    if (asked->format == "TEXTFILE") {
        storage.SerdeInfo->Parameters.emplace()["field.delim"] = asked->delimiter.value_or("\x01");
        storage.SerdeInfo->Parameters->emplace("serialization.format", asked->delimiter.value_or("1"));
    }
    storage.Columns.emplace();
    glue::TableInput input;
    input.Name = name.table;
    input.Owner = "hadoop";
    input.TableType = "EXTERNAL_TABLE";
    input.PartitionKeys.emplace();
    for (size_t i = 0; i < columns->size(); ++i) {
        if (!query::ParseHiveType((*columns)[i].type)) co_return unexpected(fmt::format("NOT_SUPPORTED: Unsupported Hive type: {}. Column {}", (*columns)[i].type, (*columns)[i].name));
        glue::Column& column = (i < data ? *storage.Columns : *input.PartitionKeys).emplace_back();
        column.Name = (*columns)[i].name;
        for (char& c : column.Name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        column.Type = (*columns)[i].type;
    }
    input.Parameters.emplace()["EXTERNAL"] = "TRUE";
    input.Parameters->emplace("auto.purge", "false");
    if (asked->format == "PARQUET") input.Parameters->emplace("parquet.compression", asked->compression);
    input.StorageDescriptor = storage;

    WriteJob job{asked->format, asked->compression, asked->delimiter.value_or("\x01"), *columns, *columns, asked->partition_by, folder, std::nullopt};
    Written written;
    if (statement.with_data) {
        auto done = co_await Write(std::move(*ready), std::move(job));
        if (!done) co_return unexpected(done.error());
        written = std::move(*done);
    }
    glue::Table table;
    table.Name = name.table;
    table.StorageDescriptor = std::move(storage);
    glue::CreateTableRequest create;
    create.DatabaseName = name.database;
    create.TableInput = std::move(input);
    auto created = co_await deps_.glue.CreateTable(context_.call, std::move(create));
    if (!created) {
        co_await TakeBack(written);
        co_return unexpected(MetastoreReason(created.error()));
    }
    auto added = co_await AddWrittenPartitions(table, name.database, written);
    if (!added) co_return unexpected(added.error());
    auto manifest = co_await PutManifest(context_.output + "-manifest.csv", written);
    if (!manifest) co_return unexpected(manifest.error());
    RunResult result;
    result.columns = {{"rows", "bigint"}};
    result.scanned_bytes = written.scanned_bytes;
    result.output_rows = written.rows;
    result.output_bytes = written.bytes;
    result.written_rows = written.rows;
    result.manifest = std::move(*manifest);
    co_return result;
}

env::Task<StatementRun::Done<bool>> StatementRun::FitsInto(const Ready& ready, const std::vector<std::string>& given, const std::vector<std::string>& wanted) {
    if (given.size() != wanted.size()) co_return false;
    std::vector<size_t> doubtful;
    for (size_t i = 0; i < given.size(); ++i) {
        const auto from = query::ParseHiveType(given[i]);
        const auto to = query::ParseHiveType(wanted[i]);
        if (from && to && Fits(*from, *to)) continue;
        if (given[i] != "int") co_return false;
        doubtful.push_back(i);
    }
    if (doubtful.empty()) co_return true;
    // A column of nothing but NULL shows as an integer: the engine knows it by its own name of the type.
    std::string items;
    std::string names;
    for (const size_t i : doubtful) items += fmt::format("{}typeof(wh_given.{})", items.empty() ? "" : ", ", SqlName(fmt::format("c{}", i)));
    for (size_t i = 0; i < given.size(); ++i) names += fmt::format("{}{}", i > 0 ? ", " : "", SqlName(fmt::format("c{}", i)));
    query::Query question = ready.query;
    question.sql = fmt::format("SELECT {} FROM (SELECT 1) AS wh_one LEFT JOIN (SELECT * FROM ({}) AS wh_query({}) LIMIT 0) AS wh_given ON true", items, ready.query.sql, names);
    auto answer = co_await RunEngine(std::move(question));
    if (!answer) co_return unexpected(answer.error());
    const auto null = [](const query::Cell& cell) { return cell == "\"NULL\""; };
    co_return !answer->rows.empty() && std::all_of(answer->rows[0].begin(), answer->rows[0].end(), null);
}

env::Task<Ran> StatementRun::Do(const sa::Insert& statement) {
    const sa::TableName name = Named(statement.name);
    const std::string place = fmt::format("line {}:{}: ", name.at.line, name.at.column);
    auto table = co_await GetTable(name, false);
    if (!table) co_return unexpected(table.error());
    if (table->TableType == "VIRTUAL_VIEW") co_return unexpected("NOT_SUPPORTED: " + place + "Inserting into views is not supported");
    if (!table->StorageDescriptor || !table->StorageDescriptor->Location) co_return unexpected("HIVE_METASTORE_ERROR: " + place + "The table has no location");
    auto format = FormatOf(*table);
    if (!format) co_return unexpected("NOT_SUPPORTED: " + place + format.error().message);
    if (*format == Format::kCsv) co_return unexpected("NOT_SUPPORTED: " + place + "INSERT into a table of OpenCSVSerde is not supported");
    WriteJob job;
    std::vector<query::Column> all;
    const auto take = [&](const std::optional<std::vector<glue::Column>>& columns) {
        if (!columns) return;
        for (const glue::Column& column : *columns) all.push_back({column.Name, column.Type.value_or("string")});
    };
    take(table->StorageDescriptor->Columns);
    take(table->PartitionKeys);
    if (table->PartitionKeys) {
        for (const glue::Column& key : *table->PartitionKeys) job.partition_by.push_back(key.Name);
    }
    std::vector<query::Column> named;
    for (const std::string& column : statement.columns) {
        const auto found = std::find_if(all.begin(), all.end(), [&](const query::Column& c) { return c.name == column; });
        if (found == all.end()) co_return unexpected(fmt::format("COLUMN_NOT_FOUND: {}Insert column name does not exist in target table: {}", place, column));
        named.push_back(*found);
    }
    if (statement.columns.empty()) named = all;
    auto ready = co_await Prepare(statement.query.text);
    if (!ready) co_return unexpected(ready.error());
    auto columns = co_await ColumnsOf(*ready);
    if (!columns) co_return unexpected(columns.error());
    std::vector<std::string> wanted, given;
    for (const query::Column& column : named) wanted.push_back(column.type);
    for (const query::Column& column : *columns) given.push_back(column.type);
    auto fits = co_await FitsInto(*ready, given, wanted);
    if (!fits) co_return unexpected(fits.error());
    if (!*fits) {
        co_return unexpected(fmt::format("TYPE_MISMATCH: {}Insert query has mismatched column types: Table: [{}], Query: [{}]", place, fmt::join(wanted, ", "), fmt::join(given, ", ")));
    }
    // In the table's order, NULL for what is not given.
    std::string items;
    for (size_t i = 0; i < all.size(); ++i) {
        const auto at = std::find_if(named.begin(), named.end(), [&](const query::Column& c) { return c.name == all[i].name; });
        items += fmt::format("{}{}", i > 0 ? ", " : "", at == named.end() ? "NULL" : SqlName(fmt::format("wh_given_{}", at - named.begin())));
    }
    std::string names;
    for (size_t i = 0; i < named.size(); ++i) names += fmt::format("{}{}", i > 0 ? ", " : "", SqlName(fmt::format("wh_given_{}", i)));
    ready->query.sql = fmt::format("SELECT {} FROM ({}) AS wh_insert({})", items, ready->query.sql, names);
    job.format = *format == Format::kParquet ? "PARQUET" : *format == Format::kJson ? "JSON" : "TEXTFILE";
    const std::string asked = Upper(TableParameter(*table, "parquet.compression", TableParameter(*table, "write.compression", "")));
    job.compression = !asked.empty() ? asked : job.format == "PARQUET" ? "SNAPPY" : "NONE";
    job.delimiter = TableParameter(*table, "field.delim", "\x01");
    job.columns = job.targets = all;
    job.folder = *table->StorageDescriptor->Location;
    job.existing = name;
    auto written = co_await Write(std::move(*ready), std::move(job));
    if (!written) co_return unexpected(written.error());
    auto added = co_await AddWrittenPartitions(*table, name.database, *written);
    if (!added) {
        co_await TakeBack(*written);
        co_return unexpected(added.error());
    }
    auto manifest = co_await PutManifest(context_.output + "-manifest.csv", *written);
    if (!manifest) co_return unexpected(manifest.error());
    RunResult result;
    result.columns = {{"rows", "bigint"}};
    result.scanned_bytes = written->scanned_bytes;
    result.output_rows = written->rows;
    result.output_bytes = written->bytes;
    result.written_rows = written->rows;
    result.manifest = std::move(*manifest);
    co_return result;
}

env::Task<Ran> StatementRun::Do(const sa::Unload& statement) {
    auto asked = ReadProperties(statement.properties, true, {});
    if (!asked) co_return unexpected(asked.error());
    auto empty = co_await CheckEmpty(statement.location, "UNLOAD");
    if (!empty) co_return unexpected(empty.error());
    auto ready = co_await Prepare(statement.query.text);
    if (!ready) co_return unexpected(ready.error());
    auto columns = co_await ColumnsOf(*ready);
    if (!columns) co_return unexpected(columns.error());
    const size_t data = columns->size() - std::min(columns->size(), asked->partition_by.size());
    for (size_t i = 0; i < asked->partition_by.size(); ++i) {
        if ((*columns)[data + i].name == asked->partition_by[i]) continue;
        co_return unexpected(fmt::format("HIVE_COLUMN_ORDER_MISMATCH: Partition keys must be the last columns: [{}]", fmt::join(asked->partition_by, ", ")));
    }
    WriteJob job{asked->format, asked->compression, asked->delimiter.value_or(","), *columns, *columns, asked->partition_by, statement.location, std::nullopt};
    auto written = co_await Write(std::move(*ready), std::move(job));
    if (!written) co_return unexpected(written.error());
    auto manifest = co_await PutManifest(context_.output + "-manifest.csv", *written);
    if (!manifest) co_return unexpected(manifest.error());
    RunResult result;
    result.columns = {{"rows", "bigint"}};
    result.scanned_bytes = written->scanned_bytes;
    result.output_rows = written->rows;
    result.output_bytes = written->bytes;
    result.written_rows = written->rows;
    result.manifest = std::move(*manifest);
    co_return result;
}

}  // namespace wellhead::services::athena
