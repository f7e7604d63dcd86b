// Types, errors and words: what needs no walk of a query.
#include <fmt/format.h>

#include <algorithm>

#include "sql/athena/translation.h"
#include "sql/athena/words.h"

namespace wellhead::sql::athena {

using std::unexpected;

std::string QueryError::Text() const { return fmt::format("{}: line {}:{}: {}", name, at.line, at.column, message); }

LexerOptions AthenaLexer() {
    LexerOptions options;
    options.backquoted_identifiers = true;
    options.max_bytes = size_t{262144};
    return options;
}

Translated<std::string> TranslateType(TokenCursor& cursor) {
    const Token token = cursor.Peek();
    if (!IsName(token)) return unexpected(QueryError{"SYNTAX_ERROR", "a type is missing", token.at});
    cursor.Next();
    const std::string name = Lower(token.value);
    const auto wrong = [&] { return unexpected(QueryError{"TYPE_NOT_FOUND", fmt::format("Unknown type: {}", token.value), token.at}); };
    struct Simple {
        std::string_view from, to;
    };
    static constexpr Simple kSimple[] = {
        {"boolean", "BOOLEAN"}, {"tinyint", "TINYINT"}, {"smallint", "SMALLINT"}, {"integer", "INTEGER"}, {"int", "INTEGER"},
        {"bigint", "BIGINT"}, {"real", "FLOAT"}, {"float", "FLOAT"}, {"double", "DOUBLE"}, {"varchar", "VARCHAR"}, {"string", "VARCHAR"}, {"char", "VARCHAR"},
        {"varbinary", "BLOB"}, {"date", "DATE"}, {"json", "JSON"}, {"uuid", "UUID"}, {"time", "TIME"}, {"timestamp", "TIMESTAMP"}, {"decimal", "DECIMAL"}};
    if (name == "array" || name == "map" || name == "row") {
        const bool angle = cursor.AcceptSymbol("<");
        if (!angle && !cursor.AcceptSymbol("(")) return wrong();
        std::vector<std::string> parts;
        do {
            std::string field;
            if (name == "row") {
                if (!IsName(cursor.Peek())) return wrong();
                field = Quoted(Lower(cursor.Next().value), '"') + " ";
            }
            auto type = TranslateType(cursor);
            if (!type) return type;
            parts.push_back(field + *type);
        } while (cursor.AcceptSymbol(","));
        if (!cursor.AcceptSymbol(angle ? ">" : ")")) return wrong();
        if (name == "array") return parts.size() == 1 ? Translated<std::string>(parts[0] + "[]") : wrong();
        if (name == "map" && parts.size() != 2) return wrong();
        std::string out = name == "map" ? "MAP(" : "STRUCT(";
        for (size_t i = 0; i < parts.size(); ++i) out += (i > 0 ? ", " : "") + parts[i];
        return out + ")";
    }
    const auto found = std::find_if(std::begin(kSimple), std::end(kSimple), [&](const Simple& s) { return s.from == name; });
    if (found == std::end(kSimple)) return wrong();
    std::string out(found->to);
    if (cursor.AcceptSymbol("(")) {
        std::string numbers;
        while (!cursor.IsSymbol(")") && !cursor.AtEnd()) numbers += cursor.Next().value;
        if (!cursor.AcceptSymbol(")")) return wrong();
        if (name == "decimal") out += "(" + numbers + ")";
    } else if (name == "decimal") {
        out += "(38, 0)";
    }
    if (name == "double") cursor.AcceptKeyword("precision");
    if ((name == "timestamp" || name == "time") && cursor.AcceptKeyword("with")) {
        if (!cursor.AcceptKeyword("time") || !cursor.AcceptKeyword("zone")) return wrong();
        out += "TZ";
    }
    return out;
}

Position FindIdentifier(const std::string& query, std::string_view name) {
    const auto tokens = Tokenize(query, AthenaLexer());
    if (!tokens) return {};
    for (const Token& token : *tokens) {
        if (IsName(token) && EqualsKeyword(token.value, name)) return token.at;
    }
    return {};
}

}  // namespace wellhead::sql::athena
