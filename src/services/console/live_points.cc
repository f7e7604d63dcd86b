#include "services/console/live_points.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cmath>
#include <iterator>
#include <utility>

namespace wellhead::services::console {

namespace json = boost::json;

namespace {

constexpr std::string_view kTimeNames[] = {"timestamp", "time", "ts", "event_time", "@timestamp"};
constexpr std::string_view kDeviceNames[] = {"well",       "device", "device_id", "deviceId", "thing", "thing_name",
                                             "sensor",     "sensor_id", "station", "host",    "id",    "name"};
constexpr size_t kMaxName = 128;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// count digits at the front of text, taken off; -1 when they are not all digits.
int TakeNumber(std::string_view& text, size_t count) {
    if (text.size() < count) return -1;
    int value = 0;
    for (size_t i = 0; i < count; ++i) {
        if (!IsDigit(text[i])) return -1;
        value = value * 10 + (text[i] - '0');
    }
    text.remove_prefix(count);
    return value;
}
bool TakeChar(std::string_view& text, std::string_view any) {
    if (text.empty() || any.find(text.front()) == any.npos) return false;
    text.remove_prefix(1);
    return true;
}

std::string Printable(const json::value& value) {
    if (value.is_string()) return std::string(std::string_view(value.get_string()).substr(0, kMaxName));
    if (value.is_int64()) return std::to_string(value.get_int64());
    if (value.is_uint64()) return std::to_string(value.get_uint64());
    return {};
}

void AppendQuoted(std::string& out, std::string_view text) { out += json::serialize(json::string(text)); }

// Shortest form that reads back the same; JSON has no infinities.
void AppendNumber(std::string& out, double value) {
    if (std::isfinite(value)) {
        fmt::format_to(std::back_inserter(out), "{}", value);
    } else {
        out += "null";
    }
}

}  // namespace

std::optional<int64_t> TimeFromNumber(double number) {
    if (!(number > 1e8) || number > 1e17) return std::nullopt;
    if (number > 1e14) return static_cast<int64_t>(number / 1000);
    if (number > 1e11) return static_cast<int64_t>(number);
    return static_cast<int64_t>(std::llround(number * 1000));
}

std::optional<int64_t> TimeFromText(std::string_view text) {
    int year = TakeNumber(text, 4);
    if (year < 0 || !TakeChar(text, "-")) return std::nullopt;
    int month = TakeNumber(text, 2);
    if (month < 1 || !TakeChar(text, "-")) return std::nullopt;
    int day = TakeNumber(text, 2);
    if (day < 1 || !TakeChar(text, "T ")) return std::nullopt;
    int hour = TakeNumber(text, 2);
    if (hour < 0 || !TakeChar(text, ":")) return std::nullopt;
    int minute = TakeNumber(text, 2);
    int second = 0;
    int64_t millis = 0;
    if (TakeChar(text, ":")) {
        second = TakeNumber(text, 2);
        if (TakeChar(text, ".,")) {
            int64_t scale = 100;
            while (!text.empty() && IsDigit(text.front())) {
                millis += (text.front() - '0') * scale;
                scale /= 10;
                text.remove_prefix(1);
            }
        }
    }
    int64_t offset = 0;
    if (!text.empty() && !TakeChar(text, "Zz")) {
        int sign = text.front() == '-' ? -1 : 1;
        if (!TakeChar(text, "+-")) return std::nullopt;
        int hours = TakeNumber(text, 2);
        TakeChar(text, ":");
        int minutes = text.empty() ? 0 : TakeNumber(text, 2);
        if (hours < 0 || minutes < 0) return std::nullopt;
        offset = sign * (hours * 60 + minutes);
    }
    std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                     std::chrono::day(static_cast<unsigned>(day))};
    if (!text.empty() || !date.ok() || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) {
        return std::nullopt;
    }
    int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
    return (((days * 24 + hour) * 60 + minute - offset) * 60 + second) * 1000 + millis;
}

