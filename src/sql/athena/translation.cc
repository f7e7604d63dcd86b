#include "sql/athena/translation.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "sql/athena/functions.h"
#include "sql/athena/words.h"

namespace wellhead::sql::athena {
namespace {

using std::unexpected;

constexpr int kMaxDepth = 200;

// Words that pass as they are; any other word is a name and goes quoted, in lower case.
constexpr std::string_view kKeywords[] = {
    "select", "from", "where", "group", "by", "order", "having", "limit", "offset", "union", "all", "distinct", "intersect",
    "except", "as", "on", "using", "join", "inner", "left", "right", "full", "outer", "cross", "natural", "and", "or", "not",
    "in", "is", "null", "like", "escape", "between", "case", "when", "then", "else", "end", "true", "false", "asc", "desc",
    "nulls", "exists", "any", "some", "over", "unbounded", "preceding", "following", "rollup", "cube", "with", "recursive",
    "fetch", "ordinality", "current_date", "filter", "values"};
// Words that end a FROM clause.
constexpr std::string_view kAfterFrom[] = {"where", "group", "having", "order", "limit", "offset", "fetch", "union", "intersect", "except", "select", "window"};

bool Contains(const auto& words, std::string_view word) { return std::find(std::begin(words), std::end(words), word) != std::end(words); }
bool IsKeywordToken(const Token& token) { return token.kind == TokenKind::kIdentifier && Contains(kKeywords, Lower(token.value)); }

class Translator {
  public:
    Translator(const std::vector<Token>& tokens, const TranslationContext& context, std::vector<TableReference>& tables)
        : cursor_(tokens), context_(context), tables_(tables) {}

    // A query, up to the end or a ')' that is not its own.
    Translated<std::string> Query(bool outermost) {
        if (++depth_ > kMaxDepth) return Refuse(cursor_.Peek(), "the query nests too deep");
        std::string out;
        if (cursor_.IsKeyword("with")) {
            if (auto with = With(out); !with) return unexpected(with.error());
        }
        in_from_ = false;
        bool names = outermost && cursor_.IsKeyword("select");
        while (!AtClose()) {
            if (names) {
                names = false;
                if (auto list = SelectList(out); !list) return unexpected(list.error());
                continue;
            }
            if (auto step = Step(out); !step) return unexpected(step.error());
        }
        --depth_;
        return out;
    }

    TokenCursor& cursor() { return cursor_; }

  private:
    bool AtClose() const { return cursor_.AtEnd() || cursor_.IsSymbol(")") || cursor_.IsSymbol("]") || cursor_.IsSymbol(";"); }
    bool AtQuery() const { return cursor_.IsKeyword("select") || cursor_.IsKeyword("with") || cursor_.IsKeyword("values") || cursor_.IsKeyword("table"); }
    static unexpected<QueryError> Refuse(const Token& at, std::string message, std::string name = "SYNTAX_ERROR") { return unexpected(QueryError{std::move(name), std::move(message), at.at}); }
    unexpected<QueryError> Wrong(std::string_view expected) const {
        const Token& token = cursor_.Peek();
        return Refuse(token, fmt::format("mismatched input '{}'. Expecting: {}", token.kind == TokenKind::kEnd ? "<EOF>" : token.value, expected));
    }
    Translated<void> Expect(std::string_view symbol) {
        if (!cursor_.AcceptSymbol(symbol)) return Wrong(fmt::format("'{}'", symbol));
        return {};
    }

    Translated<void> With(std::string& out) {
        cursor_.Next();
        out += "WITH ";
        if (cursor_.AcceptKeyword("recursive")) out += "RECURSIVE ";
        do {
            if (!IsName(cursor_.Peek())) return Wrong("<identifier>");
            const std::string name = Lower(cursor_.Next().value);
            out += (out.ends_with("WITH ") || out.ends_with("RECURSIVE ") ? "" : ", ") + Quoted(name, '"');
            if (cursor_.IsSymbol("(")) {
                auto columns = Bracket();
                if (!columns) return unexpected(columns.error());
                out += *columns;
            }
            if (!cursor_.AcceptKeyword("as")) return Wrong("'AS'");
            if (out.find("RECURSIVE") != std::string::npos) with_.insert(name);
            auto query = Bracket();
            if (!query) return unexpected(query.error());
            out += " AS " + *query;
            with_.insert(name);
        } while (cursor_.AcceptSymbol(","));
        out += ' ';
        return {};
    }

