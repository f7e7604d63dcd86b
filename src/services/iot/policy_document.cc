#include "services/iot/policy_document.h"

#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "services/iot/policy_condition.h"

namespace wellhead::services::iot {

namespace {

namespace json = boost::json;

// AWS's limit, blanks not counted.
constexpr size_t kMaxDocumentBytes = 2048;
constexpr size_t kMaxRawBytes = 16 * 1024;

base::Error Malformed(std::string message) {
    return {base::ErrorCode::kInvalidArgument, std::move(message)};
}

bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
        return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y));
    });
}

// A string, or an array of strings, as both Action and Resource may be. Condition values may be numbers and booleans.
base::Result<std::vector<std::string>> Strings(const json::value& value, std::string_view what, bool scalars) {
    std::vector<std::string> strings;
    auto add = [&](const json::value& item) {
        if (const auto* text = item.if_string()) {
            strings.emplace_back(*text);
            return true;
        }
        if (scalars && (item.is_bool() || item.is_number())) {
            strings.push_back(json::serialize(item));
            return true;
        }
        return false;
    };
    bool good = true;
    if (const auto* list = value.if_array()) {
        for (const json::value& item : *list) good = good && add(item);
    } else {
        good = add(value);
    }
    if (!good || strings.empty()) {
        return std::unexpected(Malformed(std::string(what) + " must be a string or a list of strings"));
    }
    return strings;
}

base::Result<PolicyCondition> ParseOperator(std::string_view name) {
    PolicyCondition condition;
    if (name.starts_with("ForAllValues:")) {
        condition.for_all_values = true;
        name.remove_prefix(13);
    } else if (name.starts_with("ForAnyValue:")) {
        name.remove_prefix(12);
    }
    if (name.ends_with("IfExists")) {
        condition.if_exists = true;
        name.remove_suffix(8);
    }
    condition.op = name;
    if (!IsConditionOperator(name)) {
        return std::unexpected(Malformed("the condition operator " + std::string(name) + " is not known"));
    }
    return condition;
}

base::Result<void> ParseConditions(const json::value& value, bool variables, PolicyStatement& statement) {
    const auto* operators = value.if_object();
    if (operators == nullptr) return std::unexpected(Malformed("Condition must be an object"));
    for (const auto& member : *operators) {
        const auto* keys = member.value().if_object();
        if (keys == nullptr) return std::unexpected(Malformed("a condition operator must hold an object"));
        for (const auto& key : *keys) {
            ASSIGN_OR_RETURN(PolicyCondition condition, ParseOperator(std::string_view(member.key())));
            condition.key = key.key();
            if (!IsConditionKey(condition.key)) {
                return std::unexpected(Malformed("the condition key " + condition.key + " is not served"));
            }
            ASSIGN_OR_RETURN(auto values, Strings(key.value(), "a condition's value", true));
            for (const std::string& text : values) {
                RETURN_IF_ERROR(CheckConditionValue(condition.op, text));
                ASSIGN_OR_RETURN(PolicyText parsed, PolicyText::Parse(text, variables));
                condition.values.push_back(std::move(parsed));
            }
            statement.conditions.push_back(std::move(condition));
        }
    }
    return {};
}