std::optional<Reading> ParseReading(base::ByteView data, std::string_view partition_key, base::Instant arrival) {
    if (data.size() > 64 * 1024) return std::nullopt;
    unsigned char buffer[4096];
    json::monotonic_resource memory(buffer);
    boost::system::error_code error;
    json::parse_options options;
    options.max_depth = 16;
    json::value value = json::parse(data, error, &memory, options);
    if (error || !value.is_object()) return std::nullopt;
    const json::object& object = value.get_object();

    Reading reading;
    reading.time_ms = base::ToUnixMs(arrival);
    std::string_view time_name;
    for (std::string_view name : kTimeNames) {
        const json::value* member = object.if_contains(name);
        if (member == nullptr) continue;
        auto time = member->is_string()   ? TimeFromText(member->get_string())
                    : member->is_number() ? TimeFromNumber(member->to_number<double>())
                                          : std::nullopt;
        if (!time) continue;
        reading.time_ms = *time;
        time_name = name;
        break;
    }
    std::string_view device_name;
    for (std::string_view name : kDeviceNames) {
        const json::value* member = object.if_contains(name);
        if (member == nullptr) continue;
        reading.device = Printable(*member);
        if (reading.device.empty()) continue;
        device_name = name;
        break;
    }
    if (device_name.empty()) reading.device = partition_key.substr(0, kMaxName);
    for (const auto& member : object) {
        if (!member.value().is_number() || member.key() == time_name || member.key() == device_name) continue;
        if (member.key().size() > kMaxName) continue;
        reading.measures.emplace_back(member.key(), member.value().to_number<double>());
    }
    if (reading.measures.empty()) return std::nullopt;
    return reading;
}

void FrameWriter::Add(const Reading& reading, base::Instant arrival, bool live) {
    if (live) ++live_;
    auto index_of = [](std::map<std::string, size_t>& known, const std::string& name, size_t limit) {
        auto found = known.find(name);
        if (found != known.end()) return found->second;
        if (known.size() >= limit) return limit;
        return known.emplace(name, known.size()).first->second;
    };
    Row row{index_of(devices_, reading.device, kMaxDevices), reading.time_ms, {}};
    if (row.device == kMaxDevices) return;
    for (const auto& [name, value] : reading.measures) {
        size_t measure = index_of(measures_, name, kMaxMeasures);
        if (measure != kMaxMeasures) row.values.emplace_back(measure, value);
    }
    readings_.push_back(std::move(row));
    newest_ = std::max(newest_, arrival);
}

std::string FrameWriter::Take() {
    auto names = [](const std::map<std::string, size_t>& known) {
        std::vector<std::string_view> ordered(known.size());
        for (const auto& [name, index] : known) ordered[index] = name;
        return ordered;
    };
    std::string out = R"({"t":"d","s":)";
    AppendQuoted(out, stream_);
    for (const auto& [key, list] : {std::pair(R"(,"d":[)", names(devices_)), std::pair(R"(],"m":[)", names(measures_))}) {
        out += key;
        for (size_t i = 0; i < list.size(); ++i) {
            if (i > 0) out += ',';
            AppendQuoted(out, list[i]);
        }
    }
    out += R"(],"r":[)";
    std::vector<double> values(measures_.size());
    bool first = true;
    for (const Row& row : readings_) {
        std::fill(values.begin(), values.end(), std::nan(""));
        for (const auto& [measure, value] : row.values) values[measure] = value;
        fmt::format_to(std::back_inserter(out), "{}{},{}", first ? "" : ",", row.device, row.time_ms);
        first = false;
        for (double value : values) {
            out += ',';
            AppendNumber(out, value);
        }
    }
    // To a tenth of a millisecond: it is what the page takes its delay from.
    fmt::format_to(std::back_inserter(out), R"(],"a":{:.1f},"n":{}}})",
                   static_cast<double>(base::ToUnixUs(newest_)) / 1000, std::exchange(live_, 0));
    readings_.clear();
    devices_.clear();
    measures_.clear();
    newest_ = base::Instant();
    return out;
}

}  // namespace wellhead::services::console