    // SELECT items of the outermost query: what has no name of its own gets Trino's.
    Translated<void> SelectList(std::string& out) {
        cursor_.Next();
        out += "SELECT ";
        if (cursor_.AcceptKeyword("distinct")) out += "DISTINCT ";
        cursor_.AcceptKeyword("all");
        for (int column = 0;; ++column) {
            const size_t begin = cursor_.mark();
            std::string item;
            while (!AtClose() && !cursor_.IsSymbol(",") && !AtClauseEnd()) {
                if (auto step = Step(item); !step) return step;
            }
            if (item.empty()) return Wrong("<expression>");
            const size_t end = cursor_.mark();
            if (!HasName(begin, end)) item += fmt::format(" AS \"_col{}\"", column);
            out += item;
            if (!cursor_.AcceptSymbol(",")) break;
            out += ", ";
        }
        out += ' ';
        return {};
    }
    bool AtClauseEnd() const { return cursor_.Peek().kind == TokenKind::kIdentifier && (cursor_.IsKeyword("from") || Contains(kAfterFrom, Lower(cursor_.Peek().value))); }
    bool HasName(size_t begin, size_t end) {
        const size_t here = cursor_.mark();
        cursor_.Rewind(end - 1);
        const Token last = cursor_.Peek();
        bool path = true;
        Token before;
        for (size_t i = begin; i < end; ++i) {
            cursor_.Rewind(i);
            const Token& token = cursor_.Peek();
            path = path && (IsName(token) ? !IsKeywordToken(token) : token.value == "." || token.value == "*");
            if (i + 2 == end) before = token;
        }
        cursor_.Rewind(here);
        if (path) return true;
        if (!IsName(last) || IsKeywordToken(last) || end - begin < 2) return false;
        if (before.kind == TokenKind::kSymbol) return before.value == ")" || before.value == "]";
        if (IsKeywordToken(before)) return EqualsKeyword(before.value, "as") || EqualsKeyword(before.value, "end") || EqualsKeyword(before.value, "null") || EqualsKeyword(before.value, "true") || EqualsKeyword(before.value, "false");
        return !(EqualsKeyword(last.value, "day") || EqualsKeyword(last.value, "hour") || EqualsKeyword(last.value, "minute") || EqualsKeyword(last.value, "second") || EqualsKeyword(last.value, "month") || EqualsKeyword(last.value, "year")) || before.kind != TokenKind::kString;
    }

    Translated<void> Step(std::string& out) {
        const Token token = cursor_.Peek();
        if (token.kind == TokenKind::kIdentifier) {
            const std::string word = Lower(token.value);
            if (word == "from" || word == "join" || (word == "table" && AtQuery())) {
                const bool distinct_from = word == "from" && out.ends_with("DISTINCT ");
                cursor_.Next();
                out += word == "table" ? "SELECT * FROM " : word == "from" ? "FROM " : "JOIN ";
                if (distinct_from) return {};
                in_from_ = true;
                return Relation(out);
            }
            if (Contains(kAfterFrom, word)) in_from_ = false;
            if (word == "values" && (out.empty() || out.back() != '.')) return Values(out);
        }
        if (token.kind == TokenKind::kSymbol && token.value == "," && in_from_) {
            cursor_.Next();
            out += ", ";
            return Relation(out);
        }
        auto primary = Primary();
        if (!primary) return unexpected(primary.error());
        out += *primary + (*primary == "." || cursor_.IsSymbol(".") ? "" : " ");
        return {};
    }

    Translated<void> Values(std::string& out) {
        cursor_.Next();
        out += "VALUES ";
        bool first = true;
        do {
            std::string item;
            const bool bracketed = cursor_.IsSymbol("(");
            while (!AtClose() && !cursor_.IsSymbol(",") && !AtClauseEnd()) {
                if (auto step = Step(item); !step) return step;
            }
            out += (first ? "" : ", ") + (bracketed ? item : "(" + item + ")");
            first = false;
        } while (cursor_.AcceptSymbol(","));
        out += ' ';
        return {};
    }

