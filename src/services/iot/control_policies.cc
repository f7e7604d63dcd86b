// Policies, their versions, and what they are attached to.

#include <fmt/format.h>

#include <charconv>

#include "apis/iot/errors.h"
#include "services/iot/iot_control.h"
#include "services/iot/paging.h"

namespace wellhead::services::iot {

namespace {

constexpr size_t kMaxVersions = 5;
constexpr size_t kMaxPoliciesOfAPrincipal = 10;

api::ServiceError NotFound(const std::string& name) {
    return wire::ResourceNotFoundException(fmt::format("Policy {} was not found", name));
}

int VersionNumber(const std::string& id) {
    int number = 0;
    auto parsed = std::from_chars(id.data(), id.data() + id.size(), number);
    return parsed.ec == std::errc() && parsed.ptr == id.data() + id.size() ? number : 0;
}

std::string CreationKey(const std::shared_ptr<const Policy>& policy) {
    return fmt::format("{:020}{}", base::ToUnixUs(policy->created), policy->name);
}

}  // namespace

api::Outcome<std::shared_ptr<const Policy>> IotControl::FindPolicy(const std::string& name) const {
    auto policy = registry_.policies.Find(name);
    if (!policy) return std::unexpected(NotFound(name));
    return policy;
}

env::Task<api::Outcome<wire::CreatePolicyResponse>> IotControl::CreatePolicy(const api::CallContext&,
                                                                             wire::CreatePolicyRequest input) {
    auto document = PolicyDocument::Parse(input.policyDocument);
    if (!document) co_return std::unexpected(wire::MalformedPolicyException(document.error().message));
    std::string arn = Arn("policy", input.policyName);
    auto pass = co_await registry_.BeginChange();
    if (registry_.policies.Find(input.policyName)) {
        auto error = wire::ResourceAlreadyExistsException(
            fmt::format("Policy cannot be created - name already exists (name={})", input.policyName));
        error.members["resourceId"] = input.policyName;
        error.members["resourceArn"] = arn;
        co_return std::unexpected(error);
    }
    Policy policy;
    policy.name = input.policyName;
    policy.created = clock_.Now();
    policy.modified = policy.created;
    policy.versions[1] = PolicyVersion{input.policyDocument, policy.created, *document};
    Change change;
    change.Put(registry_.policies, std::move(policy));
    AddTags(change, arn, input.tags);
    auto committed = co_await Commit(std::move(change));
    if (!committed) co_return std::unexpected(committed.error());
    wire::CreatePolicyResponse response;
    response.policyName = input.policyName;
    response.policyArn = arn;
    response.policyDocument = std::move(input.policyDocument);
    response.policyVersionId = "1";
    co_return response;
}

env::Task<api::Outcome<wire::GetPolicyResponse>> IotControl::GetPolicy(const api::CallContext&,
                                                                       wire::GetPolicyRequest input) {
    auto policy = FindPolicy(input.policyName);
    if (!policy) co_return std::unexpected(policy.error());
    wire::GetPolicyResponse response;
    response.policyName = (*policy)->name;
    response.policyArn = Arn("policy", (*policy)->name);
    response.policyDocument = (*policy)->versions.at((*policy)->default_version).document;
    response.defaultVersionId = std::to_string((*policy)->default_version);
    response.creationDate = (*policy)->created;
    response.lastModifiedDate = (*policy)->modified;
    response.generationId = std::to_string((*policy)->next_version);
    co_return response;
}

env::Task<api::Outcome<wire::DeletePolicyOutput>> IotControl::DeletePolicy(const api::CallContext&,
                                                                           wire::DeletePolicyRequest input) {
    auto pass = co_await registry_.BeginChange();
    auto policy = FindPolicy(input.policyName);
    if (!policy) co_return std::unexpected(policy.error());
    if ((*policy)->versions.size() > 1) {
        co_return std::unexpected(wire::DeleteConflictException(
            fmt::format("Cannot delete the policy because it has one or more policy versions attached to it (name={})",
                        input.policyName)));
    }
    auto attached = registry_.policy_attachments.Page(
        {}, {}, 1, [&](const PolicyAttachment& attachment) { return attachment.policy == input.policyName; });
    if (!attached.empty()) {
        co_return std::unexpected(wire::DeleteConflictException(
            fmt::format("The policy cannot be deleted as the policy is attached to one or more principals (name={})",
                        input.policyName)));
    }
    Change change;
    change.Delete(registry_.policies, input.policyName);
    change.Delete(registry_.tags, Arn("policy", input.policyName));
    auto committed = co_await Commit(std::move(change));
    if (!committed) co_return std::unexpected(committed.error());
    co_return wire::DeletePolicyOutput();
}

env::Task<api::Outcome<wire::ListPoliciesResponse>> IotControl::ListPolicies(const api::CallContext&,
                                                                             wire::ListPoliciesRequest input) {
    auto page = TakePage(registry_.policies.All(), "ListPolicies", input.marker, PageLimit(input.pageSize, 25),
                         !input.ascendingOrder.value_or(false), CreationKey);
    if (!page) co_return std::unexpected(page.error());
    wire::ListPoliciesResponse response;
    response.policies.emplace();
    for (const auto& policy : page->items) {
        wire::Policy item;
        item.policyName = policy->name;
        item.policyArn = Arn("policy", policy->name);
        response.policies->push_back(std::move(item));
    }
    response.nextMarker = page->next;
    co_return response;
}

env::Task<api::Outcome<wire::CreatePolicyVersionResponse>> IotControl::CreatePolicyVersion(
    const api::CallContext&, wire::CreatePolicyVersionRequest input) {
    auto document = PolicyDocument::Parse(input.policyDocument);
    if (!document) co_return std::unexpected(wire::MalformedPolicyException(document.error().message));
    auto pass = co_await registry_.BeginChange();
    auto existing = FindPolicy(input.policyName);
    if (!existing) co_return std::unexpected(existing.error());
    if ((*existing)->versions.size() >= kMaxVersions) {
        co_return std::unexpected(wire::VersionsLimitExceededException(
            fmt::format("The policy {} already has the maximum number of versions ({})", input.policyName, kMaxVersions)));
    }
    Policy policy = **existing;
    int number = policy.next_version++;
    policy.modified = clock_.Now();
    policy.versions[number] = PolicyVersion{input.policyDocument, policy.modified, *document};
    bool set_default = input.setAsDefault.value_or(false);
    if (set_default) policy.default_version = number;
    Change change;
    change.Put(registry_.policies, std::move(policy));
    auto committed = co_await Commit(std::move(change));
    if (!committed) co_return std::unexpected(committed.error());
    wire::CreatePolicyVersionResponse response;
    response.policyArn = Arn("policy", input.policyName);
    response.policyDocument = std::move(input.policyDocument);
    response.policyVersionId = std::to_string(number);
    response.isDefaultVersion = set_default;
    co_return response;
}

env::Task<api::Outcome<wire::GetPolicyVersionResponse>> IotControl::GetPolicyVersion(
    const api::CallContext&, wire::GetPolicyVersionRequest input) {
    auto policy = FindPolicy(input.policyName);
    if (!policy) co_return std::unexpected(policy.error());
    auto version = (*policy)->versions.find(VersionNumber(input.policyVersionId));
    if (version == (*policy)->versions.end()) {
        co_return std::unexpected(wire::ResourceNotFoundException(
            fmt::format("Policy version {} of {} was not found", input.policyVersionId, input.policyName)));
    }
    wire::GetPolicyVersionResponse response;
    response.policyArn = Arn("policy", input.policyName);
    response.policyName = input.policyName;
    response.policyDocument = version->second.document;
    response.policyVersionId = input.policyVersionId;
    response.isDefaultVersion = version->first == (*policy)->default_version;
    response.creationDate = version->second.created;
    response.lastModifiedDate = version->second.created;
    response.generationId = std::to_string(version->first);
    co_return response;
}

env::Task<api::Outcome<wire::DeletePolicyVersionOutput>> IotControl::DeletePolicyVersion(
    const api::CallContext&, wire::DeletePolicyVersionRequest input) {
    auto pass = co_await registry_.BeginChange();
    auto existing = FindPolicy(input.policyName);
    if (!existing) co_return std::unexpected(existing.error());
    Policy policy = **existing;
    int number = VersionNumber(input.policyVersionId);
    if (number == policy.default_version) {
        co_return std::unexpected(wire::DeleteConflictException("Cannot delete the default version of a policy"));
    }
    if (policy.versions.erase(number) == 0) {
        co_return std::unexpected(wire::ResourceNotFoundException(
            fmt::format("Policy version {} of {} was not found", input.policyVersionId, input.policyName)));
    }
    policy.modified = clock_.Now();
    Change change;
    change.Put(registry_.policies, std::move(policy));
    auto committed = co_await Commit(std::move(change));
    if (!committed) co_return std::unexpected(committed.error());
    co_return wire::DeletePolicyVersionOutput();
}

env::Task<api::Outcome<wire::SetDefaultPolicyVersionOutput>> IotControl::SetDefaultPolicyVersion(
    const api::CallContext&, wire::SetDefaultPolicyVersionRequest input) {
    auto pass = co_await registry_.BeginChange();
    auto existing = FindPolicy(input.policyName);
    if (!existing) co_return std::unexpected(existing.error());
    Policy policy = **existing;
    int number = VersionNumber(input.policyVersionId);
    if (!policy.versions.contains(number)) {
        co_return std::unexpected(wire::ResourceNotFoundException(
            fmt::format("Policy version {} of {} was not found", input.policyVersionId, input.policyName)));
    }
    policy.default_version = number;
    policy.modified = clock_.Now();
    Change change;
    change.Put(registry_.policies, std::move(policy));
    auto committed = co_await Commit(std::move(change));
    if (!committed) co_return std::unexpected(committed.error());
    co_return wire::SetDefaultPolicyVersionOutput();
}

env::Task<api::Outcome<wire::ListPolicyVersionsResponse>> IotControl::ListPolicyVersions(
    const api::CallContext&, wire::ListPolicyVersionsRequest input) {
    auto policy = FindPolicy(input.policyName);
    if (!policy) co_return std::unexpected(policy.error());
    wire::ListPolicyVersionsResponse response;
    response.policyVersions.emplace();
    for (auto version = (*policy)->versions.rbegin(); version != (*policy)->versions.rend(); ++version) {
        wire::PolicyVersion item;
        item.versionId = std::to_string(version->first);
        item.isDefaultVersion = version->first == (*policy)->default_version;
        item.createDate = version->second.created;
        response.policyVersions->push_back(std::move(item));
    }
    co_return response;
}

env::Task<api::Outcome<void>> IotControl::Attach(std::string policy, std::string target) {
    auto pass = co_await registry_.BeginChange();
    auto existing = FindPolicy(policy);
    if (!existing) co_return std::unexpected(existing.error());
    auto checked = CheckTarget(target);
    if (!checked) co_return std::unexpected(checked.error());
    if (registry_.policy_attachments.Find(PairKey(target, policy))) co_return api::Outcome<void>();
    if (registry_.policy_attachments.Page(PairKey(target, {}), {}, kMaxPoliciesOfAPrincipal).size() ==
        kMaxPoliciesOfAPrincipal) {
        co_return std::unexpected(wire::LimitExceededException(
            fmt::format("A target has at most {} policies", kMaxPoliciesOfAPrincipal)));
    }
    Change change;
    change.Put(registry_.policy_attachments, PolicyAttachment{std::move(target), std::move(policy)});
    co_return co_await Commit(std::move(change));
}

env::Task<api::Outcome<void>> IotControl::Detach(std::string policy, std::string target) {
    auto pass = co_await registry_.BeginChange();
    auto existing = FindPolicy(policy);
    if (!existing) co_return std::unexpected(existing.error());
    Change change;
    std::string key = PairKey(target, policy);
    if (registry_.policy_attachments.Find(key)) change.Delete(registry_.policy_attachments, key);
    co_return co_await Commit(std::move(change));
}

env::Task<api::Outcome<wire::AttachPolicyOutput>> IotControl::AttachPolicy(const api::CallContext&,
                                                                           wire::AttachPolicyRequest input) {
    auto attached = co_await Attach(std::move(input.policyName), std::move(input.target));
    if (!attached) co_return std::unexpected(attached.error());
    co_return wire::AttachPolicyOutput();
}

env::Task<api::Outcome<wire::DetachPolicyOutput>> IotControl::DetachPolicy(const api::CallContext&,
                                                                           wire::DetachPolicyRequest input) {
    auto detached = co_await Detach(std::move(input.policyName), std::move(input.target));
    if (!detached) co_return std::unexpected(detached.error());
    co_return wire::DetachPolicyOutput();
}

env::Task<api::Outcome<wire::AttachPrincipalPolicyOutput>> IotControl::AttachPrincipalPolicy(
    const api::CallContext&, wire::AttachPrincipalPolicyRequest input) {
    auto attached = co_await Attach(std::move(input.policyName), std::move(input.principal));
    if (!attached) co_return std::unexpected(attached.error());
    co_return wire::AttachPrincipalPolicyOutput();
}

env::Task<api::Outcome<wire::DetachPrincipalPolicyOutput>> IotControl::DetachPrincipalPolicy(
    const api::CallContext&, wire::DetachPrincipalPolicyRequest input) {
    auto detached = co_await Detach(std::move(input.policyName), std::move(input.principal));
    if (!detached) co_return std::unexpected(detached.error());
    co_return wire::DetachPrincipalPolicyOutput();
}

env::Task<api::Outcome<wire::ListAttachedPoliciesResponse>> IotControl::ListAttachedPolicies(
    const api::CallContext&, wire::ListAttachedPoliciesRequest input) {
    auto checked = CheckTarget(input.target);
    if (!checked) co_return std::unexpected(checked.error());
    auto page = TakeRecords<PolicyAttachment>(registry_.policy_attachments, PairKey(input.target, {}),
                                              "ListAttachedPolicies", input.marker, PageLimit(input.pageSize, 25));
    if (!page) co_return std::unexpected(page.error());
    wire::ListAttachedPoliciesResponse response;
    response.policies.emplace();
    for (const auto& attached : page->items) {
        wire::Policy item;
        item.policyName = attached->policy;
        item.policyArn = Arn("policy", attached->policy);
        response.policies->push_back(std::move(item));
    }
    response.nextMarker = page->next;
    co_return response;
}

env::Task<api::Outcome<wire::ListPrincipalPoliciesResponse>> IotControl::ListPrincipalPolicies(
    const api::CallContext& context, wire::ListPrincipalPoliciesRequest input) {
    wire::ListAttachedPoliciesRequest same;
    same.target = std::move(input.principal);
    same.marker = std::move(input.marker);
    same.pageSize = input.pageSize;
    auto listed = co_await ListAttachedPolicies(context, std::move(same));
    if (!listed) co_return std::unexpected(listed.error());
    wire::ListPrincipalPoliciesResponse response;
    response.policies = std::move(listed->policies);
    response.nextMarker = std::move(listed->nextMarker);
    co_return response;
}

env::Task<api::Outcome<wire::ListTargetsForPolicyResponse>> IotControl::ListTargetsForPolicy(
    const api::CallContext&, wire::ListTargetsForPolicyRequest input) {
    auto policy = FindPolicy(input.policyName);
    if (!policy) co_return std::unexpected(policy.error());
    auto keep = [&](const PolicyAttachment& attached) { return attached.policy == input.policyName; };
    auto page = TakeRecords<PolicyAttachment>(registry_.policy_attachments, {}, "ListTargetsForPolicy", input.marker,
                                              PageLimit(input.pageSize, 25), keep);
    if (!page) co_return std::unexpected(page.error());
    wire::ListTargetsForPolicyResponse response;
    response.targets.emplace();
    for (const auto& attached : page->items) response.targets->push_back(attached->target);
    response.nextMarker = page->next;
    co_return response;
}

env::Task<api::Outcome<wire::ListPolicyPrincipalsResponse>> IotControl::ListPolicyPrincipals(
    const api::CallContext& context, wire::ListPolicyPrincipalsRequest input) {
    wire::ListTargetsForPolicyRequest same;
    same.policyName = std::move(input.policyName);
    same.marker = std::move(input.marker);
    same.pageSize = input.pageSize;
    auto listed = co_await ListTargetsForPolicy(context, std::move(same));
    if (!listed) co_return std::unexpected(listed.error());
    wire::ListPolicyPrincipalsResponse response;
    response.principals = std::move(listed->targets);
    response.nextMarker = std::move(listed->nextMarker);
    co_return response;
}

}  // namespace wellhead::services::iot
