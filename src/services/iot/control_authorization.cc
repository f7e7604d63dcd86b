// What policies come to: those in force for a principal, and what they would say.

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "apis/iot/errors.h"
#include "base/check.h"
#include "services/iot/authorizer.h"
#include "services/iot/iot_control.h"
#include "services/iot/permissions.h"

namespace wellhead::services::iot {

namespace {

using PolicyPointer = std::shared_ptr<const Policy>;
using Documents = std::vector<std::shared_ptr<const PolicyDocument>>;

const std::shared_ptr<const PolicyDocument>& AllowsEverything() {
    static const auto document = [] {
        auto parsed = PolicyDocument::Parse(
            R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iot:*","Resource":"*"}]})");
        CHECK(parsed);
        return *parsed;
    }();
    return document;
}

// One action on one resource by name: "topic/a/b", "topicfilter/a/#", "client/c" behind the ARN's prefix.
struct Question {
    std::string action;
    std::string name;

    bool Permitted(const Documents& documents, const PolicyContext& context, const std::string& arn_prefix) const {
        PermissionSet set(documents, context, arn_prefix);
        if (action == "CONNECT") return set.MayConnect(name);
        if (action == "SUBSCRIBE") return set.MaySubscribe(name);
        if (action == "RECEIVE") return set.MayReceive(name);
        return set.MayPublish(name, false);
    }
};

}  // namespace

env::Task<api::Outcome<wire::GetEffectivePoliciesResponse>> IotControl::GetEffectivePolicies(
    const api::CallContext&, wire::GetEffectivePoliciesRequest input) {
    if (input.cognitoIdentityPoolId) {
        co_return std::unexpected(wire::InvalidRequestException("cognitoIdentityPoolId is not served"));
    }
    std::map<std::string, PolicyPointer> policies;
    if (input.principal) {
        auto checked = CheckPrincipal(*input.principal);
        if (!checked) co_return std::unexpected(checked.error());
        for (auto& policy : registry_.PoliciesOf(*input.principal)) policies.emplace(policy->name, policy);
    }
    if (input.thingName) {
        if (!registry_.things.Find(*input.thingName)) {
            co_return std::unexpected(wire::ResourceNotFoundException("There is no thing " + *input.thingName));
        }
        for (auto& policy : registry_.GroupPoliciesOf(*input.thingName, Arn("thinggroup", ""))) {
            policies.emplace(policy->name, policy);
        }
    }
    wire::GetEffectivePoliciesResponse response;
    response.effectivePolicies.emplace();
    for (const auto& [name, policy] : policies) {
        wire::EffectivePolicy item;
        item.policyName = name;
        item.policyArn = Arn("policy", name);
        item.policyDocument = policy->in_force().document;
        response.effectivePolicies->push_back(std::move(item));
    }
    co_return response;
}

env::Task<api::Outcome<wire::TestAuthorizationResponse>> IotControl::TestAuthorization(
    const api::CallContext&, wire::TestAuthorizationRequest input) {
    if (input.cognitoIdentityPoolId) {
        co_return std::unexpected(wire::InvalidRequestException("cognitoIdentityPoolId is not served"));
    }
    std::map<std::string, PolicyPointer> policies;
    const std::string principal = input.principal.value_or("");
    const std::string client_id = input.clientId.value_or("");
    if (input.principal) {
        auto checked = CheckPrincipal(principal);
        if (!checked) co_return std::unexpected(checked.error());
        for (auto& policy : registry_.PoliciesOf(principal)) policies.emplace(policy->name, policy);
        if (registry_.thing_principals.Find(PairKey(client_id, principal))) {
            for (auto& policy : registry_.GroupPoliciesOf(client_id, Arn("thinggroup", ""))) {
                policies.emplace(policy->name, policy);
            }
        }
    }
    for (const std::string& name : input.policyNamesToSkip.value_or(std::vector<std::string>())) policies.erase(name);
    for (const std::string& name : input.policyNamesToAdd.value_or(std::vector<std::string>())) {
        auto policy = FindPolicy(name);
        if (!policy) co_return std::unexpected(policy.error());
        policies.emplace(name, *policy);
    }
    auto context = MakeClientContext(registry_, principal, client_id, clock_.Now());
    const std::string prefix = fmt::format("arn:aws:iot:{}:{}:", settings_.region, settings_.account_id);
    auto named = [&](const std::set<std::string>& names) {
        std::vector<wire::Policy> list;
        for (const std::string& name : names) {
            wire::Policy item;
            item.policyName = name;
            item.policyArn = Arn("policy", name);
            list.push_back(std::move(item));
        }
        return list;
    };
    wire::TestAuthorizationResponse response;
    response.authResults.emplace();
    for (const wire::AuthInfo& asked : input.authInfos) {
        for (const std::string& resource : asked.resources) {
            const size_t slash = resource.find('/', std::min(prefix.size(), resource.size()));
            if (!resource.starts_with(prefix) || slash == std::string::npos) {
                co_return std::unexpected(
                    wire::InvalidRequestException(resource + " is not the ARN of a client, topic or topic filter"));
            }
            const Question question{asked.actionType.value_or("PUBLISH"), resource.substr(slash + 1)};
            Documents all;
            std::set<std::string> allowing, denying;
            for (const auto& [name, policy] : policies) {
                const auto& document = policy->in_force().parsed;
                all.push_back(document);
                if (question.Permitted({document}, *context, prefix)) allowing.insert(name);
                if (!question.Permitted({AllowsEverything(), document}, *context, prefix)) denying.insert(name);
            }
            const bool permitted = question.Permitted(all, *context, prefix);
            wire::AuthResult result;
            wire::AuthInfo info;
            info.actionType = question.action;
            info.resources = {resource};
            result.authInfo = std::move(info);
            wire::Allowed allowed;
            allowed.policies = named(allowing);
            result.allowed = std::move(allowed);
            wire::ExplicitDeny explicit_deny;
            explicit_deny.policies = named(denying);
            wire::ImplicitDeny implicit_deny;
            implicit_deny.policies.emplace();
            wire::Denied denied;
            denied.explicitDeny = std::move(explicit_deny);
            denied.implicitDeny = std::move(implicit_deny);
            result.denied = std::move(denied);
            result.authDecision = permitted ? "ALLOWED" : denying.empty() ? "IMPLICIT_DENY" : "EXPLICIT_DENY";
            result.missingContextValues.emplace();
            response.authResults->push_back(std::move(result));
        }
    }
    co_return response;
}

}  // namespace wellhead::services::iot
