#include "server/result_table.h"

#include <gtest/gtest.h>

#include "server/options.h"

namespace wellhead::server {
namespace {

TEST(ResultTable, ColumnsAreAligned) {
    std::vector<Cells> rows = {{"well-01", "1.5"}, {"wéll", "100"}, {std::nullopt, ""}};
    ResultTable table({{"well", false}, {"avg", true}}, rows);
    std::string text = table.Header();
    for (const auto& row : rows) text += table.Line(row);
    EXPECT_EQ(text,
              " well    | avg\n"
              "---------+-----\n"
              " well-01 | 1.5\n"
              " wéll    | 100\n"
              " NULL    |    \n");
}

TEST(ResultTable, WhatATerminalWouldActOnIsShown) {
    ResultTable table({{"a", false}}, {});
    EXPECT_EQ(table.Line({std::string("x\x1b[2Jy\nz")}), " x\\x1b[2Jy\\nz\n");
}

TEST(ResultTable, CsvQuotesWhatNeedsIt) {
    EXPECT_EQ(CsvLine({"a", "b,c", "d\"e", std::nullopt, "", "f\ng"}), "a,\"b,c\",\"d\"\"e\",,\"\",\"f\ng\"\r\n");
}

TEST(Options, DurationsAreRead) {
    using namespace std::chrono_literals;
    EXPECT_EQ(ParseDuration("250ms"), 250ms);
    EXPECT_EQ(ParseDuration("1.5s"), 1500ms);
    EXPECT_EQ(ParseDuration("10"), 10s);
    EXPECT_EQ(ParseDuration("2m"), 2min);
    EXPECT_EQ(ParseDuration("1h"), 1h);
    for (const char* bad : {"", "s", "-1s", "1d", "nan", "inf", "25h", "1 s", "1e300h"}) {
        EXPECT_FALSE(ParseDuration(bad)) << bad;
    }
}

}  // namespace
}  // namespace wellhead::server
