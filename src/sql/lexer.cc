#include "sql/lexer.h"

#include <algorithm>
#include <array>

namespace wellhead::sql {

namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsIdentifierStart(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           static_cast<unsigned char>(c) >= 0x80;
}
bool IsIdentifierPart(char c) { return IsIdentifierStart(c) || IsDigit(c) || c == '$'; }
bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }

// Longest first.
constexpr std::array<std::string_view, 9> kLongSymbols = {"<>", "<=", ">=", "!=", "||", "::", "->",
                                                          "=>", ":="};
constexpr std::string_view kShortSymbols = "(),.;+-*/%=<>[]{}:?|&^~@$!#";

void AppendUtf8(std::string& out, uint32_t code) {
    if (code < 0x80) {
        out.push_back(static_cast<char>(code));
    } else if (code < 0x800) {
        out.push_back(static_cast<char>(0xc0 | (code >> 6)));
        out.push_back(static_cast<char>(0x80 | (code & 0x3f)));
    } else if (code < 0x10000) {
        out.push_back(static_cast<char>(0xe0 | (code >> 12)));
        out.push_back(static_cast<char>(0x80 | ((code >> 6) & 0x3f)));
        out.push_back(static_cast<char>(0x80 | (code & 0x3f)));
    } else {
        out.push_back(static_cast<char>(0xf0 | (code >> 18)));
        out.push_back(static_cast<char>(0x80 | ((code >> 12) & 0x3f)));
        out.push_back(static_cast<char>(0x80 | ((code >> 6) & 0x3f)));
        out.push_back(static_cast<char>(0x80 | (code & 0x3f)));
    }
}

class Scanner {
  public:
    Scanner(std::string_view source, const LexerOptions& options)
        : source_(source), options_(options) {}

    Parsed<std::vector<Token>> Run() {
        if (source_.size() > options_.max_bytes) return SyntaxFail({}, "the statement is too long");
        std::vector<Token> tokens;
        while (true) {
            if (auto skipped = SkipBlanks(); !skipped) return std::unexpected(skipped.error());
            Token token;
            token.at = at_;
            token.begin = offset_;
            if (AtEnd()) {
                token.end = offset_;
                tokens.push_back(std::move(token));
                return tokens;
            }
            if (auto scanned = ScanInto(token); !scanned) return std::unexpected(scanned.error());
            token.end = offset_;
            tokens.push_back(std::move(token));
        }
    }

  private:
    bool AtEnd() const { return offset_ >= source_.size(); }
    char Look(size_t ahead = 0) const {
        return offset_ + ahead < source_.size() ? source_[offset_ + ahead] : '\0';
    }
    void Advance() {
        char c = source_[offset_++];
        if (c == '\n') {
            ++at_.line;
            at_.column = 1;
        } else if ((static_cast<unsigned char>(c) & 0xc0) != 0x80) {
            ++at_.column;
        }
    }
    void Advance(size_t count) {
        while (count-- > 0) Advance();
    }

    Parsed<void> SkipBlanks() {
        while (!AtEnd()) {
            if (IsSpace(Look())) {
                Advance();
            } else if (Look() == '-' && Look(1) == '-') {
                while (!AtEnd() && Look() != '\n') Advance();
            } else if (Look() == '/' && Look(1) == '*') {
                Position start = at_;
                int depth = 0;
                do {
                    if (AtEnd()) return SyntaxFail(start, "unterminated comment");
                    if (Look() == '/' && Look(1) == '*') {
                        ++depth;
                        Advance(2);
                    } else if (Look() == '*' && Look(1) == '/') {
                        --depth;
                        Advance(2);
                    } else {
                        Advance();
                    }
                } while (depth > 0);
            } else {
                break;
            }
        }
        return {};
    }

    Parsed<void> ScanInto(Token& token) {
        char c = Look();
        if (c == '\'' || (c == '"' && options_.double_quotes_are_strings)) {
            token.kind = TokenKind::kString;
            return ScanQuoted(token, c, options_.backslash_escapes, "string");
        }
        if (c == '"' || (c == '`' && options_.backquoted_identifiers)) {
            token.kind = TokenKind::kQuotedIdentifier;
            return ScanQuoted(token, c, false, "quoted identifier");
        }
        if (IsDigit(c) || (c == '.' && IsDigit(Look(1)))) return ScanNumber(token);
        if (IsIdentifierStart(c)) {
            token.kind = TokenKind::kIdentifier;
            while (!AtEnd() && IsIdentifierPart(Look())) Advance();
            token.value = source_.substr(token.begin, offset_ - token.begin);
            return {};
        }
        token.kind = TokenKind::kSymbol;
        for (std::string_view symbol : kLongSymbols) {
            if (source_.substr(offset_, symbol.size()) == symbol) {
                token.value = symbol;
                Advance(symbol.size());
                return {};
            }
        }
        if (kShortSymbols.find(c) == std::string_view::npos || c == '\0') {
            return SyntaxFail(at_, "unexpected character");
        }
        token.value = c;
        Advance();
        return {};
    }

