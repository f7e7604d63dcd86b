#include "sql/athena/predicates.h"

#include <algorithm>
#include <optional>

#include "sql/athena/translation.h"
#include "sql/athena/words.h"

namespace wellhead::sql::athena {
namespace {

constexpr int kMaxDepth = 40;

bool IsWord(const Token& token, std::string_view word) { return token.kind == TokenKind::kIdentifier && EqualsKeyword(token.value, word); }
bool IsMark(const Token& token, std::string_view symbol) { return token.kind == TokenKind::kSymbol && token.value == symbol; }

bool EndsClause(const Token& token) {
    static constexpr std::string_view kWords[] = {"group", "having", "order", "limit", "offset", "fetch", "union", "intersect", "except", "window"};
    return token.kind == TokenKind::kEnd || IsMark(token, ";") ||
           std::any_of(std::begin(kWords), std::end(kWords), [&](std::string_view word) { return IsWord(token, word); });
}

struct Literal {
    std::string text;
    bool number = false;
    std::string raw;  // without quotes
};

// One conjunct, tokens [begin, end), as an expression; or nothing.
class Conjunct {
  public:
    Conjunct(const std::vector<Token>& tokens, size_t begin, size_t end, const std::vector<std::string>& parameters, size_t parameter)
        : tokens_(tokens), at_(begin), end_(end), parameters_(parameters), parameter_(parameter) {}

    std::optional<WhereCondition> Parse() {
        auto text = Or(0);
        if (!text || at_ != end_ || found_.condition.columns.empty()) return std::nullopt;
        found_.condition.expression = std::move(*text);
        if (comparisons_ == 1) found_.condition.equal_to = std::move(equal_);
        return found_;
    }

  private:
    const Token& Peek(size_t ahead = 0) const { return at_ + ahead < end_ ? tokens_[at_ + ahead] : tokens_.back(); }
    bool AcceptWord(std::string_view word) { return at_ < end_ && IsWord(tokens_[at_], word) && ++at_ > 0; }
    bool AcceptMark(std::string_view symbol) { return at_ < end_ && IsMark(tokens_[at_], symbol) && ++at_ > 0; }

    std::optional<std::string> Or(int depth) {
        auto text = And(depth);
        while (text && AcceptWord("or")) {
            const auto right = And(depth);
            if (!right) return std::nullopt;
            *text += " OR " + *right;
        }
        return text;
    }
    std::optional<std::string> And(int depth) {
        auto text = Not(depth);
        while (text && AcceptWord("and")) {
            const auto right = Not(depth);
            if (!right) return std::nullopt;
            *text += " AND " + *right;
        }
        return text;
    }
    std::optional<std::string> Not(int depth) {
        if (depth > kMaxDepth) return std::nullopt;
        if (AcceptWord("not")) {
            ++comparisons_;  // so that it is not one alone
            const auto inner = Not(depth + 1);
            return inner ? std::optional("NOT " + *inner) : std::nullopt;
        }
        if (AcceptMark("(")) {
            const auto inner = Or(depth + 1);
            if (!inner || !AcceptMark(")")) return std::nullopt;
            return "(" + *inner + ")";
        }
        return Comparison();
    }

    std::optional<std::string> Column() {
        if (!IsName(Peek()) || IsMark(Peek(1), "(") || Peek(1).kind == TokenKind::kString) return std::nullopt;
        std::string qualifier;
        if (IsMark(Peek(1), ".")) {
            qualifier = Lower(Peek().value);
            at_ += 2;
            if (!IsName(Peek()) || IsMark(Peek(1), ".") || IsMark(Peek(1), "(")) return std::nullopt;
        }
        if (!found_.condition.columns.empty() && qualifier != found_.qualifier) return std::nullopt;
        found_.qualifier = qualifier;
        column_ = Lower(tokens_[at_++].value);
        return Quoted(column_, '"');
    }

    std::optional<Literal> Value() {
        if (AcceptMark("?")) {
            if (parameter_ >= parameters_.size()) return std::nullopt;
            const auto tokens = Tokenize(parameters_[parameter_++], AthenaLexer());
            if (!tokens) return std::nullopt;
            Conjunct inner(*tokens, 0, tokens->size() - 1, parameters_, parameters_.size());
            auto value = inner.Value();
            return value && inner.at_ == inner.end_ ? value : std::nullopt;
        }
        if ((IsWord(Peek(), "date") || IsWord(Peek(), "timestamp")) && Peek(1).kind == TokenKind::kString) ++at_;
        const bool negative = AcceptMark("-");
        const Token& token = Peek();
        const bool number = token.kind == TokenKind::kInteger || token.kind == TokenKind::kDecimal || token.kind == TokenKind::kDouble;
        if (!number && (token.kind != TokenKind::kString || negative)) return std::nullopt;
        ++at_;
        const std::string raw = (negative ? "-" : "") + token.value;
        return Literal{number ? raw : Quoted(raw, '\''), number, raw};
    }

