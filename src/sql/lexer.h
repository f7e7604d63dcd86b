#pragma once
// The words of SQL, for every dialect: identifiers, strings, numbers, symbols, each with its place in the text.

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace wellhead::sql {

// 1-based; a column counts code points, as clients show them.
struct Position {
    int line = 1;
    int column = 1;
    friend bool operator==(const Position&, const Position&) = default;
};

// What is wrong with a text and where. Message without the position, for each dialect to phrase.
struct [[nodiscard]] SyntaxError {
    Position at;
    std::string message;
};

template <class T>
using Parsed = std::expected<T, SyntaxError>;

inline std::unexpected<SyntaxError> SyntaxFail(Position at, std::string message) {
    return std::unexpected(SyntaxError{at, std::move(message)});
}

enum class TokenKind {
    kIdentifier,        // value as written; keywords are identifiers until a parser asks
    kQuotedIdentifier,  // value without quotes, doubled quotes undone
    kString,            // value without quotes, escapes undone
    kInteger,           // 12
    kDecimal,           // 1.5 .5 5.
    kDouble,            // 1e5 1.5E-3
    kSymbol,            // ( ) , . ; + - * / % || = <> != < <= > >= [ ] { } : :: -> => ? | & ^ ~ @ $
    kEnd,
};

struct Token {
    TokenKind kind = TokenKind::kEnd;
    std::string value;
    Position at;
    // [begin, end) in the source text.
    size_t begin = 0;
    size_t end = 0;
};

struct LexerOptions {
    bool double_quotes_are_strings = false;  // IoT SQL; otherwise "x" is a quoted identifier
    bool backquoted_identifiers = false;     // Hive DDL, Flink SQL
    bool backslash_escapes = false;          // in strings: \' \" \\ \n \t \r \uXXXX
    size_t max_bytes = size_t{1} << 20;
};

// All tokens, the last one kEnd. Comments (-- to the end of the line, /* nested */) are skipped. Linear time.
Parsed<std::vector<Token>> Tokenize(std::string_view source, const LexerOptions& options);

// ASCII without regard to case, as SQL's keywords compare.
bool EqualsKeyword(std::string_view text, std::string_view keyword);

// A reading head over tokens; keywords match unquoted identifiers only.
class TokenCursor {
  public:
    // tokens end with kEnd and outlive the cursor.
    explicit TokenCursor(const std::vector<Token>& tokens) : tokens_(&tokens) {}

    const Token& Peek(size_t ahead = 0) const;
    const Token& Next();
    bool AtEnd() const { return Peek().kind == TokenKind::kEnd; }
    bool IsKeyword(std::string_view keyword, size_t ahead = 0) const;
    bool IsSymbol(std::string_view symbol, size_t ahead = 0) const;
    bool AcceptKeyword(std::string_view keyword);
    bool AcceptSymbol(std::string_view symbol);
    Parsed<void> ExpectKeyword(std::string_view keyword);
    Parsed<void> ExpectSymbol(std::string_view symbol);
    // "unexpected 'x', expected WHAT" at the next token.
    SyntaxError Unexpected(std::string_view expected) const;

    size_t mark() const { return next_; }
    void Rewind(size_t mark) { next_ = mark; }

  private:
    const std::vector<Token>* tokens_;
    size_t next_ = 0;
};

}  // namespace wellhead::sql
