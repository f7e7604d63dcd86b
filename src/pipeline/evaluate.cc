#include "pipeline/evaluate.h"

#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <algorithm>
#include <charconv>
#include <optional>

#include "api/pattern.h"
#include "codec/base64.h"

namespace wellhead::pipeline {

namespace {

namespace json = boost::json;
using base::ErrorCode;
using base::Result;
using Value = std::optional<json::value>;  // nothing: AWS::NoValue

constexpr int kConditionDepthLimit = 32;
constexpr size_t kMadeLimit = kTemplateSizeLimit;  // bytes that the functions of one value make

template <class... Args>
std::unexpected<base::Error> Invalid(fmt::format_string<Args...> format, Args&&... args) {
    return base::Fail(ErrorCode::kInvalidArgument,
                      fmt::format(format, std::forward<Args>(args)...));
}

class Evaluator {
  public:
    explicit Evaluator(const EvaluationScope& scope) : scope_(scope) {}

    Result<Value> Of(const json::value& value) {
        if (value.is_array()) {
            json::array out;
            for (const auto& item : value.get_array()) {
                ASSIGN_OR_RETURN(Value evaluated, Of(item));
                if (evaluated) out.push_back(std::move(*evaluated));
            }
            return Value(std::move(out));
        }
        if (!value.is_object()) return Value(value);
        const json::object& object = value.get_object();
        if (object.size() == 1) {
            const auto& only = *object.begin();
            if (only.key() == "Ref" || only.key().starts_with("Fn::")) {
                return Counted(Function(only.key(), only.value()));
            }
        }
        json::object out;
        for (const auto& [name, member] : object) {
            ASSIGN_OR_RETURN(Value evaluated, Of(member));
            if (evaluated) out[name] = std::move(*evaluated);
        }
        return Value(std::move(out));
    }

    // Each is evaluated once: conditions of conditions of conditions would be many.
    Result<bool> Named(const std::string& name, int depth) {
        if (auto known = conditions_.find(name); known != conditions_.end()) return known->second;
        const json::value* expression = scope_.source->conditions.if_contains(name);
        if (expression == nullptr) return Invalid("there is no condition {}", name);
        ASSIGN_OR_RETURN(bool holds, Condition(*expression, depth));
        conditions_[name] = holds;
        return holds;
    }

  private:
    Result<bool> Condition(const json::value& expression, int depth) {
        if (depth > kConditionDepthLimit) {
            return Invalid("conditions refer to each other in a circle");
        }
        if (!expression.is_object() || expression.get_object().size() != 1) {
            return Invalid("a condition is one of Fn::Equals, Fn::And, Fn::Or, Fn::Not, Condition");
        }
        const auto& only = *expression.get_object().begin();
        if (only.key() == "Condition" && only.value().is_string()) {
            return Named(std::string(only.value().get_string()), depth + 1);
        }
        if (!only.value().is_array()) return Invalid("{} needs a list", std::string_view(only.key()));
        const json::array& arguments = only.value().get_array();
        if (only.key() == "Fn::Equals" && arguments.size() == 2) {
            ASSIGN_OR_RETURN(Value left, Of(arguments[0]));
            ASSIGN_OR_RETURN(Value right, Of(arguments[1]));
            return left && right && ScalarText(*left) == ScalarText(*right);
        }
        if (only.key() == "Fn::Not" && arguments.size() == 1) {
            ASSIGN_OR_RETURN(bool inner, Condition(arguments[0], depth + 1));
            return !inner;
        }
        bool all = only.key() == "Fn::And";
        if (!all && only.key() != "Fn::Or") {
            return Invalid("{} is not a condition function", std::string_view(only.key()));
        }
        for (const auto& argument : arguments) {
            ASSIGN_OR_RETURN(bool holds, Condition(argument, depth + 1));
            if (holds != all) return !all;
        }
        return all;
    }

    Result<Value> Function(std::string_view name, const json::value& argument) {
        if (name == "Ref") {
            if (!argument.is_string()) return Invalid("Ref needs a name");
            return Reference(std::string(argument.get_string()));
        }
        if (name == "Fn::GetAtt") return GetAtt(argument);
        if (name == "Fn::Sub") return Sub(argument);
        if (name == "Fn::If") return If(argument);
        ASSIGN_OR_RETURN(Value evaluated, Of(argument));
        if (!evaluated) return Invalid("{} needs a value", name);
        return Applied(name, *evaluated);
    }

