#pragma once
// A value of IoT SQL while one message is evaluated, and the documented conversions between types.
// Values borrow: from the payload's parsed document, the statement, and the evaluation's arena.

#include <simdjson.h>

#include <cstdint>
#include <memory_resource>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sql/iot/decimal.h"

namespace wellhead::sql::iot {

enum class Type : uint8_t { kUndefined, kNull, kBoolean, kInt, kDecimal, kString, kArray, kObject };

class Value;
using BuiltArray = std::pmr::vector<Value>;
using BuiltObject = std::pmr::vector<std::pair<std::string_view, Value>>;

class Value {
  public:
    Value() : integer_(0) {}
    static Value Null() { return Value(Type::kNull); }
    static Value Boolean(bool boolean);
    static Value Int(Int128 integer);
    static Value Number(const Decimal& decimal);
    // Of double precision, as some functions give it. Undefined for NaN and infinity.
    static Value Double(double number);
    static Value String(std::string_view text);
    static Value Array(const BuiltArray* items);
    static Value Object(const BuiltObject* members);
    static Value Of(simdjson::dom::element element);

    Type type() const { return type_; }
    bool defined() const { return type_ != Type::kUndefined; }
    bool IsTrue() const { return type_ == Type::kBoolean && boolean_; }
    bool boolean() const { return boolean_; }
    Int128 integer() const { return integer_; }
    // kInt or kDecimal.
    Decimal decimal() const;
    // Where a decimal's digits are those of a double: what JSON's numbers are read into.
    bool is_double() const { return type_ == Type::kDecimal && double_; }
    std::string_view text() const { return {text_.data, text_.size}; }
    bool is_number() const { return type_ == Type::kInt || type_ == Type::kDecimal; }
    // kInt or kDecimal, with double precision.
    double number() const;

    // Undefined when this is no object or has no such member.
    Value Member(std::string_view name) const;
    // Undefined when this is no array or has no such item.
    Value Item(Int128 index) const;
    // Of an array or an object; 0 for everything else.
    size_t size() const;
    // Calls visit(Value) for each item of an array.
    template <class Visit>
    void EachItem(Visit visit) const;
    // Calls visit(std::string_view, Value) for each member of an object.
    template <class Visit>
    void EachMember(Visit visit) const;

  private:
    explicit Value(Type type) : type_(type), integer_(0) {}

    struct Text {
        const char* data;
        size_t size;
    };
    Type type_ = Type::kUndefined;
    bool parsed_ = false;  // an array or object of the parsed document, not a built one
    bool double_ = false;  // a decimal kept as a double
    int16_t exponent_ = 0; // of a decimal whose coefficient is integer_
    union {
        bool boolean_;
        Int128 integer_;
        double number_;
        Text text_;
        simdjson::dom::element element_;
        const BuiltArray* array_;
        const BuiltObject* object_;
    };
};

// Strings and containers made while one message is evaluated.
class Arena {
  public:
    Arena() : resource_(initial_, sizeof initial_) {}
    std::string_view Copy(std::string_view text);
    // Uninitialised bytes.
    char* Bytes(size_t size) { return static_cast<char*>(resource_.allocate(size, 1)); }
    BuiltArray* NewArray();
    BuiltObject* NewObject();
    // A value that no longer borrows from its document.
    Value Adopt(const Value& value);
    void Reset() { resource_.release(); }

  private:
    alignas(16) char initial_[4096];
    std::pmr::monotonic_buffer_resource resource_;
};

// The standard conversions. Undefined stays Undefined.
Value ToDecimal(const Value& value);
// Decimals and strings are rounded down.
std::optional<Int128> ToInt(const Value& value);
std::optional<bool> ToBoolean(const Value& value);
// Nothing for Null and Undefined. Borrows from value or from arena.
std::optional<std::string_view> ToString(const Value& value, Arena& arena);

// Negative, zero or positive; both are numbers.
int CompareNumbers(const Value& left, const Value& right);
// Equality as the = operator has it; Undefined against anything is not asked here.
bool Equals(const Value& left, const Value& right);

// JSON; Undefined writes nothing, Undefined members and items are left out.
void AppendJson(const Value& value, std::string& out);
void AppendJsonString(std::string_view text, std::string& out);
// kDecimal.
void AppendNumber(const Value& value, std::string& out);
void AppendInt(Int128 integer, std::string& out);

template <class Visit>
void Value::EachItem(Visit visit) const {
    if (type_ != Type::kArray) return;
    if (parsed_) {
        for (simdjson::dom::element item : simdjson::dom::array(element_)) visit(Of(item));
    } else {
        for (const Value& item : *array_) visit(item);
    }
}

template <class Visit>
void Value::EachMember(Visit visit) const {
    if (type_ != Type::kObject) return;
    if (parsed_) {
        for (auto member : simdjson::dom::object(element_)) visit(member.key, Of(member.value));
    } else {
        for (const auto& [name, value] : *object_) visit(name, value);
    }
}

}  // namespace wellhead::sql::iot
