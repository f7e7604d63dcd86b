#include "pipeline/resource_provider.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace wellhead::pipeline {

namespace json = boost::json;

api::ServiceError ValidationError(std::string message) {
    return {.code = "ValidationError", .message = std::move(message), .http_status = 400, .members = {}};
}

std::optional<std::string> TextProperty(const json::object& properties, std::string_view name) {
    const json::value* value = properties.if_contains(name);
    if (value == nullptr || value->is_null()) return std::nullopt;
    if (value->is_string()) return std::string(value->get_string());
    return json::serialize(*value);
}

std::optional<int64_t> IntegerProperty(const json::object& properties, std::string_view name) {
    auto text = TextProperty(properties, name);
    if (!text) return std::nullopt;
    int64_t number = 0;
    auto [at, error] = std::from_chars(text->data(), text->data() + text->size(), number);
    if (error != std::errc() || at != text->data() + text->size()) return std::nullopt;
    return number;
}

std::optional<bool> BoolProperty(const json::object& properties, std::string_view name) {
    auto text = TextProperty(properties, name);
    if (!text || (*text != "true" && *text != "false")) return std::nullopt;
    return *text == "true";
}

std::string GeneratedName(const ResourceRequest& request, size_t limit, bool lower_case) {
    std::string suffix = "-" + request.incarnation;
    std::transform(suffix.begin(), suffix.end(), suffix.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    std::string name = request.stack_name + "-" + request.logical_id;
    if (name.size() + suffix.size() > limit) name.resize(limit - std::min(limit, suffix.size()));
    name += suffix;
    if (lower_case) {
        std::transform(name.begin(), name.end(), name.begin(),
                       [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    }
    return name;
}

}  // namespace wellhead::pipeline
