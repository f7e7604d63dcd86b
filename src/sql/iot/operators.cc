// The arithmetic and comparison operators, by the tables of the language reference.

#include <cmath>

#include "sql/iot/program.h"

namespace wellhead::sql::iot {

namespace {

// A longer result is Undefined: a statement must not grow a small payload without end.
constexpr size_t kMaxTextBytes = size_t{1} << 20;

Value Compare(BinaryOperator op, const Value& left, const Value& right) {
    Value a = ToDecimal(left);
    Value b = ToDecimal(right);
    if (!a.is_number() || !b.is_number()) return Value();
    bool less;
    bool equal;
    if (a.type() == Type::kInt && b.type() == Type::kInt) {
        less = a.integer() < b.integer();
        equal = a.integer() == b.integer();
    } else {
        less = a.number() < b.number();
        equal = a.number() == b.number();
    }
    switch (op) {
        case BinaryOperator::kLess: return Value::Boolean(less);
        case BinaryOperator::kLessOrEqual: return Value::Boolean(less || equal);
        case BinaryOperator::kGreater: return Value::Boolean(!less && !equal);
        default: return Value::Boolean(!less);
    }
}

// Nothing when the result leaves 128 bits or divides by zero; the caller then goes on in doubles or gives up.
std::optional<Int128> IntArithmetic(BinaryOperator op, Int128 a, Int128 b) {
    Int128 result = 0;
    switch (op) {
        case BinaryOperator::kAdd:
            if (__builtin_add_overflow(a, b, &result)) return std::nullopt;
            return result;
        case BinaryOperator::kSubtract:
            if (__builtin_sub_overflow(a, b, &result)) return std::nullopt;
            return result;
        case BinaryOperator::kMultiply:
            if (__builtin_mul_overflow(a, b, &result)) return std::nullopt;
            return result;
        case BinaryOperator::kDivide: return b == 0 || b == -1 ? std::nullopt : std::optional<Int128>(a / b);
        case BinaryOperator::kModulo: return b == 0 ? std::nullopt : std::optional<Int128>(b == -1 ? 0 : a % b);
        default: return std::nullopt;
    }
}

Value Arithmetic(BinaryOperator op, const Value& left, const Value& right) {
    Value a = ToDecimal(left);
    Value b = ToDecimal(right);
    if (!a.is_number() || !b.is_number()) return Value();
    bool divides = op == BinaryOperator::kDivide || op == BinaryOperator::kModulo;
    if (divides && b.number() == 0) return Value();
    if (left.type() == Type::kInt && right.type() == Type::kInt) {
        if (op == BinaryOperator::kDivide && b.integer() == -1) {
            op = BinaryOperator::kMultiply;
        }
        auto integer = IntArithmetic(op, a.integer(), b.integer());
        if (integer) return Value::Int(*integer);
    }
    double x = a.number();
    double y = b.number();
    switch (op) {
        case BinaryOperator::kAdd: return Value::Decimal(x + y);
        case BinaryOperator::kSubtract: return Value::Decimal(x - y);
        case BinaryOperator::kMultiply: return Value::Decimal(x * y);
        case BinaryOperator::kDivide: return Value::Decimal(x / y);
        default: return Value::Decimal(std::fmod(x, y));
    }
}

}  // namespace

Value Operate(BinaryOperator op, const Value& left, const Value& right, Arena& arena) {
    switch (op) {
        case BinaryOperator::kEqual:
        case BinaryOperator::kNotEqual: {
            if (!left.defined() || !right.defined()) return Value();
            return Value::Boolean(Equals(left, right) == (op == BinaryOperator::kEqual));
        }
        case BinaryOperator::kLess:
        case BinaryOperator::kLessOrEqual:
        case BinaryOperator::kGreater:
        case BinaryOperator::kGreaterOrEqual: return Compare(op, left, right);
        case BinaryOperator::kAdd: {
            if (left.type() != Type::kString && right.type() != Type::kString) break;
            auto a = ToString(left, arena);
            auto b = ToString(right, arena);
            if (!a || !b || a->size() + b->size() > kMaxTextBytes) return Value();
            char* bytes = arena.Bytes(a->size() + b->size() + 1);
            a->copy(bytes, a->size());
            b->copy(bytes + a->size(), b->size());
            return Value::String({bytes, a->size() + b->size()});
        }
        default: break;
    }
    return Arithmetic(op, left, right);
}

}  // namespace wellhead::sql::iot
