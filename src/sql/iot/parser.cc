#include "sql/iot/parser.h"

#include <algorithm>
#include <array>

namespace wellhead::sql::iot {

namespace {

constexpr int kMaxDepth = 48;
constexpr size_t kMaxStatementBytes = 64 * 1024;

constexpr std::array<std::string_view, 14> kReserved = {"SELECT", "FROM", "WHERE", "AS",   "AND",  "OR",   "NOT",
                                                        "IN",     "CASE", "WHEN",  "THEN", "ELSE", "END", "EXISTS"};

bool IsReserved(const Token& token) {
    return token.kind == TokenKind::kIdentifier &&
           std::any_of(kReserved.begin(), kReserved.end(),
                       [&](std::string_view word) { return EqualsKeyword(token.value, word); });
}

struct OperatorWord {
    std::string_view symbol;
    BinaryOperator op;
    int strength;  // binds tighter when greater
};
constexpr std::array<OperatorWord, 12> kOperators = {{{"=", BinaryOperator::kEqual, 4},
                                                      {"<>", BinaryOperator::kNotEqual, 4},
                                                      {"!=", BinaryOperator::kNotEqual, 4},
                                                      {"<", BinaryOperator::kLess, 4},
                                                      {"<=", BinaryOperator::kLessOrEqual, 4},
                                                      {">", BinaryOperator::kGreater, 4},
                                                      {">=", BinaryOperator::kGreaterOrEqual, 4},
                                                      {"+", BinaryOperator::kAdd, 5},
                                                      {"-", BinaryOperator::kSubtract, 5},
                                                      {"*", BinaryOperator::kMultiply, 6},
                                                      {"/", BinaryOperator::kDivide, 6},
                                                      {"%", BinaryOperator::kModulo, 6}}};
constexpr int kComparison = 4;

class Parser {
  public:
    Parser(std::string_view source, const std::vector<Token>& tokens)
        : source_(source), cursor_(tokens) {}

    Parsed<RuleText> Rule() {
        RuleText rule;
        if (cursor_.AcceptKeyword("SET")) {
            do {
                auto variable = Variable();
                if (!variable) return std::unexpected(variable.error());
                rule.variables.push_back(std::move(*variable));
            } while (cursor_.AcceptSymbol(","));
        }
        if (auto items = SelectItems(rule.query); !items) return std::unexpected(items.error());
        if (cursor_.AcceptKeyword("FROM")) {
            rule.topic_at = cursor_.Peek().at;
            if (auto topic = Topic(rule.topic_filter); !topic) return std::unexpected(topic.error());
        }
        if (auto where = Where(rule.query); !where) return std::unexpected(where.error());
        cursor_.AcceptSymbol(";");
        if (!cursor_.AtEnd()) return std::unexpected(cursor_.Unexpected("the end of the statement"));
        return rule;
    }

    Parsed<ExpressionPtr> OnlyExpression() {
        auto expression = Expression_(0);
        if (!expression) return expression;
        if (!cursor_.AtEnd()) return std::unexpected(cursor_.Unexpected("the end of the expression"));
        return expression;
    }

  private:
    static constexpr size_t kMaxVariables = 100;
    static constexpr size_t kMaxVariableName = 64;

    Parsed<std::string> VariableName() {
        const Token& at_sign = cursor_.Peek();
        if (!cursor_.IsSymbol("@")) return std::unexpected(cursor_.Unexpected("a variable, @name"));
        const size_t end = at_sign.end;
        cursor_.Next();
        const Token& name = cursor_.Peek();
        if (name.kind != TokenKind::kIdentifier || name.begin != end) {
            return std::unexpected(cursor_.Unexpected("a variable's name behind '@'"));
        }
        if (name.value.size() > kMaxVariableName) return SyntaxFail(name.at, "a variable's name has at most 64 characters");
        return cursor_.Next().value;
    }

    Parsed<VariableText> Variable() {
        VariableText variable;
        variable.at = cursor_.Peek().at;
        auto name = VariableName();
        if (!name) return std::unexpected(name.error());
        variable.name = std::move(*name);
        if (auto equals = cursor_.ExpectSymbol("="); !equals) return std::unexpected(equals.error());
        auto value = Expression_(0);
        if (!value) return std::unexpected(value.error());
        variable.value = std::move(*value);
        if (++variables_ > kMaxVariables) return SyntaxFail(variable.at, "there are too many variables");
        return variable;
    }

