// Tags, endpoints, and what the operations have in common.

#include <fmt/format.h>

#include "apis/iot/errors.h"
#include "base/log.h"
#include "services/iot/iot_control.h"
#include "services/iot/paging.h"

namespace wellhead::services::iot {

namespace {

constexpr size_t kMaxTags = 50;

}  // namespace

std::string IotControl::Arn(std::string_view kind, std::string_view name) const {
    return fmt::format("arn:aws:iot:{}:{}:{}/{}", settings_.region, settings_.account_id, kind, name);
}

std::optional<std::string> IotControl::NameIn(std::string_view arn, std::string_view kind) const {
    std::string prefix = Arn(kind, "");
    if (!arn.starts_with(prefix)) return std::nullopt;
    return std::string(arn.substr(prefix.size()));
}

api::Outcome<void> IotControl::CheckPrincipal(const std::string& principal) const {
    if (auto id = NameIn(principal, "cert")) {
        if (registry_.certificates.Find(*id)) return {};
        return std::unexpected(wire::ResourceNotFoundException(
            fmt::format("The certificate given in the principal does not exist: {}", *id)));
    }
    // REGION:UUID
    bool cognito = principal.size() > 37 && principal[principal.size() - 37] == ':' && !principal.starts_with("arn:");
    if (cognito) return {};
    return std::unexpected(wire::InvalidRequestException(
        fmt::format("{} is neither the ARN of a certificate of this account nor a Cognito identity", principal)));
}

api::Outcome<void> IotControl::CheckTarget(const std::string& target) const {
    auto group = NameIn(target, "thinggroup");
    if (!group) return CheckPrincipal(target);
    if (registry_.thing_groups.Find(*group)) return {};
    return std::unexpected(wire::ResourceNotFoundException("There is no thing group " + *group));
}

api::ServiceError IotControl::Broken(const base::Error& error) {
    base::LogError("iot", "a change failed: {}", error.message);
    // The cause names files of the server; it is for the log alone.
    if (error.code == base::ErrorCode::kLimit || error.code == base::ErrorCode::kReadOnly) {
        return wire::ServiceUnavailableException("The service cannot store the change now");
    }
    return wire::InternalFailureException("An internal failure occurred");
}

env::Task<api::Outcome<void>> IotControl::Commit(Change change) {
    auto committed = co_await registry_.Commit(std::move(change));
    if (!committed) co_return std::unexpected(Broken(committed.error()));
    co_return api::Outcome<void>();
}

void IotControl::AddTags(Change& change, const std::string& arn, const TagList& tags) {
    if (!tags || tags->empty()) return;
    TagSet set;
    if (auto existing = registry_.tags.Find(arn)) set = *existing;
    set.arn = arn;
    for (const wire::Tag& tag : *tags) set.tags[tag.Key] = tag.Value.value_or("");
    change.Put(registry_.tags, std::move(set));
}

bool IotControl::ResourceExists(std::string_view arn) const {
    if (auto name = NameIn(arn, "thing")) return registry_.things.Find(*name) != nullptr;
    if (auto name = NameIn(arn, "thinggroup")) return registry_.thing_groups.Find(*name) != nullptr;
    if (auto name = NameIn(arn, "thingtype")) return registry_.thing_types.Find(*name) != nullptr;
    if (auto name = NameIn(arn, "policy")) return registry_.policies.Find(*name) != nullptr;
    if (auto name = NameIn(arn, "rule")) return registry_.topic_rules.Find(*name) != nullptr;
    if (auto id = NameIn(arn, "cert")) return registry_.certificates.Find(*id) != nullptr;
    if (auto id = NameIn(arn, "cacert")) return registry_.ca_certificates.Find(*id) != nullptr;
    return false;
}

env::Task<api::Outcome<wire::TagResourceResponse>> IotControl::TagResource(const api::CallContext&,
                                                                           wire::TagResourceRequest input) {
    auto pass = co_await registry_.BeginChange();
    if (!ResourceExists(input.resourceArn)) {
        co_return std::unexpected(wire::ResourceNotFoundException("There is no resource " + input.resourceArn));
    }
    std::map<std::string, std::string> all;
    if (auto existing = registry_.tags.Find(input.resourceArn)) all = existing->tags;
    for (const wire::Tag& tag : input.tags) all[tag.Key] = tag.Value.value_or("");
    if (all.size() > kMaxTags) {
        co_return std::unexpected(
            wire::LimitExceededException(fmt::format("A resource has at most {} tags", kMaxTags)));
    }
    Change change;
    change.Put(registry_.tags, TagSet{input.resourceArn, std::move(all)});
    auto committed = co_await Commit(std::move(change));
    if (!committed) co_return std::unexpected(committed.error());
    co_return wire::TagResourceResponse();
}

env::Task<api::Outcome<wire::UntagResourceResponse>> IotControl::UntagResource(const api::CallContext&,
                                                                               wire::UntagResourceRequest input) {
    auto pass = co_await registry_.BeginChange();
    if (!ResourceExists(input.resourceArn)) {
        co_return std::unexpected(wire::ResourceNotFoundException("There is no resource " + input.resourceArn));
    }
    if (auto existing = registry_.tags.Find(input.resourceArn)) {
        TagSet set = *existing;
        for (const std::string& key : input.tagKeys) set.tags.erase(key);
        Change change;
        if (set.tags.empty()) {
            change.Delete(registry_.tags, input.resourceArn);
        } else {
            change.Put(registry_.tags, std::move(set));
        }
        auto committed = co_await Commit(std::move(change));
        if (!committed) co_return std::unexpected(committed.error());
    }
    co_return wire::UntagResourceResponse();
}

env::Task<api::Outcome<wire::ListTagsForResourceResponse>> IotControl::ListTagsForResource(
    const api::CallContext&, wire::ListTagsForResourceRequest input) {
    if (!ResourceExists(input.resourceArn)) {
        co_return std::unexpected(wire::ResourceNotFoundException("There is no resource " + input.resourceArn));
    }
    wire::ListTagsForResourceResponse response;
    response.tags.emplace();
    if (auto existing = registry_.tags.Find(input.resourceArn)) {
        for (const auto& [key, value] : existing->tags) {
            wire::Tag tag;
            tag.Key = key;
            tag.Value = value;
            response.tags->push_back(std::move(tag));
        }
    }
    co_return response;
}

env::Task<api::Outcome<wire::DescribeEndpointResponse>> IotControl::DescribeEndpoint(
    const api::CallContext&, wire::DescribeEndpointRequest input) {
    std::string type = input.endpointType.value_or("iot:Data");
    if (type != "iot:Data" && type != "iot:Data-ATS" && type != "iot:Data-Beta" && type != "iot:CredentialProvider" &&
        type != "iot:Jobs") {
        co_return std::unexpected(wire::InvalidRequestException("The endpoint type " + type + " is not known"));
    }
    wire::DescribeEndpointResponse response;
    response.endpointAddress = settings_.endpoint;
    co_return response;
}

}  // namespace wellhead::services::iot
