#include "services/athena/projection.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

namespace wellhead::services::athena {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;
namespace glue = apis::glue;

constexpr size_t kMost = 1000000;

std::string Upper(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c != ' ') out += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
    return out;
}

std::vector<std::string> Split(const std::string& text) {
    std::vector<std::string> parts;
    size_t from = 0;
    for (size_t at = text.find(','); from <= text.size(); at = text.find(',', from)) {
        std::string part = text.substr(from, at == std::string::npos ? at : at - from);
        while (!part.empty() && part.front() == ' ') part.erase(0, 1);
        while (!part.empty() && part.back() == ' ') part.pop_back();
        parts.push_back(std::move(part));
        if (at == std::string::npos) break;
        from = at + 1;
    }
    return parts;
}

std::optional<int64_t> Number(std::string_view text) {
    int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

// Calendar fields of a time, for Java's pattern letters.
struct Fields {
    int64_t year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0;

    static Fields Of(base::Instant time) {
        const auto day = std::chrono::floor<std::chrono::days>(time);
        const std::chrono::year_month_day date(day);
        const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
        return {static_cast<int>(date.year()), static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                clock.minutes().count(), clock.seconds().count()};
    }
    base::Instant Time() const {
        const auto date = std::chrono::year(static_cast<int>(year)) / static_cast<int>(month) / 1;
        return base::Instant(std::chrono::sys_days(date)) + std::chrono::days(day - 1) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
               std::chrono::seconds(second);
    }
    int64_t* Of(char letter) {
        switch (letter) {
            case 'y':
            case 'u': return &year;
            case 'M': return &month;
            case 'd': return &day;
            case 'H': return &hour;
            case 'm': return &minute;
            case 's': return &second;
            default: return nullptr;
        }
    }
    void Add(int64_t count, std::string_view unit) {
        if (unit.starts_with("YEAR")) year += count;
        else if (unit.starts_with("MONTH")) month += count;
        else if (unit.starts_with("WEEK")) day += 7 * count;
        else if (unit.starts_with("DAY")) day += count;
        else if (unit.starts_with("HOUR")) hour += count;
        else if (unit.starts_with("MINUTE")) minute += count;
        else second += count;
        year += (month - 1 >= 0 ? (month - 1) / 12 : -((12 - month) / 12));
        month = ((month - 1) % 12 + 12) % 12 + 1;
        *this = Of(Time());
    }
};

// yyyy-MM-dd'T'HH and the like: fields of digits and text between.
class DatePattern {
  public:
    static Result<DatePattern> Parse(const std::string& text) {
        DatePattern pattern;
        for (size_t i = 0; i < text.size();) {
            const char c = text[i];
            if (c == '\'') {
                const size_t end = text.find('\'', i + 1);
                if (end == std::string::npos) return Fail(ErrorCode::kInvalidArgument, fmt::format("the date format {} is not complete", text));
                pattern.parts_.push_back({'\0', 0, text.substr(i + 1, end - i - 1)});
                i = end + 1;
            } else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
                size_t count = 1;
                while (i + count < text.size() && text[i + count] == c) ++count;
                if (Fields().Of(c) == nullptr || (c == 'M' && count > 2)) {
                    return Fail(ErrorCode::kUnsupported, fmt::format("the letter {} of the date format {} is not served", c, text));
                }
                pattern.parts_.push_back({c, count, ""});
                i += count;
            } else {
                pattern.parts_.push_back({'\0', 0, std::string(1, c)});
                ++i;
            }
        }
        return pattern;
    }
    std::string Format(Fields fields) const {
        std::string out;
        for (const Part& part : parts_) {
            if (part.letter == '\0') out += part.text;
            else if (part.count == 2 && (part.letter == 'y' || part.letter == 'u')) out += fmt::format("{:02}", fields.year % 100);
            else out += fmt::format("{:0{}}", *fields.Of(part.letter), part.count);
        }
        return out;
    }
    std::optional<Fields> Read(std::string_view text) const {
        Fields fields;
        for (const Part& part : parts_) {
            if (part.letter == '\0') {
                if (!text.starts_with(part.text)) return std::nullopt;
                text.remove_prefix(part.text.size());
                continue;
            }
            size_t digits = 0;
            while (digits < text.size() && digits < (part.count == 1 ? size_t{2} : part.count) && text[digits] >= '0' && text[digits] <= '9') ++digits;
            const auto value = Number(text.substr(0, digits));
            if (!value) return std::nullopt;
            *fields.Of(part.letter) = *value + (part.count == 2 && part.letter == 'y' ? 2000 : 0);
            text.remove_prefix(digits);
        }
        return text.empty() ? std::optional(fields) : std::nullopt;
    }
    // The unit of the finest field.
    std::string_view Finest() const {
        static constexpr std::string_view kLetters = "yMdHms";
        static constexpr std::string_view kUnits[] = {"YEARS", "MONTHS", "DAYS", "HOURS", "MINUTES", "SECONDS"};
        size_t finest = 0;
        for (const Part& part : parts_) {
            if (const size_t at = kLetters.find(part.letter); part.letter != '\0' && at != std::string_view::npos) finest = std::max(finest, at);
        }
        return kUnits[finest];
    }

  private:
    struct Part {
        char letter;
        size_t count;
        std::string text;
    };
    std::vector<Part> parts_;
};

