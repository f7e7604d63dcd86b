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

std::map<std::string, std::string> MapFromJson(const json::value& value) {
    std::map<std::string, std::string> out;
    for (const auto& [key, member] : value.as_object()) out[std::string(key)] = std::string(member.as_string());
    return out;
}

json::array TextsToJson(const std::vector<std::string>& texts) {
    json::array out;
    for (const auto& text : texts) out.emplace_back(text);
    return out;
}

std::vector<std::string> TextsFromJson(const json::value& value) {
    std::vector<std::string> out;
    for (const auto& text : value.as_array()) out.emplace_back(text.as_string());
    return out;
}

std::string Text(const json::object& object, std::string_view name) {
    return std::string(object.at(name).as_string());
}

json::value TimeToJson(const std::optional<base::Instant>& time) {
    return time ? json::value(base::ToUnixUs(*time)) : json::value(nullptr);
}

std::optional<base::Instant> TimeFromJson(const json::value& value) {
    if (value.is_null()) return std::nullopt;
    return base::FromUnixUs(value.as_int64());
}

json::object ResourceToJson(const StackResource& resource) {
    return {{"logical_id", resource.logical_id},
            {"type", resource.type},
            {"status", resource.status},
            {"reason", resource.reason},
            {"incarnation", resource.incarnation},
            {"physical_id", resource.values.physical_id},
            {"attributes", MapToJson(resource.values.attributes)},
            {"properties", resource.properties},
            {"needs", TextsToJson(resource.needs)},
            {"deletion_policy", resource.deletion_policy},
            {"replace_policy", resource.replace_policy},
            {"changed_us", base::ToUnixUs(resource.changed)}};
}

StackResource ResourceFromJson(const json::object& object) {
    return {.logical_id = Text(object, "logical_id"),
            .type = Text(object, "type"),
            .status = Text(object, "status"),
            .reason = Text(object, "reason"),
            .incarnation = Text(object, "incarnation"),
            .values = {Text(object, "physical_id"), MapFromJson(object.at("attributes"))},
            .properties = object.at("properties").as_object(),
            .needs = TextsFromJson(object.at("needs")),
            .deletion_policy = Text(object, "deletion_policy"),
            .replace_policy = Text(object, "replace_policy"),
            .changed = base::FromUnixUs(object.at("changed_us").as_int64())};
}

json::array ResourcesToJson(const std::vector<StackResource>& resources) {
    json::array out;
    for (const auto& resource : resources) out.push_back(ResourceToJson(resource));
    return out;
}

std::vector<StackResource> ResourcesFromJson(const json::value& value) {
    std::vector<StackResource> out;
    for (const auto& resource : value.as_array()) out.push_back(ResourceFromJson(resource.as_object()));
    return out;
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

json::object OutputToJson(const StackOutput& output) {
    return {{"name", output.name},
            {"value", output.value},
            {"description", output.description},
            {"export", output.export_name}};
}

StackOutput OutputFromJson(const json::object& object) {
    return {.name = Text(object, "name"),
            .value = Text(object, "value"),
            .description = Text(object, "description"),
            .export_name = Text(object, "export")};
}

json::value OperationToJson(const std::optional<StackOperation>& operation) {
    if (!operation) return nullptr;
    return json::object{{"kind", static_cast<int64_t>(operation->kind)},
                        {"wish", WishToJson(operation->wish)},
                        {"on_failure", static_cast<int64_t>(operation->on_failure)},
                        {"before", ResourcesToJson(operation->before)},
                        {"rolling_back", operation->rolling_back},
                        {"failure", operation->failure},
                        {"retain", TextsToJson(operation->retain)},
                        {"timeout_minutes", operation->timeout_minutes},
                        {"started_us", base::ToUnixUs(operation->started)}};
}

std::optional<StackOperation> OperationFromJson(const json::value& value) {
    if (value.is_null()) return std::nullopt;
    const json::object& object = value.as_object();
    StackOperation operation;
    operation.kind = static_cast<StackOperation::Kind>(object.at("kind").as_int64());
    operation.wish = WishFromJson(object.at("wish").as_object());
    operation.on_failure = static_cast<StackOperation::OnFailure>(object.at("on_failure").as_int64());
    operation.before = ResourcesFromJson(object.at("before"));
    operation.rolling_back = object.at("rolling_back").as_bool();
    operation.failure = Text(object, "failure");
    operation.retain = TextsFromJson(object.at("retain"));
    operation.timeout_minutes = object.at("timeout_minutes").as_int64();
    operation.started = base::FromUnixUs(object.at("started_us").as_int64());
    return operation;
}

}  // namespace

