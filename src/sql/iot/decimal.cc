#include "sql/iot/decimal.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/multiprecision/cpp_int.hpp>
#include <charconv>
#include <cmath>
#include <cstdlib>

namespace wellhead::sql::iot {

namespace {

// Room for products of two coefficients and for quotients before they are rounded.
using Wide = boost::multiprecision::int512_t;

constexpr int kMaxAdjusted = 999;

constexpr Int128 Pow10(int power) {
    Int128 value = 1;
    for (int i = 0; i < power; ++i) value *= 10;
    return value;
}
constexpr Int128 kLimit = Pow10(kDecimalDigits);

Int128 Power(int power) {
    static const auto table = [] {
        std::array<Int128, kDecimalDigits + 1> powers{};
        for (int i = 0; i <= kDecimalDigits; ++i) powers[static_cast<size_t>(i)] = Pow10(i);
        return powers;
    }();
    return table[static_cast<size_t>(power)];
}

Wide WidePower(int power) {
    Wide value = 1;
    while (power > kDecimalDigits) {
        value *= Wide(kLimit);
        power -= kDecimalDigits;
    }
    return value * Wide(Power(power));
}

Int128 Magnitude(Int128 value) { return value < 0 ? -value : value; }

int DigitsOf(Int128 magnitude) {
    int digits = 1;
    while (digits < kDecimalDigits && magnitude >= Power(digits)) ++digits;
    return digits;
}

// The canonical form, or nothing when the magnitude is out of range. What is too small becomes zero.
std::optional<Decimal> Canonical(Int128 coefficient, int exponent) {
    if (coefficient == 0) return Decimal{};
    if (coefficient <= INT64_MAX && coefficient >= INT64_MIN) {
        auto small = static_cast<int64_t>(coefficient);
        while (exponent < 0 && small % 10 == 0) {
            small /= 10;
            ++exponent;
        }
        coefficient = small;
    } else {
        while (exponent < 0 && coefficient % 10 == 0) {
            coefficient /= 10;
            ++exponent;
        }
    }
    const int adjusted = exponent + DigitsOf(Magnitude(coefficient)) - 1;
    if (adjusted > kMaxAdjusted) return std::nullopt;
    if (adjusted < -kMaxAdjusted) return Decimal{};
    // A whole number that an Int can hold has no exponent.
    while (exponent > 0 && Magnitude(coefficient) < kLimit / 10) {
        coefficient *= 10;
        --exponent;
    }
    return Decimal{coefficient, exponent};
}

// To 34 digits, half to even. sticky: there was more behind, which is not zero.
std::optional<Decimal> Rounded(Wide coefficient, int exponent, bool sticky = false) {
    const bool negative = coefficient < 0;
    if (negative) coefficient = -coefficient;
    if (coefficient >= Wide(kLimit)) {
        // floor(log10(2^bits)) is one less than the number of digits, or two.
        const auto bits = static_cast<int>(boost::multiprecision::msb(coefficient));
        int drop = std::max(1, (bits * 1233 >> 12) + 1 - kDecimalDigits);
        Wide scale = WidePower(drop);
        Wide quotient = coefficient / scale;
        if (quotient >= Wide(kLimit)) {
            ++drop;
            scale *= 10;
            quotient /= 10;
        }
        const Wide twice = (coefficient - quotient * scale) * 2;
        if (twice > scale || (twice == scale && (sticky || quotient % 2 != 0))) ++quotient;
        coefficient = quotient;
        exponent += drop;
        if (coefficient == Wide(kLimit)) {
            coefficient /= 10;
            ++exponent;
        }
    }
    auto narrow = static_cast<Int128>(coefficient);
    return Canonical(negative ? -narrow : narrow, exponent);
}

// Both with the lower exponent of the two.
struct Aligned {
    Wide a, b;
    int exponent;
};
Aligned Align(const Decimal& a, const Decimal& b) {
    const int exponent = std::min(a.exponent, b.exponent);
    return {Wide(a.coefficient) * WidePower(a.exponent - exponent), Wide(b.coefficient) * WidePower(b.exponent - exponent),
            exponent};
}

// So far apart that the smaller one cannot be seen in 34 digits.
constexpr int kFar = 2 * kDecimalDigits + 2;

std::optional<Decimal> AddSigned(const Decimal& a, const Decimal& b, int sign) {
    if (b.coefficient == 0) return a;
    const Int128 addend = sign < 0 ? -b.coefficient : b.coefficient;
    if (a.coefficient == 0) return Decimal{addend, b.exponent};
    if (a.exponent - b.exponent > kFar) return a;
    if (b.exponent - a.exponent > kFar) return Decimal{addend, b.exponent};
    const int apart = std::abs(a.exponent - b.exponent);
    if (apart <= kDecimalDigits) {
        Int128 x = a.coefficient;
        Int128 y = addend;
        Int128 sum = 0;
        Int128& higher = a.exponent > b.exponent ? x : y;
        const bool fits = !__builtin_mul_overflow(higher, Power(apart), &higher) && !__builtin_add_overflow(x, y, &sum) &&
                          Magnitude(sum) < kLimit;
        if (fits) return Canonical(sum, std::min(a.exponent, b.exponent));
    }
    Aligned both = Align(a, Decimal{addend, b.exponent});
    return Rounded(both.a + both.b, both.exponent);
}

}  // namespace

std::optional<Decimal> ParseDecimal(std::string_view text) {
    size_t at = 0;
    const bool negative = !text.empty() && text[0] == '-';
    if (negative) ++at;
    Int128 coefficient = 0;
    int exponent = 0;
    int significant = 0;
    int half = 0;  // the first digit that did not fit
    bool sticky = false;
    bool point = false;
    auto digits = [&] {
        const size_t first = at;
        for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
            const int digit = text[at] - '0';
            if (significant < kDecimalDigits) {
                coefficient = coefficient * 10 + digit;
                if (coefficient != 0) ++significant;
                if (point) --exponent;
                continue;
            }
            if (significant == kDecimalDigits) {
                half = digit;
            } else {
                sticky = sticky || digit != 0;
            }
            ++significant;
            if (!point && exponent < 100'000) ++exponent;
        }
        return at > first;
    };
    if (!digits()) return std::nullopt;
    if (at < text.size() && text[at] == '.') {
        ++at;
        point = true;
        if (!digits()) return std::nullopt;
    }
    if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
        ++at;
        if (at < text.size() && text[at] == '+') ++at;
        int given = 0;
        auto parsed = std::from_chars(text.data() + at, text.data() + text.size(), given);
        if (parsed.ec == std::errc::result_out_of_range) {
            return coefficient == 0 || text[at] == '-' ? std::optional(Decimal{}) : std::nullopt;
        }
        if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
        if (given > 1'000'000 || given < -1'000'000) given = given < 0 ? -1'000'000 : 1'000'000;
        exponent += given;
        at = text.size();
    }
    if (at != text.size()) return std::nullopt;
    if (half > 5 || (half == 5 && (sticky || coefficient % 2 != 0))) {
        if (++coefficient == kLimit) {
            coefficient /= 10;
            ++exponent;
        }
    }
    return Canonical(negative ? -coefficient : coefficient, exponent);
}