base::Result<PolicyStatement> ParseStatement(const json::value& value, bool variables) {
    const auto* object = value.if_object();
    if (object == nullptr) return std::unexpected(Malformed("a Statement must be an object"));
    PolicyStatement statement;
    bool has_effect = false;
    for (const auto& member : *object) {
        std::string_view name = member.key();
        if (name == "Sid") continue;
        if (name == "Effect") {
            const auto* effect = member.value().if_string();
            if (effect == nullptr || (*effect != "Allow" && *effect != "Deny")) {
                return std::unexpected(Malformed("Effect must be Allow or Deny"));
            }
            statement.allow = *effect == "Allow";
            has_effect = true;
        } else if (name == "Action") {
            ASSIGN_OR_RETURN(statement.actions, Strings(member.value(), "Action", false));
            for (const std::string& action : statement.actions) {
                if (action != "*" && !(action.size() > 4 && EqualsIgnoringCase(action.substr(0, 4), "iot:"))) {
                    return std::unexpected(Malformed("the action " + action + " is not one of AWS IoT"));
                }
            }
        } else if (name == "Resource") {
            ASSIGN_OR_RETURN(auto resources, Strings(member.value(), "Resource", false));
            for (const std::string& resource : resources) {
                if (resource != "*" && !resource.starts_with("arn:")) {
                    return std::unexpected(Malformed("the resource " + resource + " is not an ARN"));
                }
                ASSIGN_OR_RETURN(PolicyText parsed, PolicyText::Parse(resource, variables));
                statement.resources.push_back(std::move(parsed));
            }
        } else if (name == "Condition") {
            RETURN_IF_ERROR(ParseConditions(member.value(), variables, statement));
        } else {
            return std::unexpected(Malformed("a Statement has no element " + std::string(name)));
        }
    }
    if (!has_effect) return std::unexpected(Malformed("a Statement needs an Effect"));
    if (statement.actions.empty()) return std::unexpected(Malformed("a Statement needs an Action"));
    if (statement.resources.empty()) return std::unexpected(Malformed("a Statement needs a Resource"));
    return statement;
}

}  // namespace

void Glob::AppendLiteral(std::string_view text) {
    for (char c : text) tokens_.push_back(static_cast<unsigned char>(c));
}

bool Glob::Matches(std::string_view prefix, std::string_view rest) const {
    size_t size = prefix.size() + rest.size();
    auto at = [&](size_t i) {
        return static_cast<char16_t>(
            static_cast<unsigned char>(i < prefix.size() ? prefix[i] : rest[i - prefix.size()]));
    };
    size_t token = 0;
    size_t text = 0;
    size_t star = std::u16string::npos;
    size_t star_text = 0;
    while (text < size) {
        if (token < tokens_.size() && (tokens_[token] == kOne || tokens_[token] == at(text))) {
            ++token;
            ++text;
        } else if (token < tokens_.size() && tokens_[token] == kAny) {
            star = token++;
            star_text = text;
        } else if (star != std::u16string::npos) {
            token = star + 1;
            text = ++star_text;
        } else {
            return false;
        }
    }
    while (token < tokens_.size() && tokens_[token] == kAny) ++token;
    return token == tokens_.size();
}

std::optional<Glob> Glob::Without(std::string_view prefix) const {
    if (tokens_.size() < prefix.size()) return std::nullopt;
    for (size_t i = 0; i < prefix.size(); ++i) {
        if (tokens_[i] != static_cast<unsigned char>(prefix[i])) return std::nullopt;
    }
    Glob rest;
    rest.tokens_ = tokens_.substr(prefix.size());
    return rest;
}

bool Glob::MayBeginWith(std::string_view prefix) const {
    for (size_t i = 0; i < prefix.size(); ++i) {
        if (i >= tokens_.size()) return false;
        if (tokens_[i] == kAny) return true;
        if (tokens_[i] != kOne && tokens_[i] != static_cast<unsigned char>(prefix[i])) return false;
    }
    return true;
}

base::Result<PolicyText> PolicyText::Parse(std::string_view text, bool variables) {
    PolicyText parsed;
    while (!text.empty()) {
        size_t open = variables ? text.find("${") : std::string_view::npos;
        if (open != 0) {
            parsed.parts_.push_back({false, false, std::string(text.substr(0, open))});
            if (open == std::string_view::npos) break;
            text.remove_prefix(open);
        }
        size_t close = text.find('}');
        if (close == std::string_view::npos) return std::unexpected(Malformed("a policy variable is not closed"));
        std::string_view name = text.substr(2, close - 2);
        if (name == "*" || name == "?" || name == "$") {
            parsed.parts_.push_back({false, true, std::string(name)});
        } else {
            if (!IsConditionKey(name)) {
                return std::unexpected(Malformed("the policy variable " + std::string(name) + " is not served"));
            }
            parsed.parts_.push_back({true, false, std::string(name)});
        }
        text.remove_prefix(close + 1);
    }
    return parsed;
}

