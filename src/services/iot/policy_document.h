#pragma once
// Policy documents of AWS IoT: parsed and checked once, resolved for a connection later.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace wellhead::services::iot {

// A pattern with '*' and '?' whose other characters stand for themselves.
class Glob {
  public:
    static constexpr char16_t kAny = 256;
    static constexpr char16_t kOne = 257;

    void AppendLiteral(std::string_view text);
    void AppendAny() { tokens_.push_back(kAny); }
    void AppendOne() { tokens_.push_back(kOne); }

    // prefix and rest one behind the other.
    bool Matches(std::string_view prefix, std::string_view rest) const;
    bool Matches(std::string_view text) const { return Matches({}, text); }
    // This pattern without prefix, when it begins with exactly that; nothing when wildcards are in the way or it
    // begins otherwise.
    std::optional<Glob> Without(std::string_view prefix) const;
    // Whether some text that begins with prefix could match.
    bool MayBeginWith(std::string_view prefix) const;

  private:
    std::u16string tokens_;
};

// What policy variables and condition keys stand for. Keys compare without regard to case.
class PolicyContext {
  public:
    virtual ~PolicyContext() = default;
    virtual std::optional<std::string> Get(std::string_view key) const = 0;
};

// A resource, action or condition value with ${variables} in it.
class PolicyText {
  public:
    // With variables false, "${" stands for itself (documents of 2008). kInvalidArgument: an unclosed variable.
    static base::Result<PolicyText> Parse(std::string_view text, bool variables);
    // Nothing when a variable has no value. Wildcards in a value are literal characters.
    std::optional<Glob> Resolve(const PolicyContext& context) const;
    // As plain text, '*' and '?' as they are.
    std::optional<std::string> ResolvePlain(const PolicyContext& context) const;

  private:
    struct Part {
        bool variable = false;
        bool literal = false;  // ${*}, ${?}, ${$}: no wildcard
        std::string text;
    };
    std::vector<Part> parts_;
};

struct PolicyCondition {
    std::string op;  // without prefix and suffix, e.g. "StringEquals"
    bool if_exists = false;
    bool for_all_values = false;
    std::string key;
    std::vector<PolicyText> values;
};

struct PolicyStatement {
    bool allow = false;
    std::vector<std::string> actions;  // "iot:Publish", "iot:*", "*"
    std::vector<PolicyText> resources;
    std::vector<PolicyCondition> conditions;

    bool HasAction(std::string_view action) const;
    bool ConditionsHold(const PolicyContext& context) const;
};

struct PolicyDocument {
    std::vector<PolicyStatement> statements;

    // kInvalidArgument with what is wrong, for MalformedPolicyException.
    static base::Result<std::shared_ptr<const PolicyDocument>> Parse(std::string_view json);
};

}  // namespace wellhead::services::iot
