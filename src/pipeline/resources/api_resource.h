#pragma once
// What the providers have in common: served properties, those whose change means replacement, and calling.

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "pipeline/api_caller.h"
#include "pipeline/resource_provider.h"

namespace wellhead::pipeline {

class ApiResource : public ResourceProvider {
  public:
    // A change of one of the fixed properties makes a new resource.
    ApiResource(ApiCaller& caller, std::vector<std::string_view> served,
                std::vector<std::string_view> fixed)
        : caller_(caller), served_(std::move(served)), fixed_(std::move(fixed)) {}

    Change ChangeFor(const boost::json::object& before,
                     const boost::json::object& after) const final {
        for (std::string_view name : fixed_) {
            const boost::json::value* old_value = before.if_contains(name);
            const boost::json::value* new_value = after.if_contains(name);
            bool same = old_value == nullptr || new_value == nullptr ? old_value == new_value
                                                                     : *old_value == *new_value;
            if (!same) return Change::kReplacement;
        }
        return Change::kInPlace;
    }

  protected:
    using Json = boost::json::value;
    using Object = boost::json::object;

    api::Outcome<void> CheckServed(const Object& properties) const {
        for (const auto& property : properties) {
            std::string_view name = property.key();
            if (std::find(served_.begin(), served_.end(), name) == served_.end()) {
                return std::unexpected(
                    ValidationError(fmt::format("the property {} is not served", name)));
            }
        }
        return {};
    }

    env::Task<api::Outcome<Json>> Call(api::CallContext context, std::string_view service,
                                       std::string_view operation, Object input) {
        return caller_.Call(std::move(context), service, operation, std::move(input));
    }

    // After a creation that failed half-way: what was made goes again. The failure is what is told.
    env::Task<void> TakeBack(ResourceRequest request, std::string physical_id) {
        ResourceValues values{std::move(physical_id), {}};
        auto deleted = co_await Delete(std::move(request), std::move(values));
        if (!deleted) base::LogWarning("pipeline", "a half-made resource stays: {}", deleted.error().message);
    }

    // Copies the named properties, where present, under the same names.
    static Object Pick(const Object& from, std::initializer_list<std::string_view> names) {
        Object out;
        for (std::string_view name : names) {
            if (const Json* value = from.if_contains(name)) out[name] = *value;
        }
        return out;
    }

    // "a.b" of an answer as text; empty when it is not there.
    static std::string At(const Json& answer, std::string_view path) {
        const Json* at = &answer;
        while (at != nullptr && !path.empty()) {
            std::string_view name = path.substr(0, path.find('.'));
            path.remove_prefix(std::min(path.size(), name.size() + 1));
            at = at->is_object() ? at->get_object().if_contains(name) : nullptr;
        }
        if (at == nullptr || at->is_null()) return {};
        return at->is_string() ? std::string(at->get_string()) : boost::json::serialize(*at);
    }

  private:
    ApiCaller& caller_;
    std::vector<std::string_view> served_;
    std::vector<std::string_view> fixed_;
};

// The name property's text, or a generated one.
inline std::string NameOf(const ResourceRequest& request, std::string_view property, size_t limit,
                          bool lower_case = false) {
    auto name = TextProperty(request.properties, property);
    return name ? *name : GeneratedName(request, limit, lower_case);
}

inline bool IsGone(const api::ServiceError& error) {
    return error.code.find("NotFound") != std::string::npos || error.code == "NoSuchBucket";
}

// [{Key, Value}] -> {key: value}
boost::json::object TagMap(const boost::json::object& properties, std::string_view property);

// "TopicRulePayload" -> "topicRulePayload", in keys of all depths.
boost::json::value LowerFirst(const boost::json::value& value);

#define RETURN_IF_GONE_OR(result, value)                                              \
    if (!(result)) {                                                                  \
        if (IsGone((result).error())) co_return value;                                \
        co_return std::unexpected((result).error());                                  \
    }

std::unique_ptr<ResourceProvider> MakeKinesisStream(ApiCaller& caller);
std::unique_ptr<ResourceProvider> MakeS3Bucket(ApiCaller& caller);
std::unique_ptr<ResourceProvider> MakeIotThingType(ApiCaller& caller);
std::unique_ptr<ResourceProvider> MakeIotPolicy(ApiCaller& caller);
std::unique_ptr<ResourceProvider> MakeIotTopicRule(ApiCaller& caller);
std::unique_ptr<ResourceProvider> MakeFirehoseDeliveryStream(ApiCaller& caller);
std::unique_ptr<ResourceProvider> MakeGlueDatabase(ApiCaller& caller);
std::unique_ptr<ResourceProvider> MakeGlueTable(ApiCaller& caller);
std::unique_ptr<ResourceProvider> MakeGlueCrawler(ApiCaller& caller);
std::unique_ptr<ResourceProvider> MakeAthenaWorkGroup(ApiCaller& caller);
std::unique_ptr<ResourceProvider> MakeCognitoUserPool(ApiCaller& caller);
std::unique_ptr<ResourceProvider> MakeCognitoUserPoolClient(ApiCaller& caller);
std::unique_ptr<ResourceProvider> MakeCognitoUserPoolDomain(ApiCaller& caller);
std::unique_ptr<ResourceProvider> MakeIamRole(ApiCaller& caller);

}  // namespace wellhead::pipeline
