#include "sql/partition_filter.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "sql/lexer.h"

namespace wellhead::sql {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;

constexpr int kMaxDepth = 64;
constexpr std::string_view kNullPartition = "__HIVE_DEFAULT_PARTITION__";

bool IsNumeric(std::string_view type) {
    return type == "int" || type == "integer" || type == "bigint" || type == "smallint" || type == "tinyint" ||
           type == "double" || type == "float" || type.starts_with("decimal");
}

// -1, 0, 1; nothing when the two cannot be compared.
std::optional<int> Compare(const std::string& left, const std::string& right, bool numeric) {
    if (!numeric) return left < right ? -1 : left == right ? 0 : 1;
    const auto number = [](const std::string& text) -> std::optional<double> {
        double value = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
        return value;
    };
    const auto a = number(left);
    const auto b = number(right);
    if (!a || !b) return std::nullopt;
    return *a < *b ? -1 : *a == *b ? 0 : 1;
}

// % and _; linear but for backtracking to the last %.
bool Like(std::string_view text, std::string_view pattern) {
    size_t t = 0;
    size_t p = 0;
    size_t star = std::string_view::npos;
    size_t resume = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '%') {
            star = p++;
            resume = t;
        } else if (p < pattern.size() && (pattern[p] == '_' || pattern[p] == text[t])) {
            ++p;
            ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++resume;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '%') ++p;
    return p == pattern.size();
}

class Parser {
  public:
    Parser(const std::vector<Token>& tokens, std::vector<PartitionKeyType> keys)
        : cursor_(tokens), keys_(std::move(keys)) {}

    Result<PartitionFilter> Whole() {
        ASSIGN_OR_RETURN(PartitionFilter filter, Or(0));
        if (!cursor_.AtEnd()) return Wrong("the end");
        return filter;
    }

  private:
    std::unexpected<base::Error> Wrong(std::string_view expected) const {
        const SyntaxError error = cursor_.Unexpected(expected);
        return Fail(ErrorCode::kInvalidArgument,
                    fmt::format("line {}:{}: {}", error.at.line, error.at.column, error.message));
    }

    Result<PartitionFilter> Or(int depth) {
        if (depth > kMaxDepth) return Fail(ErrorCode::kInvalidArgument, "the expression nests too deep");
        ASSIGN_OR_RETURN(PartitionFilter filter, And(depth));
        while (cursor_.AcceptKeyword("or")) {
            ASSIGN_OR_RETURN(PartitionFilter right, And(depth));
            filter = [left = std::move(filter), right = std::move(right)](const auto& v) { return left(v) || right(v); };
        }
        return filter;
    }

    Result<PartitionFilter> And(int depth) {
        ASSIGN_OR_RETURN(PartitionFilter filter, Not(depth));
        while (cursor_.AcceptKeyword("and")) {
            ASSIGN_OR_RETURN(PartitionFilter right, Not(depth));
            filter = [left = std::move(filter), right = std::move(right)](const auto& v) { return left(v) && right(v); };
        }
        return filter;
    }

    Result<PartitionFilter> Not(int depth) {
        if (cursor_.AcceptKeyword("not")) {
            if (depth > kMaxDepth) return Fail(ErrorCode::kInvalidArgument, "the expression nests too deep");
            ASSIGN_OR_RETURN(PartitionFilter inner, Not(depth + 1));
            return PartitionFilter([inner = std::move(inner)](const auto& v) { return !inner(v); });
        }
        if (cursor_.AcceptSymbol("(")) {
            ASSIGN_OR_RETURN(PartitionFilter inner, Or(depth + 1));
            if (!cursor_.AcceptSymbol(")")) return Wrong("')'");
            return inner;
        }
        return Predicate();
    }

    Result<std::string> Literal() {
        if (cursor_.IsKeyword("date") || cursor_.IsKeyword("timestamp")) {
            if (cursor_.Peek(1).kind == TokenKind::kString) cursor_.Next();
        }
        const bool negative = cursor_.AcceptSymbol("-");
        const Token& token = cursor_.Peek();
        const bool number = token.kind == TokenKind::kInteger || token.kind == TokenKind::kDecimal || token.kind == TokenKind::kDouble;
        if (!number && (token.kind != TokenKind::kString || negative)) return Wrong("a value");
        cursor_.Next();
        return (negative ? "-" : "") + token.value;
    }