    Translated<void> Relation(std::string& out) {
        if (cursor_.AcceptKeyword("lateral")) out += "LATERAL ";
        if (cursor_.IsSymbol("(")) {
            const bool outer = in_from_;
            auto inner = Bracket(true);
            in_from_ = outer;
            if (!inner) return unexpected(inner.error());
            out += *inner + " ";
        } else if (cursor_.IsKeyword("unnest") && cursor_.IsSymbol("(", 1)) {
            return Unnest(out);
        } else {
            auto name = TableName();
            if (!name) return unexpected(name.error());
            out += *name + " ";
        }
        return Sample(out);
    }

    Translated<void> Sample(std::string& out) {
        const auto alias = [&]() {
            if (cursor_.IsKeyword("tablesample")) return;
            if (cursor_.AcceptKeyword("as")) out += "AS ";
            if (IsName(cursor_.Peek()) && !IsKeywordToken(cursor_.Peek())) out += Quoted(Lower(cursor_.Next().value), '"') + " ";
        };
        alias();
        if (cursor_.IsSymbol("(")) {
            auto columns = Bracket();
            if (!columns) return unexpected(columns.error());
            out += *columns + " ";
        }
        if (cursor_.AcceptKeyword("tablesample")) {
            const std::string method = Lower(cursor_.Next().value);
            if (method != "bernoulli" && method != "system") return Wrong("'BERNOULLI', 'SYSTEM'");
            if (auto open = Expect("("); !open) return open;
            out += fmt::format("TABLESAMPLE {} PERCENT ({}) ", cursor_.Next().value, method);
            return Expect(")");
        }
        return {};
    }

    Translated<std::string> TableName() {
        const Token at = cursor_.Peek();
        std::vector<std::string> parts;
        do {
            if (!IsName(cursor_.Peek()) || (IsKeywordToken(cursor_.Peek()) && parts.empty())) return Wrong("<identifier>");
            parts.push_back(Lower(cursor_.Next().value));
        } while (cursor_.AcceptSymbol("."));
        if (cursor_.IsSymbol("(")) return Refuse(at, fmt::format("Table function '{}' not registered", at.value), "FUNCTION_NOT_FOUND");
        if (parts.size() == 1 && with_.contains(parts[0])) return Quoted(parts[0], '"');
        if (parts.size() > 3) return Refuse(at, "Too many parts in a table's name");
        if (parts.size() == 3 && parts[0] != "awsdatacatalog") return Refuse(at, fmt::format("Catalog '{}' does not exist", parts[0]), "CATALOG_NOT_FOUND");
        TableReference table{parts.size() == 1 ? Lower(context_.database) : parts[parts.size() - 2], parts.back(), at.at};
        const auto same = [&](const TableReference& t) { return t.database == table.database && t.table == table.table; };
        if (std::none_of(tables_.begin(), tables_.end(), same)) tables_.push_back(table);
        return Quoted(table.database, '"') + "." + Quoted(table.table, '"');
    }

