#include <string>

#include "sql/iot/program.h"

namespace wellhead::sql::iot {

std::optional<Value> NumberOf(const Literal& literal) {
    if (literal.kind == LiteralKind::kInteger) {
        Int128 integer = 0;
        for (char digit : literal.text) {
            if (__builtin_mul_overflow(integer, 10, &integer) ||
                __builtin_add_overflow(integer, digit - '0', &integer)) {
                return std::nullopt;
            }
        }
        return Value::Int(integer);
    }
    // The lexer takes ".5" and "5." as well.
    std::string text = literal.text;
    if (text.starts_with('.')) text.insert(0, "0");
    if (size_t point = text.find('.'); point != std::string::npos &&
                                       (point + 1 == text.size() || text[point + 1] < '0' || text[point + 1] > '9')) {
        text.insert(point + 1, "0");
    }
    auto decimal = ParseDecimal(text);
    if (!decimal) return std::nullopt;
    return Value::Number(*decimal);
}

}  // namespace wellhead::sql::iot