    // Functions can repeat what they are given, and be given what they repeated: there is an end to it.
    Result<Value> Counted(Result<Value> made) {
        if (!made || !*made) return made;
        made_bytes_ += (*made)->is_string() ? (*made)->get_string().size() : json::serialize(**made).size();
        if (made_bytes_ > kMadeLimit) return Invalid("values of more than {} bytes are made", kMadeLimit);
        return made;
    }

    // Of the functions whose arguments are evaluated before them.
    Result<Value> Applied(std::string_view name, const json::value& given) {
        if (name == "Fn::ImportValue") return Import(ScalarText(given));
        if (name == "Fn::GetAZs") return Zones(ScalarText(given));
        const json::array* list = given.if_array();
        if (name == "Fn::Base64" && given.is_string()) {
            return Value(json::string(codec::EncodeBase64(std::string_view(given.get_string()))));
        }
        if (name == "Fn::ToJsonString") return Value(json::string(json::serialize(given)));
        if (list == nullptr) return Invalid("{} is not served, or needs a list", name);
        if (name == "Fn::Join") return Join(*list);
        if (name == "Fn::Split") return Split(*list);
        if (name == "Fn::Select") return Select(*list);
        if (name == "Fn::FindInMap") return FindInMap(*list);
        if (name == "Fn::Length") return Value(static_cast<int64_t>(list->size()));
        return Invalid("the function {} is not served", name);
    }

    Result<Value> Reference(const std::string& name) {
        if (name == "AWS::NoValue") return Value();
        if (auto found = scope_.parameters.find(name); found != scope_.parameters.end()) {
            return Value(found->second);
        }
        if (auto found = scope_.resources.find(name); found != scope_.resources.end()) {
            return Value(json::string(found->second.physical_id));
        }
        if (scope_.known_later && scope_.source->Find(name) != nullptr) return Value(json::string(kKnownLater));
        return Invalid("Ref {}: no such parameter or resource", name);
    }

    Result<Value> Import(const std::string& name) {
        if (scope_.exports != nullptr) {
            if (auto found = scope_.exports->find(name); found != scope_.exports->end()) {
                if (scope_.imported != nullptr) scope_.imported->insert(name);
                return Value(json::string(found->second));
            }
        }
        return Invalid("No export named {} found.", name);
    }

    // One machine is one zone wide; its name is the region's first, as templates expect one.
    Result<Value> Zones(std::string region) {
        if (region.empty()) region = ScalarText(scope_.parameters.at("AWS::Region"));
        return Value(json::array{region + "a"});
    }

    Result<Value> Attribute(const std::string& id, const std::string& attribute) {
        auto found = scope_.resources.find(id);
        if (found == scope_.resources.end() && scope_.known_later && scope_.source->Find(id) != nullptr) {
            return Value(json::string(kKnownLater));
        }
        if (found == scope_.resources.end()) return Invalid("Fn::GetAtt {}: no such resource", id);
        auto value = found->second.attributes.find(attribute);
        if (value == found->second.attributes.end()) {
            return Invalid("Fn::GetAtt {}.{}: the resource has no such attribute", id, attribute);
        }
        return Value(json::string(value->second));
    }

    Result<Value> GetAtt(const json::value& argument) {
        if (argument.is_string()) {
            std::string path(argument.get_string());
            size_t dot = path.find('.');
            if (dot != std::string::npos) return Attribute(path.substr(0, dot), path.substr(dot + 1));
        }
        const json::array* list = argument.if_array();
        if (list == nullptr || list->size() != 2 || !(*list)[0].is_string()) {
            return Invalid("Fn::GetAtt needs a resource and an attribute");
        }
        ASSIGN_OR_RETURN(Value attribute, Of((*list)[1]));
        if (!attribute || !attribute->is_string()) return Invalid("Fn::GetAtt needs a resource and an attribute");
        return Attribute(std::string((*list)[0].get_string()), ScalarText(*attribute));
    }

