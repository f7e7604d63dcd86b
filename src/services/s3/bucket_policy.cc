#include "services/s3/bucket_policy.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>

#include "api/timestamps.h"

namespace wellhead::services::s3 {

namespace {

namespace json = boost::json;

std::unexpected<base::Error> Malformed(std::string message) {
    return base::Fail(base::ErrorCode::kInvalidArgument, std::move(message));
}

std::string Lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    return out;
}

// A string, a number, a boolean, or a list of such.
base::Result<std::vector<std::string>> Strings(const json::value& value, const char* wrong) {
    std::vector<std::string> out;
    auto add = [&out](const json::value& item) {
        if (item.is_string()) {
            out.emplace_back(item.get_string());
        } else if (item.is_bool() || item.is_number()) {
            out.push_back(json::serialize(item));
        } else {
            return false;
        }
        return true;
    };
    if (const auto* list = value.if_array()) {
        for (const auto& item : *list) {
            if (!add(item)) return Malformed(wrong);
        }
    } else if (!add(value)) {
        return Malformed(wrong);
    }
    if (out.empty()) return Malformed(wrong);
    return out;
}

constexpr std::string_view kOperators[] = {
    "stringequals",  "stringnotequals",    "stringequalsignorecase", "stringnotequalsignorecase",
    "stringlike",    "stringnotlike",      "numericequals",          "numericnotequals",
    "numericlessthan", "numericlessthanequals", "numericgreaterthan", "numericgreaterthanequals",
    "dateequals",    "datenotequals",      "datelessthan",           "datelessthanequals",
    "dategreaterthan", "dategreaterthanequals", "bool",              "ipaddress",
    "notipaddress",  "arnequals",          "arnlike",                "arnnotequals",
    "arnnotlike",    "null"};

bool IsNegated(std::string_view op) { return op.find("not") != op.npos; }

struct Address {
    int family = 0;
    std::array<unsigned char, 16> bytes{};
};
std::optional<Address> ParseAddress(const std::string& text) {
    Address address;
    for (int family : {AF_INET, AF_INET6}) {
        address.family = family;
        if (::inet_pton(family, text.c_str(), address.bytes.data()) == 1) return address;
    }
    return std::nullopt;
}

bool InNetwork(const std::string& network, const std::string& text) {
    const size_t slash = network.find('/');
    auto base = ParseAddress(network.substr(0, slash));
    auto address = ParseAddress(text);
    if (!base || !address || base->family != address->family) return false;
    size_t bits = base->family == AF_INET ? 32 : 128;
    if (slash != std::string::npos) {
        size_t given = bits;
        std::from_chars(network.data() + slash + 1, network.data() + network.size(), given);
        bits = std::min(bits, given);
    }
    for (size_t bit = 0; bit < bits; ++bit) {
        const int mask = 0x80 >> (bit % 8);
        if ((base->bytes[bit / 8] & mask) != (address->bytes[bit / 8] & mask)) return false;
    }
    return true;
}

std::optional<double> NumberOf(std::string_view op, const std::string& text) {
    if (op.starts_with("date")) {
        auto time = api::ParseTimestamp(text);
        if (!time) return std::nullopt;
        return static_cast<double>(base::ToUnixMs(*time));
    }
    double number = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

// Whether the positive form of the operator holds for the two.
bool Compares(std::string_view op, const std::string& wanted, const std::string& given) {
    if (op.starts_with("stringequalsignorecase") || op == "stringnotequalsignorecase") return Lower(wanted) == Lower(given);
    if (op == "stringequals" || op == "stringnotequals") return wanted == given;
    if (op == "stringlike" || op == "stringnotlike" || op.starts_with("arn")) return MatchesGlob(wanted, given);
    if (op == "bool") return Lower(wanted) == Lower(given);
    if (op == "ipaddress" || op == "notipaddress") return InNetwork(wanted, given);
    auto left = NumberOf(op, given);
    auto right = NumberOf(op, wanted);
    if (!left || !right) return false;
    if (op.ends_with("lessthan")) return *left < *right;
    if (op.ends_with("lessthanequals")) return *left <= *right;
    if (op.ends_with("greaterthan")) return *left > *right;
    if (op.ends_with("greaterthanequals")) return *left >= *right;
    return *left == *right;
}

bool IsPrincipal(const std::string& text) {
    const bool account = text.size() == 12 && text.find_first_not_of("0123456789") == text.npos;
    return account || text.starts_with("arn:");
}

}  // namespace

bool MatchesGlob(std::string_view pattern, std::string_view text) {
    size_t p = 0;
    size_t t = 0;
    size_t star = pattern.npos;
    size_t back = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            back = t;
        } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
            ++p;
            ++t;
        } else if (star != pattern.npos) {
            p = star + 1;
            t = ++back;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

base::Result<void> BucketPolicy::ParsePrincipal(const json::value& value, Statement& statement) {
    if (value.is_string()) {
        if (value.get_string() != "*") return Malformed("Invalid principal in policy");
        statement.everybody = true;
        return {};
    }
    const auto* object = value.if_object();
    if (object == nullptr || object->empty()) return Malformed("Invalid principal in policy");
    for (const auto& member : *object) {
        ASSIGN_OR_RETURN(auto names, Strings(member.value(), "Invalid principal in policy"));
        const bool aws = member.key() == "AWS";
        const bool other = member.key() == "Service" || member.key() == "Federated" || member.key() == "CanonicalUser";
        if (!aws && !other) return Malformed("Invalid principal in policy");
        for (const std::string& name : names) {
            if (aws && name == "*") {
                statement.everybody = true;
            } else if (aws && !IsPrincipal(name)) {
                return Malformed("Invalid principal in policy");
            } else {
                statement.principals.push_back(name);
            }
        }
    }
    return {};
}

base::Result<void> BucketPolicy::ParseConditions(const json::value& value, Statement& statement) {
    const auto* operators = value.if_object();
    if (operators == nullptr) return Malformed("Conditions must be an object");
    for (const auto& member : *operators) {
        Condition condition;
        condition.op = Lower(member.key());
        if (condition.op.starts_with("forallvalues:")) {
            condition.for_all_values = true;
            condition.op.erase(0, 13);
        } else if (condition.op.starts_with("foranyvalue:")) {
            condition.op.erase(0, 12);
        }
        if (condition.op.ends_with("ifexists")) {
            condition.if_exists = true;
            condition.op.resize(condition.op.size() - 8);
        }
        if (std::find(std::begin(kOperators), std::end(kOperators), condition.op) == std::end(kOperators)) {
            return Malformed("Invalid Condition type : " + std::string(member.key()));
        }
        const auto* keys = member.value().if_object();
        if (keys == nullptr) return Malformed("Conditions must be an object");
        for (const auto& key : *keys) {
            if (key.key().find(':') == json::string_view::npos) return Malformed("Policy has an invalid condition key");
            condition.key = Lower(key.key());
            ASSIGN_OR_RETURN(condition.values, Strings(key.value(), "Invalid policy syntax."));
            statement.conditions.push_back(condition);
        }
    }
    return {};
}

base::Result<BucketPolicy::Statement> BucketPolicy::ParseStatement(const json::object& object) {
    Statement statement;
    bool has_effect = false;
    bool has_principal = false;
    for (const auto& member : object) {
        const std::string_view name = member.key();
        const json::value& value = member.value();
        if (name == "Sid") {
            if (!value.is_string()) return Malformed("Invalid policy syntax.");
        } else if (name == "Effect") {
            if (value != "Allow" && value != "Deny") return Malformed("Invalid effect: " + json::serialize(value));
            statement.allow = value == "Allow";
            has_effect = true;
        } else if (name == "Principal" || name == "NotPrincipal") {
            statement.not_principal = name == "NotPrincipal";
            has_principal = true;
            RETURN_IF_ERROR(ParsePrincipal(value, statement));
        } else if (name == "Action" || name == "NotAction") {
            statement.not_action = name == "NotAction";
            ASSIGN_OR_RETURN(statement.actions, Strings(value, "Policy has invalid action"));
            for (std::string& action : statement.actions) {
                action = Lower(action);
                if (action != "*" && !action.starts_with("s3:")) return Malformed("Policy has invalid action");
            }
        } else if (name == "Resource" || name == "NotResource") {
            statement.not_resource = name == "NotResource";
            ASSIGN_OR_RETURN(statement.resources, Strings(value, "Policy has invalid resource"));
        } else if (name == "Condition") {
            RETURN_IF_ERROR(ParseConditions(value, statement));
        } else {
            return Malformed("Unknown field " + std::string(name));
        }
    }
    if (!has_effect) return Malformed("Missing required field Effect");
    if (!has_principal) return Malformed("Missing required field Principal");
    if (statement.actions.empty()) return Malformed("Missing required field Action");
    if (statement.resources.empty()) return Malformed("Missing required field Resource");
    if (statement.allow && statement.not_principal) return Malformed("Allow with NotPrincipal is not allowed");
    return statement;
}

base::Result<std::shared_ptr<const BucketPolicy>> BucketPolicy::Parse(const std::string& text) {
    if (!text.starts_with('{')) return Malformed("Policies must be valid JSON and the first byte must be '{'");
    if (text.size() > 20480) return Malformed("Policy exceeds the maximum allowed document size.");
    boost::system::error_code error;
    const json::value value = json::parse(text, error);
    if (error || !value.is_object()) return Malformed("Policies must be valid JSON and the first byte must be '{'");
    auto policy = std::make_shared<BucketPolicy>();
    const json::value* statements = nullptr;
    for (const auto& member : value.get_object()) {
        if (member.key() == "Version") {
            if (member.value() != "2012-10-17" && member.value() != "2008-10-17") {
                return Malformed("The policy must contain a valid version string");
            }
        } else if (member.key() == "Statement") {
            statements = &member.value();
        } else if (member.key() != "Id") {
            return Malformed("Unknown field " + std::string(member.key()));
        }
    }
    if (statements == nullptr) return Malformed("Missing required field Statement");
    json::array one;
    if (statements->is_object()) one.push_back(*statements);
    const json::array* list = statements->is_array() ? &statements->get_array() : &one;
    if (list->empty()) return Malformed("Could not parse the policy: Statement is empty!");
    for (const json::value& item : *list) {
        if (!item.is_object()) return Malformed("Invalid policy syntax.");
        ASSIGN_OR_RETURN(Statement statement, ParseStatement(item.get_object()));
        policy->statements_.push_back(std::move(statement));
    }
    return std::shared_ptr<const BucketPolicy>(std::move(policy));
}

base::Result<void> BucketPolicy::CheckBucket(const std::string& bucket) const {
    const std::string arn = "arn:aws:s3:::" + bucket;
    for (const Statement& statement : statements_) {
        for (const Condition& condition : statement.conditions) {
            // Not looked up for each request: a Deny that rests on it would be passed over.
            if (condition.key.starts_with("s3:existingobjecttag/")) {
                return Malformed("The condition key " + condition.key + " is not served");
            }
        }
        for (const std::string& resource : statement.resources) {
            const std::string named = resource.substr(0, resource.find('/', 13));
            if (!resource.starts_with("arn:aws:s3:::") || !MatchesGlob(named, arn)) return Malformed("Policy has invalid resource");
        }
    }
    return {};
}

bool BucketPolicy::Holds(const Condition& condition, const PolicyRequest& request) {
    auto [begin, end] = request.context.equal_range(condition.key);
    const bool present = begin != end;
    if (condition.op == "null") {
        return std::any_of(condition.values.begin(), condition.values.end(),
                           [&](const std::string& value) { return (Lower(value) == "true") != present; });
    }
    const bool negated = IsNegated(condition.op);
    if (!present) return condition.if_exists || negated || condition.for_all_values;
    auto matches = [&](const std::string& given) {
        return std::any_of(condition.values.begin(), condition.values.end(),
                           [&](const std::string& wanted) { return Compares(condition.op, wanted, given); });
    };
    for (auto at = begin; at != end; ++at) {
        const bool good = matches(at->second) != negated;
        if (condition.for_all_values && !good) return false;
        if (!condition.for_all_values && good) return true;
    }
    return condition.for_all_values;
}

bool BucketPolicy::Applies(const Statement& statement, const PolicyRequest& request) {
    bool named = statement.everybody;
    for (const std::string& principal : statement.principals) {
        if (request.anonymous) break;
        named = named || principal == request.principal_arn || principal == request.account_id ||
                principal == "arn:aws:iam::" + request.account_id + ":root" ||
                (principal.find_first_of("*?") != principal.npos && MatchesGlob(principal, request.principal_arn));
    }
    if (named == statement.not_principal) return false;
    auto any = [](const std::vector<std::string>& patterns, const std::string& text) {
        return std::any_of(patterns.begin(), patterns.end(),
                           [&](const std::string& pattern) { return MatchesGlob(pattern, text); });
    };
    if (any(statement.actions, Lower(request.action)) == statement.not_action) return false;
    if (any(statement.resources, request.resource) == statement.not_resource) return false;
    return std::all_of(statement.conditions.begin(), statement.conditions.end(),
                       [&](const Condition& condition) { return Holds(condition, request); });
}

PolicyDecision BucketPolicy::Evaluate(const PolicyRequest& request) const {
    PolicyDecision decision = PolicyDecision::kNone;
    for (const Statement& statement : statements_) {
        if (!Applies(statement, request)) continue;
        if (!statement.allow) return PolicyDecision::kDeny;
        decision = PolicyDecision::kAllow;
    }
    return decision;
}

bool BucketPolicy::IsPublic() const {
    static constexpr std::string_view kNarrowing[] = {"aws:sourceip",      "aws:sourcearn",       "aws:sourcevpc",
                                                      "aws:sourcevpce",    "aws:sourceowner",     "aws:sourceaccount",
                                                      "aws:principalorgid", "aws:principalarn",   "aws:userid",
                                                      "aws:principalaccount"};
    auto narrows = [](const Condition& condition) {
        if (IsNegated(condition.op) || condition.if_exists) return false;
        for (const std::string& value : condition.values) {
            if (value == "*" || value == "0.0.0.0/0" || value == "::/0") return false;
        }
        return std::find(std::begin(kNarrowing), std::end(kNarrowing), condition.key) != std::end(kNarrowing);
    };
    return std::any_of(statements_.begin(), statements_.end(), [&](const Statement& statement) {
        return statement.allow && statement.everybody &&
               std::none_of(statement.conditions.begin(), statement.conditions.end(), narrows);
    });
}

}  // namespace wellhead::services::s3
