#pragma once
// Decimal: a number of at most 34 decimal digits, as the data types of AWS IoT SQL have it (IEEE 754 decimal128 with
// half-even rounding; magnitudes from 1E-999 to 9.99E999).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wellhead::sql::iot {

__extension__ typedef __int128 Int128;

inline constexpr int kDecimalDigits = 34;

// coefficient * 10^exponent; |coefficient| < 10^34. Not ending in a zero when the exponent is negative, so that equal
// numbers with a fraction look alike.
struct Decimal {
    Int128 coefficient = 0;
    int exponent = 0;
};

// ^-?\d+(\.\d+)?([eE][+-]?\d+)?$, rounded to 34 digits; nothing for other texts and for magnitudes out of range.
std::optional<Decimal> ParseDecimal(std::string_view text);
// The shortest decimal that reads back as this double; nothing for NaN and infinity.
std::optional<Decimal> DecimalOf(double value);
std::optional<Decimal> DecimalOf(Int128 value);
double ToDouble(const Decimal& value);

// Nothing where the result is out of range, and of a division by zero.
std::optional<Decimal> Add(const Decimal& a, const Decimal& b);
std::optional<Decimal> Subtract(const Decimal& a, const Decimal& b);
std::optional<Decimal> Multiply(const Decimal& a, const Decimal& b);
std::optional<Decimal> Divide(const Decimal& a, const Decimal& b);
// With the sign of a.
std::optional<Decimal> Remainder(const Decimal& a, const Decimal& b);
// Negative, zero or positive as a is less than, equal to or greater than b.
int Compare(const Decimal& a, const Decimal& b);

enum class Rounding { kDown, kUp, kTowardZero, kHalfAwayFromZero };
// To that many digits behind the point (0: a whole number).
Decimal RoundTo(const Decimal& value, int places, Rounding rounding);
// A whole number's value, if 34 digits hold it.
std::optional<Int128> ToWhole(const Decimal& value);

// Plain, or in scientific notation ("1E-7") for what is very large or very small. A whole number has no point.
void AppendDecimal(const Decimal& value, std::string& out);

}  // namespace wellhead::sql::iot
