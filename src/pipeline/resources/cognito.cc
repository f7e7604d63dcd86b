// AWS::Cognito::UserPool, AWS::Cognito::UserPoolClient, AWS::Cognito::UserPoolDomain

#include "pipeline/resources/api_resource.h"

namespace wellhead::pipeline {

namespace {

using api::Outcome;

class UserPool final : public ApiResource {
  public:
    explicit UserPool(ApiCaller& caller)
        : ApiResource(caller,
                      {"UserPoolName", "AdminCreateUserConfig", "Policies", "AutoVerifiedAttributes",
                       "AliasAttributes", "UsernameAttributes", "UsernameConfiguration", "Schema",
                       "MfaConfiguration", "AccountRecoverySetting", "DeletionProtection", "UserPoolTags"},
                      {"UserPoolName", "AliasAttributes", "UsernameAttributes", "UsernameConfiguration",
                       "Schema"}) {}

    env::Task<Outcome<ResourceValues>> Create(ResourceRequest request) override {
        CO_RETURN_IF_ERROR(CheckServed(request.properties));
        Object input = Settings(request);
        for (auto& [name, value] : Pick(request.properties, {"AliasAttributes", "UsernameAttributes",
                                                             "UsernameConfiguration", "Schema"})) {
            input[name] = value;
        }
        input["PoolName"] = NameOf(request, "UserPoolName", 128);
        auto created = co_await Call(request.context, "cognito-idp", "CreateUserPool", std::move(input));
        if (!created) co_return std::unexpected(created.error());
        co_return ValuesOf(request.context, At(*created, "UserPool.Id"), At(*created, "UserPool.Arn"));
    }
    // Pools of the same name are legal: the one that a cut-off creation made is the newest of this name.
    env::Task<Outcome<std::optional<ResourceValues>>> Adopt(ResourceRequest request) override {
        std::string name = NameOf(request, "UserPoolName", 128);
        Object input{{"MaxResults", 60}};
        auto pools = co_await Call(request.context, "cognito-idp", "ListUserPools", std::move(input));
        if (!pools) co_return std::unexpected(pools.error());
        std::string newest;
        double newest_date = 0;
        if (const Json* list = pools->as_object().if_contains("UserPools"); list != nullptr && list->is_array()) {
            for (const Json& pool : list->get_array()) {
                double date = std::strtod(At(pool, "CreationDate").c_str(), nullptr);
                if (At(pool, "Name") == name && date >= newest_date) {
                    newest = At(pool, "Id");
                    newest_date = date;
                }
            }
        }
        if (newest.empty()) co_return std::optional<ResourceValues>();
        Object query{{"UserPoolId", newest}};
        auto found = co_await Call(request.context, "cognito-idp", "DescribeUserPool", std::move(query));
        if (!found) co_return std::unexpected(found.error());
        co_return std::optional<ResourceValues>(ValuesOf(request.context, newest, At(*found, "UserPool.Arn")));
    }
    env::Task<Outcome<ResourceValues>> Update(ResourceRequest request, ResourceValues existing) override {
        CO_RETURN_IF_ERROR(CheckServed(request.properties));
        Object input = Settings(request);
        input["UserPoolId"] = existing.physical_id;
        auto updated = co_await Call(request.context, "cognito-idp", "UpdateUserPool", std::move(input));
        if (!updated) co_return std::unexpected(updated.error());
        co_return existing;
    }
    env::Task<Outcome<void>> Delete(ResourceRequest request, ResourceValues existing) override {
        Object input{{"UserPoolId", existing.physical_id}};
        auto deleted = co_await Call(request.context, "cognito-idp", "DeleteUserPool", std::move(input));
        RETURN_IF_GONE_OR(deleted, Outcome<void>());
        co_return Outcome<void>();
    }

  private:
    static Object Settings(const ResourceRequest& request) {
        return Pick(request.properties,
                    {"AdminCreateUserConfig", "Policies", "AutoVerifiedAttributes", "MfaConfiguration",
                     "AccountRecoverySetting", "DeletionProtection", "UserPoolTags"});
    }
    static ResourceValues ValuesOf(const api::CallContext& context, std::string id, std::string arn) {
        std::string name = fmt::format("cognito-idp.{}.amazonaws.com/{}", context.region, id);
        return {id, {{"Arn", arn}, {"UserPoolId", id}, {"ProviderName", name}, {"ProviderURL", "https://" + name}}};
    }
};

class UserPoolClient final : public ApiResource {
  public:
    explicit UserPoolClient(ApiCaller& caller)
        : ApiResource(caller,
                      {"ClientName", "UserPoolId", "GenerateSecret", "ExplicitAuthFlows", "AllowedOAuthFlows",
                       "AllowedOAuthFlowsUserPoolClient", "AllowedOAuthScopes", "CallbackURLs", "LogoutURLs",
                       "DefaultRedirectURI", "SupportedIdentityProviders", "AccessTokenValidity",
                       "IdTokenValidity", "RefreshTokenValidity", "TokenValidityUnits", "ReadAttributes",
                       "WriteAttributes", "PreventUserExistenceErrors", "EnableTokenRevocation"},
                      {"UserPoolId", "GenerateSecret"}) {}

