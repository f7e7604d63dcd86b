#pragma once
// What a WHERE clause says about columns of one table alone: enough to leave partitions out before the engine looks.

#include <string>
#include <utility>
#include <vector>

#include "sql/lexer.h"

namespace wellhead::sql::athena {

// A condition that holds for each row the query takes from a table. It is never NULL-tolerant: a row it does not hold
// for is no loss, also where an outer join put NULLs in the table's place.
struct PartitionCondition {
    std::string expression;                             // as of Glue's GetPartitions
    std::vector<std::pair<std::string, bool>> columns;  // lower-case; whether compared with a number
    std::vector<std::string> equal_to;                  // of = and IN alone: what the one column must be one of
};
struct WhereCondition {
    std::string qualifier;  // of its columns, lower-case; empty: none
    PartitionCondition condition;
};

// The conjuncts of the clause whose first token is tokens[begin]. parameters: texts of '?', the first one in the clause is
// number first_parameter. What cannot be said in Glue's expressions is left out.
std::vector<WhereCondition> WhereConditions(const std::vector<Token>& tokens, size_t begin, const std::vector<std::string>& parameters,
                                            size_t first_parameter);

}  // namespace wellhead::sql::athena
