#include "sql/iot/decimal.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>

namespace wellhead::sql::iot {
namespace {

std::string Text(const std::optional<Decimal>& value) {
    if (!value) return "-";
    std::string out;
    AppendDecimal(*value, out);
    return out;
}
Decimal Of(std::string_view text) { return ParseDecimal(text).value(); }

TEST(Decimal, ReadsAndWritesItself) {
    const std::pair<std::string, std::string> cases[] = {
        {"0", "0"}, {"-0", "0"}, {"0.0", "0"}, {"10.0", "10"}, {"2.50", "2.5"}, {"-0.001", "-0.001"},
        {"0.000001", "0.000001"}, {"1e-7", "1E-7"}, {"1.25E-9", "1.25E-9"}, {"5E3", "5000"}, {"1e33", "1" + std::string(33, '0')},
        {"1e40", "1E+40"}, {"1.5e100", "1.5E+100"}, {"9.999e999", "9.999E+999"}, {"1e-999", "1E-999"}, {"1e-2000", "0"},
        {"1e1000", "-"}, {"1e99999999999", "-"}, {"0e99999999999", "0"},
        {"1234567890123456789012345678901234", "1234567890123456789012345678901234"},
        {"12345678901234567890123456789012345", "1.234567890123456789012345678901234E+34"},  // half to even
        {"12345678901234567890123456789012335", "1.234567890123456789012345678901234E+34"},
        {"99999999999999999999999999999999999", "1E+35"},
        {"0.12345678901234567890123456789012345678", "0.1234567890123456789012345678901235"},
        {"", "-"}, {"-", "-"}, {"1.", "-"}, {".5", "-"}, {"1e", "-"}, {"1x", "-"}, {"0x1", "-"}, {" 1", "-"},
    };
    for (const auto& [text, expected] : cases) EXPECT_EQ(Text(ParseDecimal(text)), expected) << text;
}

TEST(Decimal, CalculatesExactlyWhereDoublesDoNot) {
    EXPECT_EQ(Text(Add(Of("0.1"), Of("0.2"))), "0.3");
    EXPECT_EQ(Text(Subtract(Of("1"), Of("0.9"))), "0.1");
    EXPECT_EQ(Text(Multiply(Of("1.1"), Of("1.1"))), "1.21");
    EXPECT_EQ(Text(Divide(Of("1"), Of("3"))), "0." + std::string(34, '3'));
    EXPECT_EQ(Text(Divide(Of("2"), Of("3"))), "0." + std::string(33, '6') + "7");
    EXPECT_EQ(Text(Divide(Of("10"), Of("2.5"))), "4");
    EXPECT_EQ(Text(Divide(Of("1"), Of("0"))), "-");
    EXPECT_EQ(Text(Remainder(Of("5.3"), Of("2"))), "1.3");
    EXPECT_EQ(Text(Remainder(Of("-5.3"), Of("2"))), "-1.3");
    EXPECT_EQ(Text(Add(Of("1e33"), Of("1e-40"))), "1" + std::string(33, '0'));
    EXPECT_EQ(Text(Subtract(Of("1e33"), Of("0.1"))), std::string(33, '9') + ".9");
    EXPECT_EQ(Text(Multiply(Of("9999999999999999999999999999999999"), Of("9999999999999999999999999999999999"))),
              "9.999999999999999999999999999999998E+67");
    EXPECT_EQ(Text(Multiply(Of("1e600"), Of("1e600"))), "-");
    EXPECT_EQ(Text(Multiply(Of("1e-600"), Of("1e-600"))), "0");
}

TEST(Decimal, Compares) {
    const char* ascending[] = {"-1e500", "-3", "-2.5", "-1e-9", "0", "1e-999", "0.1", "0.10000000000000000000000001", "1", "1e33", "1e34", "1e500"};
    for (size_t i = 0; i < std::size(ascending); ++i) {
        for (size_t k = 0; k < std::size(ascending); ++k) {
            const int expected = i < k ? -1 : i > k ? 1 : 0;
            const int got = Compare(Of(ascending[i]), Of(ascending[k]));
            EXPECT_EQ(got < 0 ? -1 : got > 0 ? 1 : 0, expected) << ascending[i] << " " << ascending[k];
        }
    }
    EXPECT_EQ(Compare(Of("1e34"), Of("10e33")), 0);
}

TEST(Decimal, Rounds) {
    auto round = [](std::string_view text, int places, Rounding rounding) { return Text(RoundTo(Of(text), places, rounding)); };
    EXPECT_EQ(round("1.2", 0, Rounding::kUp), "2");
    EXPECT_EQ(round("-1.2", 0, Rounding::kUp), "-1");
    EXPECT_EQ(round("-1.2", 0, Rounding::kDown), "-2");
    EXPECT_EQ(round("1.5", 0, Rounding::kHalfAwayFromZero), "2");
    EXPECT_EQ(round("-1.5", 0, Rounding::kHalfAwayFromZero), "-2");
    EXPECT_EQ(round("2.31", 1, Rounding::kTowardZero), "2.3");
    EXPECT_EQ(round("1e-50", 0, Rounding::kUp), "1");
    EXPECT_EQ(round("-1e-50", 0, Rounding::kDown), "-1");
    EXPECT_EQ(round("1e-50", 0, Rounding::kTowardZero), "0");
    EXPECT_EQ(round("0.49999", 0, Rounding::kHalfAwayFromZero), "0");
}

TEST(Decimal, GoesToDoubleAndBack) {
    std::mt19937_64 random(7);
    for (int i = 0; i < 20'000; ++i) {
        uint64_t bits = random();
        double value;
        std::memcpy(&value, &bits, sizeof value);
        if (!std::isfinite(value)) continue;
        auto decimal = DecimalOf(value);
        ASSERT_TRUE(decimal);
        EXPECT_EQ(ToDouble(*decimal), value);
        EXPECT_EQ(ToDouble(Of(Text(decimal))), value);
    }
    EXPECT_FALSE(DecimalOf(NAN));
}

TEST(Decimal, AgreesWithIntegersOnMillionths) {
    std::mt19937_64 random(11);
    std::uniform_int_distribution<int64_t> some(-1'000'000'000'000, 1'000'000'000'000);
    for (int i = 0; i < 5000; ++i) {
        const int64_t a = some(random);
        const int64_t b = some(random);
        const Decimal x = Multiply(*DecimalOf(Int128{a}), Of("0.000001")).value();
        const Decimal y = Multiply(*DecimalOf(Int128{b}), Of("0.000001")).value();
        const Decimal sum = Multiply(*Add(x, y), Of("1000000")).value();
        EXPECT_EQ(static_cast<int64_t>(*ToWhole(sum)), a + b);
        EXPECT_EQ(Compare(x, y) < 0, a < b);
    }
}

}  // namespace
}  // namespace wellhead::sql::iot
