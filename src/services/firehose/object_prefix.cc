#include "services/firehose/object_prefix.h"

#include <fmt/format.h>

namespace wellhead::services::firehose {
namespace {

using base::ErrorCode;
using base::Fail;

constexpr std::string_view kMonths[] = {"January", "February", "March",     "April",   "May",      "June",
                                        "July",    "August",   "September", "October", "November", "December"};
constexpr std::string_view kDays[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};

struct Calendar {
    explicit Calendar(base::Instant time) {
        const auto today = std::chrono::floor<std::chrono::days>(time);
        const std::chrono::year_month_day date(today);
        year = static_cast<int>(date.year());
        month = static_cast<int>(static_cast<unsigned>(date.month()));
        day = static_cast<int>(static_cast<unsigned>(date.day()));
        day_of_year = static_cast<int>((today - std::chrono::sys_days(date.year() / 1 / 1)).count()) + 1;
        weekday = static_cast<int>(std::chrono::weekday(today).c_encoding());
        const int64_t in_day = (time - today).count();
        hour = static_cast<int>(in_day / 3600000000);
        minute = static_cast<int>(in_day / 60000000 % 60);
        second = static_cast<int>(in_day / 1000000 % 60);
        micros = static_cast<int>(in_day % 1000000);
    }
    int year, month, day, day_of_year, weekday, hour, minute, second, micros;
};

std::string Padded(int value, size_t width) { return fmt::format("{:0{}}", value, width); }

std::string Named(std::string_view name, size_t letters) {
    return std::string(letters == 3 ? name.substr(0, 3) : letters == 5 ? name.substr(0, 1) : name);
}

base::Result<std::string> FormatField(char letter, size_t count, const Calendar& time) {
    switch (letter) {
        case 'y':
        case 'u': return count == 2 ? Padded(time.year % 100, 2) : Padded(time.year, count);
        case 'M':
        case 'L': return count <= 2 ? Padded(time.month, count) : Named(kMonths[time.month - 1], count);
        case 'd': return Padded(time.day, count);
        case 'D': return Padded(time.day_of_year, count);
        case 'E': return Named(kDays[time.weekday], count <= 3 ? 3 : count);
        case 'a': return std::string(time.hour < 12 ? "AM" : "PM");
        case 'H': return Padded(time.hour, count);
        case 'k': return Padded(time.hour == 0 ? 24 : time.hour, count);
        case 'K': return Padded(time.hour % 12, count);
        case 'h': return Padded(time.hour % 12 == 0 ? 12 : time.hour % 12, count);
        case 'm': return Padded(time.minute, count);
        case 's': return Padded(time.second, count);
        case 'S': return (fmt::format("{:06}", time.micros) + "000").substr(0, count);
        default:
            return Fail(ErrorCode::kInvalidArgument, fmt::format("the timestamp pattern's letter '{}' is not served", letter));
    }
}

}  // namespace

base::Result<std::string> FormatJavaTime(const std::string& pattern, base::Instant time) {
    const Calendar calendar(time);
    std::string out;
    for (size_t i = 0; i < pattern.size();) {
        const char c = pattern[i];
        if (c == '\'') {
            const size_t end = pattern.find('\'', i + 1);
            if (end == std::string::npos) return Fail(ErrorCode::kInvalidArgument, "a quote in a timestamp pattern is not closed");
            out += end == i + 1 ? "'" : pattern.substr(i + 1, end - i - 1);
            i = end + 1;
        } else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
            size_t count = 1;
            while (i + count < pattern.size() && pattern[i + count] == c) ++count;
            if (count > 9) return Fail(ErrorCode::kInvalidArgument, "too many letters in a timestamp pattern");
            ASSIGN_OR_RETURN(const std::string field, FormatField(c, count, calendar));
            out += field;
            i += count;
        } else {
            out += c;
            ++i;
        }
    }
    return out;
}

base::Result<ObjectPrefix> ObjectPrefix::Parse(const std::string& text, bool is_error_prefix) {
    ObjectPrefix prefix;
    bool has_timestamp = false;
    for (size_t i = 0; i < text.size();) {
        const size_t open = text.find("!{", i);
        if (open != i) {
            prefix.parts_.push_back({Part::Kind::kText, text.substr(i, open == std::string::npos ? open : open - i)});
            if (open == std::string::npos) break;
        }
        const size_t close = text.find('}', open);
        if (close == std::string::npos) return Fail(ErrorCode::kInvalidArgument, "an expression in the prefix is not closed");
        const std::string expression = text.substr(open + 2, close - open - 2);
        i = close + 1;
        if (expression.starts_with("timestamp:")) {
            std::string pattern = expression.substr(10);
            RETURN_IF_ERROR(FormatJavaTime(pattern, base::Instant{}));
            prefix.parts_.push_back({Part::Kind::kTimestamp, std::move(pattern)});
            has_timestamp = true;
        } else if (expression == "firehose:random-string") {
            prefix.parts_.push_back({Part::Kind::kRandom, {}});
        } else if (expression == "firehose:error-output-type" && is_error_prefix) {
            prefix.parts_.push_back({Part::Kind::kErrorType, {}});
            prefix.has_error_type_ = true;
        } else if (expression == "firehose:shard-id") {
            prefix.parts_.push_back({Part::Kind::kShard, {}});
        } else if (expression.starts_with("partitionKeyFromQuery:") && !is_error_prefix && expression.size() > 22) {
            prefix.partition_keys_.insert(expression.substr(22));
            prefix.parts_.push_back({Part::Kind::kPartition, expression.substr(22)});
        } else {
            const bool lambda = expression.starts_with("partitionKeyFromLambda");
            return Fail(lambda ? ErrorCode::kUnsupported : ErrorCode::kInvalidArgument,
                        fmt::format("!{{{}}} in a prefix is not {}", expression,
                                    lambda ? "served: there are no functions" : "known here"));
        }
    }
    if (is_error_prefix && !prefix.has_error_type_) {
        prefix.parts_.push_back({Part::Kind::kErrorType, {}});
        prefix.parts_.push_back({Part::Kind::kText, "/"});
    }
    if (!has_timestamp && prefix.partition_keys_.empty()) prefix.parts_.push_back({Part::Kind::kTimestamp, "yyyy/MM/dd/HH/"});
    return prefix;
}

std::string ObjectPrefix::Evaluate(const Values& values) const {
    std::string out;
    for (const Part& part : parts_) {
        switch (part.kind) {
            case Part::Kind::kText: out += part.text; break;
            case Part::Kind::kTimestamp: out += FormatJavaTime(part.text, values.time).value_or(""); break;
            case Part::Kind::kRandom: out += values.random; break;
            case Part::Kind::kErrorType: out += values.error_type; break;
            case Part::Kind::kShard: out += values.shard; break;
            case Part::Kind::kPartition:
                if (values.partition == nullptr) break;
                if (auto found = values.partition->find(part.text); found != values.partition->end()) out += found->second;
                break;
        }
    }
    return out;
}

}  // namespace wellhead::services::firehose
