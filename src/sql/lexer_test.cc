#include "sql/lexer.h"

#include <gtest/gtest.h>

#include <random>

namespace wellhead::sql {
namespace {

std::vector<std::string> Values(std::string_view source, LexerOptions options = {}) {
    auto tokens = Tokenize(source, options);
    if (!tokens) return {"error: " + tokens.error().message};
    std::vector<std::string> values;
    for (const Token& token : *tokens) values.push_back(token.value);
    values.pop_back();
    return values;
}

TEST(Lexer, SplitsNamesNumbersAndSymbols) {
    EXPECT_EQ(Values("SELECT a.b, 1.5e3>=.5 <>x||y"),
              (std::vector<std::string>{"SELECT", "a", ".", "b", ",", "1.5e3", ">=", ".5", "<>", "x", "||",
                                        "y"}));
}

TEST(Lexer, UndoesDoubledQuotes) {
    EXPECT_EQ(Values("'it''s' \"a\"\"b\""), (std::vector<std::string>{"it's", "a\"b"}));
}

TEST(Lexer, TakesDoubleQuotesAsStringsOnlyWhenAsked) {
    auto plain = Tokenize("\"a\"", {});
    EXPECT_EQ((*plain)[0].kind, TokenKind::kQuotedIdentifier);
    LexerOptions options;
    options.double_quotes_are_strings = true;
    auto strings = Tokenize("\"a\"", options);
    EXPECT_EQ((*strings)[0].kind, TokenKind::kString);
}

TEST(Lexer, ReportsTheLineAndColumnOfEachToken) {
    auto tokens = Tokenize("SELECT *\n  FROM 'é' x", {});
    ASSERT_TRUE(tokens);
    EXPECT_EQ((*tokens)[2].at, (Position{2, 3}));
    EXPECT_EQ((*tokens)[4].at, (Position{2, 12}));
}

TEST(Lexer, SkipsCommentsAlsoNestedOnes) {
    EXPECT_EQ(Values("a -- b\n /* c /* d */ e */ f"), (std::vector<std::string>{"a", "f"}));
}

TEST(Lexer, RefusesUnterminatedStringsAtTheirStart) {
    auto tokens = Tokenize("a 'b", {});
    ASSERT_FALSE(tokens);
    EXPECT_EQ(tokens.error().at, (Position{1, 3}));
    EXPECT_EQ(tokens.error().message, "unterminated string");
}

TEST(Lexer, KeepsABackslashThatEscapesNothing) {
    LexerOptions options;
    options.backslash_escapes = true;
    EXPECT_EQ(Values(R"('a\d\'b\u00e9')", options), (std::vector<std::string>{"a\\d'bé"}));
}

TEST(Lexer, ReadsAnIndexAfterADotAsTwoTokens) {
    EXPECT_EQ(Values("a[0].b"), (std::vector<std::string>{"a", "[", "0", "]", ".", "b"}));
}

TEST(Lexer, EndsOnRandomBytes) {
    std::mt19937 random(7);
    const std::string alphabet = "aZ09 '\"`.-/*\\u\n(){}<>=|\xc3\xa9\x00$";
    for (int round = 0; round < 5000; ++round) {
        std::string text;
        for (size_t i = random() % 40; i > 0; --i) text += alphabet[random() % alphabet.size()];
        LexerOptions options;
        options.backslash_escapes = round % 2 == 0;
        options.backquoted_identifiers = round % 3 == 0;
        auto tokens = Tokenize(text, options);
        if (tokens) {
            EXPECT_EQ(tokens->back().kind, TokenKind::kEnd);
        }
    }
}

TEST(TokenCursor, MatchesKeywordsWithoutRegardToCaseButNotQuotedOnes) {
    auto tokens = Tokenize("select \"select\"", {});
    TokenCursor cursor(*tokens);
    EXPECT_TRUE(cursor.AcceptKeyword("SELECT"));
    EXPECT_FALSE(cursor.IsKeyword("SELECT"));
    EXPECT_EQ(cursor.Unexpected("FROM").message, "unexpected 'select', expected FROM");
}

}  // namespace
}  // namespace wellhead::sql
