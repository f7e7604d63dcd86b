// AWS::IoT::ThingType, AWS::IoT::Policy, AWS::IoT::TopicRule

#include "pipeline/resources/api_resource.h"

namespace wellhead::pipeline {

namespace {

using api::Outcome;

class IotThingType final : public ApiResource {
  public:
    explicit IotThingType(ApiCaller& caller)
        : ApiResource(caller, {"ThingTypeName", "ThingTypeProperties", "Tags"},
                      {"ThingTypeName", "ThingTypeProperties"}) {}

    env::Task<Outcome<ResourceValues>> Create(ResourceRequest request) override {
        CO_RETURN_IF_ERROR(CheckServed(request.properties));
        Object input{{"thingTypeName", NameOf(request, "ThingTypeName", 128)}};
        if (const Json* properties = request.properties.if_contains("ThingTypeProperties")) {
            input["thingTypeProperties"] = LowerFirst(*properties);
        }
        if (const Json* tags = request.properties.if_contains("Tags")) input["tags"] = *tags;
        auto created = co_await Call(request.context, "iot", "CreateThingType", std::move(input));
        if (!created) co_return std::unexpected(created.error());
        co_return ValuesOf(*created);
    }
    env::Task<Outcome<std::optional<ResourceValues>>> Adopt(ResourceRequest request) override {
        Object input{{"thingTypeName", NameOf(request, "ThingTypeName", 128)}};
        auto found = co_await Call(request.context, "iot", "DescribeThingType", std::move(input));
        RETURN_IF_GONE_OR(found, std::optional<ResourceValues>());
        co_return std::optional<ResourceValues>(ValuesOf(*found));
    }
    env::Task<Outcome<ResourceValues>> Update(ResourceRequest request, ResourceValues existing) override {
        CO_RETURN_IF_ERROR(CheckServed(request.properties));
        Object input{{"resourceArn", existing.attributes["Arn"]}};
        if (const Json* tags = request.properties.if_contains("Tags")) {
            input["tags"] = *tags;
            auto tagged = co_await Call(request.context, "iot", "TagResource", std::move(input));
            if (!tagged) co_return std::unexpected(tagged.error());
        }
        co_return existing;
    }
    env::Task<Outcome<void>> Delete(ResourceRequest request, ResourceValues existing) override {
        Object deprecate{{"thingTypeName", existing.physical_id}};
        auto deprecated = co_await Call(request.context, "iot", "DeprecateThingType", std::move(deprecate));
        RETURN_IF_GONE_OR(deprecated, Outcome<void>());
        Object input{{"thingTypeName", existing.physical_id}};
        auto deleted = co_await Call(request.context, "iot", "DeleteThingType", std::move(input));
        RETURN_IF_GONE_OR(deleted, Outcome<void>());
        co_return Outcome<void>();
    }

  private:
    static ResourceValues ValuesOf(const Json& answer) {
        return {At(answer, "thingTypeName"),
                {{"Arn", At(answer, "thingTypeArn")}, {"Id", At(answer, "thingTypeId")}}};
    }
};

class IotPolicy final : public ApiResource {
  public:
    explicit IotPolicy(ApiCaller& caller)
        : ApiResource(caller, {"PolicyName", "PolicyDocument", "Tags"}, {"PolicyName"}) {}

    env::Task<Outcome<ResourceValues>> Create(ResourceRequest request) override {
        CO_RETURN_IF_ERROR(CheckServed(request.properties));
        Object input{{"policyName", NameOf(request, "PolicyName", 128)}, {"policyDocument", Document(request)}};
        if (const Json* tags = request.properties.if_contains("Tags")) input["tags"] = *tags;
        auto created = co_await Call(request.context, "iot", "CreatePolicy", std::move(input));
        if (!created) co_return std::unexpected(created.error());
        co_return ValuesOf(*created);
    }
    env::Task<Outcome<std::optional<ResourceValues>>> Adopt(ResourceRequest request) override {
        Object input{{"policyName", NameOf(request, "PolicyName", 128)}};
        auto found = co_await Call(request.context, "iot", "GetPolicy", std::move(input));
        RETURN_IF_GONE_OR(found, std::optional<ResourceValues>());
        co_return std::optional<ResourceValues>(ValuesOf(*found));
    }
    env::Task<Outcome<ResourceValues>> Update(ResourceRequest request, ResourceValues existing) override {
        CO_RETURN_IF_ERROR(CheckServed(request.properties));
        // A policy keeps five versions: the others make room for the new one.
        auto pruned = co_await DeleteOldVersions(request.context, existing.physical_id);
        if (!pruned) co_return std::unexpected(pruned.error());
        Object input{{"policyName", existing.physical_id},
                     {"policyDocument", Document(request)},
                     {"setAsDefault", true}};
        auto changed = co_await Call(request.context, "iot", "CreatePolicyVersion", std::move(input));
        if (!changed) co_return std::unexpected(changed.error());
        co_return existing;
    }
    env::Task<Outcome<void>> Delete(ResourceRequest request, ResourceValues existing) override {
        auto pruned = co_await DeleteOldVersions(request.context, existing.physical_id);
        RETURN_IF_GONE_OR(pruned, Outcome<void>());
        Object input{{"policyName", existing.physical_id}};
        auto deleted = co_await Call(request.context, "iot", "DeletePolicy", std::move(input));
        RETURN_IF_GONE_OR(deleted, Outcome<void>());
        co_return Outcome<void>();
    }

