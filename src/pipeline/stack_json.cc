// Stacks as JSON: what a StackStore keeps (docs/formats/stack.md).

#include <boost/json/object.hpp>

#include "pipeline/stack.h"

namespace wellhead::pipeline {

namespace {

namespace json = boost::json;

json::object MapToJson(const std::map<std::string, std::string>& map) {
    json::object out;
    for (const auto& [key, value] : map) out[key] = value;
    return out;
}

std::map<std::string, std::string> MapFromJson(const json::object& object) {
    std::map<std::string, std::string> out;
    for (const auto& [key, value] : object) out[std::string(key)] = std::string(value.as_string());
    return out;
}

json::object ResourceToJson(const StackResource& resource) {
    return {{"logical_id", resource.logical_id},
            {"type", resource.type},
            {"status", resource.status},
            {"reason", resource.reason},
            {"physical_id", resource.values.physical_id},
            {"attributes", MapToJson(resource.values.attributes)},
            {"properties", resource.properties},
            {"deletion_policy", resource.deletion_policy},
            {"changed_us", base::ToUnixUs(resource.changed)}};
}

std::string Text(const json::object& object, std::string_view name) {
    return std::string(object.at(name).as_string());
}

StackResource ResourceFromJson(const json::object& object) {
    return {.logical_id = Text(object, "logical_id"),
            .type = Text(object, "type"),
            .status = Text(object, "status"),
            .reason = Text(object, "reason"),
            .values = {Text(object, "physical_id"), MapFromJson(object.at("attributes").as_object())},
            .properties = object.at("properties").as_object(),
            .deletion_policy = Text(object, "deletion_policy"),
            .changed = base::FromUnixUs(object.at("changed_us").as_int64())};
}

json::object EventToJson(const StackEvent& event) {
    return {{"id", event.id},         {"logical_id", event.logical_id}, {"physical_id", event.physical_id},
            {"type", event.type},     {"status", event.status},         {"reason", event.reason},
            {"at_us", base::ToUnixUs(event.at)}};
}

StackEvent EventFromJson(const json::object& object) {
    return {.id = Text(object, "id"),
            .logical_id = Text(object, "logical_id"),
            .physical_id = Text(object, "physical_id"),
            .type = Text(object, "type"),
            .status = Text(object, "status"),
            .reason = Text(object, "reason"),
            .at = base::FromUnixUs(object.at("at_us").as_int64())};
}

}  // namespace

json::value StackToJson(const Stack& stack) {
    json::array resources;
    for (const auto& resource : stack.resources) resources.push_back(ResourceToJson(resource));
    json::array events;
    for (const auto& event : stack.events) events.push_back(EventToJson(event));
    return json::object{{"name", stack.name},
                        {"id", stack.id},
                        {"status", stack.status},
                        {"reason", stack.reason},
                        {"template", stack.template_text},
                        {"parameters", MapToJson(stack.parameters)},
                        {"outputs", MapToJson(stack.outputs)},
                        {"output_descriptions", MapToJson(stack.output_descriptions)},
                        {"resources", std::move(resources)},
                        {"events", std::move(events)},
                        {"created_us", base::ToUnixUs(stack.created)},
                        {"updated_us", base::ToUnixUs(stack.updated)}};
}

base::Result<Stack> StackFromJson(const json::value& value) {
    try {
        const json::object& object = value.as_object();
        Stack stack;
        stack.name = Text(object, "name");
        stack.id = Text(object, "id");
        stack.status = Text(object, "status");
        stack.reason = Text(object, "reason");
        stack.template_text = Text(object, "template");
        stack.parameters = MapFromJson(object.at("parameters").as_object());
        stack.outputs = MapFromJson(object.at("outputs").as_object());
        stack.output_descriptions = MapFromJson(object.at("output_descriptions").as_object());
        for (const auto& resource : object.at("resources").as_array()) {
            stack.resources.push_back(ResourceFromJson(resource.as_object()));
        }
        for (const auto& event : object.at("events").as_array()) {
            stack.events.push_back(EventFromJson(event.as_object()));
        }
        stack.created = base::FromUnixUs(object.at("created_us").as_int64());
        stack.updated = base::FromUnixUs(object.at("updated_us").as_int64());
        return stack;
    } catch (const std::exception& error) {
        return base::Fail(base::ErrorCode::kCorrupt, std::string("a stored stack: ") + error.what());
    }
}

}  // namespace wellhead::pipeline
