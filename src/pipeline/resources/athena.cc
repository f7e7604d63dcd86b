// AWS::Athena::WorkGroup

#include "pipeline/resources/api_resource.h"

namespace wellhead::pipeline {

namespace {

using api::Outcome;

class WorkGroup final : public ApiResource {
  public:
    explicit WorkGroup(ApiCaller& caller)
        : ApiResource(caller,
                      {"Name", "Description", "State", "WorkGroupConfiguration", "RecursiveDeleteOption", "Tags"},
                      {"Name"}) {}

    env::Task<Outcome<ResourceValues>> Create(ResourceRequest request) override {
        CO_RETURN_IF_ERROR(CheckServed(request.properties));
        std::string name = NameOf(request, "Name", 128);
        Object input = Pick(request.properties, {"Description", "Tags"});
        input["Name"] = name;
        if (const Json* configuration = request.properties.if_contains("WorkGroupConfiguration")) {
            input["Configuration"] = *configuration;
        }
        auto created = co_await Call(request.context, "athena", "CreateWorkGroup", std::move(input));
        if (!created) co_return std::unexpected(created.error());
        auto stated = co_await SetState(request, name);
        if (stated) co_return ResourceValues{name, {}};
        co_await TakeBack(std::move(request), std::move(name));
        co_return std::unexpected(stated.error());
    }
    env::Task<Outcome<std::optional<ResourceValues>>> Adopt(ResourceRequest request) override {
        std::string name = NameOf(request, "Name", 128);
        Object input{{"WorkGroup", name}};
        auto found = co_await Call(request.context, "athena", "GetWorkGroup", std::move(input));
        // Athena says "not found" as an invalid request.
        if (!found) co_return std::optional<ResourceValues>();
        co_return std::optional<ResourceValues>(ResourceValues{name, {}});
    }
    env::Task<Outcome<ResourceValues>> Update(ResourceRequest request, ResourceValues existing) override {
        CO_RETURN_IF_ERROR(CheckServed(request.properties));
        Object input = Pick(request.properties, {"Description", "State"});
        input["WorkGroup"] = existing.physical_id;
        const Json* configuration = request.properties.if_contains("WorkGroupConfiguration");
        if (configuration != nullptr && configuration->is_object()) {
            Object updates = configuration->get_object();
            if (Json* results = updates.if_contains("ResultConfiguration")) {
                updates["ResultConfigurationUpdates"] = *results;
                updates.erase("ResultConfiguration");
            }
            input["ConfigurationUpdates"] = std::move(updates);
        }
        auto updated = co_await Call(request.context, "athena", "UpdateWorkGroup", std::move(input));
        if (!updated) co_return std::unexpected(updated.error());
        co_return existing;
    }
    env::Task<Outcome<void>> Delete(ResourceRequest request, ResourceValues existing) override {
        Object input{{"WorkGroup", existing.physical_id},
                     {"RecursiveDeleteOption",
                      BoolProperty(request.properties, "RecursiveDeleteOption").value_or(false)}};
        auto deleted = co_await Call(request.context, "athena", "DeleteWorkGroup", std::move(input));
        RETURN_IF_GONE_OR(deleted, Outcome<void>());
        co_return Outcome<void>();
    }

  private:
    // CreateWorkGroup makes an enabled one.
    env::Task<Outcome<void>> SetState(ResourceRequest request, std::string name) {
        auto state = TextProperty(request.properties, "State");
        if (!state || *state == "ENABLED") co_return Outcome<void>();
        Object input{{"WorkGroup", name}, {"State", *state}};
        auto updated = co_await Call(request.context, "athena", "UpdateWorkGroup", std::move(input));
        if (!updated) co_return std::unexpected(updated.error());
        co_return Outcome<void>();
    }
};

}  // namespace

std::unique_ptr<ResourceProvider> MakeAthenaWorkGroup(ApiCaller& caller) {
    return std::make_unique<WorkGroup>(caller);
}

}  // namespace wellhead::pipeline
