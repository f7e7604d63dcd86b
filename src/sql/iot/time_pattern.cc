#include "sql/iot/time_pattern.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <vector>

namespace wellhead::sql::iot {

namespace {

constexpr std::array<std::string_view, 12> kMonths = {"January", "February", "March",     "April",
                                                      "May",     "June",     "July",      "August",
                                                      "September", "October", "November", "December"};
constexpr std::array<std::string_view, 7> kDays = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                                   "Friday", "Saturday", "Sunday"};

struct Field {
    char letter = 0;  // 0: text stands for itself
    size_t count = 0;
    std::string text;
};

// 'quoted' and '' as in Joda; every other letter is a field.
std::optional<std::vector<Field>> Split(std::string_view pattern) {
    if (pattern.size() > 200) return std::nullopt;
    std::vector<Field> fields;
    auto literal = [&](char c) {
        if (fields.empty() || fields.back().letter != 0) fields.push_back({});
        fields.back().text.push_back(c);
    };
    for (size_t i = 0; i < pattern.size();) {
        char c = pattern[i];
        if (c == '\'') {
            if (i + 1 < pattern.size() && pattern[i + 1] == '\'') {
                literal('\'');
                i += 2;
                continue;
            }
            size_t end = i + 1;
            for (;; ++end) {
                if (end >= pattern.size()) return std::nullopt;
                if (pattern[end] != '\'') {
                    literal(pattern[end]);
                } else if (end + 1 < pattern.size() && pattern[end + 1] == '\'') {
                    literal('\'');
                    ++end;
                } else {
                    break;
                }
            }
            i = end + 1;
        } else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
            size_t end = i;
            while (end < pattern.size() && pattern[end] == c) ++end;
            fields.push_back({c, end - i, {}});
            i = end;
        } else {
            literal(c);
            ++i;
        }
    }
    return fields;
}

void Padded(int64_t value, size_t width, std::string& out) {
    fmt::format_to(std::back_inserter(out), "{:0{}}", value, width);
}

void AppendOffset(int offset_s, bool colon, std::string& out) {
    int minutes = std::abs(offset_s) / 60;
    fmt::format_to(std::back_inserter(out), "{}{:02}{}{:02}", offset_s < 0 ? '-' : '+', minutes / 60,
                   colon ? ":" : "", minutes % 60);
}

struct Broken {
    std::chrono::year_month_day date;
    int weekday = 0;  // 1 Monday
    int day_of_year = 0;
    int week_year = 0;
    int week = 0;
    int hour = 0, minute = 0, second = 0;
    int64_t micros = 0;
};

Broken BreakDown(base::Instant local) {
    using namespace std::chrono;
    Broken broken;
    auto day = floor<days>(local);
    broken.date = year_month_day(day);
    broken.weekday = static_cast<int>(weekday(day).iso_encoding());
    broken.day_of_year = static_cast<int>((day - sys_days(broken.date.year() / January / 1)).count()) + 1;
    // ISO 8601: the week belongs to the year of its Thursday.
    auto thursday = day + days(4 - broken.weekday);
    broken.week_year = static_cast<int>(year_month_day(thursday).year());
    broken.week = static_cast<int>((thursday - sys_days(year(broken.week_year) / January / 1)).count()) / 7 + 1;
    int64_t within = (local - day).count();
    broken.micros = within % 1'000'000;
    int64_t seconds = within / 1'000'000;
    broken.hour = static_cast<int>(seconds / 3600);
    broken.minute = static_cast<int>(seconds / 60 % 60);
    broken.second = static_cast<int>(seconds % 60);
    return broken;
}

bool AppendDateField(const Field& field, const Broken& time, std::string& out) {
    int year = static_cast<int>(time.date.year());
    auto month = static_cast<unsigned>(time.date.month());
    switch (field.letter) {
        case 'G': out.append(year > 0 ? "AD" : "BC"); return true;
        case 'C': Padded(year / 100, field.count, out); return true;
        case 'y':
        case 'Y':
        case 'u':
            if (field.count == 2) {
                Padded(year % 100, 2, out);
            } else {
                Padded(year, field.count, out);
            }
            return true;
        case 'x': Padded(time.week_year, field.count, out); return true;
        case 'w': Padded(time.week, field.count, out); return true;
        case 'e': Padded(time.weekday, field.count, out); return true;
        case 'E': {
            std::string_view name = kDays[static_cast<size_t>(time.weekday - 1)];
            out.append(field.count >= 4 ? name : name.substr(0, 3));
            return true;
        }
        case 'D': Padded(time.day_of_year, field.count, out); return true;
        case 'M':
        case 'L': {
            std::string_view name = kMonths[month - 1];
            if (field.count >= 4) {
                out.append(name);
            } else if (field.count == 3) {
                out.append(name.substr(0, 3));
            } else {
                Padded(month, field.count, out);
            }
            return true;
        }
        case 'd': Padded(static_cast<unsigned>(time.date.day()), field.count, out); return true;
        default: return false;
    }
}