    Result<Value> Sub(const json::value& argument) {
        json::object own;
        std::string_view text;
        const json::array* list = argument.if_array();
        if (argument.is_string()) {
            text = argument.get_string();
        } else if (list != nullptr && list->size() == 2 && (*list)[0].is_string() &&
                   (*list)[1].is_object()) {
            text = (*list)[0].get_string();
            ASSIGN_OR_RETURN(Value evaluated, Of((*list)[1]));
            own = evaluated->get_object();
        } else {
            return Invalid("Fn::Sub needs text, or text and a map");
        }
        std::string out;
        for (;;) {
            size_t at = text.find("${");
            size_t end = at == std::string_view::npos ? at : text.find('}', at);
            if (end == std::string_view::npos) break;
            out += text.substr(0, at);
            std::string name(text.substr(at + 2, end - at - 2));
            text.remove_prefix(end + 1);
            ASSIGN_OR_RETURN(std::string replacement, Substitute(name, own));
            out += replacement;
            if (out.size() > kMadeLimit) return Invalid("Fn::Sub: more than {} bytes", kMadeLimit);
        }
        out += text;
        return Value(json::string(out));
    }

    Result<std::string> Substitute(const std::string& name, const json::object& own) {
        if (name.starts_with('!')) return "${" + name.substr(1) + "}";
        if (const json::value* mine = own.if_contains(name)) return ScalarText(*mine);
        size_t dot = name.find('.');
        Result<Value> value = dot == std::string::npos
                                  ? Reference(name)
                                  : Attribute(name.substr(0, dot), name.substr(dot + 1));
        if (!value) return std::unexpected(value.error());
        return *value ? ScalarText(**value) : std::string();
    }

    Result<Value> If(const json::value& argument) {
        const json::array* list = argument.if_array();
        if (list == nullptr || list->size() != 3 || !(*list)[0].is_string()) {
            return Invalid("Fn::If needs a condition and two values");
        }
        ASSIGN_OR_RETURN(bool holds, Named(std::string((*list)[0].get_string()), 0));
        return Of((*list)[holds ? 1 : 2]);
    }

    Result<Value> Join(const json::array& list) {
        if (list.size() != 2 || !list[0].is_string() || !list[1].is_array()) {
            return Invalid("Fn::Join needs a delimiter and a list");
        }
        std::string out;
        bool first = true;
        for (const auto& item : list[1].get_array()) {
            if (!first) out += std::string_view(list[0].get_string());
            out += ScalarText(item);
            first = false;
        }
        return Value(json::string(out));
    }

    Result<Value> Split(const json::array& list) {
        if (list.size() != 2 || !list[0].is_string() || !list[1].is_string() ||
            list[0].get_string().empty()) {
            return Invalid("Fn::Split needs a delimiter and text");
        }
        std::string_view delimiter = list[0].get_string();
        std::string_view text = list[1].get_string();
        json::array out;
        for (size_t at; (at = text.find(delimiter)) != std::string_view::npos;) {
            out.emplace_back(text.substr(0, at));
            text.remove_prefix(at + delimiter.size());
        }
        out.emplace_back(text);
        return Value(std::move(out));
    }

    Result<Value> Select(const json::array& list) {
        if (list.size() != 2 || !list[1].is_array()) {
            return Invalid("Fn::Select needs an index and a list");
        }
        const json::array& from = list[1].get_array();
        std::string index = ScalarText(list[0]);
        bool numeric = !index.empty() && index.size() < 6 &&
                       index.find_first_not_of("0123456789") == std::string::npos;
        if (!numeric || std::stoul(index) >= from.size()) {
            return Invalid("Fn::Select: {} is not an index into a list of {}", index, from.size());
        }
        return Value(from[std::stoul(index)]);
    }

    Result<Value> FindInMap(const json::array& path) {
        if (path.size() != 3) return Invalid("Fn::FindInMap needs a map and two keys");
        const json::value* at = scope_.source->mappings.if_contains(ScalarText(path[0]));
        for (size_t i = 1; i < 3 && at != nullptr; ++i) {
            at = at->is_object() ? at->get_object().if_contains(ScalarText(path[i])) : nullptr;
        }
        if (at == nullptr) {
            return Invalid("Fn::FindInMap: there is no {}/{}/{}", ScalarText(path[0]),
                           ScalarText(path[1]), ScalarText(path[2]));
        }
        return Value(*at);
    }