    Translated<void> Unnest(std::string& out) {
        cursor_.Next();
        const Token at = cursor_.Peek();
        auto arguments = Arguments();
        if (!arguments) return unexpected(arguments.error());
        bool ordinality = false;
        if (cursor_.AcceptKeyword("with")) {
            if (!cursor_.AcceptKeyword("ordinality")) return Wrong("'ORDINALITY'");
            ordinality = true;
        }
        cursor_.AcceptKeyword("as");
        std::string alias = "wh_unnest";
        if (IsName(cursor_.Peek()) && !IsKeywordToken(cursor_.Peek())) alias = Lower(cursor_.Next().value);
        std::vector<std::string> columns;
        if (cursor_.AcceptSymbol("(")) {
            do {
                if (!IsName(cursor_.Peek())) return Wrong("<identifier>");
                columns.push_back(Quoted(Lower(cursor_.Next().value), '"'));
            } while (cursor_.AcceptSymbol(","));
            if (auto close = Expect(")"); !close) return close;
        }
        const size_t values = columns.size() - (ordinality && !columns.empty() ? 1 : 0);
        std::string list;
        if (arguments->size() == 1 && values == 2) {
            list = fmt::format("unnest(map_keys({0})), unnest(map_values({0}))", (*arguments)[0]);
        } else {
            for (const std::string& argument : *arguments) list += (list.empty() ? "unnest(" : ", unnest(") + argument + ")";
        }
        if (ordinality && arguments->size() > 1) return Refuse(at, "UNNEST of several arrays WITH ORDINALITY is not served", "NOT_SUPPORTED");
        if (ordinality) list += fmt::format(", generate_subscripts({}, 1)", (*arguments)[0]);
        out += fmt::format("LATERAL (SELECT {}) AS {}", list, Quoted(alias, '"'));
        if (!columns.empty()) {
            out += '(';
            for (size_t i = 0; i < columns.size(); ++i) out += (i > 0 ? ", " : "") + columns[i];
            out += ')';
        }
        out += ' ';
        return {};
    }

    // '(' ... ')': a query, a list, a lambda's parameters.
    Translated<std::string> Bracket(bool relation = false) {
        if (auto open = Expect("("); !open) return unexpected(open.error());
        if (++depth_ > kMaxDepth) return Refuse(cursor_.Peek(), "the query nests too deep");
        std::string out;
        const bool outer = in_from_;
        if (AtQuery()) {
            auto query = Query(false);
            if (!query) return query;
            out = *query;
        } else {
            in_from_ = relation;
            if (relation) {
                if (auto first = Relation(out); !first) return unexpected(first.error());
            }
            while (!AtClose()) {
                if (auto step = Step(out); !step) return unexpected(step.error());
            }
        }
        in_from_ = outer;
        --depth_;
        if (auto close = Expect(")"); !close) return unexpected(close.error());
        return "(" + out + ")";
    }

    Translated<std::string> Primary() {
        const Token token = cursor_.Peek();
        switch (token.kind) {
            case TokenKind::kString: cursor_.Next(); return Quoted(token.value, '\'');
            case TokenKind::kInteger:
            case TokenKind::kDecimal:
            case TokenKind::kDouble: cursor_.Next(); return token.value;
            case TokenKind::kQuotedIdentifier:
            case TokenKind::kIdentifier: return Word(token);
            case TokenKind::kSymbol: return Symbol(token);
            case TokenKind::kEnd: break;
        }
        return Wrong("<expression>");
    }

    Translated<std::string> Symbol(const Token& token) {
        if (token.value == "(") {
            // (x, y) -> ...
            size_t ahead = 1;
            while (IsName(cursor_.Peek(ahead)) && cursor_.IsSymbol(",", ahead + 1)) ahead += 2;
            if (IsName(cursor_.Peek(ahead)) && cursor_.IsSymbol(")", ahead + 1) && cursor_.IsSymbol("->", ahead + 2)) {
                std::string out = "lambda ";
                for (cursor_.Next(); !cursor_.IsSymbol("->"); cursor_.Next()) {
                    if (IsName(cursor_.Peek())) out += (out.size() > 7 ? ", " : "") + Quoted(Lower(cursor_.Peek().value), '"');
                }
                cursor_.Next();
                return out + ": ";
            }
            return Bracket();
        }
        if (token.value == "?") {
            cursor_.Next();
            if (parameter_ >= context_.parameters.size()) return Refuse(token, "Incorrect number of parameters: more '?' than values", "INVALID_PARAMETER_USAGE");
            const auto tokens = Tokenize(context_.parameters[parameter_++], AthenaLexer());
            if (!tokens) return Refuse(token, "An execution parameter is not a literal", "INVALID_PARAMETER_USAGE");
            TranslationContext none;
            std::vector<TableReference> no_tables;
            Translator inner(*tokens, none, no_tables);
            std::string out;
            while (!inner.cursor_.AtEnd()) {
                auto part = inner.Primary();
                if (!part) return part;
                out += *part + " ";
            }
            if (!no_tables.empty() || out.empty()) return Refuse(token, "An execution parameter is not a literal", "INVALID_PARAMETER_USAGE");
            return "(" + out + ")";
        }
        if (token.value == "[") {
            cursor_.Next();
            std::string out;
            while (!AtClose()) {
                if (auto step = Step(out); !step) return unexpected(step.error());
            }
            if (auto close = Expect("]"); !close) return unexpected(close.error());
            return "[" + out + "]";
        }
        static constexpr std::string_view kPlain[] = {",", ".", "+", "-", "*", "/", "%", "=", "<>", "!=", "<", ">", "<=", ">=", "||"};
        if (!Contains(kPlain, token.value)) return Wrong("<expression>");
        cursor_.Next();
        return token.value;
    }

