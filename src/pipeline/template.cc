#include "pipeline/template.h"

#include <fmt/format.h>

#include <charconv>
#include <functional>

#include "pipeline/yaml.h"

namespace wellhead::pipeline {

namespace {

namespace json = boost::json;
using base::ErrorCode;
using base::Result;

template <class... Args>
std::unexpected<base::Error> Invalid(fmt::format_string<Args...> format, Args&&... args) {
    return base::Fail(ErrorCode::kInvalidArgument,
                      fmt::format(format, std::forward<Args>(args)...));
}

Result<std::string> TextOf(const json::value& value, std::string_view where) {
    if (value.is_string()) return std::string(value.get_string());
    if (value.is_int64()) return std::to_string(value.get_int64());
    if (value.is_bool()) return std::string(value.get_bool() ? "true" : "false");
    return Invalid("{} must be text", where);
}

Result<json::object> ObjectOf(const json::value& value, std::string_view where) {
    if (value.is_object()) return value.get_object();
    if (value.is_null()) return json::object();
    return Invalid("{} must be a map", where);
}

// A list of texts, or one text alone.
Result<std::vector<std::string>> TextsOf(const json::value& value, const std::string& where) {
    std::vector<std::string> texts;
    if (!value.is_array()) {
        ASSIGN_OR_RETURN(auto text, TextOf(value, where));
        texts.push_back(std::move(text));
        return texts;
    }
    for (const auto& item : value.get_array()) {
        ASSIGN_OR_RETURN(auto text, TextOf(item, where));
        texts.push_back(std::move(text));
    }
    return texts;
}

Result<double> NumberOf(const json::value& value, std::string_view where) {
    ASSIGN_OR_RETURN(std::string text, TextOf(value, where));
    double number = 0;
    auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || at != text.data() + text.size()) return Invalid("{} must be a number", where);
    return number;
}

Result<std::string> PolicyOf(const json::value& value, const std::string& where, bool except_on_create) {
    ASSIGN_OR_RETURN(std::string policy, TextOf(value, where));
    bool known = policy == "Delete" || policy == "Retain" || (except_on_create && policy == "RetainExceptOnCreate");
    if (!known) return Invalid("{}: {} is not served", where, policy);
    return policy;
}

Result<TemplateParameter> ParseParameter(const std::string& where, const json::value& value) {
    ASSIGN_OR_RETURN(json::object fields, ObjectOf(value, where));
    TemplateParameter parameter;
    for (const auto& [name, field] : fields) {
        if (name == "Type") {
            ASSIGN_OR_RETURN(parameter.type, TextOf(field, where + "/Type"));
        } else if (name == "Default") {
            parameter.default_value = field;
        } else if (name == "AllowedValues") {
            ASSIGN_OR_RETURN(parameter.allowed_values, TextsOf(field, where + "/AllowedValues"));
        } else if (name == "NoEcho") {
            ASSIGN_OR_RETURN(std::string word, TextOf(field, where + "/NoEcho"));
            parameter.no_echo = word == "true";
        } else if (name == "Description") {
            ASSIGN_OR_RETURN(parameter.description, TextOf(field, where + "/Description"));
        } else if (name == "ConstraintDescription") {
            ASSIGN_OR_RETURN(parameter.constraint_description, TextOf(field, where + "/ConstraintDescription"));
        } else if (name == "AllowedPattern") {
            ASSIGN_OR_RETURN(parameter.allowed_pattern, TextOf(field, where + "/AllowedPattern"));
        } else if (name == "MinLength") {
            ASSIGN_OR_RETURN(parameter.min_length, NumberOf(field, where + "/MinLength"));
        } else if (name == "MaxLength") {
            ASSIGN_OR_RETURN(parameter.max_length, NumberOf(field, where + "/MaxLength"));
        } else if (name == "MinValue") {
            ASSIGN_OR_RETURN(parameter.min_value, NumberOf(field, where + "/MinValue"));
        } else if (name == "MaxValue") {
            ASSIGN_OR_RETURN(parameter.max_value, NumberOf(field, where + "/MaxValue"));
        } else {
            return Invalid("{}: the attribute {} is not served", where, std::string_view(name));
        }
    }
    if (parameter.type.empty()) return Invalid("{} has no Type", where);
    // Values that live in another service's store.
    if (parameter.type.starts_with("AWS::SSM::")) return Invalid("{}: the type {} is not served", where, parameter.type);
    return parameter;
}

Result<TemplateResource> ParseResource(const std::string& id, const json::value& value) {
    std::string where = "Resources/" + id;
    ASSIGN_OR_RETURN(json::object fields, ObjectOf(value, where));
    TemplateResource resource;
    resource.logical_id = id;
    for (const auto& [name, field] : fields) {
        if (name == "Type") {
            ASSIGN_OR_RETURN(resource.type, TextOf(field, where + "/Type"));
        } else if (name == "Properties") {
            ASSIGN_OR_RETURN(resource.properties, ObjectOf(field, where + "/Properties"));
        } else if (name == "Condition") {
            ASSIGN_OR_RETURN(resource.condition, TextOf(field, where + "/Condition"));
        } else if (name == "DependsOn") {
            ASSIGN_OR_RETURN(resource.depends_on, TextsOf(field, where + "/DependsOn"));
        } else if (name == "DeletionPolicy") {
            ASSIGN_OR_RETURN(resource.deletion_policy, PolicyOf(field, where + "/DeletionPolicy", true));
        } else if (name == "UpdateReplacePolicy") {
            ASSIGN_OR_RETURN(resource.replace_policy, PolicyOf(field, where + "/UpdateReplacePolicy", false));
        } else if (name != "Metadata") {
            return Invalid("{}: the attribute {} is not served", where, std::string_view(name));
        }
    }
    if (resource.type.empty()) return Invalid("{} has no Type", where);
    return resource;
}

Result<TemplateOutput> ParseOutput(const std::string& where, const json::value& value) {
    ASSIGN_OR_RETURN(json::object fields, ObjectOf(value, where));
    TemplateOutput output;
    for (const auto& [name, field] : fields) {
        if (name != "Value" && name != "Description" && name != "Condition" && name != "Export") {
            return Invalid("{}: the attribute {} is not served", where, std::string_view(name));
        }
    }
    if (fields.contains("Export")) {
        ASSIGN_OR_RETURN(json::object exported, ObjectOf(fields["Export"], where + "/Export"));
        if (!exported.contains("Name")) return Invalid("{}/Export has no Name", where);
        output.export_name = exported["Name"];
    }
    if (!fields.contains("Value")) return Invalid("{} has no Value", where);
    output.value = fields["Value"];
    if (fields.contains("Description")) {
        ASSIGN_OR_RETURN(output.description, TextOf(fields["Description"], where));
    }
    if (fields.contains("Condition")) {
        ASSIGN_OR_RETURN(output.condition, TextOf(fields["Condition"], where));
    }
    return output;
}

Result<void> ParseSection(std::string_view section, const json::value& value, Template& out) {
    if (section == "AWSTemplateFormatVersion") {
        out.version = "2010-09-09";
        if (value.is_string() && value.get_string() == out.version) return {};
        return Invalid("AWSTemplateFormatVersion must be '2010-09-09'");
    }
    if (section == "Metadata") {
        out.metadata = value;
        return {};
    }
    std::string name(section);
    if (section == "Description") {
        ASSIGN_OR_RETURN(out.description, TextOf(value, name));
        return {};
    }
    ASSIGN_OR_RETURN(json::object entries, ObjectOf(value, name));
    size_t limit = section == "Resources" ? kResourceLimit : kSectionLimit;
    if (entries.size() > limit) return Invalid("{}: {} entries, more than {}", name, entries.size(), limit);
    if (section == "Mappings") {
        out.mappings = std::move(entries);
        return {};
    }
    if (section == "Conditions") {
        out.conditions = std::move(entries);
        return {};
    }
    for (const auto& [key, entry] : entries) {
        std::string id(key);
        if (section == "Parameters") {
            ASSIGN_OR_RETURN(out.parameters[id], ParseParameter("Parameters/" + id, entry));
        } else if (section == "Resources") {
            ASSIGN_OR_RETURN(auto resource, ParseResource(id, entry));
            out.resources.push_back(std::move(resource));
        } else if (section == "Outputs") {
            ASSIGN_OR_RETURN(out.outputs[id], ParseOutput("Outputs/" + id, entry));
        } else {
            return Invalid("the section {} is not served", section);
        }
    }
    return {};
}

void AddReferencesOfSub(std::string_view text, const json::object* own, std::set<std::string>& out) {
    size_t at = 0;
    while ((at = text.find("${", at)) != std::string_view::npos) {
        size_t end = text.find('}', at);
        if (end == std::string_view::npos) return;
        std::string_view name = text.substr(at + 2, end - at - 2);
        at = end;
        if (name.starts_with('!') || name.starts_with("AWS::")) continue;
        std::string_view id = name.substr(0, name.find('.'));
        if (own == nullptr || !own->contains(id)) out.emplace(id);
    }
}

void AddReferences(const json::value& value, std::set<std::string>& out) {
    if (value.is_array()) {
        for (const auto& item : value.get_array()) AddReferences(item, out);
        return;
    }
    if (!value.is_object()) return;
    const json::object& object = value.get_object();
    for (const auto& [name, argument] : object) {
        const json::array* list = argument.if_array();
        bool function = object.size() == 1;
        if (function && name == "Ref" && argument.is_string()) {
            std::string_view id = argument.get_string();
            if (!id.starts_with("AWS::")) out.emplace(id);
        } else if (function && name == "Fn::GetAtt" && argument.is_string()) {
            std::string_view path = argument.get_string();
            out.emplace(path.substr(0, path.find('.')));
        } else if (function && name == "Fn::GetAtt" && list != nullptr && !list->empty() &&
                   (*list)[0].is_string()) {
            out.emplace(std::string_view((*list)[0].get_string()));
        } else if (function && name == "Fn::Sub" && argument.is_string()) {
            AddReferencesOfSub(argument.get_string(), nullptr, out);
        } else if (function && name == "Fn::Sub" && list != nullptr && list->size() == 2 &&
                   (*list)[0].is_string() && (*list)[1].is_object()) {
            AddReferencesOfSub((*list)[0].get_string(), &(*list)[1].get_object(), out);
            AddReferences((*list)[1], out);
        } else {
            AddReferences(argument, out);
        }
    }
}

// What outputs refer to is there, and so is every condition that is named.
Result<void> CheckOutputsAndConditions(const Template& parsed) {
    auto check = [&](const std::string& where, const std::string& condition) -> Result<void> {
        if (condition.empty() || parsed.conditions.contains(condition)) return {};
        return Invalid("{} refers to the condition {}, which is not there", where, condition);
    };
    for (const auto& resource : parsed.resources) {
        RETURN_IF_ERROR(check("Resources/" + resource.logical_id, resource.condition));
    }
    for (const auto& [name, output] : parsed.outputs) {
        RETURN_IF_ERROR(check("Outputs/" + name, output.condition));
        for (const auto& reference : ReferencesOf(output.value)) {
            if (parsed.parameters.contains(reference) || parsed.Find(reference) != nullptr) continue;
            return Invalid("Unresolved resource dependencies [{}] in the Outputs block of the template", reference);
        }
    }
    return {};
}

}  // namespace

