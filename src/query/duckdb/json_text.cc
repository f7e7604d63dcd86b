#include "query/duckdb/json_text.h"

#include <charconv>
#include <chrono>

namespace wellhead::query::duckdb {
namespace {

// Takes exactly width digits.
bool Digits(std::string_view& text, size_t width, int& out) {
    if (text.size() < width) return false;
    out = 0;
    for (size_t i = 0; i < width; ++i) {
        if (text[i] < '0' || text[i] > '9') return false;
        out = out * 10 + (text[i] - '0');
    }
    text.remove_prefix(width);
    return true;
}

bool Accept(std::string_view& text, std::string_view any) {
    if (text.empty() || any.find(text[0]) == std::string_view::npos) return false;
    text.remove_prefix(1);
    return true;
}

bool ParseOffset(std::string_view& text, int64_t& micros) {
    if (text.empty() || Accept(text, "Zz")) return true;
    if (text[0] != '+' && text[0] != '-') return false;
    const bool east = text[0] == '+';
    text.remove_prefix(1);
    int hours = 0;
    int minutes = 0;
    if (!Digits(text, 2, hours)) return false;
    Accept(text, ":");
    if (!text.empty() && !Digits(text, 2, minutes)) return false;
    const int64_t offset = (int64_t{hours} * 60 + minutes) * 60000000;
    micros += east ? -offset : offset;
    return true;
}

bool ParseTimeOfDay(std::string_view& text, int64_t& micros) {
    int hour = 0;
    int minute = 0;
    int second = 0;
    if (!Digits(text, 2, hour) || !Accept(text, ":") || !Digits(text, 2, minute)) return false;
    int64_t fraction = 0;
    if (Accept(text, ":")) {
        if (!Digits(text, 2, second)) return false;
        if (Accept(text, ".,")) {
            int64_t unit = 100000;
            size_t count = 0;
            while (!text.empty() && text[0] >= '0' && text[0] <= '9' && count < 9) {
                fraction += (text[0] - '0') * unit;
                unit /= 10;
                text.remove_prefix(1);
                ++count;
            }
            if (count == 0) return false;
        }
    }
    if (hour > 23 || minute > 59 || second > 59) return false;
    micros += ((int64_t{hour} * 60 + minute) * 60 + second) * 1000000 + fraction;
    return true;
}

}  // namespace

std::string JsonText(const simdjson::dom::element& value) {
    if (value.type() == simdjson::dom::element_type::DOUBLE) {
        char buffer[64];
        const auto end = std::to_chars(buffer, buffer + sizeof buffer, double(value)).ptr;
        return {buffer, end};
    }
    return simdjson::to_string(value);
}

bool ParseDecimal(std::string_view text, int precision, int scale, Wide128& number) {
    const bool negative = Accept(text, "-");
    if (!negative) Accept(text, "+");
    std::string digits;
    int exponent = 0;
    bool point = false;
    bool any = false;
    while (!text.empty() && text[0] != 'e' && text[0] != 'E') {
        if (text[0] == '.') {
            if (point) return false;
            point = true;
        } else if (text[0] >= '0' && text[0] <= '9') {
            any = true;
            if (digits.size() >= 400) return false;
            if (!digits.empty() || text[0] != '0') digits += text[0];
            if (point) --exponent;
        } else {
            return false;
        }
        text.remove_prefix(1);
    }
    if (!any) return false;
    if (!text.empty()) {
        text.remove_prefix(1);
        Accept(text, "+");
        int power = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), power);
        if (error != std::errc() || end != text.data() + text.size() || std::abs(power) > 1000) return false;
        exponent += power;
    }
    int shift = exponent + scale;
    bool round_up = false;
    for (; shift < 0 && !digits.empty(); ++shift) {
        round_up = digits.back() >= '5';
        digits.pop_back();
    }
    if (shift < 0) round_up = false;
    if (!digits.empty()) {
        if (digits.size() + static_cast<size_t>(shift) > 38) return false;
        digits.append(static_cast<size_t>(shift), '0');
    }
    number = 0;
    for (const char c : digits) number = number * 10 + (c - '0');
    if (round_up) ++number;
    Wide128 limit = 1;
    for (int i = 0; i < precision; ++i) limit *= 10;
    if (number >= limit) return false;
    if (negative) number = -number;
    return true;
}

bool ParseTimestamp(std::string_view text, int64_t& micros) {
    int year = 0;
    int month = 0;
    int day = 0;
    if (!Digits(text, 4, year) || !Accept(text, "-") || !Digits(text, 2, month) || !Accept(text, "-") ||
        !Digits(text, 2, day)) {
        return false;
    }
    const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                           std::chrono::day(static_cast<unsigned>(day))};
    if (!date.ok()) return false;
    micros = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::sys_days(date).time_since_epoch()).count();
    if (text.empty()) return true;
    if (!Accept(text, " Tt")) return false;
    return ParseTimeOfDay(text, micros) && ParseOffset(text, micros) && text.empty();
}

}  // namespace wellhead::query::duckdb
