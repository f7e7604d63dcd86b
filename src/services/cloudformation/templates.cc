// Templates: where they come from, what they ask for, and the operations that only look at one.

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <set>

#include "api/uri.h"
#include "apis/cloudformation/errors.h"
#include "services/cloudformation/cloudformation_service.h"

namespace wellhead::services::cloudformation {

using api::CallContext;
using api::Outcome;
using pipeline::StackWish;
using pipeline::Template;
using std::unexpected;
namespace errors = apis::cloudformation;

namespace {

constexpr size_t kBodyLimit = pipeline::kTemplateSizeLimit;  // AWS: 51,200 bytes; a file of one's own may be larger

std::unexpected<api::ServiceError> Invalid(std::string message) {
    return unexpected(errors::ValidationError(std::move(message)));
}

struct ObjectName {
    std::string bucket;
    std::string key;
};

// "https://bucket.s3.region.amazonaws.com/key", "https://s3.region.amazonaws.com/bucket/key", "http://host:port/bucket/key"
std::optional<ObjectName> ObjectOfUrl(std::string_view url) {
    size_t scheme = url.find("://");
    if (scheme == url.npos || !url.starts_with("http")) return std::nullopt;
    url.remove_prefix(scheme + 3);
    url = url.substr(0, url.find('?'));
    std::string_view host = url.substr(0, url.find('/'));
    url.remove_prefix(std::min(url.size(), host.size() + 1));
    size_t s3 = host.find(".s3.");
    if (s3 == host.npos) s3 = host.find(".s3-");
    std::string_view bucket = s3 == host.npos ? url.substr(0, url.find('/')) : host.substr(0, s3);
    if (s3 == host.npos) url.remove_prefix(std::min(url.size(), bucket.size() + 1));
    auto key = api::UriDecode(url);
    if (bucket.empty() || !key || key->empty()) return std::nullopt;
    return ObjectName{std::string(bucket), *key};
}

bool IsNamed(const pipeline::TemplateResource& resource) {
    for (std::string_view name : {"RoleName", "UserName", "GroupName", "PolicyName", "ManagedPolicyName", "InstanceProfileName"}) {
        if (resource.properties.contains(name)) return true;
    }
    return false;
}

struct Needed {
    std::vector<std::string> capabilities;
    std::string reason;
};

// (User guide, "Acknowledging IAM resources in CloudFormation templates".)
Needed CapabilitiesOf(const Template& parsed) {
    Needed needed;
    std::set<std::string> types;
    bool named = false;
    for (const auto& resource : parsed.resources) {
        if (!resource.type.starts_with("AWS::IAM::")) continue;
        types.insert(resource.type);
        named = named || IsNamed(resource);
    }
    if (types.empty()) return needed;
    needed.capabilities = {named ? "CAPABILITY_NAMED_IAM" : "CAPABILITY_IAM"};
    needed.reason = fmt::format("The following resource(s) require capabilities: [{}]", fmt::join(types, ", "));
    return needed;
}

std::optional<std::string> DefaultOf(const pipeline::TemplateParameter& parameter) {
    if (parameter.default_value.is_null()) return std::nullopt;
    return pipeline::ScalarText(parameter.default_value);
}

}  // namespace

env::Task<Outcome<std::string>> CloudFormationService::TemplateText(const CallContext& context,
                                                                    std::optional<std::string> body,
                                                                    std::optional<std::string> url) {
    if (body.has_value() == url.has_value()) {
        co_return Invalid("Exactly one of TemplateBody and TemplateUrl must be specified.");
    }
    if (body) {
        if (body->size() <= kBodyLimit) co_return std::move(*body);
        co_return Invalid(fmt::format("1 validation error detected: Value at 'templateBody' failed to satisfy constraint: "
                                      "Member must have length less than or equal to {}",
                                      kBodyLimit));
    }
    auto object = ObjectOfUrl(*url);
    if (!object) co_return Invalid("TemplateURL must be a supported URL.");
    apis::s3::GetObjectRequest request;
    request.Bucket = object->bucket;
    request.Key = object->key;
    auto got = co_await deps_.s3.GetObject(context, std::move(request));
    if (!got) co_return Invalid(fmt::format("S3 error: {}: {}", got.error().code, got.error().message));
    if (!got->Body) co_return Invalid("The template object is empty.");
    auto text = co_await api::ReadAll(*got->Body, pipeline::kTemplateSizeLimit);
    if (!text) co_return Invalid("S3 error: " + text.error().message);
    co_return std::move(*text);
}

env::Task<Outcome<StackWish>> CloudFormationService::WishOf(const CallContext& context, WishRequest request,
                                                            const pipeline::Stack* before) {
    StackWish wish;
    if (request.previous_template && before != nullptr) {
        if (request.template_body || request.template_url) {
            co_return Invalid("Exactly one of TemplateBody, TemplateURL and UsePreviousTemplate must be specified.");
        }
        wish.template_text = before->now.template_text;
    } else {
        auto text = co_await TemplateText(context, std::move(request.template_body), std::move(request.template_url));
        if (!text) co_return unexpected(text.error());
        wish.template_text = std::move(*text);
    }
    std::vector<wire::Parameter> parameters = request.parameters.value_or(std::vector<wire::Parameter>());
    for (const auto& parameter : parameters) {
        std::string key = parameter.ParameterKey.value_or("");
        if (key.empty()) co_return Invalid("Parameter keys must not be empty.");
        if (wish.parameters.contains(key)) co_return Invalid(fmt::format("Parameter '{}' is given twice.", key));
        if (parameter.UsePreviousValue.value_or(false)) {
            if (parameter.ParameterValue || before == nullptr) {
                co_return Invalid(fmt::format("Invalid input for parameter key {}. Cannot specify usePreviousValue as true "
                                              "for a parameter key not in the previous template",
                                              key));
            }
            // Without a value before it was the default that held.
            auto previous = before->now.parameters.find(key);
            if (previous != before->now.parameters.end()) wish.parameters[key] = previous->second;
        } else {
            wish.parameters[key] = parameter.ParameterValue.value_or("");
        }
    }
    if (request.tags) {
        for (const auto& tag : *request.tags) wish.tags.emplace_back(tag.Key, tag.Value);
    } else if (before != nullptr) {
        wish.tags = before->now.tags;
    }
    if (request.capabilities) wish.capabilities = *request.capabilities;
    auto parsed = deployer_.Check(wish);
    if (!parsed) co_return unexpected(parsed.error());
    Needed needed = CapabilitiesOf(*parsed);
    for (const auto& capability : needed.capabilities) {
        auto has = [&](std::string_view word) { return std::ranges::find(wish.capabilities, word) != wish.capabilities.end(); };
        bool enough = has(capability) || has("CAPABILITY_NAMED_IAM");
        if (!enough) {
            co_return unexpected(
                errors::InsufficientCapabilitiesException(fmt::format("Requires capabilities : [{}]", capability)));
        }
    }
    co_return wish;
}

env::Task<Outcome<wire::GetTemplateOutput>> CloudFormationService::GetTemplate(const CallContext&,
                                                                               wire::GetTemplateInput input) {
    wire::GetTemplateOutput output;
    output.StagesAvailable = {std::string(wire::TemplateStage::kOriginal), std::string(wire::TemplateStage::kProcessed)};
    if (input.ChangeSetName) {
        auto set = ExistingSet(*input.ChangeSetName, input.StackName);
        if (!set) co_return unexpected(set.error());
        output.TemplateBody = (*set)->wish.template_text;
        co_return output;
    }
    if (!input.StackName) co_return Invalid("StackName is required");
    auto stack = Existing(*input.StackName);
    if (!stack) co_return unexpected(stack.error());
    bool first = (*stack)->now.template_text.empty() && (*stack)->under_way;
    output.TemplateBody = first ? (*stack)->under_way->wish.template_text : (*stack)->now.template_text;
    co_return output;
}

env::Task<Outcome<wire::GetTemplateSummaryOutput>> CloudFormationService::GetTemplateSummary(
    const CallContext& context, wire::GetTemplateSummaryInput input) {
    std::string text;
    if (input.StackSetName) co_return Invalid("Stack sets are not served.");
    if (input.StackName) {
        auto stack = Existing(*input.StackName);
        if (!stack) co_return unexpected(stack.error());
        text = (*stack)->now.template_text;
    } else {
        auto given = co_await TemplateText(context, std::move(input.TemplateBody), std::move(input.TemplateURL));
        if (!given) co_return unexpected(given.error());
        text = std::move(*given);
    }
    auto parsed = pipeline::ParseTemplate(text);
    if (!parsed) co_return Invalid("Template format error: " + parsed.error().message);
    wire::GetTemplateSummaryOutput output;
    output.Parameters.emplace();
    for (const auto& [name, parameter] : parsed->parameters) {
        wire::ParameterDeclaration declaration;
        declaration.ParameterKey = name;
        declaration.DefaultValue = DefaultOf(parameter);
        declaration.ParameterType = parameter.type;
        declaration.NoEcho = parameter.no_echo;
        if (!parameter.description.empty()) declaration.Description = parameter.description;
        wire::ParameterConstraints constraints;
        if (!parameter.allowed_values.empty()) constraints.AllowedValues = parameter.allowed_values;
        declaration.ParameterConstraints = std::move(constraints);
        output.Parameters->push_back(std::move(declaration));
    }
    if (!parsed->description.empty()) output.Description = parsed->description;
    if (!parsed->version.empty()) output.Version = parsed->version;
    if (!parsed->metadata.is_null()) output.Metadata = boost::json::serialize(parsed->metadata);
    Needed needed = CapabilitiesOf(*parsed);
    if (!needed.capabilities.empty()) {
        output.Capabilities = needed.capabilities;
        output.CapabilitiesReason = needed.reason;
    }
    std::map<std::string, std::vector<std::string>> by_type;
    for (const auto& resource : parsed->resources) by_type[resource.type].push_back(resource.logical_id);
    output.ResourceTypes.emplace();
    for (const auto& [type, ids] : by_type) output.ResourceTypes->push_back(type);
    co_return output;
}

env::Task<Outcome<wire::ValidateTemplateOutput>> CloudFormationService::ValidateTemplate(
    const CallContext& context, wire::ValidateTemplateInput input) {
    auto text = co_await TemplateText(context, std::move(input.TemplateBody), std::move(input.TemplateURL));
    if (!text) co_return unexpected(text.error());
    auto parsed = pipeline::ParseTemplate(*text);
    if (!parsed) co_return Invalid("Template format error: " + parsed.error().message);
    wire::ValidateTemplateOutput output;
    output.Parameters.emplace();
    for (const auto& [name, parameter] : parsed->parameters) {
        wire::TemplateParameter shown;
        shown.ParameterKey = name;
        shown.DefaultValue = DefaultOf(parameter);
        shown.NoEcho = parameter.no_echo;
        if (!parameter.description.empty()) shown.Description = parameter.description;
        output.Parameters->push_back(std::move(shown));
    }
    if (!parsed->description.empty()) output.Description = parsed->description;
    Needed needed = CapabilitiesOf(*parsed);
    if (!needed.capabilities.empty()) {
        output.Capabilities = needed.capabilities;
        output.CapabilitiesReason = needed.reason;
    }
    co_return output;
}

}  // namespace wellhead::services::cloudformation
