// AWS::IAM::Role. Until IAM is served a role is a name that other resources refer to: inside one Wellhead the services
// act with the account's own rights. The stack's events say so.

#include "pipeline/resources/api_resource.h"

namespace wellhead::pipeline {

namespace {

using api::Outcome;

class Role final : public ApiResource {
  public:
    explicit Role(ApiCaller& caller)
        : ApiResource(caller,
                      {"RoleName", "AssumeRolePolicyDocument", "Policies", "ManagedPolicyArns", "Path",
                       "Description", "MaxSessionDuration", "Tags"},
                      {"RoleName", "Path"}) {}

    env::Task<Outcome<ResourceValues>> Create(ResourceRequest request) override {
        CO_RETURN_IF_ERROR(CheckServed(request.properties));
        base::LogInfo("pipeline", "role {} is recorded; its policies are not evaluated",
                      NameOf(request, "RoleName", 64));
        co_return ValuesOf(request);
    }
    env::Task<Outcome<std::optional<ResourceValues>>> Adopt(ResourceRequest request) override {
        co_return std::optional<ResourceValues>(ValuesOf(request));
    }
    env::Task<Outcome<ResourceValues>> Update(ResourceRequest request, ResourceValues existing) override {
        CO_RETURN_IF_ERROR(CheckServed(request.properties));
        co_return existing;
    }
    env::Task<Outcome<void>> Delete(ResourceRequest, ResourceValues) override { co_return Outcome<void>(); }

  private:
    static ResourceValues ValuesOf(const ResourceRequest& request) {
        std::string name = NameOf(request, "RoleName", 64);
        std::string path = TextProperty(request.properties, "Path").value_or("/");
        return {name,
                {{"Arn", fmt::format("arn:aws:iam::{}:role{}{}", request.context.account_id, path, name)},
                 {"RoleId", name}}};
    }
};

}  // namespace

std::unique_ptr<ResourceProvider> MakeIamRole(ApiCaller& caller) { return std::make_unique<Role>(caller); }

}  // namespace wellhead::pipeline
