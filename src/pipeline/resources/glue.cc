// AWS::Glue::Database, AWS::Glue::Table, AWS::Glue::Crawler

#include "pipeline/resources/api_resource.h"

namespace wellhead::pipeline {

namespace {

using api::Outcome;

// Name of an input object ("DatabaseInput"), lower-cased as the catalog keeps it.
std::string InnerName(const ResourceRequest& request, std::string_view input) {
    const boost::json::value* inner = request.properties.if_contains(input);
    std::string name;
    if (inner != nullptr && inner->is_object()) name = TextProperty(inner->get_object(), "Name").value_or("");
    if (name.empty()) name = GeneratedName(request, 255, true);
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return name;
}

boost::json::object InnerInput(const ResourceRequest& request, std::string_view input) {
    boost::json::object inner;
    if (const auto* given = request.properties.if_contains(input); given != nullptr && given->is_object()) {
        inner = given->get_object();
    }
    inner["Name"] = InnerName(request, input);
    return inner;
}

class GlueDatabase final : public ApiResource {
  public:
    explicit GlueDatabase(ApiCaller& caller)
        : ApiResource(caller, {"CatalogId", "DatabaseInput"}, {"CatalogId"}) {}

    env::Task<Outcome<ResourceValues>> Create(ResourceRequest request) override {
        CO_RETURN_IF_ERROR(CheckServed(request.properties));
        std::string name = InnerName(request, "DatabaseInput");
        Object input = Pick(request.properties, {"CatalogId"});
        input["DatabaseInput"] = InnerInput(request, "DatabaseInput");
        auto created = co_await Call(request.context, "glue", "CreateDatabase", std::move(input));
        if (!created) co_return std::unexpected(created.error());
        co_return ResourceValues{name, {}};
    }
    env::Task<Outcome<std::optional<ResourceValues>>> Adopt(ResourceRequest request) override {
        std::string name = InnerName(request, "DatabaseInput");
        Object input{{"Name", name}};
        auto found = co_await Call(request.context, "glue", "GetDatabase", std::move(input));
        RETURN_IF_GONE_OR(found, std::optional<ResourceValues>());
        co_return std::optional<ResourceValues>(ResourceValues{name, {}});
    }
    env::Task<Outcome<ResourceValues>> Update(ResourceRequest request, ResourceValues existing) override {
        CO_RETURN_IF_ERROR(CheckServed(request.properties));
        Object input{{"Name", existing.physical_id}, {"DatabaseInput", InnerInput(request, "DatabaseInput")}};
        auto updated = co_await Call(request.context, "glue", "UpdateDatabase", std::move(input));
        if (!updated) co_return std::unexpected(updated.error());
        co_return existing;
    }
    env::Task<Outcome<void>> Delete(ResourceRequest request, ResourceValues existing) override {
        Object input{{"Name", existing.physical_id}};
        auto deleted = co_await Call(request.context, "glue", "DeleteDatabase", std::move(input));
        RETURN_IF_GONE_OR(deleted, Outcome<void>());
        co_return Outcome<void>();
    }
};

class GlueTable final : public ApiResource {
  public:
    explicit GlueTable(ApiCaller& caller)
        : ApiResource(caller, {"CatalogId", "DatabaseName", "TableInput"}, {"CatalogId", "DatabaseName"}) {}

    env::Task<Outcome<ResourceValues>> Create(ResourceRequest request) override {
        CO_RETURN_IF_ERROR(CheckServed(request.properties));
        std::string name = InnerName(request, "TableInput");
        auto put = co_await Put(std::move(request), "CreateTable");
        if (!put) co_return std::unexpected(put.error());
        co_return ResourceValues{name, {}};
    }
    env::Task<Outcome<std::optional<ResourceValues>>> Adopt(ResourceRequest request) override {
        std::string name = InnerName(request, "TableInput");
        Object input = Pick(request.properties, {"DatabaseName"});
        input["Name"] = name;
        auto found = co_await Call(request.context, "glue", "GetTable", std::move(input));
        RETURN_IF_GONE_OR(found, std::optional<ResourceValues>());
        co_return std::optional<ResourceValues>(ResourceValues{name, {}});
    }
    env::Task<Outcome<ResourceValues>> Update(ResourceRequest request, ResourceValues existing) override {
        CO_RETURN_IF_ERROR(CheckServed(request.properties));
        auto put = co_await Put(std::move(request), "UpdateTable");
        if (!put) co_return std::unexpected(put.error());
        co_return existing;
    }
    env::Task<Outcome<void>> Delete(ResourceRequest request, ResourceValues existing) override {
        Object input = Pick(request.properties, {"DatabaseName"});
        input["Name"] = existing.physical_id;
        auto deleted = co_await Call(request.context, "glue", "DeleteTable", std::move(input));
        RETURN_IF_GONE_OR(deleted, Outcome<void>());
        co_return Outcome<void>();
    }

