#include <cmath>

#include "sql/iot/functions.h"

namespace wellhead::sql::iot {

namespace {

// Undefined for NaN and infinity: what the reference calls imaginary results.
template <double (*kFunction)(double)>
Value OfDouble(const Call& call) {
    Value number = ToDecimal(call.arguments[0]);
    return number.is_number() ? Value::Double(kFunction(number.number())) : Value();
}

template <Rounding kRounding>
Value ToWholeNumber(const Call& call) {
    Value number = ToDecimal(call.arguments[0]);
    if (number.type() == Type::kInt) return number;
    if (number.type() != Type::kDecimal) return Value();
    const Decimal rounded = RoundTo(number.decimal(), 0, kRounding);
    auto whole = ToWhole(rounded);
    return whole ? Value::Int(*whole) : Value::Number(rounded);
}

template <double (*kFunction)(double, double)>
Value OfTwoDoubles(const Call& call) {
    Value a = ToDecimal(call.arguments[0]);
    Value b = ToDecimal(call.arguments[1]);
    if (!a.is_number() || !b.is_number()) return Value();
    return Value::Double(kFunction(a.number(), b.number()));
}

template <class Operation>
Value OfTwoInts(const Call& call, Operation operation) {
    auto a = ToInt(call.arguments[0]);
    auto b = ToInt(call.arguments[1]);
    return a && b ? Value::Int(operation(*a, *b)) : Value();
}

Value Abs(const Call& call) {
    Value number = ToDecimal(call.arguments[0]);
    if (number.type() == Type::kInt) {
        return Value::Int(number.integer() < 0 ? -number.integer() : number.integer());
    }
    if (number.type() != Type::kDecimal) return Value();
    Decimal decimal = number.decimal();
    if (decimal.coefficient < 0) decimal.coefficient = -decimal.coefficient;
    return Value::Number(decimal);
}

Value Sign(const Call& call) {
    Value number = ToDecimal(call.arguments[0]);
    if (!number.is_number()) return Value();
    return Value::Int(CompareNumbers(number, Value::Int(0)));
}

Value Modulo(const Call& call) {
    return Operate(BinaryOperator::kModulo, call.arguments[0], call.arguments[1], call.state.arena);
}

Value BitNot(const Call& call) {
    auto integer = ToInt(call.arguments[0]);
    return integer ? Value::Int(~*integer) : Value();
}

Value Nanvl(const Call& call) {
    const Value& first = call.arguments[0];
    return !first.defined() || first.type() == Type::kNull ? call.arguments[1] : first;
}

// Cuts digits behind the point off; without a second argument, all.
Value Trunc(const Call& call) {
    Value number = ToDecimal(call.arguments[0]);
    if (number.type() == Type::kInt) return number;
    if (number.type() != Type::kDecimal) return Value();
    Int128 places = 0;
    if (call.arguments.size() > 1) {
        if (!call.arguments[1].is_number()) return Value();
        auto given = ToInt(call.arguments[1]);
        if (!given) return Value();
        places = *given < 0 ? 0 : *given > 34 ? Int128(34) : *given;
    }
    return Value::Number(RoundTo(number.decimal(), static_cast<int>(places), Rounding::kTowardZero));
}

Value Rand(const Call& call) { return Value::Double(call.state.RandomFraction()); }

double Acos(double x) { return std::acos(x); }
double Asin(double x) { return std::asin(x); }
double Atan(double x) { return std::atan(x); }
double Cos(double x) { return std::cos(x); }
double Cosh(double x) { return std::cosh(x); }
double Exp(double x) { return std::exp(x); }
double Ln(double x) { return std::log(x); }
double Log(double x) { return std::log10(x); }
double Sin(double x) { return std::sin(x); }
double Sinh(double x) { return std::sinh(x); }
double Sqrt(double x) { return std::sqrt(x); }
double Tan(double x) { return std::tan(x); }
double Tanh(double x) { return std::tanh(x); }
double Atan2(double y, double x) { return std::atan2(y, x); }
double Power(double x, double y) { return std::pow(x, y); }

}  // namespace

void AddMathFunctions(FunctionTable& table) {
    table["abs"] = {Abs, 1, 1};
    table["acos"] = {OfDouble<Acos>, 1, 1};
    table["asin"] = {OfDouble<Asin>, 1, 1};
    table["atan"] = {OfDouble<Atan>, 1, 1};
    table["atan2"] = {OfTwoDoubles<Atan2>, 2, 2};
    table["bitand"] = {[](const Call& call) { return OfTwoInts(call, [](auto a, auto b) { return a & b; }); }, 2, 2};
    table["bitor"] = {[](const Call& call) { return OfTwoInts(call, [](auto a, auto b) { return a | b; }); }, 2, 2};
    table["bitxor"] = {[](const Call& call) { return OfTwoInts(call, [](auto a, auto b) { return a ^ b; }); }, 2, 2};
    table["bitnot"] = {BitNot, 1, 1};
    table["ceil"] = {ToWholeNumber<Rounding::kUp>, 1, 1};
    table["cos"] = {OfDouble<Cos>, 1, 1};
    table["cosh"] = {OfDouble<Cosh>, 1, 1};
    table["exp"] = {OfDouble<Exp>, 1, 1};
    table["floor"] = {ToWholeNumber<Rounding::kDown>, 1, 1};
    table["ln"] = {OfDouble<Ln>, 1, 1};
    table["log"] = {OfDouble<Log>, 1, 1};
    table["mod"] = {Modulo, 2, 2};
    table["remainder"] = {Modulo, 2, 2};
    table["nanvl"] = {Nanvl, 2, 2};
    table["power"] = {OfTwoDoubles<Power>, 2, 2};
    table["rand"] = {Rand, 0, 0};
    table["round"] = {ToWholeNumber<Rounding::kHalfAwayFromZero>, 1, 1};
    table["sign"] = {Sign, 1, 1};
    table["sin"] = {OfDouble<Sin>, 1, 1};
    table["sinh"] = {OfDouble<Sinh>, 1, 1};
    table["sqrt"] = {OfDouble<Sqrt>, 1, 1};
    table["tan"] = {OfDouble<Tan>, 1, 1};
    table["tanh"] = {OfDouble<Tanh>, 1, 1};
    table["trunc"] = {Trunc, 1, 2};
}

}  // namespace wellhead::sql::iot
