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

namespace {

// The digits of one field: as many as the pattern has letters, or more where nothing numeric follows.
bool Number(std::string_view& text, size_t least, size_t most, int64_t& number) {
    size_t size = 0;
    while (size < text.size() && size < most && text[size] >= '0' && text[size] <= '9') ++size;
    if (size < least) return false;
    std::from_chars(text.data(), text.data() + size, number);
    text.remove_prefix(size);
    return true;
}

bool MonthName(std::string_view& text, int64_t& month) {
    static constexpr std::string_view kMonths[] = {"January", "February", "March",     "April",   "May",      "June",
                                                   "July",    "August",   "September", "October", "November", "December"};
    for (size_t i = 0; i < 12; ++i) {
        for (const std::string_view name : {kMonths[i], kMonths[i].substr(0, 3)}) {
            if (!text.starts_with(name)) continue;
            text.remove_prefix(name.size());
            month = static_cast<int64_t>(i) + 1;
            return true;
        }
    }
    return false;
}

struct TimeFields {
    int64_t year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0, micros = 0, offset_s = 0;
    bool afternoon = false, twelve = false;
};

bool ReadField(char letter, size_t count, bool digits_follow, std::string_view& text, TimeFields& time) {
    const size_t most = digits_follow ? count : std::max<size_t>(count, 9);
    switch (letter) {
        case 'y':
        case 'Y':
            if (count != 2) return Number(text, 1, digits_follow ? count : 4, time.year);
            if (!Number(text, 2, 2, time.year)) return false;
            time.year += time.year < 70 ? 2000 : 1900;
            return true;
        case 'M': return count >= 3 ? MonthName(text, time.month) : Number(text, 1, digits_follow ? count : 2, time.month);
        case 'd': return Number(text, 1, digits_follow ? count : 2, time.day);
        case 'H':
        case 'k': return Number(text, 1, digits_follow ? count : 2, time.hour);
        case 'h':
        case 'K': time.twelve = true; return Number(text, 1, digits_follow ? count : 2, time.hour);
        case 'm': return Number(text, 1, digits_follow ? count : 2, time.minute);
        case 's': return Number(text, 1, digits_follow ? count : 2, time.second);
        case 'S': {
            const size_t before = text.size();
            if (!Number(text, 1, most, time.micros)) return false;
            for (size_t size = before - text.size(); size < 6; ++size) time.micros *= 10;
            for (size_t size = before - text.size(); size > 6; --size) time.micros /= 10;
            return true;
        }
        case 'a':
            if (text.size() < 2 || (text[1] | 0x20) != 'm') return false;
            time.afternoon = (text[0] | 0x20) == 'p';
            if (!time.afternoon && (text[0] | 0x20) != 'a') return false;
            text.remove_prefix(2);
            return true;
        case 'Z':
        case 'z':
        case 'X': {
            int64_t offset_us = 0;
            const std::string_view before = text;
            size_t end = 0;
            while (end < text.size() && std::string_view("Zz+-:0123456789").find(text[end]) != std::string_view::npos) ++end;
            std::string_view zone = before.substr(0, end);
            text.remove_prefix(end);
            if (zone == "Z" || zone == "z") return true;
            std::string with_colon(zone);
            if (with_colon.size() == 5) with_colon.insert(3, ":");
            zone = with_colon;
            if (!ParseOffset(zone, offset_us) || !zone.empty()) return false;
            time.offset_s = -offset_us / 1000000;  // ParseOffset brings to UTC
            return true;
        }
        default: return false;
    }
}

}  // namespace

bool ParseTimestampBy(std::string_view format, std::string_view text, int64_t& micros) {
    if (format == "millis") {
        int64_t milliseconds = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), milliseconds);
        if (error != std::errc() || end != text.data() + text.size() || std::abs(milliseconds) > int64_t{1} << 52) return false;
        micros = milliseconds * 1000;
        return true;
    }
    TimeFields time;
    const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    for (size_t i = 0; i < format.size();) {
        const char c = format[i];
        if (c == '\'') {
            size_t end = std::min(format.find('\'', i + 1), format.size());
            const std::string_view quoted = end == i + 1 ? std::string_view("'") : format.substr(i + 1, end - i - 1);
            if (!text.starts_with(quoted)) return false;
            text.remove_prefix(quoted.size());
            i = end + 1;
        } else if (is_letter(c)) {
            size_t count = 1;
            while (i + count < format.size() && format[i + count] == c) ++count;
            i += count;
            if (!ReadField(c, count, i < format.size() && is_letter(format[i]), text, time)) return false;
        } else {
            if (!text.starts_with(c)) return false;
            text.remove_prefix(1);
            ++i;
        }
    }
    if (!text.empty()) return false;
    if (time.twelve) time.hour = time.hour % 12 + (time.afternoon ? 12 : 0);
    const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(time.year)),
                                           std::chrono::month(static_cast<unsigned>(time.month)),
                                           std::chrono::day(static_cast<unsigned>(time.day))};
    if (!date.ok() || time.hour > 24 || time.minute > 59 || time.second > 60) return false;
    const int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
    micros = ((days * 24 + time.hour) * 60 + time.minute) * 60000000 + time.second * 1000000 + time.micros -
             time.offset_s * 1000000;
    return true;
}

}  // namespace wellhead::query::duckdb
