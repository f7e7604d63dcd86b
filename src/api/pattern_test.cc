#include "api/pattern.h"

#include <gtest/gtest.h>

namespace wellhead::api {
namespace {

constinit Pattern graph("[\\p{Graph}\\x20]*");
constinit Pattern surrogates("[\\u0020-\\uD7FF\\uE000-\\uFFFD\\uD800\\uDC00-\\uDBFF\\uDFFF\\t]*");
constinit Pattern name("[a-zA-Z0-9:_-]+");

TEST(Pattern, MatchesTheWholeText) {
    EXPECT_TRUE(name.Matches("well-07"));
    EXPECT_FALSE(name.Matches("well 07"));
    EXPECT_FALSE(name.Matches("well-07\n"));
}

TEST(Pattern, KnowsJavasNamesOfClasses) {
    EXPECT_EQ(JavaPatternToPcre("[\\p{Graph}\\x20]*"), "[[:graph:]\\x20]*");
    EXPECT_EQ(JavaPatternToPcre("\\p{Alnum}+\\P{Space}"), "[[:alnum:]]+[[:^space:]]");
    EXPECT_EQ(JavaPatternToPcre("\\p{L}\\p{IsGreek}"), "\\p{L}\\p{IsGreek}");
    EXPECT_TRUE(graph.Compile());
    EXPECT_TRUE(graph.Matches("a description"));
    EXPECT_FALSE(graph.Matches("two\nlines"));
}

TEST(Pattern, KnowsSurrogatePairs) {
    EXPECT_TRUE(surrogates.Compile());
    EXPECT_TRUE(surrogates.Matches("caf\xc3\xa9 \xf0\x9f\x9b\xa2"));
    EXPECT_FALSE(surrogates.Matches(std::string_view("\x01", 1)));
}

}  // namespace
}  // namespace wellhead::api