std::optional<Decimal> DecimalOf(double value) {
    if (!std::isfinite(value)) return std::nullopt;
    char digits[40];
    auto written = std::to_chars(digits, digits + sizeof digits, value);
    return ParseDecimal({digits, static_cast<size_t>(written.ptr - digits)});
}

std::optional<Decimal> DecimalOf(Int128 value) {
    if (Magnitude(value) < kLimit) return Decimal{value, 0};
    return Rounded(Wide(value), 0);
}

double ToDouble(const Decimal& value) {
    // Both exact, so their quotient or product is rounded once.
    constexpr Int128 kExact = Int128{1} << 53;
    if (Magnitude(value.coefficient) <= kExact && value.exponent >= -22 && value.exponent <= 22) {
        const auto coefficient = static_cast<double>(value.coefficient);
        const auto power = static_cast<double>(Power(std::abs(value.exponent)));
        return value.exponent < 0 ? coefficient / power : coefficient * power;
    }
    const std::string text = fmt::format("{}e{}", value.coefficient, value.exponent);
    return std::strtod(text.c_str(), nullptr);
}

std::optional<Decimal> Add(const Decimal& a, const Decimal& b) { return AddSigned(a, b, 1); }
std::optional<Decimal> Subtract(const Decimal& a, const Decimal& b) { return AddSigned(a, b, -1); }

std::optional<Decimal> Multiply(const Decimal& a, const Decimal& b) {
    Int128 product = 0;
    const int exponent = a.exponent + b.exponent;
    if (!__builtin_mul_overflow(a.coefficient, b.coefficient, &product) && Magnitude(product) < kLimit) {
        return Canonical(product, exponent);
    }
    return Rounded(Wide(a.coefficient) * Wide(b.coefficient), exponent);
}