    std::optional<std::string> ColumnValue() {
        const auto value = Value();
        if (!value) return std::nullopt;
        found_.condition.columns.emplace_back(column_, value->number);
        last_ = value->raw;
        return value->text;
    }

    std::optional<std::string> Comparison() {
        ++comparisons_;
        equal_.clear();
        static constexpr std::string_view kOperators[] = {"=", "<>", "!=", "<=", ">=", "<", ">"};
        static constexpr std::string_view kMirrored[] = {"=", "<>", "!=", ">=", "<=", ">", "<"};
        auto column = Column();
        if (!column) {
            const auto value = Value();
            if (!value) return std::nullopt;
            for (size_t i = 0; i < std::size(kOperators); ++i) {
                if (!AcceptMark(kOperators[i])) continue;
                column = Column();
                if (!column) return std::nullopt;
                found_.condition.columns.emplace_back(column_, value->number);
                if (i == 0) equal_ = {value->raw};
                return *column + " " + std::string(kMirrored[i]) + " " + value->text;
            }
            return std::nullopt;
        }
        for (const std::string_view op : kOperators) {
            if (!AcceptMark(op)) continue;
            const auto value = ColumnValue();
            if (op == "=") equal_ = {last_};
            return value ? std::optional(*column + " " + std::string(op) + " " + *value) : std::nullopt;
        }
        const bool negated = AcceptWord("not");
        std::string text = *column + (negated ? " NOT" : "");
        if (AcceptWord("between")) {
            const auto low = ColumnValue();
            if (!low || !AcceptWord("and")) return std::nullopt;
            const auto high = ColumnValue();
            return high ? std::optional(text + " BETWEEN " + *low + " AND " + *high) : std::nullopt;
        }
        if (AcceptWord("like")) {
            const auto pattern = ColumnValue();
            return pattern && !IsWord(Peek(), "escape") ? std::optional(text + " LIKE " + *pattern) : std::nullopt;
        }
        if (!AcceptWord("in") || !AcceptMark("(")) return std::nullopt;
        text += " IN (";
        do {
            const auto value = ColumnValue();
            if (!value) return std::nullopt;
            text += (text.back() == '(' ? "" : ", ") + *value;
            if (!negated) equal_.push_back(last_);
        } while (AcceptMark(","));
        return AcceptMark(")") ? std::optional(text + ")") : std::nullopt;
    }

    const std::vector<Token>& tokens_;
    size_t at_;
    const size_t end_;
    const std::vector<std::string>& parameters_;
    size_t parameter_;
    std::string column_, last_;
    std::vector<std::string> equal_;
    int comparisons_ = 0;
    WhereCondition found_;
};

}  // namespace

std::vector<WhereCondition> WhereConditions(const std::vector<Token>& tokens, size_t begin, const std::vector<std::string>& parameters,
                                            size_t first_parameter) {
    struct Part {
        size_t begin, end, parameter;
    };
    std::vector<Part> parts = {{begin, begin, first_parameter}};
    bool alternatives = false;
    bool between = false;
    int depth = 0;
    size_t parameter = first_parameter;
    size_t at = begin;
    for (;; ++at) {
        const Token& token = tokens[at];
        if (depth == 0 && EndsClause(token)) break;
        if (token.kind == TokenKind::kEnd) break;
        if (IsMark(token, "(") || IsMark(token, "[") || IsWord(token, "case")) ++depth;
        if (IsMark(token, ")") || IsMark(token, "]") || IsWord(token, "end")) {
            if (depth == 0) break;
            --depth;
        }
        if (IsMark(token, "?")) ++parameter;
        if (depth > 0) continue;
        alternatives = alternatives || IsWord(token, "or");
        if (IsWord(token, "between")) {
            between = true;
        } else if (IsWord(token, "and") && between) {
            between = false;
        } else if (IsWord(token, "and")) {
            parts.back().end = at;
            parts.push_back({at + 1, at + 1, parameter});
        }
    }
    parts.back().end = at;
    if (alternatives) parts = {{begin, at, first_parameter}};
    std::vector<WhereCondition> conditions;
    for (const Part& part : parts) {
        if (auto condition = Conjunct(tokens, part.begin, part.end, parameters, part.parameter).Parse()) conditions.push_back(std::move(*condition));
    }
    return conditions;
}

}  // namespace wellhead::sql::athena