// NOW, NOW-3YEARS, or a date in the pattern.
Result<Fields> Bound(const std::string& text, const DatePattern& pattern, base::Instant now) {
    const std::string upper = Upper(text);
    if (!upper.starts_with("NOW")) {
        const auto fields = pattern.Read(text);
        if (!fields) return Fail(ErrorCode::kInvalidArgument, fmt::format("{} of a projection's range is not a date of its format", text));
        return *fields;
    }
    Fields fields = Fields::Of(now);
    if (upper.size() == 3) return fields;
    size_t end = 4;
    while (end < upper.size() && upper[end] >= '0' && upper[end] <= '9') ++end;
    const auto count = Number(std::string_view(upper).substr(4, end - 4));
    const std::string unit = upper.substr(end);
    if (!count || (upper[3] != '-' && upper[3] != '+') || unit.empty()) {
        return Fail(ErrorCode::kInvalidArgument, fmt::format("{} of a projection's range is not understood", text));
    }
    fields.Add(upper[3] == '-' ? -*count : *count, unit);
    return fields;
}

class KeyValues {
  public:
    KeyValues(const std::map<std::string, std::string>& parameters, const std::string& key) : parameters_(parameters), prefix_("projection." + key + ".") {}

    Result<std::vector<std::string>> All(const std::vector<std::string>& equal, base::Instant now) const {
        const std::string type = Get("type");
        if (type == "enum") return Split(Get("values"));
        if (type == "integer") return Integers();
        if (type == "date") return Dates(now);
        if (type != "injected") return Fail(ErrorCode::kInvalidArgument, fmt::format("{}type is not one of enum, integer, date, injected", prefix_));
        if (equal.empty()) {
            return Fail(ErrorCode::kInvalidArgument, fmt::format("CONSTRAINT_VIOLATION: For the injected projected partition column {}, the WHERE clause must "
                                                                 "contain only static equality conditions, and at least one such condition must be present.",
                                                                 prefix_.substr(11, prefix_.size() - 12)));
        }
        return equal;
    }

