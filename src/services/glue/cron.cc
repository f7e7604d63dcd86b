#include "services/glue/cron.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <string>
#include <vector>

namespace wellhead::services::glue {
namespace {

constexpr std::string_view kMonths[] = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
constexpr std::string_view kDays[] = {"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"};

std::vector<std::string> Split(std::string_view text, char separator) {
    std::vector<std::string> parts(1);
    for (const char c : text) {
        if (c == separator) parts.emplace_back();
        else parts.back() += c;
    }
    return parts;
}

template <size_t Count>
std::optional<int> Number(std::string_view text, const std::string_view (&names)[Count]) {
    for (size_t i = 0; i < Count; ++i) {
        if (text == names[i]) return static_cast<int>(i) + 1;
    }
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
    return value;
}

template <size_t Size, size_t Count>
bool ParseField(const std::string& field, int low, int high, const std::string_view (&names)[Count], int offset,
                std::bitset<Size>& out) {
    for (const std::string& item : Split(field, ',')) {
        const auto parts = Split(item, '/');
        if (parts.size() > 2) return false;
        int step = 1;
        if (parts.size() == 2) {
            const auto number = Number(parts[1], names);
            if (!number || *number < 1) return false;
            step = *number;
        }
        int from = low;
        int to = high;
        if (parts[0] != "*" && parts[0] != "?") {
            const auto range = Split(parts[0], '-');
            const auto first = Number(range[0], names);
            const auto last = range.size() == 2 ? Number(range[1], names) : first;
            if (range.size() > 2 || !first || !last) return false;
            from = *first;
            to = parts.size() == 2 && range.size() == 1 ? high : *last;
        }
        if (from < low || to > high || from > to) return false;
        for (int i = from; i <= to; i += step) out.set(static_cast<size_t>(i - offset));
    }
    return true;
}

}  // namespace

base::Result<CronSchedule> CronSchedule::Parse(std::string_view expression) {
    const auto wrong = [&] {
        return base::Fail(base::ErrorCode::kInvalidArgument, fmt::format("'{}' is not a schedule: cron(0 12 * * ? *)", expression));
    };
    if (!expression.starts_with("cron(") || !expression.ends_with(")") || expression.size() > 200) return wrong();
    std::vector<std::string> fields;
    for (std::string& field : Split(expression.substr(5, expression.size() - 6), ' ')) {
        if (!field.empty()) fields.push_back(std::move(field));
    }
    if (fields.size() != 6) return wrong();
    static constexpr std::string_view kNoNames[] = {"-"};
    CronSchedule schedule;
    const bool ok = ParseField(fields[0], 0, 59, kNoNames, 0, schedule.minutes_) &&
                    ParseField(fields[1], 0, 23, kNoNames, 0, schedule.hours_) &&
                    ParseField(fields[2], 1, 31, kNoNames, 0, schedule.days_) &&
                    ParseField(fields[3], 1, 12, kMonths, 0, schedule.months_) &&
                    ParseField(fields[4], 1, 7, kDays, 0, schedule.weekdays_) &&
                    ParseField(fields[5], 1970, 2199, kNoNames, 1970, schedule.years_);
    if (!ok) return wrong();
    return schedule;
}

bool CronSchedule::Matches(base::Instant time) const {
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(day);
    const auto minute = std::chrono::duration_cast<std::chrono::minutes>(time - day).count();
    const int year = static_cast<int>(date.year()) - 1970;
    return year >= 0 && year < 230 && years_[static_cast<size_t>(year)] && months_[static_cast<unsigned>(date.month())] &&
           days_[static_cast<unsigned>(date.day())] && weekdays_[std::chrono::weekday(day).c_encoding() + 1] &&
           hours_[static_cast<size_t>(minute / 60)] && minutes_[static_cast<size_t>(minute % 60)];
}

}  // namespace wellhead::services::glue