  private:
    static ResourceValues ValuesOf(const Json& answer) {
        std::string name = At(answer, "policyName");
        return {name, {{"Arn", At(answer, "policyArn")}, {"Id", name}}};
    }
    static std::string Document(const ResourceRequest& request) {
        return TextProperty(request.properties, "PolicyDocument").value_or("");
    }
    env::Task<Outcome<void>> DeleteOldVersions(api::CallContext context, std::string name) {
        Object input{{"policyName", name}};
        auto versions = co_await Call(context, "iot", "ListPolicyVersions", std::move(input));
        if (!versions) co_return std::unexpected(versions.error());
        const Json* list = versions->as_object().if_contains("policyVersions");
        if (list == nullptr || !list->is_array()) co_return Outcome<void>();
        for (const Json& version : list->get_array()) {
            if (At(version, "isDefaultVersion") == "true") continue;
            Object old{{"policyName", name}, {"policyVersionId", At(version, "versionId")}};
            auto deleted = co_await Call(context, "iot", "DeletePolicyVersion", std::move(old));
            if (!deleted) co_return std::unexpected(deleted.error());
        }
        co_return Outcome<void>();
    }
};

class IotTopicRule final : public ApiResource {
  public:
    explicit IotTopicRule(ApiCaller& caller)
        : ApiResource(caller, {"RuleName", "TopicRulePayload", "Tags"}, {"RuleName"}) {}

    env::Task<Outcome<ResourceValues>> Create(ResourceRequest request) override {
        auto put = co_await Put(request, "CreateTopicRule");
        if (!put) co_return std::unexpected(put.error());
        auto found = co_await Adopt(std::move(request));
        if (!found) co_return std::unexpected(found.error());
        if (!*found) co_return std::unexpected(ValidationError("the rule went away at once"));
        co_return std::move(**found);
    }
    env::Task<Outcome<std::optional<ResourceValues>>> Adopt(ResourceRequest request) override {
        std::string name = RuleName(request);
        Object input{{"ruleName", name}};
        auto found = co_await Call(request.context, "iot", "GetTopicRule", std::move(input));
        // AWS IoT answers a missing rule as unauthorized.
        if (!found && (IsGone(found.error()) || found.error().code == "UnauthorizedException")) {
            co_return std::optional<ResourceValues>();
        }
        if (!found) co_return std::unexpected(found.error());
        co_return std::optional<ResourceValues>(ResourceValues{name, {{"Arn", At(*found, "ruleArn")}}});
    }
    env::Task<Outcome<ResourceValues>> Update(ResourceRequest request, ResourceValues existing) override {
        auto put = co_await Put(std::move(request), "ReplaceTopicRule");
        if (!put) co_return std::unexpected(put.error());
        co_return existing;
    }
    env::Task<Outcome<void>> Delete(ResourceRequest request, ResourceValues existing) override {
        Object input{{"ruleName", existing.physical_id}};
        auto deleted = co_await Call(request.context, "iot", "DeleteTopicRule", std::move(input));
        RETURN_IF_GONE_OR(deleted, Outcome<void>());
        co_return Outcome<void>();
    }

  private:
    static std::string RuleName(const ResourceRequest& request) {
        std::string name = NameOf(request, "RuleName", 128);
        std::replace(name.begin(), name.end(), '-', '_');  // a rule's name has no hyphen
        return name;
    }
    env::Task<Outcome<void>> Put(ResourceRequest request, std::string_view operation) {
        CO_RETURN_IF_ERROR(CheckServed(request.properties));
        Object input{{"ruleName", RuleName(request)}};
        if (const Json* payload = request.properties.if_contains("TopicRulePayload")) {
            input["topicRulePayload"] = LowerFirst(*payload);
        }
        auto put = co_await Call(request.context, "iot", operation, std::move(input));
        if (!put) co_return std::unexpected(put.error());
        co_return Outcome<void>();
    }
};

}  // namespace

std::unique_ptr<ResourceProvider> MakeIotThingType(ApiCaller& caller) {
    return std::make_unique<IotThingType>(caller);
}
std::unique_ptr<ResourceProvider> MakeIotPolicy(ApiCaller& caller) {
    return std::make_unique<IotPolicy>(caller);
}
std::unique_ptr<ResourceProvider> MakeIotTopicRule(ApiCaller& caller) {
    return std::make_unique<IotTopicRule>(caller);
}

}  // namespace wellhead::pipeline
