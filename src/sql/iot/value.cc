#include "sql/iot/value.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <cstring>
#include <map>

namespace wellhead::sql::iot {

namespace {

// ^-?\d+(\.\d+)?([eE]-?\d+)?$, the strings that convert to numbers.
bool LooksNumeric(std::string_view text) {
    size_t at = 0;
    auto digits = [&] {
        size_t first = at;
        while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
        return at > first;
    };
    if (at < text.size() && text[at] == '-') ++at;
    if (!digits()) return false;
    if (at < text.size() && text[at] == '.') {
        ++at;
        if (!digits()) return false;
    }
    if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
        ++at;
        if (at < text.size() && text[at] == '-') ++at;
        if (!digits()) return false;
    }
    return at == text.size();
}

// Beyond this a double holds whole numbers only in steps.
constexpr double kLargestExact = 9007199254740992.0;

}  // namespace

Value Value::Boolean(bool boolean) {
    Value value(Type::kBoolean);
    value.boolean_ = boolean;
    return value;
}
Value Value::Int(Int128 integer) {
    Value value(Type::kInt);
    value.integer_ = integer;
    return value;
}
Value Value::Number(const Decimal& decimal) {
    Value value(Type::kDecimal);
    value.integer_ = decimal.coefficient;
    value.exponent_ = static_cast<int16_t>(decimal.exponent);
    return value;
}
Value Value::Double(double number) {
    if (!std::isfinite(number)) return Value();
    Value value(Type::kDecimal);
    value.double_ = true;
    value.number_ = number;
    return value;
}
Value Value::String(std::string_view text) {
    Value value(Type::kString);
    value.text_ = {text.data(), text.size()};
    return value;
}
Value Value::Array(const BuiltArray* items) {
    Value value(Type::kArray);
    value.array_ = items;
    return value;
}
Value Value::Object(const BuiltObject* members) {
    Value value(Type::kObject);
    value.object_ = members;
    return value;
}

Value Value::Of(simdjson::dom::element element) {
    switch (element.type()) {
        case simdjson::dom::element_type::INT64: return Int(element.get_int64().value_unsafe());
        case simdjson::dom::element_type::UINT64: return Int(element.get_uint64().value_unsafe());
        case simdjson::dom::element_type::DOUBLE: {
            double number = element.get_double().value_unsafe();
            // This version of the language takes whole numbers for Int.
            if (number == std::trunc(number)) {
                if (std::fabs(number) < kLargestExact) return Int(static_cast<Int128>(number));
                auto whole = DecimalOf(number);
                if (whole && whole->exponent == 0) return Int(whole->coefficient);
            }
            return Double(number);
        }
        case simdjson::dom::element_type::STRING: return String(element.get_string().value_unsafe());
        case simdjson::dom::element_type::BOOL: return Boolean(element.get_bool().value_unsafe());
        case simdjson::dom::element_type::NULL_VALUE: return Null();
        case simdjson::dom::element_type::ARRAY:
        case simdjson::dom::element_type::OBJECT: break;
    }
    Value value(element.is_array() ? Type::kArray : Type::kObject);
    value.parsed_ = true;
    value.element_ = element;
    return value;
}

Decimal Value::decimal() const {
    if (type_ == Type::kInt) return DecimalOf(integer_).value_or(Decimal{});
    if (double_) return DecimalOf(number_).value_or(Decimal{});
    return {integer_, exponent_};
}

double Value::number() const {
    if (type_ == Type::kInt) return static_cast<double>(integer_);
    return double_ ? number_ : ToDouble({integer_, exponent_});
}

Value Value::Member(std::string_view name) const {
    if (type_ != Type::kObject) return Value();
    if (parsed_) {
        auto found = element_.get_object().value_unsafe().at_key(name);
        return found.error() == simdjson::SUCCESS ? Of(found.value_unsafe()) : Value();
    }
    for (const auto& [key, value] : *object_) {
        if (key == name) return value;
    }
    return Value();
}

