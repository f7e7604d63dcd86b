#include "api/timestamps.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>

namespace wellhead::api {

namespace {

using namespace std::chrono;

constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

struct Parts {
    year_month_day date;
    hh_mm_ss<milliseconds> time;
    unsigned weekday;
};

Parts Split(base::Instant at) {
    auto ms = floor<milliseconds>(at);
    auto day = floor<days>(ms);
    return {year_month_day(day), hh_mm_ss<milliseconds>(ms - day), weekday(day).c_encoding()};
}

// Takes exactly width digits off text.
bool TakeNumber(std::string_view& text, size_t width, int& value) {
    if (text.size() < width) return false;
    auto parsed = std::from_chars(text.data(), text.data() + width, value);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + width) return false;
    text.remove_prefix(width);
    return true;
}

bool TakeText(std::string_view& text, std::string_view expected) {
    if (!text.starts_with(expected)) return false;
    text.remove_prefix(expected.size());
    return true;
}

std::optional<base::Instant> Join(int year_number, int month_number, int day_number, int hour, int minute, int second,
                                  int64_t micros) {
    year_month_day date = year(year_number) / month(static_cast<unsigned>(month_number)) /
                          day(static_cast<unsigned>(day_number));
    if (!date.ok() || hour > 23 || minute > 59 || second > 60 || hour < 0 || minute < 0 || second < 0) return std::nullopt;
    return base::Instant(sys_days(date) + hours(hour) + minutes(minute) + seconds(second) + microseconds(micros));
}

std::optional<base::Instant> ParseIso8601(std::string_view text) {
    int parts[6];
    bool good = TakeNumber(text, 4, parts[0]) && TakeText(text, "-") && TakeNumber(text, 2, parts[1]) &&
                TakeText(text, "-") && TakeNumber(text, 2, parts[2]) && (TakeText(text, "T") || TakeText(text, "t")) &&
                TakeNumber(text, 2, parts[3]) && TakeText(text, ":") && TakeNumber(text, 2, parts[4]) &&
                TakeText(text, ":") && TakeNumber(text, 2, parts[5]);
    if (!good) return std::nullopt;
    int64_t micros = 0;
    if (TakeText(text, ".")) {
        int64_t unit = 100'000;
        while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
            micros += (text.front() - '0') * unit;
            unit /= 10;
            text.remove_prefix(1);
        }
    }
    auto time = Join(parts[0], parts[1], parts[2], parts[3], parts[4], parts[5], micros);
    if (!time || text == "Z" || text == "z") return time;
    bool minus = text.starts_with("-");
    if (!minus && !text.starts_with("+")) return std::nullopt;
    text.remove_prefix(1);
    int hour = 0;
    int minute = 0;
    if (!TakeNumber(text, 2, hour)) return std::nullopt;
    TakeText(text, ":");
    if (!TakeNumber(text, 2, minute) || !text.empty()) return std::nullopt;
    auto offset = hours(hour) + minutes(minute);
    return minus ? *time + offset : *time - offset;
}

std::optional<base::Instant> ParseHttpDate(std::string_view text) {
    size_t comma = text.find(", ");
    if (comma == std::string_view::npos) return std::nullopt;
    text.remove_prefix(comma + 2);
    int day_number = 0;
    if (!TakeNumber(text, 2, day_number) || !TakeText(text, " ")) return std::nullopt;
    int month_number = 0;
    for (size_t i = 0; i < kMonths.size(); ++i) {
        if (text.starts_with(kMonths[i])) month_number = static_cast<int>(i) + 1;
    }
    if (month_number == 0) return std::nullopt;
    text.remove_prefix(3);
    int parts[4];
    bool good = TakeText(text, " ") && TakeNumber(text, 4, parts[0]) && TakeText(text, " ") &&
                TakeNumber(text, 2, parts[1]) && TakeText(text, ":") && TakeNumber(text, 2, parts[2]) &&
                TakeText(text, ":") && TakeNumber(text, 2, parts[3]);
    if (!good) return std::nullopt;
    return Join(parts[0], month_number, day_number, parts[1], parts[2], parts[3], 0);
}

}  // namespace

std::string FormatIso8601(base::Instant at) {
    Parts parts = Split(at);
    std::string text = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(parts.date.year()),
                                   static_cast<unsigned>(parts.date.month()), static_cast<unsigned>(parts.date.day()),
                                   parts.time.hours().count(), parts.time.minutes().count(),
                                   parts.time.seconds().count());
    if (parts.time.subseconds().count() != 0) text += fmt::format(".{:03}", parts.time.subseconds().count());
    return text + "Z";
}

std::string FormatHttpDate(base::Instant at) {
    Parts parts = Split(at);
    return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[parts.weekday],
                       static_cast<unsigned>(parts.date.day()), kMonths[static_cast<unsigned>(parts.date.month()) - 1],
                       static_cast<int>(parts.date.year()), parts.time.hours().count(), parts.time.minutes().count(),
                       parts.time.seconds().count());
}

std::optional<base::Instant> ParseTimestamp(std::string_view text) {
    double seconds = 0;
    auto parsed = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (parsed.ec == std::errc() && parsed.ptr == text.data() + text.size() && std::fabs(seconds) < 1e11) {
        return base::FromUnixUs(std::llround(seconds * 1e6));
    }
    if (auto iso = ParseIso8601(text)) return iso;
    return ParseHttpDate(text);
}

}  // namespace wellhead::api