  private:
    env::Task<Outcome<void>> Put(ResourceRequest request, std::string_view operation) {
        Object input = Pick(request.properties, {"CatalogId", "DatabaseName"});
        input["TableInput"] = InnerInput(request, "TableInput");
        auto put = co_await Call(request.context, "glue", operation, std::move(input));
        if (!put) co_return std::unexpected(put.error());
        co_return Outcome<void>();
    }
};

class GlueCrawler final : public ApiResource {
  public:
    explicit GlueCrawler(ApiCaller& caller)
        : ApiResource(caller,
                      {"Name", "Role", "DatabaseName", "Description", "Targets", "Schedule", "Classifiers",
                       "TablePrefix", "SchemaChangePolicy", "RecrawlPolicy", "Configuration", "Tags"},
                      {"Name"}) {}

    env::Task<Outcome<ResourceValues>> Create(ResourceRequest request) override {
        std::string name = NameOf(request, "Name", 255);
        auto put = co_await Put(std::move(request), name, "CreateCrawler");
        if (!put) co_return std::unexpected(put.error());
        co_return ResourceValues{name, {}};
    }
    env::Task<Outcome<std::optional<ResourceValues>>> Adopt(ResourceRequest request) override {
        std::string name = NameOf(request, "Name", 255);
        Object input{{"Name", name}};
        auto found = co_await Call(request.context, "glue", "GetCrawler", std::move(input));
        RETURN_IF_GONE_OR(found, std::optional<ResourceValues>());
        co_return std::optional<ResourceValues>(ResourceValues{name, {}});
    }
    env::Task<Outcome<ResourceValues>> Update(ResourceRequest request, ResourceValues existing) override {
        auto put = co_await Put(std::move(request), existing.physical_id, "UpdateCrawler");
        if (!put) co_return std::unexpected(put.error());
        co_return existing;
    }
    env::Task<Outcome<void>> Delete(ResourceRequest request, ResourceValues existing) override {
        Object input{{"Name", existing.physical_id}};
        auto deleted = co_await Call(request.context, "glue", "DeleteCrawler", std::move(input));
        RETURN_IF_GONE_OR(deleted, Outcome<void>());
        co_return Outcome<void>();
    }

  private:
    env::Task<Outcome<void>> Put(ResourceRequest request, std::string name, std::string_view operation) {
        CO_RETURN_IF_ERROR(CheckServed(request.properties));
        Object input = Pick(request.properties, {"Role", "DatabaseName", "Description", "Targets", "Classifiers",
                                                 "TablePrefix", "SchemaChangePolicy", "RecrawlPolicy",
                                                 "Configuration"});
        input["Name"] = std::move(name);
        // A map in templates, the bare expression in the API.
        if (const Json* schedule = request.properties.if_contains("Schedule")) {
            input["Schedule"] = At(*schedule, "ScheduleExpression");
        }
        if (operation == "CreateCrawler" && request.properties.contains("Tags")) {
            input["Tags"] = TagMap(request.properties, "Tags");
        }
        auto put = co_await Call(request.context, "glue", operation, std::move(input));
        if (!put) co_return std::unexpected(put.error());
        co_return Outcome<void>();
    }
};

}  // namespace

std::unique_ptr<ResourceProvider> MakeGlueDatabase(ApiCaller& caller) {
    return std::make_unique<GlueDatabase>(caller);
}
std::unique_ptr<ResourceProvider> MakeGlueTable(ApiCaller& caller) { return std::make_unique<GlueTable>(caller); }
std::unique_ptr<ResourceProvider> MakeGlueCrawler(ApiCaller& caller) {
    return std::make_unique<GlueCrawler>(caller);
}

}  // namespace wellhead::pipeline
