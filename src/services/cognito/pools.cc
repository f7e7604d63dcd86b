#include <fmt/format.h>

#include "apis/cognito_idp/errors.h"
#include "services/cognito/service.h"
#include "services/cognito/shape_json.h"

namespace wellhead::services::cognito {

namespace {

// The members that a request may set and the pool shows again.
template <class Request>
void CopySettings(Request& request, idp::UserPoolType& pool) {
    auto take = [](auto& from, auto& to) {
        if (from) to = std::move(from);
    };
    take(request.Policies, pool.Policies);
    take(request.DeletionProtection, pool.DeletionProtection);
    take(request.LambdaConfig, pool.LambdaConfig);
    take(request.AutoVerifiedAttributes, pool.AutoVerifiedAttributes);
    take(request.SmsVerificationMessage, pool.SmsVerificationMessage);
    take(request.EmailVerificationMessage, pool.EmailVerificationMessage);
    take(request.EmailVerificationSubject, pool.EmailVerificationSubject);
    take(request.VerificationMessageTemplate, pool.VerificationMessageTemplate);
    take(request.SmsAuthenticationMessage, pool.SmsAuthenticationMessage);
    take(request.UserAttributeUpdateSettings, pool.UserAttributeUpdateSettings);
    take(request.MfaConfiguration, pool.MfaConfiguration);
    take(request.DeviceConfiguration, pool.DeviceConfiguration);
    take(request.EmailConfiguration, pool.EmailConfiguration);
    take(request.SmsConfiguration, pool.SmsConfiguration);
    take(request.UserPoolTags, pool.UserPoolTags);
    take(request.AdminCreateUserConfig, pool.AdminCreateUserConfig);
    take(request.UserPoolAddOns, pool.UserPoolAddOns);
    take(request.AccountRecoverySetting, pool.AccountRecoverySetting);
    take(request.UserPoolTier, pool.UserPoolTier);
}

// Settings that would promise what is not done are refused, not kept in silence.
template <class Request>
api::Outcome<void> CheckServed(const Request& request) {
    if (request.MfaConfiguration.value_or("OFF") == "ON") {
        return std::unexpected(idp::InvalidParameterException("MfaConfiguration ON is not served: no second factor is."));
    }
    if (request.LambdaConfig) {
        idp::UserPoolType probe;
        probe.LambdaConfig = request.LambdaConfig;
        if (!ShapeToJson(probe).at("LambdaConfig").as_object().empty()) {
            return std::unexpected(idp::InvalidParameterException("LambdaConfig is not served: no trigger is called."));
        }
    }
    return {};
}

idp::SchemaAttributeType Attribute(std::string name, std::string type, bool is_mutable, bool required) {
    idp::SchemaAttributeType out;
    out.Name = std::move(name);
    out.AttributeDataType = std::move(type);
    out.DeveloperOnlyAttribute = false;
    out.Mutable = is_mutable;
    out.Required = required;
    if (out.AttributeDataType == "String") {
        out.StringAttributeConstraints.emplace();
        out.StringAttributeConstraints->MinLength = "0";
        out.StringAttributeConstraints->MaxLength = "2048";
    }
    return out;
}

// The standard attributes of OpenID Connect Core, 5.1, that every pool has.
std::vector<idp::SchemaAttributeType> StandardSchema() {
    std::vector<idp::SchemaAttributeType> schema;
    schema.push_back(Attribute("sub", "String", false, true));
    constexpr const char* kTexts[] = {"name",     "given_name",  "family_name", "middle_name",  "nickname", "preferred_username",
                                      "profile",  "picture",     "website",     "email",        "gender",   "birthdate",
                                      "zoneinfo", "locale",      "address",     "phone_number"};
    for (const char* name : kTexts) schema.push_back(Attribute(name, "String", true, false));
    schema.push_back(Attribute("email_verified", "Boolean", true, false));
    schema.push_back(Attribute("phone_number_verified", "Boolean", true, false));
    schema.push_back(Attribute("updated_at", "Number", true, false));
    return schema;
}

void AddToSchema(idp::UserPoolType& pool, std::vector<idp::SchemaAttributeType> attributes, bool at_creation) {
    for (auto& attribute : attributes) {
        std::string name = attribute.Name.value_or("");
        auto standard = std::find_if(pool.SchemaAttributes->begin(), pool.SchemaAttributes->end(),
                                     [&](const auto& each) { return each.Name == name; });
        if (at_creation && standard != pool.SchemaAttributes->end()) {
            if (attribute.Required) standard->Required = attribute.Required;
            if (attribute.Mutable) standard->Mutable = attribute.Mutable;
            continue;
        }
        attribute.Name = name.starts_with("custom:") ? name : "custom:" + name;
        if (!attribute.AttributeDataType) attribute.AttributeDataType = "String";
        if (!attribute.Mutable) attribute.Mutable = true;
        if (!attribute.Required) attribute.Required = false;
        if (!attribute.DeveloperOnlyAttribute) attribute.DeveloperOnlyAttribute = false;
        pool.SchemaAttributes->push_back(std::move(attribute));
    }
}

std::string RandomName(env::Random& random, size_t length, std::string_view alphabet) {
    std::string name;
    while (name.size() < length) name += alphabet[env::RandomUint64(random) % alphabet.size()];
    return name;
}

std::string PoolIdOfArn(const std::string& arn) { return arn.substr(arn.rfind('/') + 1); }

}  // namespace

CognitoService::Answer<idp::CreateUserPoolResponse> CognitoService::CreateUserPool(const api::CallContext& context,
                                                                                   idp::CreateUserPoolRequest request) {
    auto served = CheckServed(request);
    if (!served) co_return std::unexpected(served.error());
    if (request.AliasAttributes && request.UsernameAttributes) {
        co_return std::unexpected(idp::InvalidParameterException(
            "Only one of the aliasAttributes or usernameAttributes can be set in a user pool"));
    }
    Pool pool;
    idp::UserPoolType& shown = pool.description;
    base::Instant now = deps_.clock.Now();
    const std::string& region = context.region.empty() ? settings_.region : context.region;
    const std::string& account = context.account_id.empty() ? settings_.account_id : context.account_id;
    constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    shown.Id = region + "_" + RandomName(deps_.random, 9, kLetters);
    shown.Name = request.PoolName;
    shown.Arn = fmt::format("arn:aws:cognito-idp:{}:{}:userpool/{}", region, account, *shown.Id);
    shown.CreationDate = now;
    shown.LastModifiedDate = now;
    shown.EstimatedNumberOfUsers = 0;
    shown.AliasAttributes = request.AliasAttributes;
    shown.UsernameAttributes = request.UsernameAttributes;
    shown.UsernameConfiguration = request.UsernameConfiguration;
    shown.SchemaAttributes = StandardSchema();
    if (request.Schema) AddToSchema(shown, std::move(*request.Schema), true);
    CopySettings(request, shown);
    if (!shown.MfaConfiguration) shown.MfaConfiguration = "OFF";
    if (!shown.DeletionProtection) shown.DeletionProtection = "INACTIVE";
    if (!shown.Policies) shown.Policies.emplace();
    if (!shown.Policies->PasswordPolicy) {
        auto& policy = shown.Policies->PasswordPolicy.emplace();
        policy.MinimumLength = 8;
        policy.RequireUppercase = policy.RequireLowercase = policy.RequireNumbers = policy.RequireSymbols = true;
        policy.TemporaryPasswordValidityDays = 7;
    }
    pool.secret = env::RandomHex(deps_.random, 32);
    auto generate = [] { return api::JwtSigningKey::Generate()->ToPem(); };
    pool.signing_key_pem = co_await env::RunBlocking(deps_.pool, generate);
    auto kept = co_await store_.PutPool(pool);
    if (!kept) co_return std::unexpected(kept.error());
    idp::CreateUserPoolResponse response;
    response.UserPool = std::move(shown);
    co_return response;
}

CognitoService::Answer<idp::DescribeUserPoolResponse> CognitoService::DescribeUserPool(
    const api::CallContext&, idp::DescribeUserPoolRequest request) {
    CO_ASSIGN_OR_RETURN(Pool pool, co_await store_.FindPool(request.UserPoolId));
    CO_ASSIGN_OR_RETURN(auto users, co_await store_.ListUsers(request.UserPoolId, "", SIZE_MAX));
    CO_ASSIGN_OR_RETURN(auto domains, co_await store_.Scan(kDomains, ""));
    pool.description.EstimatedNumberOfUsers = static_cast<int32_t>(users.size());
    for (const auto& entry : domains) {
        if (entry.value == pool.id()) pool.description.Domain = entry.key;
    }
    idp::DescribeUserPoolResponse response;
    response.UserPool = std::move(pool.description);
    co_return response;
}

CognitoService::Answer<idp::UpdateUserPoolResponse> CognitoService::UpdateUserPool(const api::CallContext&,
                                                                                   idp::UpdateUserPoolRequest request) {
    auto served = CheckServed(request);
    if (!served) co_return std::unexpected(served.error());
    CO_ASSIGN_OR_RETURN(Pool pool, co_await store_.FindPool(request.UserPoolId));
    CopySettings(request, pool.description);
    if (request.PoolName) pool.description.Name = request.PoolName;
    pool.description.LastModifiedDate = deps_.clock.Now();
    CO_RETURN_IF_ERROR(co_await store_.PutPool(pool));
    co_return idp::UpdateUserPoolResponse();
}

CognitoService::Answer<idp::DeleteUserPoolOutput> CognitoService::DeleteUserPool(const api::CallContext&,
                                                                                 idp::DeleteUserPoolRequest request) {
    CO_ASSIGN_OR_RETURN(Pool pool, co_await store_.FindPool(request.UserPoolId));
    if (pool.description.DeletionProtection.value_or("INACTIVE") == "ACTIVE") {
        co_return std::unexpected(idp::InvalidParameterException(
            "The user pool cannot be deleted because deletion protection is activated. Deletion protection must be "
            "inactivated first."));
    }
    CO_ASSIGN_OR_RETURN(auto domains, co_await store_.Scan(kDomains, ""));
    for (const auto& entry : domains) {
        if (entry.value == pool.id()) {
            co_return std::unexpected(idp::InvalidParameterException(
                fmt::format("User pool cannot be deleted. It has a domain configured that should be deleted first.")));
        }
    }
    CO_RETURN_IF_ERROR(co_await store_.DeletePool(request.UserPoolId));
    co_return idp::DeleteUserPoolOutput();
}

CognitoService::Answer<idp::ListUserPoolsResponse> CognitoService::ListUserPools(const api::CallContext&,
                                                                                 idp::ListUserPoolsRequest request) {
    CO_ASSIGN_OR_RETURN(auto pools, co_await store_.ListPools());
    idp::ListUserPoolsResponse response;
    auto& list = response.UserPools.emplace();
    for (auto& pool : pools) {
        if (request.NextToken && pool.id() <= *request.NextToken) continue;
        if (list.size() == static_cast<size_t>(request.MaxResults)) {
            response.NextToken = list.back().Id;
            break;
        }
        auto& each = list.emplace_back();
        each.Id = pool.description.Id;
        each.Name = pool.description.Name;
        each.LambdaConfig.emplace();
        each.CreationDate = pool.description.CreationDate;
        each.LastModifiedDate = pool.description.LastModifiedDate;
    }
    co_return response;
}

CognitoService::Answer<idp::CreateUserPoolDomainResponse> CognitoService::CreateUserPoolDomain(
    const api::CallContext&, idp::CreateUserPoolDomainRequest request) {
    CO_ASSIGN_OR_RETURN(Pool pool, co_await store_.FindPool(request.UserPoolId));
    CO_ASSIGN_OR_RETURN(auto domains, co_await store_.Scan(kDomains, ""));
    for (const auto& entry : domains) {
        if (entry.key == request.Domain) {
            co_return std::unexpected(idp::InvalidParameterException("Domain already exists."));
        }
        if (entry.value == pool.id() && (entry.key.find('.') == std::string::npos) == !request.CustomDomainConfig) {
            co_return std::unexpected(idp::InvalidParameterException("User pool already has a domain configured."));
        }
    }
    CO_RETURN_IF_ERROR(co_await store_.Put(kDomains, request.Domain, pool.id()));
    idp::CreateUserPoolDomainResponse response;
    response.ManagedLoginVersion = 1;
    co_return response;
}

CognitoService::Answer<idp::DescribeUserPoolDomainResponse> CognitoService::DescribeUserPoolDomain(
    const api::CallContext&, idp::DescribeUserPoolDomainRequest request) {
    CO_ASSIGN_OR_RETURN(auto pool_id, co_await store_.Get(kDomains, request.Domain));
    idp::DescribeUserPoolDomainResponse response;
    auto& domain = response.DomainDescription.emplace();
    if (pool_id) {
        domain.UserPoolId = *pool_id;
        domain.AWSAccountId = settings_.account_id;
        domain.Domain = request.Domain;
        domain.Status = "ACTIVE";
        domain.Version = "1";
        domain.ManagedLoginVersion = 1;
        domain.CustomDomainConfig.reset();
    }
    co_return response;
}

CognitoService::Answer<idp::UpdateUserPoolDomainResponse> CognitoService::UpdateUserPoolDomain(
    const api::CallContext&, idp::UpdateUserPoolDomainRequest request) {
    CO_ASSIGN_OR_RETURN(auto pool_id, co_await store_.Get(kDomains, request.Domain));
    if (!pool_id || *pool_id != request.UserPoolId) {
        co_return std::unexpected(idp::ResourceNotFoundException("No such domain or user pool exists."));
    }
    idp::UpdateUserPoolDomainResponse response;
    response.ManagedLoginVersion = 1;
    co_return response;
}

CognitoService::Answer<idp::DeleteUserPoolDomainResponse> CognitoService::DeleteUserPoolDomain(
    const api::CallContext&, idp::DeleteUserPoolDomainRequest request) {
    CO_ASSIGN_OR_RETURN(auto pool_id, co_await store_.Get(kDomains, request.Domain));
    if (!pool_id || *pool_id != request.UserPoolId) {
        co_return std::unexpected(idp::InvalidParameterException("No such domain or user pool exists."));
    }
    CO_RETURN_IF_ERROR(co_await store_.Delete(kDomains, request.Domain));
    co_return idp::DeleteUserPoolDomainResponse();
}

CognitoService::Answer<idp::AddCustomAttributesResponse> CognitoService::AddCustomAttributes(
    const api::CallContext&, idp::AddCustomAttributesRequest request) {
    CO_ASSIGN_OR_RETURN(Pool pool, co_await store_.FindPool(request.UserPoolId));
    for (const auto& attribute : request.CustomAttributes) {
        for (const auto& existing : *pool.description.SchemaAttributes) {
            if (existing.Name == "custom:" + attribute.Name.value_or("")) {
                co_return std::unexpected(idp::InvalidParameterException(fmt::format(
                    "{}: Existing attribute already has name {}.", *existing.Name, *existing.Name)));
            }
        }
    }
    AddToSchema(pool.description, std::move(request.CustomAttributes), false);
    CO_RETURN_IF_ERROR(co_await store_.PutPool(pool));
    co_return idp::AddCustomAttributesResponse();
}

CognitoService::Answer<idp::GetUserPoolMfaConfigResponse> CognitoService::GetUserPoolMfaConfig(
    const api::CallContext&, idp::GetUserPoolMfaConfigRequest request) {
    CO_ASSIGN_OR_RETURN(Pool pool, co_await store_.FindPool(request.UserPoolId));
    idp::GetUserPoolMfaConfigResponse response;
    response.MfaConfiguration = pool.description.MfaConfiguration.value_or("OFF");
    co_return response;
}

CognitoService::Answer<idp::SetUserPoolMfaConfigResponse> CognitoService::SetUserPoolMfaConfig(
    const api::CallContext&, idp::SetUserPoolMfaConfigRequest request) {
    CO_ASSIGN_OR_RETURN(Pool pool, co_await store_.FindPool(request.UserPoolId));
    if (request.MfaConfiguration.value_or("OFF") != "OFF") {
        co_return std::unexpected(idp::InvalidParameterException("No second factor is served: MfaConfiguration is OFF."));
    }
    pool.description.MfaConfiguration = "OFF";
    CO_RETURN_IF_ERROR(co_await store_.PutPool(pool));
    idp::SetUserPoolMfaConfigResponse response;
    response.MfaConfiguration = "OFF";
    co_return response;
}

CognitoService::Answer<idp::TagResourceResponse> CognitoService::TagResource(const api::CallContext&,
                                                                             idp::TagResourceRequest request) {
    CO_ASSIGN_OR_RETURN(Pool pool, co_await store_.FindPool(PoolIdOfArn(request.ResourceArn)));
    if (!pool.description.UserPoolTags) pool.description.UserPoolTags.emplace();
    for (const auto& [key, value] : request.Tags) (*pool.description.UserPoolTags)[key] = value;
    CO_RETURN_IF_ERROR(co_await store_.PutPool(pool));
    co_return idp::TagResourceResponse();
}

CognitoService::Answer<idp::UntagResourceResponse> CognitoService::UntagResource(const api::CallContext&,
                                                                                 idp::UntagResourceRequest request) {
    CO_ASSIGN_OR_RETURN(Pool pool, co_await store_.FindPool(PoolIdOfArn(request.ResourceArn)));
    if (pool.description.UserPoolTags) {
        for (const std::string& key : request.TagKeys) pool.description.UserPoolTags->erase(key);
    }
    CO_RETURN_IF_ERROR(co_await store_.PutPool(pool));
    co_return idp::UntagResourceResponse();
}

CognitoService::Answer<idp::ListTagsForResourceResponse> CognitoService::ListTagsForResource(
    const api::CallContext&, idp::ListTagsForResourceRequest request) {
    CO_ASSIGN_OR_RETURN(Pool pool, co_await store_.FindPool(PoolIdOfArn(request.ResourceArn)));
    idp::ListTagsForResourceResponse response;
    response.Tags = pool.description.UserPoolTags;
    co_return response;
}

}  // namespace wellhead::services::cognito