const StackResource* Stack::Find(std::string_view logical_id) const {
    for (const auto& resource : resources) {
        if (resource.logical_id == logical_id) return &resource;
    }
    return nullptr;
}

StackResource* Stack::Find(std::string_view logical_id) {
    return const_cast<StackResource*>(std::as_const(*this).Find(logical_id));
}

json::object WishToJson(const StackWish& wish) {
    json::array tags;
    for (const auto& [key, value] : wish.tags) tags.push_back(json::array{key, value});
    return {{"template", wish.template_text},
            {"parameters", MapToJson(wish.parameters)},
            {"tags", std::move(tags)},
            {"capabilities", TextsToJson(wish.capabilities)}};
}

StackWish WishFromJson(const json::object& object) {
    StackWish wish;
    wish.template_text = Text(object, "template");
    wish.parameters = MapFromJson(object.at("parameters"));
    for (const auto& tag : object.at("tags").as_array()) {
        const json::array& pair = tag.as_array();
        wish.tags.emplace_back(pair.at(0).as_string(), pair.at(1).as_string());
    }
    wish.capabilities = TextsFromJson(object.at("capabilities"));
    return wish;
}

json::value StackToJson(const Stack& stack) {
    json::array events;
    for (const auto& event : stack.events) events.push_back(EventToJson(event));
    json::array outputs;
    for (const auto& output : stack.outputs) outputs.push_back(OutputToJson(output));
    return json::object{{"name", stack.name},
                        {"id", stack.id},
                        {"status", stack.status},
                        {"reason", stack.reason},
                        {"description", stack.description},
                        {"now", WishToJson(stack.now)},
                        {"outputs", std::move(outputs)},
                        {"imports", TextsToJson(stack.imports)},
                        {"resources", ResourcesToJson(stack.resources)},
                        {"gone", ResourcesToJson(stack.gone)},
                        {"events", std::move(events)},
                        {"termination_protection", stack.termination_protection},
                        {"disable_rollback", stack.disable_rollback},
                        {"timeout_minutes", stack.timeout_minutes},
                        {"role_arn", stack.role_arn},
                        {"notification_arns", TextsToJson(stack.notification_arns)},
                        {"change_set_id", stack.change_set_id},
                        {"request_token", stack.request_token},
                        {"created_us", base::ToUnixUs(stack.created)},
                        {"updated_us", TimeToJson(stack.updated)},
                        {"deleted_us", TimeToJson(stack.deleted)},
                        {"under_way", OperationToJson(stack.under_way)}};
}

base::Result<Stack> StackFromJson(const json::value& value) {
    try {
        const json::object& object = value.as_object();
        Stack stack;
        stack.name = Text(object, "name");
        stack.id = Text(object, "id");
        stack.status = Text(object, "status");
        stack.reason = Text(object, "reason");
        stack.description = Text(object, "description");
        stack.now = WishFromJson(object.at("now").as_object());
        for (const auto& output : object.at("outputs").as_array()) {
            stack.outputs.push_back(OutputFromJson(output.as_object()));
        }
        stack.imports = TextsFromJson(object.at("imports"));
        stack.resources = ResourcesFromJson(object.at("resources"));
        stack.gone = ResourcesFromJson(object.at("gone"));
        for (const auto& event : object.at("events").as_array()) {
            stack.events.push_back(EventFromJson(event.as_object()));
        }
        stack.termination_protection = object.at("termination_protection").as_bool();
        stack.disable_rollback = object.at("disable_rollback").as_bool();
        stack.timeout_minutes = object.at("timeout_minutes").as_int64();
        stack.role_arn = Text(object, "role_arn");
        stack.notification_arns = TextsFromJson(object.at("notification_arns"));
        stack.change_set_id = Text(object, "change_set_id");
        stack.request_token = Text(object, "request_token");
        stack.created = base::FromUnixUs(object.at("created_us").as_int64());
        stack.updated = TimeFromJson(object.at("updated_us"));
        stack.deleted = TimeFromJson(object.at("deleted_us"));
        stack.under_way = OperationFromJson(object.at("under_way"));
        return stack;
    } catch (const std::exception& error) {
        return base::Fail(base::ErrorCode::kCorrupt, std::string("a stored stack: ") + error.what());
    }
}

}  // namespace wellhead::pipeline
