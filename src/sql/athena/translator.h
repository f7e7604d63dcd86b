#pragma once
// The walk over a query's words, from Trino's to DuckDB's. Internal to this folder: TranslateQuery is the way in.

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sql/athena/predicates.h"
#include "sql/athena/translation.h"
#include "sql/athena/words.h"

namespace wellhead::sql::athena {

// Words that pass as they are; any other word is a name and goes quoted, in lower case.
bool IsKeywordToken(const Token& token);
bool Contains(const auto& words, std::string_view word) { return std::find(std::begin(words), std::end(words), word) != std::end(words); }

class Translator {
  public:
    Translator(const std::vector<Token>& tokens, const TranslationContext& context, Translation& translation)
        : tokens_(tokens), cursor_(tokens), context_(context), tables_(translation.tables), unnamed_(translation.unnamed_columns) {}

    // A query, up to the end or a ')' that is not its own.
    Translated<std::string> Query(bool outermost);

    TokenCursor& cursor() { return cursor_; }
    size_t parameters() const { return parameter_; }

  private:
    // The tables that one SELECT names, for what its WHERE says about them.
    struct NamedTable {
        std::string alias;
        size_t table, use;  // into tables_, into its uses
    };
    struct Block {
        std::vector<NamedTable> tables;
    };
    // Gives the conditions of the WHERE that comes next to the tables they speak of.
    void NoteWhere();

    bool AtClose() const { return cursor_.AtEnd() || cursor_.IsSymbol(")") || cursor_.IsSymbol("]") || cursor_.IsSymbol(";"); }
    bool AtQuery() const { return cursor_.IsKeyword("select") || cursor_.IsKeyword("with") || cursor_.IsKeyword("values") || cursor_.IsKeyword("table"); }
    static std::unexpected<QueryError> Refuse(const Token& at, std::string message, std::string name = "SYNTAX_ERROR") { return std::unexpected(QueryError{std::move(name), std::move(message), at.at}); }
    std::unexpected<QueryError> Wrong(std::string_view expected) const;
    Translated<void> Expect(std::string_view symbol);

    Translated<void> With(std::string& out);

    // SELECT items of the outermost query: what has no name of its own gets Trino's.
    Translated<void> SelectList(std::string& out);
    bool AtClauseEnd() const;
    bool HasName(size_t begin, size_t end);

    Translated<void> Step(std::string& out);

    Translated<void> Values(std::string& out);

    Translated<void> Relation(std::string& out);

    Translated<void> Sample(std::string& out, NamedTable* named);

    // named: where in tables_, once it is one.
    Translated<std::string> TableName(NamedTable& named);

    Translated<void> Unnest(std::string& out);

    // '(' ... ')': a query, a list, a lambda's parameters.
    Translated<std::string> Bracket(bool relation = false);

    Translated<std::string> Primary();
    Translated<std::string> Term();
    bool AtDateInterval() const;

    Translated<std::string> Symbol(const Token& token);

    Translated<std::string> Word(const Token& token);

    // Words that are keywords in these phrases only.
    std::optional<std::string> Phrase(const std::string& word);

    Translated<std::string> Window();
    bool AtWindowClause() const;
    Translated<std::string> WindowClause();
    Translated<std::string> PositionOf();

    Translated<std::string> TypedLiteral(const std::string& word);

    Translated<std::vector<std::string>> Arguments();

    Translated<std::string> Call(const Token& token);

    Translated<std::string> Cast(const std::string& name);

    Translated<std::string> Extract();

    // Trino's functions over maps and pairs of arrays, by nested lambdas of one parameter each.
    Translated<std::string> PairCall(const std::string& name, const std::vector<std::string>& arguments, const Token& at);

    Translated<std::string> Patterned(const std::string& name, const std::vector<std::string>& arguments, const Token& at);


    const std::vector<Token>& tokens_;
    TokenCursor cursor_;
    const TranslationContext& context_;
    std::vector<TableReference>& tables_;
    std::vector<size_t>& unnamed_;
    Block* block_ = nullptr;  // null within an expression's brackets
    std::set<std::string> with_;
    int depth_ = 0;
    bool in_from_ = false;
    size_t parameter_ = 0;
    std::string date_;  // the last term known to be a date, as it was written
};

}  // namespace wellhead::sql::athena