std::optional<Glob> PolicyText::Resolve(const PolicyContext& context) const {
    Glob glob;
    for (const Part& part : parts_) {
        if (part.variable) {
            auto value = context.Get(part.text);
            if (!value) return std::nullopt;
            glob.AppendLiteral(*value);
        } else if (part.literal) {
            glob.AppendLiteral(part.text);
        } else {
            for (char c : part.text) {
                if (c == '*') {
                    glob.AppendAny();
                } else if (c == '?') {
                    glob.AppendOne();
                } else {
                    glob.AppendLiteral({&c, 1});
                }
            }
        }
    }
    return glob;
}

std::optional<std::string> PolicyText::ResolvePlain(const PolicyContext& context) const {
    std::string text;
    for (const Part& part : parts_) {
        if (!part.variable) {
            text.append(part.text);
            continue;
        }
        auto value = context.Get(part.text);
        if (!value) return std::nullopt;
        text.append(*value);
    }
    return text;
}

bool PolicyStatement::HasAction(std::string_view action) const {
    for (const std::string& pattern : actions) {
        Glob glob;
        for (char c : pattern) {
            if (c == '*') {
                glob.AppendAny();
            } else if (c == '?') {
                glob.AppendOne();
            } else {
                char lower = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
                glob.AppendLiteral({&lower, 1});
            }
        }
        std::string lower(action);
        for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        if (glob.Matches(lower)) return true;
    }
    return false;
}

bool PolicyStatement::ConditionsHold(const PolicyContext& context) const {
    return std::all_of(conditions.begin(), conditions.end(), [&](const PolicyCondition& condition) {
        return ConditionHolds(condition, context);
    });
}

base::Result<std::shared_ptr<const PolicyDocument>> PolicyDocument::Parse(std::string_view text) {
    size_t counted = static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return c != ' ' && c != '\n' && c != '\t' && c != '\r';
    }));
    if (text.size() > kMaxRawBytes || counted > kMaxDocumentBytes) {
        return std::unexpected(Malformed("a policy document has at most 2048 characters without blanks"));
    }
    boost::system::error_code error;
    json::value value = json::parse(text, error);
    if (error) return std::unexpected(Malformed("the policy document is not JSON: " + error.message()));
    const auto* root = value.if_object();
    if (root == nullptr) return std::unexpected(Malformed("the policy document is not a JSON object"));
    bool variables = false;
    auto document = std::make_shared<PolicyDocument>();
    const json::value* statements = nullptr;
    for (const auto& member : *root) {
        std::string_view name = member.key();
        if (name == "Version") {
            const auto* version = member.value().if_string();
            if (version == nullptr || (*version != "2012-10-17" && *version != "2008-10-17")) {
                return std::unexpected(Malformed("Version must be 2012-10-17 or 2008-10-17"));
            }
            variables = *version == "2012-10-17";
        } else if (name == "Statement") {
            statements = &member.value();
        } else if (name != "Id") {
            return std::unexpected(Malformed("the policy document has no element " + std::string(name)));
        }
    }
    if (statements == nullptr) return std::unexpected(Malformed("the policy document needs a Statement"));
    if (const auto* list = statements->if_array()) {
        for (const json::value& item : *list) {
            ASSIGN_OR_RETURN(PolicyStatement statement, ParseStatement(item, variables));
            document->statements.push_back(std::move(statement));
        }
    } else {
        ASSIGN_OR_RETURN(PolicyStatement statement, ParseStatement(*statements, variables));
        document->statements.push_back(std::move(statement));
    }
    if (document->statements.empty()) return std::unexpected(Malformed("the policy document needs a Statement"));
    return document;
}

}  // namespace wellhead::services::iot