    Translated<std::string> Word(const Token& token) {
        const std::string word = Lower(token.value);
        const bool quoted = token.kind == TokenKind::kQuotedIdentifier;
        if (cursor_.IsSymbol("->", 1)) {
            cursor_.Next();
            cursor_.Next();
            return "lambda " + Quoted(word, '"') + ": ";
        }
        if (!quoted) {
            const Token next = cursor_.Peek(1);
            if (next.kind == TokenKind::kString && (word == "date" || word == "timestamp" || word == "time" || word == "x" || word == "interval")) return TypedLiteral(word);
            if (word == "array" && next.value == "[") {
                cursor_.Next();
                return Symbol(cursor_.Peek());
            }
            if (word == "at" && EqualsKeyword(next.value, "time") && cursor_.IsKeyword("zone", 2)) {
                for (int i = 0; i < 3; ++i) cursor_.Next();
                return std::string("::TIMESTAMPTZ AT TIME ZONE");
            }
            if (word == "current_timestamp" || word == "localtimestamp") {
                cursor_.Next();
                if (cursor_.IsSymbol("(")) {
                    if (auto precision = Bracket(); !precision) return precision;
                }
                return std::string(word == "localtimestamp" ? "CAST(now() AS TIMESTAMP)" : "now()");
            }
            if (word == "nulls" || word == "fetch" || word == "grouping" || word == "partition" || word == "tablesample") {
                if (auto phrase = Phrase(word); phrase) return *phrase;
            }
            if (IsKeywordToken(token)) {
                cursor_.Next();
                std::string upper;
                for (const char c : word) upper += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
                if (word == "over" && cursor_.IsSymbol("(")) {
                    auto window = Window();
                    if (!window) return window;
                    return "OVER " + *window;
                }
                return upper;
            }
        }
        if (!quoted && cursor_.IsSymbol("(", 1)) return Call(token);
        cursor_.Next();
        return Quoted(word, '"');
    }

    // Words that are keywords in these phrases only.
    std::optional<std::string> Phrase(const std::string& word) {
        const std::string next = Lower(cursor_.Peek(1).value);
        if (word == "nulls" && (next == "first" || next == "last")) {
            cursor_.Next();
            cursor_.Next();
            return next == "first" ? "NULLS FIRST" : "NULLS LAST";
        }
        if (word == "grouping" && next == "sets") {
            cursor_.Next();
            cursor_.Next();
            return "GROUPING SETS";
        }
        if (word == "fetch" && (next == "first" || next == "next")) {
            cursor_.Next();
            cursor_.Next();
            std::string count = "1";
            if (cursor_.Peek().kind == TokenKind::kInteger) count = cursor_.Next().value;
            for (int i = 0; i < 2; ++i) cursor_.Next();  // ROW|ROWS ONLY
            return "LIMIT " + count;
        }
        return std::nullopt;
    }

    Translated<std::string> Window() {
        if (auto open = Expect("("); !open) return unexpected(open.error());
        std::string out;
        static constexpr std::string_view kWords[] = {"partition", "rows", "range", "groups", "current", "row"};
        while (!AtClose()) {
            const Token& token = cursor_.Peek();
            const std::string word = Lower(token.value);
            const bool frame = token.kind == TokenKind::kIdentifier && Contains(kWords, word) && !cursor_.IsSymbol("(", 1) && !cursor_.IsSymbol(",", 1);
            if (frame) {
                out += word + " ";
                cursor_.Next();
            } else if (auto step = Step(out); !step) {
                return unexpected(step.error());
            }
        }
        if (auto close = Expect(")"); !close) return unexpected(close.error());
        return "(" + out + ")";
    }