  private:
    std::string Get(const std::string& name) const {
        const auto found = parameters_.find(prefix_ + name);
        return found == parameters_.end() ? "" : found->second;
    }
    Result<std::vector<std::string>> Integers() const {
        const auto range = Split(Get("range"));
        const auto low = Number(range.front());
        const auto high = range.size() == 2 ? Number(range[1]) : std::nullopt;
        const auto interval = Number(Get("interval").empty() ? "1" : Get("interval"));
        const auto digits = Number(Get("digits").empty() ? "0" : Get("digits"));
        if (!low || !high || !interval || !digits || *interval < 1 || *digits < 0 || *digits > 30) {
            return Fail(ErrorCode::kInvalidArgument, fmt::format("{}range is not two numbers", prefix_));
        }
        std::vector<std::string> values;
        for (int64_t value = *low; value <= *high; value += *interval) {
            if (values.size() == kMost) return Fail(ErrorCode::kLimit, fmt::format("{}range has more than a million values", prefix_));
            values.push_back(fmt::format("{:0{}}", value, *digits));
        }
        return values;
    }
    Result<std::vector<std::string>> Dates(base::Instant now) const {
        ASSIGN_OR_RETURN(const DatePattern pattern, DatePattern::Parse(Get("format")));
        const auto range = Split(Get("range"));
        if (range.size() != 2) return Fail(ErrorCode::kInvalidArgument, fmt::format("{}range is not two dates", prefix_));
        ASSIGN_OR_RETURN(Fields fields, Bound(range[0], pattern, now));
        ASSIGN_OR_RETURN(const Fields last, Bound(range[1], pattern, now));
        const auto interval = Number(Get("interval").empty() ? "1" : Get("interval"));
        const std::string unit = Get("interval.unit").empty() ? std::string(pattern.Finest()) : Upper(Get("interval.unit"));
        if (!interval || *interval < 1) return Fail(ErrorCode::kInvalidArgument, fmt::format("{}interval is not a number", prefix_));
        std::vector<std::string> values;
        for (; fields.Time() <= last.Time(); fields.Add(*interval, unit)) {
            if (values.size() == kMost) return Fail(ErrorCode::kLimit, fmt::format("{}range has more than a million values", prefix_));
            values.push_back(pattern.Format(fields));
        }
        return values;
    }

    const std::map<std::string, std::string>& parameters_;
    std::string prefix_;
};

std::string Location(const glue::Table& table, const std::vector<std::string>& values) {
    const auto& parameters = *table.Parameters;
    const auto given = parameters.find("storage.location.template");
    std::string location = given == parameters.end() ? table.StorageDescriptor->Location.value_or("") : given->second;
    if (!location.empty() && location.back() != '/') location += '/';
    for (size_t i = 0; i < values.size(); ++i) {
        const std::string& name = (*table.PartitionKeys)[i].Name;
        if (given == parameters.end()) {
            location += fmt::format("{}={}/", name, values[i]);
            continue;
        }
        const std::string mark = "${" + name + "}";
        for (size_t at = location.find(mark); at != std::string::npos; at = location.find(mark, at + values[i].size())) location.replace(at, mark.size(), values[i]);
    }
    return location;
}

}  // namespace

bool IsProjected(const glue::Table& table) {
    if (!table.Parameters || !table.PartitionKeys || table.PartitionKeys->empty()) return false;
    const auto found = table.Parameters->find("projection.enabled");
    return found != table.Parameters->end() && Upper(found->second) == "TRUE";
}

Result<std::vector<ProjectedPartition>> Project(const glue::Table& table, const KeyConditions& conditions, base::Instant now) {
    std::vector<std::vector<std::string>> rows = {{}};
    for (size_t key = 0; key < table.PartitionKeys->size(); ++key) {
        const KeyValues values(*table.Parameters, (*table.PartitionKeys)[key].Name);
        ASSIGN_OR_RETURN(std::vector<std::string> all, values.All(conditions.equal[key], now));
        if (conditions.each[key]) {
            std::vector<std::string> probe(table.PartitionKeys->size());
            std::erase_if(all, [&](const std::string& value) {
                probe[key] = value;
                return !conditions.each[key](probe);
            });
        }
        if (all.size() * rows.size() > kMost) return Fail(ErrorCode::kLimit, "the projection has more than a million partitions: name fewer in WHERE");
        std::vector<std::vector<std::string>> longer;
        longer.reserve(all.size() * rows.size());
        for (const auto& row : rows) {
            for (const std::string& value : all) {
                longer.push_back(row);
                longer.back().push_back(value);
            }
        }
        rows = std::move(longer);
    }
    std::vector<ProjectedPartition> partitions;
    for (auto& row : rows) {
        if (!conditions.all(row)) continue;
        std::string location = Location(table, row);
        partitions.push_back({std::move(row), std::move(location)});
    }
    return partitions;
}

}  // namespace wellhead::services::athena