    Parsed<ExpressionPtr> VariableReference() {
        Position at = cursor_.Peek().at;
        auto name = VariableName();
        if (!name) return std::unexpected(name.error());
        std::vector<ExpressionPtr> arguments;
        arguments.push_back(MakeExpression(at, Literal{LiteralKind::kString, std::move(*name), {}}));
        return MakeExpression(at, FunctionCall{{{std::string(kVariableFunction), false}}, std::move(arguments), false,
                                               {}, nullptr, {}, {}});
    }

    Parsed<void> SelectItems(DocumentQuery& query) {
        if (auto select = cursor_.ExpectKeyword("SELECT"); !select) return select;
        if (StartsValueOnly()) {
            cursor_.Next();
            query.value_only = true;
        }
        do {
            SelectItem item;
            size_t begin = cursor_.Peek().begin;
            if (cursor_.IsSymbol("*")) {
                item.value = MakeExpression(cursor_.Next().at, Star{});
            } else {
                auto value = Expression_(0);
                if (!value) return std::unexpected(value.error());
                item.value = std::move(*value);
            }
            size_t end = LastTokenEnd();
            bool star = std::holds_alternative<Star>(item.value->node);
            if (cursor_.AcceptKeyword("AS")) {
                if (star) return SyntaxFail(item.value->at, "* cannot have a name");
                do {
                    const Token& name = cursor_.Peek();
                    if (name.kind != TokenKind::kIdentifier && name.kind != TokenKind::kString &&
                        name.kind != TokenKind::kQuotedIdentifier) {
                        return std::unexpected(cursor_.Unexpected("a name"));
                    }
                    item.alias.push_back({cursor_.Next().value, name.kind != TokenKind::kIdentifier});
                } while (cursor_.AcceptSymbol("."));
            } else if (!star) {
                item.alias.push_back({NameOf(*item.value, begin, end), false});
            }
            if (query.value_only && (!query.items.empty() || cursor_.IsSymbol(","))) {
                return SyntaxFail(item.value->at, "SELECT VALUE takes exactly one item");
            }
            query.items.push_back(std::move(item));
        } while (cursor_.AcceptSymbol(","));
        return {};
    }

    // VALUE is a keyword when a value follows; otherwise it is a field of that name.
    bool StartsValueOnly() const {
        if (!cursor_.IsKeyword("VALUE")) return false;
        const Token& next = cursor_.Peek(1);
        if (next.kind == TokenKind::kEnd) return false;
        if (next.kind != TokenKind::kSymbol) return !IsReserved(next) || cursor_.IsKeyword("CASE", 1) ||
                                                    cursor_.IsKeyword("NOT", 1);
        if (next.value == "*") return cursor_.IsKeyword("FROM", 2) || cursor_.IsKeyword("WHERE", 2) ||
                                      cursor_.Peek(2).kind == TokenKind::kEnd;
        return next.value == "(" || next.value == "[" || next.value == "{";
    }

    std::string NameOf(const Expression& value, size_t begin, size_t end) const {
        if (const auto* name = std::get_if<NameReference>(&value.node)) return name->parts.back().text;
        if (const auto* member = std::get_if<MemberAccess>(&value.node)) return member->field.text;
        const auto* call = std::get_if<FunctionCall>(&value.node);
        if (call != nullptr && call->name.front().text == kVariableFunction) {
            return std::get<Literal>(call->arguments.front()->node).text;
        }
        return std::string(source_.substr(begin, end - begin));
    }

    Parsed<void> Topic(std::string& topic) {
        const Token& first = cursor_.Peek();
        if (first.kind == TokenKind::kString || first.kind == TokenKind::kQuotedIdentifier) {
            topic = cursor_.Next().value;
        } else {
            // Unquoted, as in FROM a/+/b: everything up to the next blank.
            size_t end = first.begin;
            while (!cursor_.AtEnd() && cursor_.Peek().begin == end && !cursor_.IsSymbol(";")) {
                end = cursor_.Next().end;
            }
            topic = source_.substr(first.begin, end - first.begin);
        }
        if (topic.empty()) return SyntaxFail(first.at, "FROM needs a topic filter");
        return {};
    }

    Parsed<void> Where(DocumentQuery& query) {
        if (!cursor_.AcceptKeyword("WHERE")) return {};
        auto where = Expression_(0);
        if (!where) return std::unexpected(where.error());
        query.where = std::move(*where);
        return {};
    }

    // Precedence: OR 1, AND 2, NOT 3, comparison and IN 4, + - 5, * / % 6, unary minus 7.
    Parsed<ExpressionPtr> Expression_(int weakest) {
        if (++depth_ > kMaxDepth) return SyntaxFail(cursor_.Peek().at, "the expression is nested too deeply");
        auto result = Climb(weakest);
        --depth_;
        return result;
    }