    Result<size_t> KeyIndex() {
        const Token& token = cursor_.Peek();
        if (token.kind != TokenKind::kIdentifier && token.kind != TokenKind::kQuotedIdentifier) return Wrong("a partition key");
        for (size_t i = 0; i < keys_.size(); ++i) {
            if (EqualsKeyword(token.value, keys_[i].name)) {
                cursor_.Next();
                return i;
            }
        }
        return Fail(ErrorCode::kInvalidArgument, fmt::format("'{}' is not a partition key", token.value));
    }

    PartitionFilter Comparison(size_t key, std::string value, std::function<bool(int)> accept) const {
        const bool numeric = IsNumeric(keys_[key].type);
        return [key, numeric, value = std::move(value), accept = std::move(accept)](const auto& v) {
            if (key >= v.size() || v[key] == kNullPartition) return false;
            const std::optional<int> order = Compare(v[key], value, numeric);
            return order && accept(*order);
        };
    }

    Result<PartitionFilter> Negatable(size_t key) {
        if (cursor_.AcceptKeyword("between")) {
            ASSIGN_OR_RETURN(std::string low, Literal());
            if (!cursor_.AcceptKeyword("and")) return Wrong("AND");
            ASSIGN_OR_RETURN(std::string high, Literal());
            return PartitionFilter([from = Comparison(key, std::move(low), [](int o) { return o >= 0; }),
                                    to = Comparison(key, std::move(high), [](int o) { return o <= 0; })](
                                       const auto& v) { return from(v) && to(v); });
        }
        if (cursor_.AcceptKeyword("like")) {
            ASSIGN_OR_RETURN(std::string pattern, Literal());
            return PartitionFilter([key, pattern = std::move(pattern)](const auto& v) {
                return key < v.size() && v[key] != kNullPartition && Like(v[key], pattern);
            });
        }
        if (!cursor_.AcceptKeyword("in")) return Wrong("an operator");
        if (!cursor_.AcceptSymbol("(")) return Wrong("'('");
        std::vector<PartitionFilter> any;
        do {
            ASSIGN_OR_RETURN(std::string value, Literal());
            any.push_back(Comparison(key, std::move(value), [](int o) { return o == 0; }));
        } while (cursor_.AcceptSymbol(","));
        if (!cursor_.AcceptSymbol(")")) return Wrong("')'");
        return PartitionFilter([any = std::move(any)](const auto& v) {
            return std::any_of(any.begin(), any.end(), [&](const auto& one) { return one(v); });
        });
    }

    Result<PartitionFilter> Predicate() {
        ASSIGN_OR_RETURN(const size_t key, KeyIndex());
        struct Operator {
            std::string_view symbol;
            bool (*accept)(int);
        };
        static constexpr Operator kOperators[] = {
            {"=", [](int o) { return o == 0; }},  {"<>", [](int o) { return o != 0; }}, {"!=", [](int o) { return o != 0; }},
            {"<=", [](int o) { return o <= 0; }}, {">=", [](int o) { return o >= 0; }}, {"<", [](int o) { return o < 0; }},
            {">", [](int o) { return o > 0; }},
        };
        for (const Operator& op : kOperators) {
            if (!cursor_.AcceptSymbol(op.symbol)) continue;
            ASSIGN_OR_RETURN(std::string value, Literal());
            return Comparison(key, std::move(value), op.accept);
        }
        if (cursor_.AcceptKeyword("is")) {
            const bool negated = cursor_.AcceptKeyword("not");
            if (!cursor_.AcceptKeyword("null")) return Wrong("NULL");
            return PartitionFilter([key, negated](const auto& v) {
                return (key >= v.size() || v[key] == kNullPartition) != negated;
            });
        }
        const bool negated = cursor_.AcceptKeyword("not");
        ASSIGN_OR_RETURN(PartitionFilter filter, Negatable(key));
        if (!negated) return filter;
        return PartitionFilter([filter = std::move(filter)](const auto& v) { return !filter(v); });
    }

    TokenCursor cursor_;
    std::vector<PartitionKeyType> keys_;
};

}  // namespace

Result<PartitionFilter> ParsePartitionFilter(const std::string& expression, std::vector<PartitionKeyType> keys) {
    LexerOptions options;
    options.backquoted_identifiers = true;
    options.max_bytes = 64 * 1024;
    const auto tokens = Tokenize(expression, options);
    if (!tokens) {
        return Fail(ErrorCode::kInvalidArgument, fmt::format("line {}:{}: {}", tokens.error().at.line,
                                                             tokens.error().at.column, tokens.error().message));
    }
    if (tokens->front().kind == TokenKind::kEnd) return PartitionFilter([](const auto&) { return true; });
    return Parser(*tokens, std::move(keys)).Whole();
}

}  // namespace wellhead::sql
