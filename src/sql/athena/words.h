#pragma once
// Small words about words: case, quotes, what is a name.

#include <string>
#include <string_view>

#include "sql/lexer.h"

namespace wellhead::sql::athena {

inline std::string Lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return out;
}

// Between quotes, those within doubled.
inline std::string Quoted(std::string_view text, char quote) {
    std::string out(1, quote);
    for (const char c : text) {
        if (c == quote) out += quote;
        out += c;
    }
    return out + quote;
}

inline bool IsName(const Token& token) {
    return token.kind == TokenKind::kIdentifier || token.kind == TokenKind::kQuotedIdentifier;
}

}  // namespace wellhead::sql::athena