Value Value::Item(Int128 index) const {
    if (type_ != Type::kArray || index < 0 || index > SIZE_MAX / 2) return Value();
    auto at = static_cast<size_t>(index);
    if (parsed_) {
        auto found = element_.get_array().value_unsafe().at(at);
        return found.error() == simdjson::SUCCESS ? Of(found.value_unsafe()) : Value();
    }
    return at < array_->size() ? (*array_)[at] : Value();
}

size_t Value::size() const {
    size_t count = 0;
    EachItem([&](const Value&) { ++count; });
    EachMember([&](std::string_view, const Value&) { ++count; });
    return count;
}

std::string_view Arena::Copy(std::string_view text) {
    char* copy = Bytes(text.size() + 1);
    std::memcpy(copy, text.data(), text.size());
    return {copy, text.size()};
}

BuiltArray* Arena::NewArray() {
    void* place = resource_.allocate(sizeof(BuiltArray), alignof(BuiltArray));
    return new (place) BuiltArray(&resource_);
}

BuiltObject* Arena::NewObject() {
    void* place = resource_.allocate(sizeof(BuiltObject), alignof(BuiltObject));
    return new (place) BuiltObject(&resource_);
}

Value Arena::Adopt(const Value& value) {
    switch (value.type()) {
        case Type::kString: return Value::String(Copy(value.text()));
        case Type::kArray: {
            BuiltArray* items = NewArray();
            value.EachItem([&](const Value& item) { items->push_back(Adopt(item)); });
            return Value::Array(items);
        }
        case Type::kObject: {
            BuiltObject* members = NewObject();
            value.EachMember([&](std::string_view name, const Value& member) {
                members->emplace_back(Copy(name), Adopt(member));
            });
            return Value::Object(members);
        }
        default: return value;
    }
}

Value ToDecimal(const Value& value) {
    if (value.is_number()) return value;
    if (value.type() == Type::kNull) return value;
    if (value.type() != Type::kString || !LooksNumeric(value.text())) return Value();
    std::string_view text = value.text();
    int64_t integer = 0;
    auto whole = std::from_chars(text.data(), text.data() + text.size(), integer);
    if (whole.ec == std::errc() && whole.ptr == text.data() + text.size()) return Value::Int(integer);
    auto decimal = ParseDecimal(text);
    return decimal ? Value::Number(*decimal) : Value();
}

std::optional<Int128> ToInt(const Value& value) {
    Value number = ToDecimal(value);
    if (number.type() == Type::kInt) return number.integer();
    if (number.type() != Type::kDecimal) return std::nullopt;
    return ToWhole(RoundTo(number.decimal(), 0, Rounding::kDown));
}

std::optional<bool> ToBoolean(const Value& value) {
    if (value.type() == Type::kBoolean) return value.boolean();
    if (value.type() != Type::kString) return std::nullopt;
    std::string_view text = value.text();
    auto is = [&](std::string_view word) {
        if (text.size() != word.size()) return false;
        for (size_t i = 0; i < text.size(); ++i) {
            if ((text[i] | 0x20) != word[i]) return false;
        }
        return true;
    };
    if (is("true")) return true;
    if (is("false")) return false;
    return std::nullopt;
}

std::optional<std::string_view> ToString(const Value& value, Arena& arena) {
    switch (value.type()) {
        case Type::kUndefined:
        case Type::kNull: return std::nullopt;
        case Type::kString: return value.text();
        case Type::kBoolean: return value.boolean() ? "true" : "false";
        default: break;
    }
    std::string text;
    AppendJson(value, text);
    return arena.Copy(text);
}

int CompareNumbers(const Value& left, const Value& right) {
    auto order = [](auto a, auto b) { return a < b ? -1 : a > b ? 1 : 0; };
    if (left.type() == Type::kInt && right.type() == Type::kInt) return order(left.integer(), right.integer());
    // Doubles order as their shortest decimals do, and integers up to 2^53 are doubles.
    auto simple = [](const Value& value) {
        if (value.type() != Type::kInt) return value.is_double();
        return value.integer() <= Int128{1} << 53 && value.integer() >= -(Int128{1} << 53);
    };
    if (simple(left) && simple(right)) return order(left.number(), right.number());
    return Compare(left.decimal(), right.decimal());
}