    Parsed<ExpressionPtr> Climb(int weakest) {
        auto left = Prefix(weakest);
        int operators = 0;
        while (left) {
            Position at = cursor_.Peek().at;
            if (++operators > 1000) return SyntaxFail(at, "the expression is too long");
            auto op = NextOperator();
            if (op && op->strength > weakest) {
                cursor_.Next();
                auto right = Expression_(op->strength);
                if (!right) return right;
                left = MakeExpression(at, Binary{op->op, std::move(*left), std::move(*right)});
                continue;
            }
            if (weakest < kComparison && (cursor_.IsKeyword("IN") ||
                                          (cursor_.IsKeyword("NOT") && cursor_.IsKeyword("IN", 1)))) {
                left = In(std::move(*left));
                continue;
            }
            if (auto refused = Refuse(); !refused) return std::unexpected(refused.error());
            break;
        }
        return left;
    }

    std::optional<OperatorWord> NextOperator() const {
        if (cursor_.IsKeyword("OR")) return OperatorWord{"OR", BinaryOperator::kOr, 1};
        if (cursor_.IsKeyword("AND")) return OperatorWord{"AND", BinaryOperator::kAnd, 2};
        if (cursor_.Peek().kind != TokenKind::kSymbol) return std::nullopt;
        for (const OperatorWord& word : kOperators) {
            if (cursor_.Peek().value == word.symbol) return word;
        }
        return std::nullopt;
    }

    // What other dialects have here and this one has not.
    Parsed<void> Refuse() const {
        for (std::string_view word : {"LIKE", "BETWEEN", "IS", "RLIKE"}) {
            if (cursor_.IsKeyword(word)) {
                return SyntaxFail(cursor_.Peek().at, std::string(word) + " is not part of AWS IoT SQL");
            }
        }
        if (cursor_.IsSymbol("||")) {
            return SyntaxFail(cursor_.Peek().at, "'||' is not part of AWS IoT SQL: concatenate with '+'");
        }
        return {};
    }

    Parsed<ExpressionPtr> In(ExpressionPtr value) {
        Position at = cursor_.Peek().at;
        InList in;
        in.negated = cursor_.AcceptKeyword("NOT");
        cursor_.Next();
        in.value = std::move(value);
        if (cursor_.IsSymbol("(") && !cursor_.IsKeyword("SELECT", 1)) {
            cursor_.Next();
            auto items = List(")");
            if (!items) return std::unexpected(items.error());
            in.items = std::move(*items);
            return MakeExpression(at, std::move(in));
        }
        // IN an array of the document, of a literal or of a nested query.
        auto array = Expression_(kComparison);
        if (!array) return array;
        std::vector<ExpressionPtr> arguments;
        arguments.push_back(std::move(in.value));
        arguments.push_back(std::move(*array));
        auto contains = MakeExpression(
            at, FunctionCall{{{"#contains", false}}, std::move(arguments), false, {}, nullptr, {}, {}});
        if (!in.negated) return contains;
        return MakeExpression(at, Unary{UnaryOperator::kNot, std::move(contains)});
    }

    Parsed<ExpressionPtr> Prefix(int weakest) {
        Position at = cursor_.Peek().at;
        if (cursor_.IsKeyword("NOT")) {
            cursor_.Next();
            auto operand = Expression_(std::max(weakest, 3));
            if (!operand) return operand;
            return MakeExpression(at, Unary{UnaryOperator::kNot, std::move(*operand)});
        }
        if (cursor_.IsSymbol("-") || cursor_.IsSymbol("+")) {
            bool minus = cursor_.Next().value == "-";
            auto operand = Expression_(7);
            if (!operand || !minus) return operand;
            return MakeExpression(at, Unary{UnaryOperator::kMinus, std::move(*operand)});
        }
        auto primary = Primary();
        if (!primary) return primary;
        return Suffixes(std::move(*primary));
    }

    Parsed<ExpressionPtr> Suffixes(ExpressionPtr base) {
        for (int count = 0;; ++count) {
            if (count > 200) return SyntaxFail(cursor_.Peek().at, "the path is too long");
            Position at = cursor_.Peek().at;
            if (cursor_.AcceptSymbol(".")) {
                const Token& name = cursor_.Peek();
                if (name.kind != TokenKind::kIdentifier && name.kind != TokenKind::kQuotedIdentifier) {
                    return std::unexpected(cursor_.Unexpected("a field name"));
                }
                Identifier field{cursor_.Next().value, name.kind == TokenKind::kQuotedIdentifier};
                if (auto* reference = std::get_if<NameReference>(&base->node)) {
                    reference->parts.push_back(std::move(field));
                } else {
                    base = MakeExpression(at, MemberAccess{std::move(base), std::move(field)});
                }
            } else if (cursor_.AcceptSymbol("[")) {
                auto index = Expression_(0);
                if (!index) return index;
                if (auto close = cursor_.ExpectSymbol("]"); !close) return std::unexpected(close.error());
                base = MakeExpression(at, ElementAccess{std::move(base), std::move(*index)});
            } else {
                return base;
            }
        }
    }