const TemplateResource* Template::Find(std::string_view logical_id) const {
    for (const auto& resource : resources) {
        if (resource.logical_id == logical_id) return &resource;
    }
    return nullptr;
}

Result<Template> ParseTemplate(std::string_view text) {
    if (text.size() > kTemplateSizeLimit) {
        return Invalid("the template is larger than {} bytes", kTemplateSizeLimit);
    }
    ASSIGN_OR_RETURN(json::value root, ParseYaml(text));
    if (!root.is_object()) return Invalid("a template is a map with a section Resources");
    Template parsed;
    for (const auto& [section, value] : root.get_object()) {
        RETURN_IF_ERROR(ParseSection(section, value, parsed));
    }
    if (parsed.resources.empty()) return Invalid("At least one Resources member must be defined.");
    RETURN_IF_ERROR(OrderOfCreation(parsed));
    RETURN_IF_ERROR(CheckOutputsAndConditions(parsed));
    return parsed;
}

std::set<std::string> ReferencesOf(const json::value& value) {
    std::set<std::string> references;
    AddReferences(value, references);
    return references;
}

Result<std::vector<std::string>> OrderOfCreation(const Template& parsed) {
    enum class Mark { kNew, kOpen, kDone };
    std::map<std::string, Mark> marks;
    std::vector<std::string> order;
    std::function<Result<void>(const TemplateResource&)> visit =
        [&](const TemplateResource& resource) -> Result<void> {
        Mark& mark = marks[resource.logical_id];
        if (mark == Mark::kDone) return {};
        if (mark == Mark::kOpen) {
            return Invalid("Resources/{}: circular dependency", resource.logical_id);
        }
        mark = Mark::kOpen;
        std::set<std::string> needs = ReferencesOf(json::value(resource.properties));
        needs.insert(resource.depends_on.begin(), resource.depends_on.end());
        for (const auto& need : needs) {
            if (parsed.parameters.contains(need)) continue;
            const TemplateResource* other = parsed.Find(need);
            if (other == nullptr) {
                return Invalid(
                    "Resources/{} refers to {}, which is neither a parameter nor a resource",
                    resource.logical_id, need);
            }
            RETURN_IF_ERROR(visit(*other));
        }
        marks[resource.logical_id] = Mark::kDone;
        order.push_back(resource.logical_id);
        return {};
    };
    for (const auto& resource : parsed.resources) RETURN_IF_ERROR(visit(resource));
    return order;
}

}  // namespace wellhead::pipeline