bool Equals(const Value& left, const Value& right) {
    if (left.is_number() && right.is_number()) return CompareNumbers(left, right) == 0;
    if (left.type() != right.type()) return false;
    switch (left.type()) {
        case Type::kNull: return true;
        case Type::kBoolean: return left.boolean() == right.boolean();
        case Type::kString: return left.text() == right.text();
        // Both sides are walked once: a payload must not make this quadratic.
        case Type::kArray: {
            std::vector<Value> items;
            right.EachItem([&](const Value& item) { items.push_back(item); });
            size_t at = 0;
            bool equal = true;
            left.EachItem([&](const Value& item) {
                equal = equal && at < items.size() && Equals(item, items[at]);
                ++at;
            });
            return equal && at == items.size();
        }
        case Type::kObject: {
            std::map<std::string_view, Value> members;
            right.EachMember([&](std::string_view name, const Value& member) { members.emplace(name, member); });
            size_t count = 0;
            bool equal = true;
            left.EachMember([&](std::string_view name, const Value& member) {
                ++count;
                if (!equal) return;
                auto found = members.find(name);
                equal = found != members.end() && Equals(member, found->second);
            });
            return equal && count == right.size();
        }
        default: return false;
    }
}

void AppendInt(Int128 integer, std::string& out) {
    char digits[48];
    if (integer >= INT64_MIN && integer <= INT64_MAX) {
        auto written = std::to_chars(digits, digits + sizeof digits, static_cast<int64_t>(integer));
        out.append(digits, written.ptr);
        return;
    }
    char* end = fmt::format_to(digits, "{}", integer);
    out.append(digits, end);
}

void AppendNumber(const Value& value, std::string& out) {
    const double size = value.is_double() ? std::fabs(value.number()) : 0;
    if (size < 1e-6 || size >= 1e15) return AppendDecimal(value.decimal(), out);
    char digits[40];
    auto written = std::to_chars(digits, digits + sizeof digits, value.number(), std::chars_format::fixed);
    out.append(digits, written.ptr);
}

void AppendJsonString(std::string_view text, std::string& out) {
    out.push_back('"');
    size_t start = 0;
    for (size_t i = 0; i < text.size(); ++i) {
        auto c = static_cast<unsigned char>(text[i]);
        if (c >= 0x20 && c != '"' && c != '\\') continue;
        out.append(text.substr(start, i - start));
        start = i + 1;
        switch (c) {
            case '"': out.append("\\\""); break;
            case '\\': out.append("\\\\"); break;
            case '\n': out.append("\\n"); break;
            case '\r': out.append("\\r"); break;
            case '\t': out.append("\\t"); break;
            case '\b': out.append("\\b"); break;
            case '\f': out.append("\\f"); break;
            default: fmt::format_to(std::back_inserter(out), "\\u{:04x}", c);
        }
    }
    out.append(text.substr(start));
    out.push_back('"');
}

void AppendJson(const Value& value, std::string& out) {
    switch (value.type()) {
        case Type::kUndefined: return;
        case Type::kNull: out.append("null"); return;
        case Type::kBoolean: out.append(value.boolean() ? "true" : "false"); return;
        case Type::kInt: AppendInt(value.integer(), out); return;
        case Type::kDecimal: AppendNumber(value, out); return;
        case Type::kString: AppendJsonString(value.text(), out); return;
        case Type::kArray: {
            out.push_back('[');
            bool first = true;
            value.EachItem([&](const Value& item) {
                if (!item.defined()) return;
                if (!first) out.push_back(',');
                first = false;
                AppendJson(item, out);
            });
            out.push_back(']');
            return;
        }
        case Type::kObject: {
            out.push_back('{');
            bool first = true;
            value.EachMember([&](std::string_view name, const Value& member) {
                if (!member.defined()) return;
                if (!first) out.push_back(',');
                first = false;
                AppendJsonString(name, out);
                out.push_back(':');
                AppendJson(member, out);
            });
            out.push_back('}');
            return;
        }
    }
}

}  // namespace wellhead::sql::iot
