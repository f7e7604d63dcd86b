// A query's expressions: literals, names, calls, types.
#include <fmt/format.h>

#include "sql/athena/functions.h"
#include "sql/athena/translator.h"

namespace wellhead::sql::athena {

using std::unexpected;

namespace {
constexpr int kMaxDepth = 200;
// Types that a text behind them makes a literal.
constexpr std::string_view kLiteralTypes[] = {"date", "timestamp", "time", "x", "interval", "decimal", "varchar", "bigint", "integer", "smallint", "tinyint",
                                              "double", "real", "boolean", "json", "uuid"};
}

// A date plus or minus an interval of days or longer is a date in Trino, a timestamp in the engine.
Translated<std::string> Translator::Primary() {
    auto text = Term();
    while (text && !date_.empty() && *text == date_ && AtDateInterval()) {
        const std::string sign = cursor_.Next().value;
        auto interval = TypedLiteral("interval");
        if (!interval) return interval;
        text = date_ = fmt::format("CAST({} {} {} AS DATE)", *text, sign, *interval);
    }
    return text;
}

bool Translator::AtDateInterval() const {
    static constexpr std::string_view kUnits[] = {"day", "week", "month", "year"};
    return (cursor_.IsSymbol("+") || cursor_.IsSymbol("-")) && cursor_.IsKeyword("interval", 1) && cursor_.Peek(2).kind == TokenKind::kString &&
           Contains(kUnits, Lower(cursor_.Peek(3).value));
}

Translated<std::string> Translator::Term() {
    const Token token = cursor_.Peek();
    switch (token.kind) {
        case TokenKind::kString: cursor_.Next(); return Quoted(token.value, '\'');
        case TokenKind::kInteger:
        case TokenKind::kDecimal:
        case TokenKind::kDouble: cursor_.Next(); return token.value;
        case TokenKind::kQuotedIdentifier:
        case TokenKind::kIdentifier: return Word(token);
        case TokenKind::kSymbol: return Symbol(token);
        case TokenKind::kEnd: break;
    }
    return Wrong("<expression>");
}

Translated<std::string> Translator::Symbol(const Token& token) {
    if (token.value == "(") {
        // (x, y) -> ...
        size_t ahead = 1;
        while (IsName(cursor_.Peek(ahead)) && cursor_.IsSymbol(",", ahead + 1)) ahead += 2;
        if (IsName(cursor_.Peek(ahead)) && cursor_.IsSymbol(")", ahead + 1) && cursor_.IsSymbol("->", ahead + 2)) {
            std::string out = "lambda ";
            for (cursor_.Next(); !cursor_.IsSymbol("->"); cursor_.Next()) {
                if (IsName(cursor_.Peek())) out += (out.size() > 7 ? ", " : "") + Quoted(Lower(cursor_.Peek().value), '"');
            }
            cursor_.Next();
            return out + ": ";
        }
        return Bracket();
    }
    if (token.value == "?") {
        cursor_.Next();
        if (parameter_ >= context_.parameters.size()) return Refuse(token, "Incorrect number of parameters: more '?' than values", "INVALID_PARAMETER_USAGE");
        const auto tokens = Tokenize(context_.parameters[parameter_++], AthenaLexer());
        if (!tokens) return Refuse(token, "An execution parameter is not a literal", "INVALID_PARAMETER_USAGE");
        const TranslationContext none;
        Translation nothing;
        Translator inner(*tokens, none, nothing);
        std::string out;
        while (!inner.cursor_.AtEnd()) {
            auto part = inner.Primary();
            if (!part) return part;
            out += *part + " ";
        }
        if (!nothing.tables.empty() || out.empty()) return Refuse(token, "An execution parameter is not a literal", "INVALID_PARAMETER_USAGE");
        return "(" + out + ")";
    }
    if (token.value == "[") {
        cursor_.Next();
        std::string out;
        while (!AtClose()) {
            if (auto step = Step(out); !step) return unexpected(step.error());
        }
        if (auto close = Expect("]"); !close) return unexpected(close.error());
        return "[" + out + "]";
    }
    static constexpr std::string_view kPlain[] = {",", ".", "+", "-", "*", "/", "%", "=", "<>", "!=", "<", ">", "<=", ">=", "||"};
    if (!Contains(kPlain, token.value)) return Wrong("<expression>");
    cursor_.Next();
    return token.value;
}

Translated<std::string> Translator::Word(const Token& token) {
    const std::string word = Lower(token.value);
    const bool quoted = token.kind == TokenKind::kQuotedIdentifier;
    if (cursor_.IsSymbol("->", 1)) {
        cursor_.Next();
        cursor_.Next();
        return "lambda " + Quoted(word, '"') + ": ";
    }
    if (!quoted) {
        const Token next = cursor_.Peek(1);
        if (next.kind == TokenKind::kString && Contains(kLiteralTypes, word)) return TypedLiteral(word);
        if (word == "array" && next.value == "[") {
            cursor_.Next();
            return Symbol(cursor_.Peek());
        }
        if (word == "at" && EqualsKeyword(next.value, "time") && cursor_.IsKeyword("zone", 2)) {
            for (int i = 0; i < 3; ++i) cursor_.Next();
            return std::string("::TIMESTAMPTZ AT TIME ZONE");
        }
        if (word == "current_timestamp" || word == "localtimestamp") {
            cursor_.Next();
            if (cursor_.IsSymbol("(")) {
                if (auto precision = Bracket(); !precision) return precision;
            }
            return std::string(word == "localtimestamp" ? "CAST(now() AS TIMESTAMP)" : "now()");
        }
        if (AtWindowClause()) return WindowClause();
        if (word == "nulls" || word == "offset" || word == "fetch" || word == "grouping" || word == "partition" || word == "tablesample") {
            if (auto phrase = Phrase(word); phrase) return *phrase;
        }
        if (word == "filter" && next.value == "(" && !cursor_.IsKeyword("where", 2)) return Call(token);
        if (IsKeywordToken(token)) {
            cursor_.Next();
            std::string upper;
            for (const char c : word) upper += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
            if (word == "over" && cursor_.IsSymbol("(")) {
                auto window = Window();
                if (!window) return window;
                return "OVER " + *window;
            }
            if (word == "current_date") date_ = upper;
            return upper;
        }
    }
    if (!quoted && cursor_.IsSymbol("(", 1)) return Call(token);
    cursor_.Next();
    return Quoted(word, '"');
}

std::optional<std::string> Translator::Phrase(const std::string& word) {
    const std::string next = Lower(cursor_.Peek(1).value);
    if (word == "nulls" && (next == "first" || next == "last")) {
        cursor_.Next();
        cursor_.Next();
        return next == "first" ? "NULLS FIRST" : "NULLS LAST";
    }
    const std::string behind = Lower(cursor_.Peek(2).value);
    if (word == "offset" && cursor_.Peek(1).kind == TokenKind::kInteger && (behind == "row" || behind == "rows")) {
        for (int i = 0; i < 3; ++i) cursor_.Next();
        return "OFFSET " + next;
    }
    if (word == "grouping" && next == "sets") {
        cursor_.Next();
        cursor_.Next();
        return "GROUPING SETS";
    }
    if (word == "fetch" && (next == "first" || next == "next")) {
        cursor_.Next();
        cursor_.Next();
        std::string count = "1";
        if (cursor_.Peek().kind == TokenKind::kInteger) count = cursor_.Next().value;
        for (int i = 0; i < 2; ++i) cursor_.Next();  // ROW|ROWS ONLY
        return "LIMIT " + count;
    }
    return std::nullopt;
}

Translated<std::string> Translator::Window() {
    if (auto open = Expect("("); !open) return unexpected(open.error());
    std::string out;
    static constexpr std::string_view kWords[] = {"partition", "rows", "range", "groups", "current", "row"};
    while (!AtClose()) {
        const Token& token = cursor_.Peek();
        const std::string word = Lower(token.value);
        const bool frame = token.kind == TokenKind::kIdentifier && Contains(kWords, word) && !cursor_.IsSymbol("(", 1) && !cursor_.IsSymbol(",", 1);
        if (frame) {
            out += word + " ";
            cursor_.Next();
        } else if (auto step = Step(out); !step) {
            return unexpected(step.error());
        }
    }
    if (auto close = Expect(")"); !close) return unexpected(close.error());
    return "(" + out + ")";
}

Translated<std::string> Translator::TypedLiteral(const std::string& word) {
    const Token at = cursor_.Next();
    const std::string text = cursor_.Next().value;
    if (word == "decimal") {
        // As many digits as are written.
        const bool number = text.find_first_not_of("+-.0123456789") == std::string::npos && text.find_first_of("0123456789") != std::string::npos;
        if (!number || text.find_first_of("+-", 1) != std::string::npos || std::count(text.begin(), text.end(), '.') > 1) return Refuse(at, fmt::format("'{}' is not a valid DECIMAL literal", text));
        return "(" + text + (text.find('.') == std::string::npos ? "." : "") + ")";
    }
    static constexpr std::string_view kOwnForm[] = {"x", "date", "time", "timestamp", "interval"};
    if (!Contains(kOwnForm, word)) return fmt::format("CAST({} AS {})", Quoted(text, '\''), word);
    if (word == "x") return fmt::format("unhex({})", Quoted(text, '\''));
    if (word == "date") return date_ = "DATE " + Quoted(text, '\'');
    if (word == "time") return "TIME " + Quoted(text, '\'');
    if (word == "timestamp") {
        // "2024-05-01 10:00:00 Europe/Berlin": a zone is what follows the time of day.
        const size_t space = text.find(' ');
        const bool zone = space != std::string::npos && (text.find_first_of(" +-", space + 1) != std::string::npos || text.back() == 'Z');
        return std::string(zone ? "TIMESTAMPTZ " : "TIMESTAMP ") + Quoted(text, '\'');
    }
    static constexpr std::string_view kUnits[] = {"second", "minute", "hour", "day", "week", "month", "year"};
    const std::string unit = Lower(cursor_.Peek().value);
    if (!Contains(kUnits, unit)) return Wrong("'DAY', 'HOUR', 'MINUTE', 'MONTH', 'SECOND', 'YEAR'");
    cursor_.Next();
    if (cursor_.IsKeyword("to")) return Refuse(at, "INTERVAL of several units is not served", "NOT_SUPPORTED");
    return fmt::format("INTERVAL {} {}", Quoted(text, '\''), unit);
}

Translated<std::vector<std::string>> Translator::Arguments() {
    if (auto open = Expect("("); !open) return unexpected(open.error());
    if (++depth_ > kMaxDepth) return Refuse(cursor_.Peek(), "the query nests too deep");
    const bool outer = in_from_;
    in_from_ = false;
    Block* const outer_block = block_;
    block_ = nullptr;
    std::vector<std::string> arguments;
    while (!cursor_.IsSymbol(")")) {
        std::string argument;
        while (!AtClose() && !cursor_.IsSymbol(",")) {
            if (AtQuery() && argument.empty()) {
                auto query = Query(false);
                if (!query) return unexpected(query.error());
                argument = *query;
            } else if (auto step = Step(argument); !step) {
                return unexpected(step.error());
            }
        }
        if (argument.empty()) return Wrong("<expression>");
        while (argument.ends_with(' ')) argument.pop_back();
        arguments.push_back(std::move(argument));
        if (!cursor_.AcceptSymbol(",")) break;
        if (cursor_.IsSymbol(")")) return Wrong("<expression>");
    }
    in_from_ = outer;
    block_ = outer_block;
    --depth_;
    if (auto close = Expect(")"); !close) return unexpected(close.error());
    return arguments;
}

Translated<std::string> Translator::Call(const Token& token) {
    cursor_.Next();
    const std::string name = Lower(token.value);
    if (name == "cast" || name == "try_cast") return Cast(name);
    if (name == "extract") return Extract();
    if (name == "position" && cursor_.IsSymbol("(")) return PositionOf();
    auto arguments = Arguments();
    if (!arguments) return unexpected(arguments.error());
    if (name == "date_format" || name == "date_parse" || name == "format_datetime" || name == "parse_datetime") return Patterned(name, *arguments, token);
    if (name == "transform_values" || name == "transform_keys" || name == "map_filter" || name == "zip_with") return PairCall(name, *arguments, token);
    if (name == "date_add" && arguments->size() == 3) {
        const std::string& unit = (*arguments)[0];
        if (unit.size() < 3 || unit[0] != '\'') return Refuse(token, "date_add needs its unit as a literal", "NOT_SUPPORTED");
        const std::string name_of_unit = Lower(unit.substr(1, unit.size() - 2));
        std::string sum = fmt::format("(({}) + INTERVAL ({}) {})", (*arguments)[2], (*arguments)[1], name_of_unit);
        static constexpr std::string_view kDays[] = {"day", "week", "month", "quarter", "year"};
        if ((*arguments)[2] != date_ || !Contains(kDays, name_of_unit)) return sum;
        return date_ = fmt::format("CAST({} AS DATE)", sum);
    }
    bool known = false;
    const FunctionRule* rule = FindFunction(name, arguments->size(), known);
    if (rule == nullptr) {
        return Refuse(token, known ? fmt::format("Unexpected parameters for function {}", name) : fmt::format("Function '{}' not registered", name),
                      "FUNCTION_NOT_FOUND");
    }
    std::string call = ApplyRule(*rule, *arguments);
    if (name == "date" || name == "last_day_of_month" || name == "from_iso8601_date" || (name == "date_trunc" && (*arguments)[1] == date_)) date_ = call;
    if (name == "listagg" && cursor_.AcceptKeyword("within")) {
        if (!cursor_.AcceptKeyword("group")) return Wrong("'GROUP'");
        auto order = Bracket();
        if (!order) return order;
        call = call.substr(0, call.size() - 1) + " " + order->substr(1);
    }
    return call;
}

Translated<std::string> Translator::PairCall(const std::string& name, const std::vector<std::string>& arguments, const Token& at) {
    const bool zip = name == "zip_with";
    const std::string lambda = arguments.size() == (zip ? 3u : 2u) ? arguments.back() : "";
    const size_t comma = lambda.find(", ");
    const size_t colon = lambda.find(": ");
    if (!lambda.starts_with("lambda ") || comma == std::string::npos || colon < comma) {
        return Refuse(at, fmt::format("Unexpected parameters for function {}", name), "FUNCTION_NOT_FOUND");
    }
    const std::string first = lambda.substr(7, comma - 7);
    const std::string second = lambda.substr(comma + 2, colon - comma - 2);
    const std::string body = lambda.substr(colon + 2);
    const std::string& m = arguments[0];
    if (zip) {
        return fmt::format("list_transform(generate_series(1, greatest(len({0}), len({1}))), lambda wh_i: list_transform([({0})[wh_i]], lambda {2}: "
                           "list_transform([({1})[wh_i]], lambda {3}: {4})[1])[1])", m, arguments[1], first, second, body);
    }
    const std::string each = fmt::format("lambda {0}: list_transform([({1})[{0}]], lambda {2}: {3})[1]", first, m, second, body);
    if (name == "transform_values") return fmt::format("map(map_keys({0}), list_transform(map_keys({0}), {1}))", m, each);
    if (name == "transform_keys") return fmt::format("map(list_transform(map_keys({0}), {1}), map_values({0}))", m, each);
    return fmt::format("map(list_filter(map_keys({0}), {1}), list_transform(list_filter(map_keys({0}), {1}), lambda wh_k: ({0})[wh_k]))", m, each);
}

Translated<std::string> Translator::Cast(const std::string& name) {
    if (auto open = Expect("("); !open) return unexpected(open.error());
    std::string value;
    while (!cursor_.IsKeyword("as") && !AtClose()) {
        if (auto step = Step(value); !step) return unexpected(step.error());
    }
    if (!cursor_.AcceptKeyword("as")) return Wrong("'AS'");
    auto type = TranslateType(cursor_);
    if (!type) return type;
    if (auto close = Expect(")"); !close) return unexpected(close.error());
    if (*type == "JSON" && name == "cast") return fmt::format("to_json({})", value);
    std::string cast = fmt::format("{}({} AS {})", name == "cast" ? "CAST" : "TRY_CAST", value, *type);
    if (*type == "DATE") date_ = cast;
    return cast;
}

// POSITION(part IN text)
Translated<std::string> Translator::PositionOf() {
    if (auto open = Expect("("); !open) return unexpected(open.error());
    std::string part;
    while (!AtClose() && !cursor_.IsKeyword("in")) {
        if (auto step = Step(part); !step) return unexpected(step.error());
    }
    if (!cursor_.AcceptKeyword("in")) return Wrong("'IN'");
    std::string text;
    while (!AtClose()) {
        if (auto step = Step(text); !step) return unexpected(step.error());
    }
    if (auto close = Expect(")"); !close) return unexpected(close.error());
    return fmt::format("strpos({}, {})", text, part);
}

bool Translator::AtWindowClause() const {
    return cursor_.IsKeyword("window") && IsName(cursor_.Peek(1)) && cursor_.IsKeyword("as", 2) && cursor_.IsSymbol("(", 3);
}

// WINDOW name AS (...), ...
Translated<std::string> Translator::WindowClause() {
    cursor_.Next();
    std::string out = "WINDOW ";
    do {
        if (!IsName(cursor_.Peek()) || !cursor_.IsKeyword("as", 1)) return Wrong("<identifier>");
        out += (out.ends_with(' ') ? "" : ", ") + Quoted(Lower(cursor_.Next().value), '"');
        cursor_.Next();
        auto window = Window();
        if (!window) return window;
        out += " AS " + *window;
    } while (cursor_.AcceptSymbol(","));
    return out;
}

Translated<std::string> Translator::Extract() {
    if (auto open = Expect("("); !open) return unexpected(open.error());
    const Token field = cursor_.Next();
    if (!cursor_.AcceptKeyword("from")) return Wrong("'FROM'");
    std::string value;
    while (!AtClose()) {
        if (auto step = Step(value); !step) return unexpected(step.error());
    }
    if (auto close = Expect(")"); !close) return unexpected(close.error());
    bool known = false;
    const FunctionRule* rule = FindFunction(Lower(field.value), 1, known);
    static constexpr std::string_view kFields[] = {"year", "quarter", "month", "week", "day", "day_of_month", "day_of_week", "dow", "day_of_year", "doy", "year_of_week", "yow", "hour", "minute", "second"};
    if (rule == nullptr || !Contains(kFields, Lower(field.value))) return Refuse(field, fmt::format("Invalid EXTRACT field: {}", field.value));
    return ApplyRule(*rule, {value});
}

Translated<std::string> Translator::Patterned(const std::string& name, const std::vector<std::string>& arguments, const Token& at) {
    if (arguments.size() != 2) return Refuse(at, fmt::format("Unexpected parameters for function {}", name), "FUNCTION_NOT_FOUND");
    const std::string& literal = arguments[1];
    if (literal.size() < 2 || literal[0] != '\'') return Refuse(at, fmt::format("{} needs its pattern as a literal", name), "NOT_SUPPORTED");
    const std::string pattern = literal.substr(1, literal.size() - 2);
    const std::string made = name.starts_with("date_") ? FromMySqlPattern(pattern) : FromJodaPattern(pattern);
    if (made.empty() && !pattern.empty()) return Refuse(at, fmt::format("The pattern {} of {} is not served", literal, name), "NOT_SUPPORTED");
    return fmt::format("{}({}, '{}')", name.find("parse") == std::string::npos ? "strftime" : "strptime", arguments[0], made);
}

}  // namespace wellhead::sql::athena