    const EvaluationScope& scope_;
    std::map<std::string, bool> conditions_;
    size_t made_bytes_ = 0;
};

// A list parameter's elements.
json::array Elements(const std::string& text) {
    json::array list;
    for (size_t at = 0; at <= text.size();) {
        size_t comma = std::min(text.find(',', at), text.size());
        std::string_view element = std::string_view(text).substr(at, comma - at);
        while (element.starts_with(' ')) element.remove_prefix(1);
        while (element.ends_with(' ')) element.remove_suffix(1);
        list.emplace_back(element);
        at = comma + 1;
    }
    return list;
}

Result<double> NumberOf(const std::string& name, const std::string& text) {
    double number = 0;
    auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || at != text.data() + text.size()) {
        return Invalid("Parameter '{}' must be a number.", name);
    }
    return number;
}

// The parameter's own constraints (AllowedValues, AllowedPattern, lengths, range).
Result<void> CheckConstraints(const std::string& name, const TemplateParameter& parameter, const std::string& text) {
    std::string told = parameter.constraint_description.empty() ? "" : ": " + parameter.constraint_description;
    const auto& allowed = parameter.allowed_values;
    if (!allowed.empty() && std::find(allowed.begin(), allowed.end(), text) == allowed.end()) {
        return Invalid("Parameter '{}' must be one of AllowedValues{}", name, told);
    }
    if (parameter.allowed_pattern) {
        auto matches = api::MatchesWhole(*parameter.allowed_pattern, text);
        if (!matches) return Invalid("Parameters/{}/AllowedPattern: {}", name, matches.error().message);
        if (!*matches) return Invalid("Parameter '{}' must match pattern {}{}", name, *parameter.allowed_pattern, told);
    }
    auto length = static_cast<double>(text.size());
    if (parameter.min_length && length < *parameter.min_length) {
        return Invalid("Parameter '{}' must contain at least {} characters{}", name, *parameter.min_length, told);
    }
    if (parameter.max_length && length > *parameter.max_length) {
        return Invalid("Parameter '{}' must contain at most {} characters{}", name, *parameter.max_length, told);
    }
    if (!parameter.min_value && !parameter.max_value) return {};
    ASSIGN_OR_RETURN(double number, NumberOf(name, text));
    if (parameter.min_value && number < *parameter.min_value) {
        return Invalid("Parameter '{}' must be a number not less than {}{}", name, *parameter.min_value, told);
    }
    if (parameter.max_value && number > *parameter.max_value) {
        return Invalid("Parameter '{}' must be a number not greater than {}{}", name, *parameter.max_value, told);
    }
    return {};
}

}  // namespace

std::string ScalarText(const json::value& value) {
    if (value.is_string()) return std::string(value.get_string());
    return json::serialize(value);
}

Result<std::map<std::string, json::value>> ResolveParameters(
    const Template& parsed, const std::map<std::string, std::string>& given) {
    for (const auto& [name, value] : given) {
        if (!parsed.parameters.contains(name)) {
            return Invalid("Parameters: [{}] do not exist in the template", name);
        }
    }
    std::map<std::string, json::value> out;
    for (const auto& [name, parameter] : parsed.parameters) {
        json::value value = parameter.default_value;
        if (auto found = given.find(name); found != given.end()) value = json::string(found->second);
        if (value.is_null()) return Invalid("Parameters: [{}] must have values", name);
        std::string text = ScalarText(value);
        if (text.size() > kParameterValueLimit) {
            return Invalid("Parameter '{}' must contain at most {} characters", name, kParameterValueLimit);
        }
        bool list = parameter.type == "CommaDelimitedList" || parameter.type.starts_with("List<");
        if (list) {
            json::array elements = Elements(text);
            for (const auto& element : elements) {
                RETURN_IF_ERROR(CheckConstraints(name, parameter, ScalarText(element)));
                if (parameter.type == "List<Number>") RETURN_IF_ERROR(NumberOf(name, ScalarText(element)));
            }
            value = std::move(elements);
        } else {
            RETURN_IF_ERROR(CheckConstraints(name, parameter, text));
            if (parameter.type == "Number") RETURN_IF_ERROR(NumberOf(name, text));
            value = json::string(text);
        }
        out[name] = std::move(value);
    }
    return out;
}

Result<json::value> Evaluate(const json::value& value, const EvaluationScope& scope) {
    ASSIGN_OR_RETURN(Value evaluated, Evaluator(scope).Of(value));
    if (!evaluated) return json::value(nullptr);
    return std::move(*evaluated);
}

Result<bool> EvaluateCondition(const std::string& name, const EvaluationScope& scope) {
    return Evaluator(scope).Named(name, 0);
}

}  // namespace wellhead::pipeline