bool AppendTimeField(const Field& field, const Broken& time, std::string& out) {
    switch (field.letter) {
        case 'a': out.append(time.hour < 12 ? "AM" : "PM"); return true;
        case 'K': Padded(time.hour % 12, field.count, out); return true;
        case 'h': Padded((time.hour + 11) % 12 + 1, field.count, out); return true;
        case 'H': Padded(time.hour, field.count, out); return true;
        case 'k': Padded((time.hour + 23) % 24 + 1, field.count, out); return true;
        case 'm': Padded(time.minute, field.count, out); return true;
        case 's': Padded(time.second, field.count, out); return true;
        case 'S': {
            std::string digits = fmt::format("{:06}", time.micros);
            digits.resize(std::max(field.count, digits.size()), '0');
            out.append(digits, 0, field.count);
            return true;
        }
        default: return false;
    }
}

// Reads what a pattern describes.
class Reader {
  public:
    explicit Reader(std::string_view text) : text_(text) {}

    bool Literal(std::string_view literal) {
        if (!text_.starts_with(literal)) return false;
        text_.remove_prefix(literal.size());
        return true;
    }
    std::optional<int> Number(size_t most) {
        size_t end = 0;
        while (end < text_.size() && end < most && text_[end] >= '0' && text_[end] <= '9') ++end;
        int value = 0;
        if (end == 0 || std::from_chars(text_.data(), text_.data() + end, value).ec != std::errc()) {
            return std::nullopt;
        }
        text_.remove_prefix(end);
        digits_ = end;
        return value;
    }
    // Index of the name that text begins with, whole or by its first three letters.
    template <size_t kCount>
    std::optional<int> Name(const std::array<std::string_view, kCount>& names) {
        for (bool whole : {true, false}) {
            for (size_t i = 0; i < kCount; ++i) {
                std::string_view name = whole ? names[i] : names[i].substr(0, 3);
                if (Same(text_.substr(0, name.size()), name)) {
                    text_.remove_prefix(name.size());
                    return static_cast<int>(i);
                }
            }
        }
        return std::nullopt;
    }
    std::optional<bool> Afternoon() {
        bool afternoon = Same(text_.substr(0, 2), "PM");
        if (!afternoon && !Same(text_.substr(0, 2), "AM")) return std::nullopt;
        text_.remove_prefix(2);
        return afternoon;
    }
    std::string_view ZoneName() {
        size_t end = 0;
        while (end < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[end])) != 0 ||
                                      std::string_view("/_+-:").find(text_[end]) != std::string_view::npos)) {
            ++end;
        }
        std::string_view name = text_.substr(0, end);
        text_.remove_prefix(end);
        return name;
    }
    bool AtEnd() const { return text_.empty(); }
    size_t digits() const { return digits_; }

  private:
    static bool Same(std::string_view a, std::string_view b) {
        return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                          [](char x, char y) { return (x | 0x20) == (y | 0x20); });
    }
    std::string_view text_;
    size_t digits_ = 0;
};

struct Gathered {
    int year = 1970, month = 1, day = 1;
    int hour = 0, minute = 0, second = 0;
    int64_t micros = 0;
    bool half_day_hour = false;
    std::optional<bool> afternoon;
};

bool ReadZone(Reader& reader, ParsedTime& parsed) {
    std::string_view name = reader.ZoneName();
    if (name.empty()) return false;
    parsed.offset_s = FixedZoneOffset(name);
    if (!parsed.offset_s) parsed.zone = name;
    return true;
}

bool ReadNumber(Reader& reader, size_t most, int low, int high, int& into) {
    auto number = reader.Number(most);
    if (!number || *number < low || *number > high) return false;
    into = *number;
    return true;
}