    env::Task<Outcome<ResourceValues>> Create(ResourceRequest request) override {
        CO_RETURN_IF_ERROR(CheckServed(request.properties));
        Object input = request.properties;
        input["ClientName"] = NameOf(request, "ClientName", 128);
        auto created = co_await Call(request.context, "cognito-idp", "CreateUserPoolClient", std::move(input));
        if (!created) co_return std::unexpected(created.error());
        std::string id = At(*created, "UserPoolClient.ClientId");
        co_return ResourceValues{id,
                                 {{"ClientId", id},
                                  {"Name", At(*created, "UserPoolClient.ClientName")},
                                  {"ClientSecret", At(*created, "UserPoolClient.ClientSecret")}}};
    }
    env::Task<Outcome<std::optional<ResourceValues>>> Adopt(ResourceRequest request) override {
        std::string pool = TextProperty(request.properties, "UserPoolId").value_or("");
        std::string name = NameOf(request, "ClientName", 128);
        Object input{{"UserPoolId", pool}, {"MaxResults", 60}};
        auto clients = co_await Call(request.context, "cognito-idp", "ListUserPoolClients", std::move(input));
        RETURN_IF_GONE_OR(clients, std::optional<ResourceValues>());
        const Json* list = clients->as_object().if_contains("UserPoolClients");
        if (list == nullptr || !list->is_array()) co_return std::optional<ResourceValues>();
        for (const Json& client : list->get_array()) {
            if (At(client, "ClientName") != name) continue;
            Object query{{"UserPoolId", pool}, {"ClientId", At(client, "ClientId")}};
            auto found = co_await Call(request.context, "cognito-idp", "DescribeUserPoolClient", std::move(query));
            if (!found) co_return std::unexpected(found.error());
            std::string id = At(client, "ClientId");
            co_return std::optional<ResourceValues>(
                ResourceValues{id,
                               {{"ClientId", id},
                                {"Name", name},
                                {"ClientSecret", At(*found, "UserPoolClient.ClientSecret")}}});
        }
        co_return std::optional<ResourceValues>();
    }
    env::Task<Outcome<ResourceValues>> Update(ResourceRequest request, ResourceValues existing) override {
        CO_RETURN_IF_ERROR(CheckServed(request.properties));
        Object input = request.properties;
        input.erase("GenerateSecret");
        input["ClientId"] = existing.physical_id;
        auto updated = co_await Call(request.context, "cognito-idp", "UpdateUserPoolClient", std::move(input));
        if (!updated) co_return std::unexpected(updated.error());
        co_return existing;
    }
    env::Task<Outcome<void>> Delete(ResourceRequest request, ResourceValues existing) override {
        Object input = Pick(request.properties, {"UserPoolId"});
        input["ClientId"] = existing.physical_id;
        auto deleted = co_await Call(request.context, "cognito-idp", "DeleteUserPoolClient", std::move(input));
        RETURN_IF_GONE_OR(deleted, Outcome<void>());
        co_return Outcome<void>();
    }
};

class UserPoolDomain final : public ApiResource {
  public:
    explicit UserPoolDomain(ApiCaller& caller)
        : ApiResource(caller, {"Domain", "UserPoolId"}, {"Domain", "UserPoolId"}) {}

    env::Task<Outcome<ResourceValues>> Create(ResourceRequest request) override {
        CO_RETURN_IF_ERROR(CheckServed(request.properties));
        Object input = Pick(request.properties, {"Domain", "UserPoolId"});
        auto created = co_await Call(request.context, "cognito-idp", "CreateUserPoolDomain", std::move(input));
        if (!created) co_return std::unexpected(created.error());
        co_return ResourceValues{TextProperty(request.properties, "Domain").value_or(""), {}};
    }
    env::Task<Outcome<std::optional<ResourceValues>>> Adopt(ResourceRequest request) override {
        Object input = Pick(request.properties, {"Domain"});
        auto found = co_await Call(request.context, "cognito-idp", "DescribeUserPoolDomain", std::move(input));
        if (!found) co_return std::unexpected(found.error());
        bool ours = At(*found, "DomainDescription.UserPoolId") == TextProperty(request.properties, "UserPoolId");
        if (!ours) co_return std::optional<ResourceValues>();
        co_return std::optional<ResourceValues>(
            ResourceValues{TextProperty(request.properties, "Domain").value_or(""), {}});
    }
    env::Task<Outcome<ResourceValues>> Update(ResourceRequest, ResourceValues existing) override {
        co_return existing;  // every property is fixed
    }
    env::Task<Outcome<void>> Delete(ResourceRequest request, ResourceValues existing) override {
        Object input = Pick(request.properties, {"UserPoolId"});
        input["Domain"] = existing.physical_id;
        auto deleted = co_await Call(request.context, "cognito-idp", "DeleteUserPoolDomain", std::move(input));
        RETURN_IF_GONE_OR(deleted, Outcome<void>());
        co_return Outcome<void>();
    }
};

}  // namespace

std::unique_ptr<ResourceProvider> MakeCognitoUserPool(ApiCaller& caller) {
    return std::make_unique<UserPool>(caller);
}
std::unique_ptr<ResourceProvider> MakeCognitoUserPoolClient(ApiCaller& caller) {
    return std::make_unique<UserPoolClient>(caller);
}
std::unique_ptr<ResourceProvider> MakeCognitoUserPoolDomain(ApiCaller& caller) {
    return std::make_unique<UserPoolDomain>(caller);
}

}  // namespace wellhead::pipeline
