#pragma once
// Trino's functions and how DuckDB says them.

#include <string>
#include <string_view>
#include <vector>

namespace wellhead::sql::athena {

struct FunctionRule {
    std::string_view name;  // lower-case
    int min_arguments;
    int max_arguments;  // -1: any number
    // "" passes the call through under its own name; a name alone, under that name; otherwise a text in which $1 is the
    // first argument, and $* are all of them.
    std::string_view form;
};

// The rule for a call of this many arguments; null when there is none. known: some rule has the name.
const FunctionRule* FindFunction(std::string_view name, size_t arguments, bool& known);

std::string ApplyRule(const FunctionRule& rule, const std::vector<std::string>& arguments);

// MySQL's date_format pattern and Joda's as strftime's. Empty when a letter has no counterpart.
std::string FromMySqlPattern(std::string_view pattern);
std::string FromJodaPattern(std::string_view pattern);

}  // namespace wellhead::sql::athena
