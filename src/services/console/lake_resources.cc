// Buckets, objects, tables, crawlers.

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_from.hpp>

#include "apis/glue/api.h"
#include "apis/s3/api.h"
#include "services/console/resources.h"

namespace wellhead::services::console {

namespace s3 = apis::s3;
namespace glue = apis::glue;

namespace {

constexpr size_t kMaxListed = 2000;

// An object's body on its way to the browser.
class ObjectSource final : public net::BodySource {
  public:
    explicit ObjectSource(api::StreamBody body) : body_(std::move(body)) {}
    env::Task<base::Result<base::Bytes>> Next() override { return body_->Read(); }

  private:
    api::StreamBody body_;
};

json::array Columns(const std::optional<std::vector<glue::Column>>& columns) {
    json::array out;
    if (!columns) return out;
    for (const auto& column : *columns) {
        json::object each{{"name", column.Name}, {"type", column.Type.value_or("string")}};
        AddIf(each, "comment", column.Comment);
        out.push_back(std::move(each));
    }
    return out;
}

std::string FormatOf(const glue::Table& table) {
    if (table.Parameters) {
        auto classification = table.Parameters->find("classification");
        if (classification != table.Parameters->end()) return classification->second;
    }
    if (!table.StorageDescriptor || !table.StorageDescriptor->InputFormat) return {};
    const std::string& format = *table.StorageDescriptor->InputFormat;
    if (format.find("arquet") != std::string::npos) return "parquet";
    if (format.find("Orc") != std::string::npos) return "orc";
    return format.substr(format.rfind('.') + 1);
}

json::object ToTable(const glue::Table& table, const std::string& database) {
    json::object out{{"name", table.Name}, {"database", table.DatabaseName.value_or(database)}};
    if (table.StorageDescriptor) AddIf(out, "location", table.StorageDescriptor->Location);
    std::string format = FormatOf(table);
    if (!format.empty()) out["format"] = format;
    out["columns"] = table.StorageDescriptor ? Columns(table.StorageDescriptor->Columns) : json::array();
    out["partitionKeys"] = Columns(table.PartitionKeys);
    AddTime(out, "created", table.CreateTime);
    AddTime(out, "updated", table.UpdateTime);
    return out;
}

// The name a browser saves a download under.
std::string FileName(const std::string& key) {
    std::string name = key.substr(key.rfind('/') + 1);
    for (char& c : name) {
        bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' || c == '_';
        if (!plain) c = '_';
    }
    return name.empty() ? "object" : name;
}

}  // namespace

env::Task<JsonOutcome> ListBuckets(const ResourceCall& call) {
    json::array out;
    if (call.apis.s3 == nullptr) co_return out;
    s3::ListBucketsRequest request;
    CO_ASSIGN_OR_RETURN(auto page, co_await call.apis.s3->ListBuckets(call.context, std::move(request)));
    if (!page.Buckets) co_return out;
    for (const auto& bucket : *page.Buckets) {
        json::object each{{"name", bucket.Name.value_or("")}};
        AddTime(each, "created", bucket.CreationDate);
        out.push_back(std::move(each));
    }
    co_return out;
}

env::Task<JsonOutcome> ListObjects(const ResourceCall& call) {
    if (call.apis.s3 == nullptr) co_return std::unexpected(NotServed("S3"));
    s3::ListObjectsV2Request request;
    request.Bucket = call.query.Get("bucket");
    request.Prefix = call.query.Get("prefix");
    request.Delimiter = "/";
    request.MaxKeys = 500;
    if (auto next = call.query.Find("next")) request.ContinuationToken = *next;
    CO_ASSIGN_OR_RETURN(auto page, co_await call.apis.s3->ListObjectsV2(call.context, std::move(request)));
    json::array prefixes;
    if (page.CommonPrefixes) {
        for (const auto& prefix : *page.CommonPrefixes) prefixes.emplace_back(prefix.Prefix.value_or(""));
    }
    json::array objects;
    if (page.Contents) {
        for (const auto& object : *page.Contents) {
            json::object each{{"key", object.Key.value_or("")}, {"size", object.Size.value_or(0)}};
            AddTime(each, "modified", object.LastModified);
            objects.push_back(std::move(each));
        }
    }
    json::object out;
    out["prefixes"] = std::move(prefixes);
    out["objects"] = std::move(objects);
    if (page.IsTruncated.value_or(false)) AddIf(out, "next", page.NextContinuationToken);
    co_return out;
}

env::Task<net::HttpResponse> DownloadObject(const ResourceCall& call) {
    if (call.apis.s3 == nullptr) co_return ErrorAnswer(NotServed("S3"));
    s3::GetObjectRequest request;
    request.Bucket = call.query.Get("bucket");
    request.Key = call.query.Get("key");
    std::string name = FileName(request.Key);
    auto object = co_await call.apis.s3->GetObject(call.context, std::move(request));
    if (!object) co_return ErrorAnswer(object.error());
    net::HttpResponse response;
    // Never shown in the page's origin: whatever lies in the lake is saved, not run.
    response.headers = {{"content-type", "application/octet-stream"},
                        {"content-disposition", "attachment; filename=\"" + name + "\""},
                        {"content-security-policy", "sandbox"},
                        {"x-content-type-options", "nosniff"},
                        {"cache-control", "no-store"}};
    if (!object->Body) {
        response.body = base::Bytes();
        co_return response;
    }
    response.length = object->Body->length();
    response.body = std::make_unique<ObjectSource>(std::move(object->Body));
    co_return response;
}

env::Task<JsonOutcome> ListTables(const ResourceCall& call) {
    json::array out;
    if (call.apis.glue == nullptr) co_return out;
    glue::GetDatabasesRequest every;
    CO_ASSIGN_OR_RETURN(auto databases, co_await call.apis.glue->GetDatabases(call.context, every));
    for (const auto& database : databases.DatabaseList) {
        glue::GetTablesRequest request;
        request.DatabaseName = database.Name;
        for (;;) {
            CO_ASSIGN_OR_RETURN(auto page, co_await call.apis.glue->GetTables(call.context, request));
            if (page.TableList) {
                for (const auto& table : *page.TableList) out.push_back(ToTable(table, database.Name));
            }
            if (!page.NextToken || page.NextToken->empty() || out.size() >= kMaxListed) break;
            request.NextToken = page.NextToken;
        }
    }
    co_return out;
}

env::Task<JsonOutcome> GetTable(const ResourceCall& call) {
    if (call.apis.glue == nullptr) co_return std::unexpected(NotServed("Glue"));
    glue::GetTableRequest request;
    request.DatabaseName = call.query.Get("database");
    request.Name = call.query.Get("table");
    std::string database = request.DatabaseName;
    CO_ASSIGN_OR_RETURN(auto found, co_await call.apis.glue->GetTable(call.context, std::move(request)));
    if (!found.Table) co_return std::unexpected(api::ServiceError{"EntityNotFoundException", "The table is gone.", 404, {}});
    co_return ToTable(*found.Table, database);
}

env::Task<JsonOutcome> ListPartitions(const ResourceCall& call) {
    if (call.apis.glue == nullptr) co_return std::unexpected(NotServed("Glue"));
    glue::GetPartitionsRequest request;
    request.DatabaseName = call.query.Get("database");
    request.TableName = call.query.Get("table");
    json::array out;
    for (;;) {
        CO_ASSIGN_OR_RETURN(auto page, co_await call.apis.glue->GetPartitions(call.context, request));
        if (page.Partitions) {
            for (const auto& partition : *page.Partitions) {
                json::object each;
                each["values"] = json::value_from(partition.Values.value_or(std::vector<std::string>()));
                if (partition.StorageDescriptor) AddIf(each, "location", partition.StorageDescriptor->Location);
                out.push_back(std::move(each));
            }
        }
        if (!page.NextToken || page.NextToken->empty() || out.size() >= kMaxListed) break;
        request.NextToken = page.NextToken;
    }
    co_return out;
}

env::Task<JsonOutcome> ListCrawlers(const ResourceCall& call) {
    json::array out;
    if (call.apis.glue == nullptr) co_return out;
    glue::GetCrawlersRequest every;
    CO_ASSIGN_OR_RETURN(auto page, co_await call.apis.glue->GetCrawlers(call.context, every));
    if (!page.Crawlers) co_return out;
    for (const auto& crawler : *page.Crawlers) {
        json::object each{{"name", crawler.Name.value_or("")}, {"state", crawler.State.value_or("READY")}};
        AddIf(each, "database", crawler.DatabaseName);
        json::array targets;
        if (crawler.Targets && crawler.Targets->S3Targets) {
            for (const auto& target : *crawler.Targets->S3Targets) targets.emplace_back(target.Path.value_or(""));
        }
        each["targets"] = std::move(targets);
        if (crawler.Schedule) AddIf(each, "schedule", crawler.Schedule->ScheduleExpression);
        if (crawler.LastCrawl) {
            AddIf(each, "lastStatus", crawler.LastCrawl->Status);
            AddIf(each, "lastError", crawler.LastCrawl->ErrorMessage);
            AddTime(each, "lastStart", crawler.LastCrawl->StartTime);
        }
        out.push_back(std::move(each));
    }
    co_return out;
}

env::Task<JsonOutcome> StartCrawler(const ResourceCall& call) {
    if (call.apis.glue == nullptr) co_return std::unexpected(NotServed("Glue"));
    const json::value* name = call.body.if_contains("name");
    glue::StartCrawlerRequest request;
    if (name != nullptr && name->is_string()) request.Name = std::string(name->get_string());
    CO_RETURN_IF_ERROR(co_await call.apis.glue->StartCrawler(call.context, std::move(request)));
    co_return json::object();
}

}  // namespace wellhead::services::console
