#include "services/glue/schema_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/log.h"
#include "services/glue/catalog.h"

namespace wellhead::services::glue {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;

constexpr size_t kParquetSample = 500;
constexpr size_t kTextSample = 20;
constexpr size_t kHeadBytes = 4096;

std::string Quoted(const std::string& text) {
    std::string out = "'";
    for (const char c : text) {
        if (c == '\'') out += '\'';
        out += c;
    }
    return out + "'";
}

// By its first bytes; names are only asked where those say nothing.
std::string Classify(const std::string& head, const std::string& key, bool& gzip) {
    if (head.starts_with("PAR1")) return "parquet";
    gzip = head.starts_with("\x1f\x8b");
    std::string name = LowerCase(key);
    if (name.ends_with(".gz")) name = name.substr(0, name.size() - 3);
    if (name.ends_with(".csv") || name.ends_with(".tsv")) return "csv";
    if (name.ends_with(".json") || name.ends_with(".ndjson") || name.ends_with(".jsonl")) return "json";
    if (gzip) return "json";  // Firehose's own, which has no other name
    const size_t first = head.find_first_not_of(" \t\r\n");
    if (first != std::string::npos && (head[first] == '{' || head[first] == '[')) return "json";
    const std::string line = head.substr(0, head.find('\n'));
    const bool text = std::none_of(line.begin(), line.end(), [](char c) { return c == '\0'; });
    return text && line.find(',') != std::string::npos ? "csv" : "";
}

int Rank(const std::string& type) {
    static constexpr std::string_view kNumbers[] = {"tinyint", "smallint", "int", "bigint", "float", "double"};
    for (int i = 0; i < 6; ++i) {
        if (type == kNumbers[i]) return i;
    }
    return -1;
}

// Glue's classifier of JSON and CSV knows no dates: what looks like one is a string.
std::string TextFileType(const std::string& type) {
    std::string out = type;
    for (const std::string_view found : {std::string_view("timestamp with time zone"), std::string_view("timestamp"),
                                         std::string_view("date"), std::string_view("time"), std::string_view("json")}) {
        for (size_t at = out.find(found); at != std::string::npos; at = out.find(found, at + 1)) {
            const bool begins = at == 0 || out[at - 1] == '<' || out[at - 1] == ',' || out[at - 1] == ':';
            const size_t end = at + found.size();
            const bool ends = end == out.size() || out[end] == '>' || out[end] == ',';
            if (begins && ends) out.replace(at, found.size(), "string");
        }
    }
    return out;
}

}  // namespace

std::string WiderType(const std::string& a, const std::string& b) {
    if (a == b) return a;
    const int left = Rank(a);
    const int right = Rank(b);
    if (left < 0 || right < 0) return "string";
    // A float does not hold every bigint.
    if (std::max(left, right) == 4 && std::min(left, right) >= 2) return "double";
    return left > right ? a : b;
}

env::Task<Result<std::string>> SchemaReader::Head(const api::CallContext& context, std::string bucket, std::string key) {
    apis::s3::GetObjectRequest request;
    request.Bucket = std::move(bucket);
    request.Key = std::move(key);
    request.Range = fmt::format("bytes=0-{}", kHeadBytes - 1);
    auto object = co_await s3_.GetObject(context, std::move(request));
    if (!object) co_return Fail(ErrorCode::kNotFound, object.error().message);
    std::string head;
    while (head.size() < kHeadBytes) {
        CO_ASSIGN_OR_RETURN(std::string piece, co_await object->Body->Read());
        if (piece.empty()) break;
        head += piece;
    }
    co_return head;
}

