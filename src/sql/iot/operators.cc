// The arithmetic and comparison operators, by the tables of the language reference.

#include "sql/iot/program.h"

namespace wellhead::sql::iot {

namespace {

// A longer result is Undefined: a statement must not grow a small payload without end.
constexpr size_t kMaxTextBytes = size_t{1} << 20;

Value Compare(BinaryOperator op, const Value& left, const Value& right) {
    Value a = ToDecimal(left);
    Value b = ToDecimal(right);
    if (!a.is_number() || !b.is_number()) return Value();
    const int order = CompareNumbers(a, b);
    switch (op) {
        case BinaryOperator::kLess: return Value::Boolean(order < 0);
        case BinaryOperator::kLessOrEqual: return Value::Boolean(order <= 0);
        case BinaryOperator::kGreater: return Value::Boolean(order > 0);
        default: return Value::Boolean(order >= 0);
    }
}

// "34 digits maximum"; what is larger goes on as a Decimal.
bool FitsInt(Int128 integer) {
    auto decimal = DecimalOf(integer);
    return decimal && decimal->exponent == 0 && decimal->coefficient == integer;
}

// Nothing when the result leaves 128 bits.
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
        case BinaryOperator::kDivide:
            if (b == -1) return __builtin_sub_overflow(Int128{0}, a, &result) ? std::nullopt : std::optional(result);
            return a / b;
        case BinaryOperator::kModulo: return b == -1 ? 0 : a % b;
        default: return std::nullopt;
    }
}

Value Arithmetic(BinaryOperator op, const Value& left, const Value& right) {
    Value a = ToDecimal(left);
    Value b = ToDecimal(right);
    if (!a.is_number() || !b.is_number()) return Value();
    if (left.type() == Type::kInt && right.type() == Type::kInt) {
        const bool divides = op == BinaryOperator::kDivide || op == BinaryOperator::kModulo;
        if (divides && b.integer() == 0) return Value();
        auto integer = IntArithmetic(op, a.integer(), b.integer());
        if (integer && FitsInt(*integer)) return Value::Int(*integer);
    }
    const Decimal x = a.decimal();
    const Decimal y = b.decimal();
    std::optional<Decimal> result;
    switch (op) {
        case BinaryOperator::kAdd: result = Add(x, y); break;
        case BinaryOperator::kSubtract: result = Subtract(x, y); break;
        case BinaryOperator::kMultiply: result = Multiply(x, y); break;
        case BinaryOperator::kDivide: result = Divide(x, y); break;
        default: result = Remainder(x, y); break;
    }
    return result ? Value::Number(*result) : Value();
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
