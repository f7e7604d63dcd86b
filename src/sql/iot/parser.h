#pragma once
// Text of AWS IoT SQL 2016-03-23 to the shared tree.

#include <string>

#include "sql/ast.h"

namespace wellhead::sql::iot {

struct RuleText {
    DocumentQuery query;
    std::string topic_filter;  // empty when FROM is absent (a rule for Basic Ingest only)
    Position topic_at;
};

Parsed<RuleText> ParseRule(std::string_view text);
// One expression and nothing behind it, as between ${ and }.
Parsed<ExpressionPtr> ParseExpression(std::string_view text);

}  // namespace wellhead::sql::iot