    Parsed<ExpressionPtr> Primary() {
        const Token& token = cursor_.Peek();
        switch (token.kind) {
            case TokenKind::kString:
                return Leaf(Literal{LiteralKind::kString, token.value, {}});
            case TokenKind::kInteger:
                return Leaf(Literal{LiteralKind::kInteger, token.value, {}});
            case TokenKind::kDecimal:
                return Leaf(Literal{LiteralKind::kDecimal, token.value, {}});
            case TokenKind::kDouble:
                return Leaf(Literal{LiteralKind::kDouble, token.value, {}});
            case TokenKind::kQuotedIdentifier:
                return Leaf(NameReference{{{token.value, true}}});
            case TokenKind::kIdentifier: return Word();
            case TokenKind::kSymbol: return Bracketed();
            case TokenKind::kEnd: break;
        }
        return std::unexpected(cursor_.Unexpected("an expression"));
    }

    template <class Node>
    Parsed<ExpressionPtr> Leaf(Node node) {
        Position at = cursor_.Next().at;
        return MakeExpression(at, std::move(node));
    }

    Parsed<ExpressionPtr> Word() {
        const Token& token = cursor_.Peek();
        if (cursor_.IsKeyword("NULL")) return Leaf(Literal{LiteralKind::kNull, {}, {}});
        if (cursor_.IsKeyword("TRUE")) return Leaf(Literal{LiteralKind::kBoolean, "true", {}});
        if (cursor_.IsKeyword("FALSE")) return Leaf(Literal{LiteralKind::kBoolean, "false", {}});
        if (cursor_.IsKeyword("CASE")) return CaseExpression();
        if (cursor_.IsKeyword("CAST") && cursor_.IsSymbol("(", 1)) return CastExpression();
        if (cursor_.IsKeyword("EXISTS") && cursor_.IsSymbol("(", 1)) {
            Position at = cursor_.Next().at;
            cursor_.Next();
            return Nested(at, true);
        }
        if (IsReserved(token)) return std::unexpected(cursor_.Unexpected("an expression"));
        if (cursor_.IsSymbol("(", 1)) {
            Position at = token.at;
            Identifier name{cursor_.Next().value, false};
            cursor_.Next();
            auto arguments = List(")");
            if (!arguments) return std::unexpected(arguments.error());
            return MakeExpression(
                at, FunctionCall{{std::move(name)}, std::move(*arguments), false, {}, nullptr, {}, {}});
        }
        return Leaf(NameReference{{{token.value, false}}});
    }

    Parsed<ExpressionPtr> Bracketed() {
        Position at = cursor_.Peek().at;
        if (cursor_.AcceptSymbol("(")) {
            if (cursor_.IsKeyword("SELECT")) return Nested(at, false);
            auto inner = Expression_(0);
            if (!inner) return inner;
            if (auto close = cursor_.ExpectSymbol(")"); !close) return std::unexpected(close.error());
            return inner;
        }
        if (cursor_.AcceptSymbol("[")) {
            auto items = List("]");
            if (!items) return std::unexpected(items.error());
            return MakeExpression(at, ArrayLiteral{std::move(*items)});
        }
        if (cursor_.AcceptSymbol("{")) return Object(at);
        if (cursor_.IsSymbol("@")) return VariableReference();
        return std::unexpected(cursor_.Unexpected("an expression"));
    }

    // Behind "(" with SELECT next.
    Parsed<ExpressionPtr> Nested(Position at, bool exists) {
        auto query = std::make_shared<DocumentQuery>();
        if (auto items = SelectItems(*query); !items) return std::unexpected(items.error());
        if (auto from = cursor_.ExpectKeyword("FROM"); !from) return std::unexpected(from.error());
        auto from = Expression_(0);
        if (!from) return from;
        query->from = std::move(*from);
        if (auto where = Where(*query); !where) return std::unexpected(where.error());
        if (auto close = cursor_.ExpectSymbol(")"); !close) return std::unexpected(close.error());
        return MakeExpression(at, NestedQuery{std::move(query), exists});
    }