    Translated<std::string> TypedLiteral(const std::string& word) {
        const Token at = cursor_.Next();
        const std::string text = cursor_.Next().value;
        if (word == "x") return fmt::format("unhex({})", Quoted(text, '\''));
        if (word == "date") return "DATE " + Quoted(text, '\'');
        if (word == "time") return "TIME " + Quoted(text, '\'');
        if (word == "timestamp") {
            // "2024-05-01 10:00:00 Europe/Berlin": a zone is what follows the time of day.
            const size_t space = text.find(' ');
            const bool zone = space != std::string::npos && (text.find_first_of(" +-", space + 1) != std::string::npos || text.back() == 'Z');
            return std::string(zone ? "TIMESTAMPTZ " : "TIMESTAMP ") + Quoted(text, '\'');
        }
        static constexpr std::string_view kUnits[] = {"second", "minute", "hour", "day", "week", "month", "year"};
        const std::string unit = Lower(cursor_.Peek().value);
        if (!Contains(kUnits, unit)) return Wrong("'DAY', 'HOUR', 'MINUTE', 'MONTH', 'SECOND', 'YEAR'");
        cursor_.Next();
        if (cursor_.IsKeyword("to")) return Refuse(at, "INTERVAL of several units is not served", "NOT_SUPPORTED");
        return fmt::format("INTERVAL {} {}", Quoted(text, '\''), unit);
    }

    Translated<std::vector<std::string>> Arguments() {
        if (auto open = Expect("("); !open) return unexpected(open.error());
        if (++depth_ > kMaxDepth) return Refuse(cursor_.Peek(), "the query nests too deep");
        const bool outer = in_from_;
        in_from_ = false;
        std::vector<std::string> arguments;
        while (!cursor_.IsSymbol(")")) {
            std::string argument;
            while (!AtClose() && !cursor_.IsSymbol(",")) {
                if (AtQuery() && argument.empty()) {
                    auto query = Query(false);
                    if (!query) return unexpected(query.error());
                    argument = *query;
                } else if (auto step = Step(argument); !step) {
                    return unexpected(step.error());
                }
            }
            if (argument.empty()) return Wrong("<expression>");
            while (argument.ends_with(' ')) argument.pop_back();
            arguments.push_back(std::move(argument));
            if (!cursor_.AcceptSymbol(",")) break;
            if (cursor_.IsSymbol(")")) return Wrong("<expression>");
        }
        in_from_ = outer;
        --depth_;
        if (auto close = Expect(")"); !close) return unexpected(close.error());
        return arguments;
    }

    Translated<std::string> Call(const Token& token) {
        cursor_.Next();
        const std::string name = Lower(token.value);
        if (name == "cast" || name == "try_cast") return Cast(name);
        if (name == "extract") return Extract();
        auto arguments = Arguments();
        if (!arguments) return unexpected(arguments.error());
        if (name == "date_format" || name == "date_parse" || name == "format_datetime" || name == "parse_datetime") return Patterned(name, *arguments, token);
        if (name == "date_add" && arguments->size() == 3) {
            const std::string& unit = (*arguments)[0];
            if (unit.size() < 3 || unit[0] != '\'') return Refuse(token, "date_add needs its unit as a literal", "NOT_SUPPORTED");
            return fmt::format("(({}) + INTERVAL ({}) {})", (*arguments)[2], (*arguments)[1], unit.substr(1, unit.size() - 2));
        }
        bool known = false;
        const FunctionRule* rule = FindFunction(name, arguments->size(), known);
        if (rule == nullptr) {
            return Refuse(token, known ? fmt::format("Unexpected parameters for function {}", name) : fmt::format("Function '{}' not registered", name),
                          "FUNCTION_NOT_FOUND");
        }
        std::string call = ApplyRule(*rule, *arguments);
        if (name == "listagg" && cursor_.AcceptKeyword("within")) {
            if (!cursor_.AcceptKeyword("group")) return Wrong("'GROUP'");
            auto order = Bracket();
            if (!order) return order;
            call = call.substr(0, call.size() - 1) + " " + order->substr(1);
        }
        return call;
    }

