#pragma once
// Text of AWS IoT SQL 2016-03-23 to the shared tree.

#include <string>
#include <string_view>
#include <vector>

#include "sql/ast.h"

namespace wellhead::sql::iot {

// SET @name = value
struct VariableText {
    Position at;
    std::string name;
    ExpressionPtr value;
};

struct RuleText {
    std::vector<VariableText> variables;  // each may use those before it
    DocumentQuery query;
    std::string topic_filter;  // empty when FROM is absent (a rule for Basic Ingest only)
    Position topic_at;
};

// A reference to a variable is a call of this function with the variable's name for its argument.
inline constexpr std::string_view kVariableFunction = "#variable";

Parsed<RuleText> ParseRule(std::string_view text);
// One expression and nothing behind it, as between ${ and }.
Parsed<ExpressionPtr> ParseExpression(std::string_view text);

}  // namespace wellhead::sql::iot