    Parsed<ExpressionPtr> Object(Position at) {
        ObjectLiteral object;
        if (cursor_.AcceptSymbol("}")) return MakeExpression(at, std::move(object));
        do {
            const Token& key = cursor_.Peek();
            if (key.kind != TokenKind::kString) return std::unexpected(cursor_.Unexpected("a string as key"));
            std::string name = cursor_.Next().value;
            if (auto colon = cursor_.ExpectSymbol(":"); !colon) return std::unexpected(colon.error());
            auto value = Expression_(0);
            if (!value) return value;
            object.members.emplace_back(std::move(name), std::move(*value));
        } while (cursor_.AcceptSymbol(","));
        if (auto close = cursor_.ExpectSymbol("}"); !close) return std::unexpected(close.error());
        return MakeExpression(at, std::move(object));
    }

    Parsed<std::vector<ExpressionPtr>> List(std::string_view close) {
        std::vector<ExpressionPtr> items;
        if (cursor_.AcceptSymbol(close)) return items;
        do {
            if (items.size() >= 1000) return SyntaxFail(cursor_.Peek().at, "the list is too long");
            if (cursor_.IsSymbol("*")) {
                items.push_back(MakeExpression(cursor_.Next().at, Star{}));
                continue;
            }
            auto item = Expression_(0);
            if (!item) return std::unexpected(item.error());
            items.push_back(std::move(*item));
        } while (cursor_.AcceptSymbol(","));
        if (auto closed = cursor_.ExpectSymbol(close); !closed) return std::unexpected(closed.error());
        return items;
    }

    Parsed<ExpressionPtr> CaseExpression() {
        Position at = cursor_.Next().at;
        Case result;
        if (!cursor_.IsKeyword("WHEN")) {
            auto operand = Expression_(0);
            if (!operand) return operand;
            result.operand = std::move(*operand);
        }
        do {
            if (auto when = cursor_.ExpectKeyword("WHEN"); !when) return std::unexpected(when.error());
            auto when = Expression_(0);
            if (!when) return when;
            if (auto then = cursor_.ExpectKeyword("THEN"); !then) return std::unexpected(then.error());
            auto then = Expression_(0);
            if (!then) return then;
            result.branches.push_back({std::move(*when), std::move(*then)});
        } while (cursor_.IsKeyword("WHEN"));
        if (cursor_.AcceptKeyword("ELSE")) {
            auto otherwise = Expression_(0);
            if (!otherwise) return otherwise;
            result.otherwise = std::move(*otherwise);
        }
        if (auto end = cursor_.ExpectKeyword("END"); !end) return std::unexpected(end.error());
        return MakeExpression(at, std::move(result));
    }

    Parsed<ExpressionPtr> CastExpression() {
        Position at = cursor_.Next().at;
        cursor_.Next();
        Cast cast;
        if (cursor_.IsSymbol("*")) {
            cast.value = MakeExpression(cursor_.Next().at, Star{});
        } else {
            auto value = Expression_(0);
            if (!value) return value;
            cast.value = std::move(*value);
        }
        if (auto as = cursor_.ExpectKeyword("AS"); !as) return std::unexpected(as.error());
        const Token& type = cursor_.Peek();
        if (type.kind != TokenKind::kIdentifier) return std::unexpected(cursor_.Unexpected("a type"));
        for (char c : cursor_.Next().value) {
            cast.type.name.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
        }
        if (auto close = cursor_.ExpectSymbol(")"); !close) return std::unexpected(close.error());
        return MakeExpression(at, std::move(cast));
    }

    // Where the token before the cursor ends, for an item's own text.
    size_t LastTokenEnd() const {
        size_t end = cursor_.Peek().begin;
        while (end > 0 && (source_[end - 1] == ' ' || source_[end - 1] == '\n' || source_[end - 1] == '\t' ||
                           source_[end - 1] == '\r')) {
            --end;
        }
        return end;
    }

    std::string_view source_;
    TokenCursor cursor_;
    int depth_ = 0;
    size_t variables_ = 0;
};

LexerOptions Options() {
    LexerOptions options;
    options.double_quotes_are_strings = true;
    options.backquoted_identifiers = true;
    options.backslash_escapes = true;
    options.max_bytes = kMaxStatementBytes;
    return options;
}

}  // namespace

Parsed<RuleText> ParseRule(std::string_view text) {
    auto tokens = Tokenize(text, Options());
    if (!tokens) return std::unexpected(tokens.error());
    return Parser(text, *tokens).Rule();
}

Parsed<ExpressionPtr> ParseExpression(std::string_view text) {
    auto tokens = Tokenize(text, Options());
    if (!tokens) return std::unexpected(tokens.error());
    return Parser(text, *tokens).OnlyExpression();
}

}  // namespace wellhead::sql::iot