std::optional<Decimal> Divide(const Decimal& a, const Decimal& b) {
    if (b.coefficient == 0) return std::nullopt;
    // Enough digits that at least one is behind those that are kept.
    constexpr int kMore = 2 * kDecimalDigits + 2;
    const Wide dividend = Wide(a.coefficient) * WidePower(kMore);
    const Wide divisor = Wide(b.coefficient);
    const Wide quotient = dividend / divisor;
    return Rounded(quotient, a.exponent - b.exponent - kMore, quotient * divisor != dividend);
}

std::optional<Decimal> Remainder(const Decimal& a, const Decimal& b) {
    if (b.coefficient == 0) return std::nullopt;
    // Beyond, the whole part of the quotient needs more digits than there are.
    if (std::abs(a.exponent - b.exponent) > kFar) {
        return a.exponent < b.exponent ? std::optional(a) : std::nullopt;
    }
    Aligned both = Align(a, b);
    return Rounded(both.a % both.b, both.exponent);
}

int Compare(const Decimal& a, const Decimal& b) {
    auto sign = [](Int128 value) { return value < 0 ? -1 : value > 0 ? 1 : 0; };
    if (a.exponent == b.exponent) return sign(a.coefficient - b.coefficient);
    if (sign(a.coefficient) != sign(b.coefficient) || a.coefficient == 0) {
        return sign(a.coefficient) - sign(b.coefficient);
    }
    const int a_size = a.exponent + DigitsOf(Magnitude(a.coefficient));
    const int b_size = b.exponent + DigitsOf(Magnitude(b.coefficient));
    if (a_size != b_size) return a_size > b_size ? sign(a.coefficient) : -sign(a.coefficient);
    Aligned both = Align(a, b);
    return both.a < both.b ? -1 : both.a > both.b ? 1 : 0;
}

Decimal RoundTo(const Decimal& value, int places, Rounding rounding) {
    if (value.exponent >= -places) return value;
    const int drop = -places - value.exponent;
    if (drop > kDecimalDigits) {  // nothing but its sign is left of it
        const bool away = (rounding == Rounding::kUp && value.coefficient > 0) ||
                          (rounding == Rounding::kDown && value.coefficient < 0);
        if (!away) return Decimal{};
        return *Canonical(value.coefficient > 0 ? 1 : -1, -places);
    }
    const Int128 scale = Power(drop);
    Int128 quotient = value.coefficient / scale;
    const Int128 rest = value.coefficient % scale;
    const int away = rest < 0 ? -1 : 1;
    switch (rounding) {
        case Rounding::kDown: quotient += rest < 0 ? -1 : 0; break;
        case Rounding::kUp: quotient += rest > 0 ? 1 : 0; break;
        case Rounding::kTowardZero: break;
        case Rounding::kHalfAwayFromZero:
            if (Magnitude(rest) >= scale - Magnitude(rest)) quotient += away;
            break;
    }
    return Canonical(quotient, -places).value_or(Decimal{});
}

std::optional<Int128> ToWhole(const Decimal& value) {
    if (value.exponent != 0) return std::nullopt;
    return value.coefficient;
}

void AppendDecimal(const Decimal& value, std::string& out) {
    const std::string digits = fmt::format("{}", Magnitude(value.coefficient));
    if (value.coefficient < 0) out.push_back('-');
    const int adjusted = value.exponent + static_cast<int>(digits.size()) - 1;
    if (value.exponent == 0) {
        out.append(digits);
    } else if (value.exponent < 0 && adjusted >= -6) {
        const int point = static_cast<int>(digits.size()) + value.exponent;
        if (point > 0) {
            out.append(digits, 0, static_cast<size_t>(point)).push_back('.');
            out.append(digits, static_cast<size_t>(point));
        } else {
            out.append("0.").append(static_cast<size_t>(-point), '0').append(digits);
        }
    } else {
        out.push_back(digits[0]);
        std::string_view rest = std::string_view(digits).substr(1);
        while (rest.ends_with('0')) rest.remove_suffix(1);
        if (!rest.empty()) out.append(".").append(rest);
        fmt::format_to(std::back_inserter(out), "E{}{}", adjusted < 0 ? "" : "+", adjusted);
    }
}

}  // namespace wellhead::sql::iot