bool ReadField(const Field& field, bool digits_follow, Reader& reader, Gathered& time, ParsedTime& parsed) {
    size_t most = digits_follow ? field.count : 9;
    switch (field.letter) {
        case 'y':
        case 'Y':
        case 'u': {
            if (!ReadNumber(reader, field.count == 2 ? 2 : digits_follow ? field.count : 4, 0, 9999, time.year)) {
                return false;
            }
            if (field.count == 2) time.year += time.year < 70 ? 2000 : 1900;
            return true;
        }
        case 'M':
        case 'L': {
            if (field.count < 3) return ReadNumber(reader, most, 1, 12, time.month);
            auto month = reader.Name(kMonths);
            if (month) time.month = *month + 1;
            return month.has_value();
        }
        case 'd': return ReadNumber(reader, most, 1, 31, time.day);
        case 'E': return reader.Name(kDays).has_value();
        case 'H':
            return ReadNumber(reader, most, 0, 23, time.hour);
        case 'k':
            if (!ReadNumber(reader, most, 1, 24, time.hour)) return false;
            time.hour %= 24;
            return true;
        case 'h':
            time.half_day_hour = true;
            if (!ReadNumber(reader, most, 1, 12, time.hour)) return false;
            time.hour %= 12;
            return true;
        case 'K':
            time.half_day_hour = true;
            return ReadNumber(reader, most, 0, 11, time.hour);
        case 'a': {
            time.afternoon = reader.Afternoon();
            return time.afternoon.has_value();
        }
        case 'm': return ReadNumber(reader, most, 0, 59, time.minute);
        case 's': return ReadNumber(reader, most, 0, 59, time.second);
        case 'S': {
            auto fraction = reader.Number(digits_follow ? field.count : 9);
            if (!fraction) return false;
            int64_t nanos = *fraction;
            for (size_t i = reader.digits(); i < 9; ++i) nanos *= 10;
            time.micros = nanos / 1000;
            return true;
        }
        case 'z':
        case 'Z':
        case 'V':
        case 'v':
        case 'X':
        case 'x':
        case 'O': return ReadZone(reader, parsed);
        default: return false;
    }
}

}  // namespace

std::optional<int> FixedZoneOffset(std::string_view zone) {
    struct Named {
        std::string_view name;
        int hours;
    };
    constexpr std::array<Named, 10> kNamed = {{{"UTC", 0}, {"GMT", 0}, {"Z", 0}, {"UT", 0}, {"EST", -5},
                                               {"MST", -7}, {"HST", -10}, {"Etc/UTC", 0}, {"Etc/GMT", 0},
                                               {"Zulu", 0}}};
    for (const Named& named : kNamed) {
        if (zone == named.name) return named.hours * 3600;
    }
    if (zone.starts_with("UTC") || zone.starts_with("GMT")) zone.remove_prefix(3);
    if (zone.size() < 2 || (zone[0] != '+' && zone[0] != '-')) return std::nullopt;
    int sign = zone[0] == '-' ? -1 : 1;
    zone.remove_prefix(1);
    std::string digits;
    for (char c : zone) {
        if (c >= '0' && c <= '9') {
            digits.push_back(c);
        } else if (c != ':') {
            return std::nullopt;
        }
    }
    if (digits.empty() || digits.size() > 6) return std::nullopt;
    if (digits.size() % 2 == 1) digits.insert(0, "0");
    digits.resize(6, '0');
    int hours = (digits[0] - '0') * 10 + digits[1] - '0';
    int minutes = (digits[2] - '0') * 10 + digits[3] - '0';
    int seconds = (digits[4] - '0') * 10 + digits[5] - '0';
    if (hours > 18 || minutes > 59 || seconds > 59) return std::nullopt;
    return sign * (hours * 3600 + minutes * 60 + seconds);
}

std::optional<std::string> FormatTime(std::string_view pattern, base::Instant at, int offset_s,
                                      std::string_view zone) {
    auto fields = Split(pattern);
    if (!fields) return std::nullopt;
    Broken time = BreakDown(at + std::chrono::seconds(offset_s));
    std::string out;
    for (const Field& field : *fields) {
        if (field.letter == 0) {
            out.append(field.text);
        } else if (field.letter == 'z' || (field.letter == 'Z' && field.count >= 3)) {
            out.append(zone);
        } else if (field.letter == 'Z') {
            AppendOffset(offset_s, field.count == 2, out);
        } else if (!AppendDateField(field, time, out) && !AppendTimeField(field, time, out)) {
            return std::nullopt;
        }
        if (out.size() > 2000) return std::nullopt;
    }
    return out;
}

std::optional<ParsedTime> ParseTimeText(std::string_view text, std::string_view pattern) {
    auto fields = Split(pattern);
    if (!fields || text.size() > 200) return std::nullopt;
    Reader reader(text);
    Gathered time;
    ParsedTime parsed;
    for (size_t i = 0; i < fields->size(); ++i) {
        const Field& field = (*fields)[i];
        if (field.letter == 0) {
            if (!reader.Literal(field.text)) return std::nullopt;
            continue;
        }
        bool digits_follow = i + 1 < fields->size() && (*fields)[i + 1].letter != 0;
        if (!ReadField(field, digits_follow, reader, time, parsed)) return std::nullopt;
    }
    if (!reader.AtEnd()) return std::nullopt;
    if (time.half_day_hour && time.afternoon.value_or(false)) time.hour += 12;
    using namespace std::chrono;
    year_month_day date = year(time.year) / month(static_cast<unsigned>(time.month)) /
                          day(static_cast<unsigned>(time.day));
    if (!date.ok()) return std::nullopt;
    parsed.local = sys_days(date) + hours(time.hour) + minutes(time.minute) + seconds(time.second) +
                   microseconds(time.micros);
    return parsed;
}

}  // namespace wellhead::sql::iot