    Translated<std::string> Cast(const std::string& name) {
        if (auto open = Expect("("); !open) return unexpected(open.error());
        std::string value;
        while (!cursor_.IsKeyword("as") && !AtClose()) {
            if (auto step = Step(value); !step) return unexpected(step.error());
        }
        if (!cursor_.AcceptKeyword("as")) return Wrong("'AS'");
        auto type = TranslateType(cursor_);
        if (!type) return type;
        if (auto close = Expect(")"); !close) return unexpected(close.error());
        if (*type == "JSON" && name == "cast") return fmt::format("to_json({})", value);
        return fmt::format("{}({} AS {})", name == "cast" ? "CAST" : "TRY_CAST", value, *type);
    }

    Translated<std::string> Extract() {
        if (auto open = Expect("("); !open) return unexpected(open.error());
        const Token field = cursor_.Next();
        if (!cursor_.AcceptKeyword("from")) return Wrong("'FROM'");
        std::string value;
        while (!AtClose()) {
            if (auto step = Step(value); !step) return unexpected(step.error());
        }
        if (auto close = Expect(")"); !close) return unexpected(close.error());
        bool known = false;
        const FunctionRule* rule = FindFunction(Lower(field.value), 1, known);
        static constexpr std::string_view kFields[] = {"year", "quarter", "month", "week", "day", "day_of_month", "day_of_week", "dow", "day_of_year", "doy", "year_of_week", "yow", "hour", "minute", "second"};
        if (rule == nullptr || !Contains(kFields, Lower(field.value))) return Refuse(field, fmt::format("Invalid EXTRACT field: {}", field.value));
        return ApplyRule(*rule, {value});
    }

    Translated<std::string> Patterned(const std::string& name, const std::vector<std::string>& arguments, const Token& at) {
        if (arguments.size() != 2) return Refuse(at, fmt::format("Unexpected parameters for function {}", name), "FUNCTION_NOT_FOUND");
        const std::string& literal = arguments[1];
        if (literal.size() < 2 || literal[0] != '\'') return Refuse(at, fmt::format("{} needs its pattern as a literal", name), "NOT_SUPPORTED");
        const std::string pattern = literal.substr(1, literal.size() - 2);
        const std::string made = name.starts_with("date_") ? FromMySqlPattern(pattern) : FromJodaPattern(pattern);
        if (made.empty() && !pattern.empty()) return Refuse(at, fmt::format("The pattern {} of {} is not served", literal, name), "NOT_SUPPORTED");
        return fmt::format("{}({}, '{}')", name.find("parse") == std::string::npos ? "strftime" : "strptime", arguments[0], made);
    }

    TokenCursor cursor_;
    const TranslationContext& context_;
    std::vector<TableReference>& tables_;
    std::set<std::string> with_;
    int depth_ = 0;
    bool in_from_ = false;
    size_t parameter_ = 0;
};

}  // namespace

Translated<Translation> TranslateQuery(const std::string& query, const TranslationContext& context) {
    const auto tokens = Tokenize(query, AthenaLexer());
    if (!tokens) return unexpected(QueryError{"SYNTAX_ERROR", tokens.error().message, tokens.error().at});
    Translation translation;
    Translator translator(*tokens, context, translation.tables);
    auto sql = translator.Query(true);
    if (!sql) return unexpected(sql.error());
    translator.cursor().AcceptSymbol(";");
    if (!translator.cursor().AtEnd()) {
        const Token& token = translator.cursor().Peek();
        return unexpected(QueryError{"SYNTAX_ERROR", fmt::format("mismatched input '{}'. Expecting: <EOF>", token.value), token.at});
    }
    translation.sql = std::move(*sql);
    return translation;
}

}  // namespace wellhead::sql::athena
