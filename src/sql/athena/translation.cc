#include "sql/athena/translation.h"

#include <fmt/format.h>

#include "sql/athena/translator.h"

namespace wellhead::sql::athena {

using std::unexpected;

namespace {

constexpr int kMaxDepth = 200;

constexpr std::string_view kKeywords[] = {
    "select", "from", "where", "group", "by", "order", "having", "limit", "offset", "union", "all", "distinct", "intersect",
    "except", "as", "on", "using", "join", "inner", "left", "right", "full", "outer", "cross", "natural", "and", "or", "not",
    "in", "is", "null", "like", "escape", "between", "case", "when", "then", "else", "end", "true", "false", "asc", "desc",
    "nulls", "exists", "any", "some", "over", "unbounded", "preceding", "following", "rollup", "cube", "with", "recursive",
    "fetch", "ordinality", "current_date", "filter", "values"};
// Words that end a FROM clause.
constexpr std::string_view kAfterFrom[] = {"where", "group", "having", "order", "limit", "offset", "fetch", "union", "intersect", "except", "select", "window"};


}  // namespace

bool IsKeywordToken(const Token& token) { return token.kind == TokenKind::kIdentifier && Contains(kKeywords, Lower(token.value)); }

Translated<std::string> Translator::Query(bool outermost) {
    if (++depth_ > kMaxDepth) return Refuse(cursor_.Peek(), "the query nests too deep");
    std::string out;
    if (cursor_.IsKeyword("with")) {
        if (auto with = With(out); !with) return unexpected(with.error());
    }
    Block block;
    Block* const outer_block = block_;
    block_ = &block;
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
    block_ = outer_block;
    --depth_;
    return out;
}

unexpected<QueryError> Translator::Wrong(std::string_view expected) const {
    const Token& token = cursor_.Peek();
    return Refuse(token, fmt::format("mismatched input '{}'. Expecting: {}", token.kind == TokenKind::kEnd ? "<EOF>" : token.value, expected));
}

Translated<void> Translator::Expect(std::string_view symbol) {
    if (!cursor_.AcceptSymbol(symbol)) return Wrong(fmt::format("'{}'", symbol));
    return {};
}

Translated<void> Translator::With(std::string& out) {
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

Translated<void> Translator::SelectList(std::string& out) {
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
        if (!HasName(begin, end)) {
            unnamed_.push_back(static_cast<size_t>(column));
            item += fmt::format(" AS \"_col{}\"", column);
        }
        out += item;
        if (!cursor_.AcceptSymbol(",")) break;
        out += ", ";
    }
    out += ' ';
    return {};
}

bool Translator::AtClauseEnd() const {
    return cursor_.Peek().kind == TokenKind::kIdentifier && (cursor_.IsKeyword("from") || Contains(kAfterFrom, Lower(cursor_.Peek().value)));
}

bool Translator::HasName(size_t begin, size_t end) {
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

Translated<void> Translator::Step(std::string& out) {
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
        if (word == "where") NoteWhere();
        if (word == "select" && block_ != nullptr) block_->tables.clear();
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

void Translator::NoteWhere() {
    if (block_ == nullptr) return;
    for (WhereCondition& where : WhereConditions(tokens_, cursor_.mark() + 1, context_.parameters, parameter_)) {
        for (const NamedTable& named : block_->tables) {
            if (where.qualifier.empty() || where.qualifier == named.alias) tables_[named.table].uses[named.use].push_back(where.condition);
        }
    }
}

Translated<void> Translator::Values(std::string& out) {
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

Translated<void> Translator::Relation(std::string& out) {
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
        NamedTable named{"", tables_.size(), 0};
        auto name = TableName(named);
        if (!name) return unexpected(name.error());
        out += *name + " ";
        auto sampled = Sample(out, &named);
        if (sampled && block_ != nullptr && named.table < tables_.size()) block_->tables.push_back(std::move(named));
        return sampled;
    }
    return Sample(out, nullptr);
}

Translated<void> Translator::Sample(std::string& out, NamedTable* named) {
    if (!cursor_.IsKeyword("tablesample")) {
        if (cursor_.AcceptKeyword("as")) out += "AS ";
        if (IsName(cursor_.Peek()) && !IsKeywordToken(cursor_.Peek()) && !AtWindowClause()) {
            const std::string alias = Lower(cursor_.Next().value);
            out += Quoted(alias, '"') + " ";
            if (named != nullptr) named->alias = alias;
        }
    }
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

Translated<std::string> Translator::TableName(NamedTable& named) {
    const Token at = cursor_.Peek();
    std::vector<std::string> parts;
    do {
        if (!IsName(cursor_.Peek()) || (IsKeywordToken(cursor_.Peek()) && parts.empty())) return Wrong("<identifier>");
        parts.push_back(Lower(cursor_.Next().value));
    } while (cursor_.AcceptSymbol("."));
    if (cursor_.IsSymbol("(")) return Refuse(at, fmt::format("Table function '{}' not registered", at.value), "FUNCTION_NOT_FOUND");
    if (parts.size() == 1 && with_.contains(parts[0])) {
        named.table = SIZE_MAX;
        return Quoted(parts[0], '"');
    }
    if (parts.size() > 3) return Refuse(at, "Too many parts in a table's name");
    if (parts.size() == 3 && parts[0] != "awsdatacatalog") return Refuse(at, fmt::format("Catalog '{}' does not exist", parts[0]), "CATALOG_NOT_FOUND");
    TableReference table{parts.size() == 1 ? Lower(context_.database) : parts[parts.size() - 2], parts.back(), at.at, {}};
    const auto same = [&](const TableReference& t) { return t.database == table.database && t.table == table.table; };
    auto found = std::find_if(tables_.begin(), tables_.end(), same);
    if (found == tables_.end()) found = tables_.insert(tables_.end(), table);
    named = {parts.back(), static_cast<size_t>(found - tables_.begin()), found->uses.size()};
    found->uses.emplace_back();
    return Quoted(table.database == "information_schema" ? kInformationSchema : table.database, '"') + "." + Quoted(table.table, '"');
}

Translated<void> Translator::Unnest(std::string& out) {
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

Translated<std::string> Translator::Bracket(bool relation) {
    if (auto open = Expect("("); !open) return unexpected(open.error());
    if (++depth_ > kMaxDepth) return Refuse(cursor_.Peek(), "the query nests too deep");
    std::string out;
    const bool outer = in_from_;
    if (AtQuery()) {
        auto query = Query(false);
        if (!query) return query;
        out = *query;
    } else {
        Block* const outer_block = block_;
        if (!relation) block_ = nullptr;
        in_from_ = relation;
        if (relation) {
            if (auto first = Relation(out); !first) return unexpected(first.error());
        }
        while (!AtClose()) {
            if (auto step = Step(out); !step) return unexpected(step.error());
        }
        block_ = outer_block;
    }
    in_from_ = outer;
    --depth_;
    if (auto close = Expect(")"); !close) return unexpected(close.error());
    return "(" + out + ")";
}

Translated<Translation> TranslateQuery(const std::string& query, const TranslationContext& context) {
    const auto tokens = Tokenize(query, AthenaLexer());
    if (!tokens) return unexpected(QueryError{"SYNTAX_ERROR", tokens.error().message, tokens.error().at});
    Translation translation;
    Translator translator(*tokens, context, translation);
    auto sql = translator.Query(true);
    if (!sql) return unexpected(sql.error());
    translator.cursor().AcceptSymbol(";");
    if (!translator.cursor().AtEnd()) {
        const Token& token = translator.cursor().Peek();
        return unexpected(QueryError{"SYNTAX_ERROR", fmt::format("mismatched input '{}'. Expecting: <EOF>", token.value), token.at});
    }
    translation.sql = std::move(*sql);
    translation.parameters = translator.parameters();
    return translation;
}

}  // namespace wellhead::sql::athena