env::Task<Result<std::vector<query::Column>>> SchemaReader::Columns(std::string function, std::string options,
                                                                    std::vector<query::ObjectFile> files) {
    query::Query query;
    std::string list;
    for (const query::ObjectFile& file : files) {
        query.readable_files.push_back(file.path);
        list += (list.empty() ? "" : ",") + Quoted(file.path);
    }
    query.sql = fmt::format("SELECT * FROM {}([{}], hive_partitioning=false{}) LIMIT 0", function, list, options);
    query.time_limit = std::chrono::minutes(5);
    std::stop_token never;
    CO_ASSIGN_OR_RETURN(auto answer, co_await engine_.Run(std::move(query), std::move(never)));
    co_return std::move(answer.columns);
}

env::Task<Result<FileSchema>> SchemaReader::Read(const api::CallContext& context, std::string bucket,
                                                 std::vector<CrawledObject> objects,
                                                 std::vector<std::string> partition_keys) {
    std::sort(objects.begin(), objects.end(), [](const auto& a, const auto& b) { return a.modified_ms > b.modified_ms; });
    FileSchema schema;
    for (const CrawledObject& object : objects) {
        auto head = co_await Head(context, bucket, object.key);
        if (!head) continue;
        schema.classification = Classify(*head, object.key, schema.gzip);
        const std::string line = head->substr(0, head->find('\n'));
        for (const char* delimiter : {"\t", ";", "|"}) {
            if (line.find(delimiter) != std::string::npos && line.find(',') == std::string::npos) schema.csv_delimiter = delimiter;
        }
        // A header is a first line without a number in it.
        schema.csv_header = !schema.gzip && std::none_of(line.begin(), line.end(), [](char c) { return c >= '0' && c <= '9'; });
        break;
    }
    if (schema.classification.empty()) co_return Fail(ErrorCode::kUnsupported, "neither Parquet nor JSON nor CSV");
    const bool parquet = schema.classification == "parquet";
    const std::string function = parquet ? "read_parquet" : schema.classification == "json" ? "read_json" : "read_csv";
    std::string options = ", union_by_name=true";
    if (!parquet && schema.gzip) options += ", compression='gzip'";
    if (schema.classification == "csv") {
        options += fmt::format(", delim={}, header={}", Quoted(schema.csv_delimiter), schema.csv_header);
    }
    std::vector<query::ObjectFile> files;
    std::vector<std::string> keys;
    for (const CrawledObject& object : objects) {
        if (files.size() == (parquet ? kParquetSample : kTextSample)) break;
        auto file = co_await files_.Find(bucket, object.key);
        if (!file) continue;  // deleted meanwhile
        files.push_back(std::move(*file));
        keys.push_back(object.key);
    }
    std::vector<query::Column> columns;
    auto all = co_await Columns(function, options, files);
    if (all) {
        columns = std::move(*all);
    } else {
        // One of them is broken, or they do not agree: each alone.
        for (size_t i = 0; i < files.size(); ++i) {
            std::vector<query::ObjectFile> one{files[i]};
            auto some = co_await Columns(function, options, std::move(one));
            if (!some) {
                base::LogWarning("glue", "s3://{}/{} cannot be read: {}", bucket, keys[i], some.error().message);
                schema.unreadable.push_back(keys[i]);
                continue;
            }
            for (query::Column& column : *some) {
                const auto same = std::find_if(columns.begin(), columns.end(), [&](const auto& c) { return c.name == column.name; });
                if (same == columns.end()) columns.push_back(std::move(column));
                else same->type = WiderType(same->type, column.type);
            }
        }
    }
    if (columns.empty()) co_return Fail(ErrorCode::kNotFound, "no object could be read");
    std::set<std::string> taken(partition_keys.begin(), partition_keys.end());
    for (query::Column& column : columns) {
        apis::glue::Column made;
        made.Name = LowerCase(column.name);
        made.Type = parquet ? (column.type == "timestamp with time zone" ? "timestamp" : column.type) : TextFileType(column.type);
        if (taken.insert(made.Name).second) schema.columns.push_back(std::move(made));
    }
    co_return schema;
}

}  // namespace wellhead::services::glue
