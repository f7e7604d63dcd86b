#pragma once
// A reading head over a statement with what both of Athena's parsers read: names, texts, types, properties, specs.

#include <initializer_list>
#include <memory>

#include "sql/athena/statement.h"
#include "sql/athena/words.h"

// Declares name with the value of an expression, or returns its error from the function.
#define TAKE(name, expression)                                       \
    auto name##_taken = (expression);                                \
    if (!name##_taken) return std::unexpected(name##_taken.error()); \
    auto name = std::move(*name##_taken)
#define CHECKED(expression) \
    if (auto checked = (expression); !checked) return std::unexpected(checked.error())

namespace wellhead::sql::athena {

class StatementReader {
  public:
    // Hive's lexical rules: "x" is a text and \ escapes; otherwise Trino's: "x" is a name.
    static Translated<StatementReader> Open(const std::string& text, bool hive);

    TokenCursor& cursor() { return cursor_; }
    bool Accept(std::string_view keyword) { return cursor_.AcceptKeyword(keyword); }
    // All of the words, or none.
    bool AcceptWords(std::initializer_list<std::string_view> words);

    std::unexpected<QueryError> Wrong(std::string_view expected) const;
    std::unexpected<QueryError> NotSupported(std::string message, Position at) const;
    Translated<void> Expect(std::string_view keyword);
    Translated<void> ExpectSymbol(std::string_view symbol);
    // Nothing more but a semicolon.
    Translated<void> End();

    Translated<std::string> Name();  // lower-case
    Translated<TableName> Table();
    Translated<std::string> Text();  // a string literal, escapes undone where Hive's rules hold
    Translated<std::string> Value(); // a string, or a number as written
    Translated<Properties> PropertyList();       // ('a'='b', ...)
    Translated<WithProperties> WithList();       // (a = 'b', c = ARRAY['d'])
    Translated<std::string> Type();              // Hive's, lower-case, without blanks
    Translated<std::vector<ColumnDefinition>> Columns();  // (name type [COMMENT 'x'], ...)
    Translated<PartitionSpec> Partition();       // PARTITION (k = v, ...), behind the word
    // All up to the end, or to the bracket's end when open.
    Translated<QueryText> Query();
    Translated<QueryText> BracketedQuery();

  private:
    StatementReader(const std::string& text, bool hive, std::shared_ptr<const std::vector<Token>> tokens)
        : text_(text), hive_(hive), tokens_(std::move(tokens)), cursor_(*tokens_) {}
    QueryText Slice(size_t begin, size_t end) const;

    std::string text_;
    bool hive_;
    std::shared_ptr<const std::vector<Token>> tokens_;
    TokenCursor cursor_;
};

// ParseStatement's two halves. The first word of the statement comes next.
Translated<Statement> ParseHive(StatementReader& in);
Translated<Statement> ParseTrino(StatementReader& in, const std::string& text);

}  // namespace wellhead::sql::athena
