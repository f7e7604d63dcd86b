#pragma once
// A Trino query as DuckDB's. Token by token where both say the same, by rules where they differ. What has no rule is
// refused by name and place: nothing passes that the other engine might understand in a sense of its own.

#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "sql/athena/predicates.h"
#include "sql/lexer.h"

namespace wellhead::sql::athena {

struct TableReference {
    std::string database;  // lower-case, as is table
    std::string table;
    Position at;
    // For each place where the query names the table: what its WHERE says of the rows taken there.
    std::vector<std::vector<PartitionCondition>> uses;
};

struct Translation {
    std::string sql;
    std::vector<TableReference> tables;  // each once; sql names them "database"."table"; see kInformationSchema
    size_t parameters = 0;                // '?' in the query
    std::vector<size_t> unnamed_columns;  // of the outermost SELECT: those that go by _col0, _col1, ...
};

// The engine's schema that information_schema is translated to: the engine has one of its own.
inline constexpr std::string_view kInformationSchema = "wh_information_schema";

// A failure as Athena words it: "SYNTAX_ERROR: line 1:8: Column 'x' cannot be resolved".
struct QueryError {
    std::string name;  // SYNTAX_ERROR, FUNCTION_NOT_FOUND, NOT_SUPPORTED, ...
    std::string message;
    Position at;
    std::string Text() const;
};

template <class T>
using Translated = std::expected<T, QueryError>;

struct TranslationContext {
    std::string database;                 // for tables named without one
    std::vector<std::string> parameters;  // texts of the n-th '?': Trino literals
};

// query: SELECT, WITH, VALUES, TABLE or a bracketed query; nothing behind it but a semicolon.
Translated<Translation> TranslateQuery(const std::string& query, const TranslationContext& context);

// The options that tokenize Athena's statements.
LexerOptions AthenaLexer();

// "varchar(10)" -> VARCHAR, "array(row(a bigint))" -> STRUCT("a" BIGINT)[]; at the cursor.
Translated<std::string> TranslateType(TokenCursor& cursor);

// Where the identifier first stands in the query; 1:1 when it does not.
Position FindIdentifier(const std::string& query, std::string_view name);

}  // namespace wellhead::sql::athena