    Parsed<void> ScanQuoted(Token& token, char quote, bool escapes, std::string_view what) {
        Advance();
        while (true) {
            if (AtEnd()) return SyntaxFail(token.at, "unterminated " + std::string(what));
            char c = Look();
            if (c == quote) {
                if (Look(1) == quote) {
                    token.value.push_back(quote);
                    Advance(2);
                    continue;
                }
                Advance();
                return {};
            }
            if (escapes && c == '\\') {
                if (auto escaped = ScanEscape(token); !escaped) return escaped;
                continue;
            }
            token.value.push_back(c);
            Advance();
        }
    }

    Parsed<void> ScanEscape(Token& token) {
        Position start = at_;
        char c = Look(1);
        if (c == 'u') {
            uint32_t code = 0;
            for (size_t i = 2; i < 6; ++i) {
                char digit = Look(i);
                uint32_t value = IsDigit(digit)                  ? static_cast<uint32_t>(digit - '0')
                                 : digit >= 'a' && digit <= 'f' ? static_cast<uint32_t>(digit - 'a' + 10)
                                 : digit >= 'A' && digit <= 'F' ? static_cast<uint32_t>(digit - 'A' + 10)
                                                                : 16;
                if (value == 16) return SyntaxFail(start, "\\u needs four hexadecimal digits");
                code = code * 16 + value;
            }
            if (code >= 0xd800 && code < 0xe000) return SyntaxFail(start, "\\u names half a character");
            AppendUtf8(token.value, code);
            Advance(6);
            return {};
        }
        switch (c) {
            case 'n': token.value.push_back('\n'); break;
            case 't': token.value.push_back('\t'); break;
            case 'r': token.value.push_back('\r'); break;
            case '\'':
            case '"':
            case '\\': token.value.push_back(c); break;
            default:
                // A backslash before anything else is itself: regular expressions are written so.
                token.value.push_back('\\');
                Advance();
                return {};
        }
        Advance(2);
        return {};
    }

    Parsed<void> ScanNumber(Token& token) {
        token.kind = TokenKind::kInteger;
        while (IsDigit(Look())) Advance();
        if (Look() == '.' && (IsDigit(Look(1)) || !IsIdentifierStart(Look(1)))) {
            token.kind = TokenKind::kDecimal;
            Advance();
            while (IsDigit(Look())) Advance();
        }
        if (Look() == 'e' || Look() == 'E') {
            size_t sign = Look(1) == '+' || Look(1) == '-' ? 1 : 0;
            if (IsDigit(Look(1 + sign))) {
                token.kind = TokenKind::kDouble;
                Advance(1 + sign);
                while (IsDigit(Look())) Advance();
            }
        }
        if (!AtEnd() && IsIdentifierStart(Look())) return SyntaxFail(at_, "a number runs into a name");
        token.value = source_.substr(token.begin, offset_ - token.begin);
        return {};
    }

    std::string_view source_;
    const LexerOptions& options_;
    size_t offset_ = 0;
    Position at_;
};

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

Parsed<std::vector<Token>> Tokenize(std::string_view source, const LexerOptions& options) {
    return Scanner(source, options).Run();
}

bool EqualsKeyword(std::string_view text, std::string_view keyword) {
    return std::equal(text.begin(), text.end(), keyword.begin(), keyword.end(),
                      [](char a, char b) { return Lower(a) == Lower(b); });
}

const Token& TokenCursor::Peek(size_t ahead) const {
    return (*tokens_)[std::min(next_ + ahead, tokens_->size() - 1)];
}

const Token& TokenCursor::Next() {
    const Token& token = Peek();
    if (token.kind != TokenKind::kEnd) ++next_;
    return token;
}

bool TokenCursor::IsKeyword(std::string_view keyword, size_t ahead) const {
    const Token& token = Peek(ahead);
    return token.kind == TokenKind::kIdentifier && EqualsKeyword(token.value, keyword);
}

bool TokenCursor::IsSymbol(std::string_view symbol, size_t ahead) const {
    const Token& token = Peek(ahead);
    return token.kind == TokenKind::kSymbol && token.value == symbol;
}

bool TokenCursor::AcceptKeyword(std::string_view keyword) {
    if (!IsKeyword(keyword)) return false;
    Next();
    return true;
}

bool TokenCursor::AcceptSymbol(std::string_view symbol) {
    if (!IsSymbol(symbol)) return false;
    Next();
    return true;
}

Parsed<void> TokenCursor::ExpectKeyword(std::string_view keyword) {
    if (AcceptKeyword(keyword)) return {};
    return std::unexpected(Unexpected(keyword));
}

Parsed<void> TokenCursor::ExpectSymbol(std::string_view symbol) {
    if (AcceptSymbol(symbol)) return {};
    return std::unexpected(Unexpected("'" + std::string(symbol) + "'"));
}

SyntaxError TokenCursor::Unexpected(std::string_view expected) const {
    const Token& token = Peek();
    std::string found = token.kind == TokenKind::kEnd ? "end of the statement" : "'" + token.value + "'";
    return {token.at, "unexpected " + found + ", expected " + std::string(expected)};
}

}  // namespace wellhead::sql
