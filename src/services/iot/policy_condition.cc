#include "services/iot/policy_condition.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstring>

namespace wellhead::services::iot {

namespace {

constexpr std::array<std::string_view, 26> kOperators = {
    "StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringLike",
    "StringNotLike", "NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals",
    "NumericGreaterThan", "NumericGreaterThanEquals", "DateEquals", "DateNotEquals", "DateLessThan",
    "DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEquals", "Bool", "IpAddress", "NotIpAddress",
    "ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike", "Null"};

constexpr std::array<std::string_view, 22> kKeys = {
    "aws:sourceip",
    "aws:currenttime",
    "aws:epochtime",
    "aws:securetransport",
    "aws:principaltype",
    "iot:clientid",
    "iot:domainname",
    "iot:connection.thing.thingname",
    "iot:connection.thing.thingtypename",
    "iot:connection.thing.isattached",
    "iot:certificate.serialnumber",
    "iot:certificate.subject.commonname",
    "iot:certificate.subject.organization",
    "iot:certificate.subject.organizationalunit",
    "iot:certificate.subject.country",
    "iot:certificate.subject.state",
    "iot:certificate.subject.distinguishednamequalifier",
    "iot:certificate.subject.serialnumber",
    "iot:certificate.issuer.commonname",
    "iot:certificate.issuer.organization",
    "iot:certificate.issuer.organizationalunit",
    "iot:certificate.issuer.country"};

std::string Lower(std::string_view text) {
    std::string lower(text);
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return lower;
}

std::optional<double> ToNumber(std::string_view text) {
    double number = 0;
    auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
    return number;
}

// Epoch seconds, or 2026-11-24T08:00:00Z.
std::optional<double> ToDate(std::string_view text) {
    if (auto number = ToNumber(text)) return number;
    int parts[6] = {0, 1, 1, 0, 0, 0};
    constexpr std::array<size_t, 6> kWidths = {4, 2, 2, 2, 2, 2};
    constexpr std::string_view kMarks = "--T::";
    for (size_t i = 0; i < 6; ++i) {
        if (text.size() < kWidths[i]) return std::nullopt;
        auto parsed = std::from_chars(text.data(), text.data() + kWidths[i], parts[i]);
        if (parsed.ec != std::errc() || parsed.ptr != text.data() + kWidths[i]) return std::nullopt;
        text.remove_prefix(kWidths[i]);
        if (i == 2 && text.empty()) break;
        if (i < 5) {
            if (text.empty() || text.front() != kMarks[i]) return std::nullopt;
            text.remove_prefix(1);
        }
    }
    if (!text.empty() && text != "Z" && !text.starts_with(".")) return std::nullopt;
    using namespace std::chrono;
    year_month_day date = year(parts[0]) / month(static_cast<unsigned>(parts[1])) / day(static_cast<unsigned>(parts[2]));
    if (!date.ok()) return std::nullopt;
    auto days = sys_days(date).time_since_epoch();
    return static_cast<double>(duration_cast<seconds>(days).count() + parts[3] * 3600 + parts[4] * 60 + parts[5]);
}

struct Address {
    int family = 0;
    std::array<unsigned char, 16> bytes{};
};

std::optional<Address> ToAddress(std::string_view text) {
    std::string copy(text);
    Address address;
    if (inet_pton(AF_INET, copy.c_str(), address.bytes.data()) == 1) {
        address.family = AF_INET;
        return address;
    }
    if (inet_pton(AF_INET6, copy.c_str(), address.bytes.data()) == 1) {
        address.family = AF_INET6;
        return address;
    }
    return std::nullopt;
}

struct Range {
    Address address;
    int bits = 0;
};

std::optional<Range> ToRange(std::string_view text) {
    size_t slash = text.find('/');
    auto address = ToAddress(text.substr(0, slash));
    if (!address) return std::nullopt;
    Range range{*address, address->family == AF_INET ? 32 : 128};
    if (slash != std::string_view::npos) {
        auto bits = ToNumber(text.substr(slash + 1));
        if (!bits || *bits < 0 || *bits > range.bits) return std::nullopt;
        range.bits = static_cast<int>(*bits);
    }
    return range;
}

bool InRange(std::string_view value, std::string_view range_text) {
    auto address = ToAddress(value);
    auto range = ToRange(range_text);
    if (!address || !range || address->family != range->address.family) return false;
    for (int bit = 0; bit < range->bits; ++bit) {
        auto index = static_cast<size_t>(bit / 8);
        int mask = 0x80 >> (bit % 8);
        if ((address->bytes[index] & mask) != (range->address.bytes[index] & mask)) return false;
    }
    return true;
}

template <class Convert>
bool CompareOrder(std::string_view op, std::string_view value, std::string_view wanted, Convert convert) {
    auto a = convert(value);
    auto b = convert(wanted);
    if (!a || !b) return false;
    if (op == "Equals") return *a == *b;
    if (op == "LessThan") return *a < *b;
    if (op == "LessThanEquals") return *a <= *b;
    if (op == "GreaterThan") return *a > *b;
    return *a >= *b;
}

// The operator without its negation, on one value of the context and one of the condition.
bool HoldsFor(std::string_view op, const std::string& value, const PolicyText& wanted,
              const PolicyContext& context) {
    if (op == "StringLike" || op == "ArnEquals" || op == "ArnLike") {
        auto glob = wanted.Resolve(context);
        return glob && glob->Matches(value);
    }
    auto plain = wanted.ResolvePlain(context);
    if (!plain) return false;
    if (op == "StringEquals") return value == *plain;
    if (op == "StringEqualsIgnoreCase" || op == "Bool") return Lower(value) == Lower(*plain);
    if (op == "IpAddress") return InRange(value, *plain);
    if (op.starts_with("Numeric")) return CompareOrder(op.substr(7), value, *plain, ToNumber);
    if (op.starts_with("Date")) return CompareOrder(op.substr(4), value, *plain, ToDate);
    return false;
}

}  // namespace

bool IsConditionOperator(std::string_view name) {
    return std::find(kOperators.begin(), kOperators.end(), name) != kOperators.end();
}

bool IsConditionKey(std::string_view key) {
    std::string lower = Lower(key);
    if (lower.starts_with("iot:connection.thing.attributes[") && lower.ends_with("]")) return true;
    if (lower == "iot:certificate.issuer.state") return true;
    return std::find(kKeys.begin(), kKeys.end(), lower) != kKeys.end();
}

base::Result<void> CheckConditionValue(std::string_view op, std::string_view value) {
    if (value.find("${") != std::string_view::npos) return {};
    bool good = true;
    if (op.starts_with("Numeric")) good = ToNumber(value).has_value();
    if (op.starts_with("Date")) good = ToDate(value).has_value();
    if (op == "IpAddress" || op == "NotIpAddress") good = ToRange(value).has_value();
    if (op == "Bool" || op == "Null") good = Lower(value) == "true" || Lower(value) == "false";
    if (good) return {};
    return base::Fail(base::ErrorCode::kInvalidArgument,
                      "the value " + std::string(value) + " does not suit the condition operator " + std::string(op));
}

bool ConditionHolds(const PolicyCondition& condition, const PolicyContext& context) {
    auto value = context.Get(condition.key);
    if (condition.op == "Null") {
        return std::any_of(condition.values.begin(), condition.values.end(), [&](const PolicyText& wanted) {
            auto plain = wanted.ResolvePlain(context);
            return plain && (Lower(*plain) == "true") == !value.has_value();
        });
    }
    if (!value) return condition.if_exists || condition.for_all_values;
    std::string op = condition.op;
    bool negated = false;
    if (size_t at = op.find("Not"); at != std::string::npos) {
        negated = true;
        op.erase(at, 3);
    }
    bool any = std::any_of(condition.values.begin(), condition.values.end(), [&](const PolicyText& wanted) {
        return HoldsFor(op, *value, wanted, context);
    });
    return any != negated;
}

}  // namespace wellhead::services::iot
