#include "sql/athena/statement_reader.h"

#include <fmt/format.h>

namespace wellhead::sql::athena {

using std::unexpected;

namespace {

// Of a literal's inside: \n \t ... \001 (octal) \u0001; a backslash before anything else stands for that. '' is one quote.
std::string HiveText(std::string_view raw) {
    const char quote = raw.front();
    raw = raw.substr(1, raw.size() - 2);
    std::string out;
    for (size_t i = 0; i < raw.size(); ++i) {
        const char c = raw[i];
        if (c == quote && i + 1 < raw.size() && raw[i + 1] == quote) ++i;
        if (c != '\\' || i + 1 == raw.size()) {
            out += c;
            continue;
        }
        const char next = raw[++i];
        const auto octal = [&](size_t at) { return at < raw.size() && raw[at] >= '0' && raw[at] <= '7'; };
        if (octal(i) && octal(i + 1) && octal(i + 2) && next <= '3') {
            out += static_cast<char>((next - '0') * 64 + (raw[i + 1] - '0') * 8 + (raw[i + 2] - '0'));
            i += 2;
        } else if (next == 'u' && i + 4 < raw.size()) {
            const unsigned long code = std::strtoul(std::string(raw.substr(i + 1, 4)).c_str(), nullptr, 16);
            if (code < 0x80) out += static_cast<char>(code);
            else if (code < 0x800) (out += static_cast<char>(0xc0 | (code >> 6))) += static_cast<char>(0x80 | (code & 0x3f));
            else ((out += static_cast<char>(0xe0 | (code >> 12))) += static_cast<char>(0x80 | ((code >> 6) & 0x3f))) += static_cast<char>(0x80 | (code & 0x3f));
            i += 4;
        } else {
            out += next == 'n' ? '\n' : next == 't' ? '\t' : next == 'r' ? '\r' : next == 'b' ? '\b' : next == '0' ? '\0' : next;
        }
    }
    return out;
}

}  // namespace

Translated<StatementReader> StatementReader::Open(const std::string& text, bool hive) {
    LexerOptions options = AthenaLexer();
    options.double_quotes_are_strings = hive;
    options.backslash_escapes = hive;
    auto tokens = Tokenize(text, options);
    if (!tokens) return unexpected(QueryError{"SYNTAX_ERROR", tokens.error().message, tokens.error().at});
    return StatementReader(text, hive, std::make_shared<const std::vector<Token>>(std::move(*tokens)));
}

bool StatementReader::AcceptWords(std::initializer_list<std::string_view> words) {
    size_t ahead = 0;
    for (const std::string_view word : words) {
        if (!cursor_.IsKeyword(word, ahead++)) return false;
    }
    for (size_t i = 0; i < ahead; ++i) cursor_.Next();
    return true;
}

unexpected<QueryError> StatementReader::Wrong(std::string_view expected) const {
    const Token& token = cursor_.Peek();
    return unexpected(QueryError{"SYNTAX_ERROR",
                                 fmt::format("mismatched input '{}'. Expecting: {}", token.kind == TokenKind::kEnd ? "<EOF>" : token.value, expected), token.at});
}

unexpected<QueryError> StatementReader::NotSupported(std::string message, Position at) const {
    return unexpected(QueryError{"NOT_SUPPORTED", std::move(message), at});
}

Translated<void> StatementReader::Expect(std::string_view keyword) {
    if (cursor_.AcceptKeyword(keyword)) return {};
    std::string upper;
    for (const char c : keyword) upper += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    return Wrong("'" + upper + "'");
}

Translated<void> StatementReader::ExpectSymbol(std::string_view symbol) {
    if (!cursor_.AcceptSymbol(symbol)) return Wrong(fmt::format("'{}'", symbol));
    return {};
}

Translated<void> StatementReader::End() {
    cursor_.AcceptSymbol(";");
    if (!cursor_.AtEnd()) return Wrong("<EOF>");
    return {};
}

Translated<std::string> StatementReader::Name() {
    if (!IsName(cursor_.Peek())) return Wrong("<identifier>");
    return Lower(cursor_.Next().value);
}

Translated<TableName> StatementReader::Table() {
    const Position at = cursor_.Peek().at;
    std::vector<std::string> parts;
    do {
        auto part = Name();
        if (!part) return unexpected(part.error());
        parts.push_back(std::move(*part));
    } while (cursor_.AcceptSymbol("."));
    if (parts.size() == 3 && parts[0] != "awsdatacatalog") {
        return unexpected(QueryError{"CATALOG_NOT_FOUND", fmt::format("Catalog '{}' does not exist", parts[0]), at});
    }
    if (parts.size() > 3) return unexpected(QueryError{"SYNTAX_ERROR", "Too many parts in a table's name", at});
    TableName name;
    name.table = parts.back();
    if (parts.size() > 1) name.database = parts[parts.size() - 2];
    name.at = at;
    return name;
}

Translated<std::string> StatementReader::Text() {
    const Token& token = cursor_.Peek();
    if (token.kind != TokenKind::kString) return Wrong("<string>");
    cursor_.Next();
    return hive_ ? HiveText(std::string_view(text_).substr(token.begin, token.end - token.begin)) : token.value;
}

Translated<std::string> StatementReader::Value() {
    if (IsName(cursor_.Peek()) && cursor_.Peek(1).kind == TokenKind::kString && cursor_.IsKeyword("date")) cursor_.Next();
    if (cursor_.Peek().kind == TokenKind::kString) return Text();
    const bool negative = cursor_.AcceptSymbol("-");
    const Token& token = cursor_.Peek();
    if (token.kind != TokenKind::kInteger && token.kind != TokenKind::kDecimal && token.kind != TokenKind::kDouble) return Wrong("<string>, <number>");
    cursor_.Next();
    return (negative ? "-" : "") + token.value;
}

Translated<Properties> StatementReader::PropertyList() {
    if (auto open = ExpectSymbol("("); !open) return unexpected(open.error());
    Properties properties;
    do {
        auto key = Text();
        if (!key) return unexpected(key.error());
        if (auto equals = ExpectSymbol("="); !equals) return unexpected(equals.error());
        auto value = Text();
        if (!value) return unexpected(value.error());
        properties[*key] = *value;
    } while (cursor_.AcceptSymbol(","));
    if (auto close = ExpectSymbol(")"); !close) return unexpected(close.error());
    return properties;
}

Translated<WithProperties> StatementReader::WithList() {
    if (auto open = ExpectSymbol("("); !open) return unexpected(open.error());
    WithProperties properties;
    do {
        auto key = cursor_.Peek().kind == TokenKind::kString ? Text() : Name();
        if (!key) return unexpected(key.error());
        if (auto equals = ExpectSymbol("="); !equals) return unexpected(equals.error());
        std::vector<std::string>& values = properties[Lower(*key)];
        values.clear();
        if (cursor_.AcceptKeyword("array")) {
            if (auto open = ExpectSymbol("["); !open) return unexpected(open.error());
            while (!cursor_.IsSymbol("]")) {
                auto value = Value();
                if (!value) return unexpected(value.error());
                values.push_back(std::move(*value));
                if (!cursor_.AcceptSymbol(",")) break;
            }
            if (auto close = ExpectSymbol("]"); !close) return unexpected(close.error());
        } else if (cursor_.IsKeyword("true") || cursor_.IsKeyword("false")) {
            values.push_back(Lower(cursor_.Next().value));
        } else {
            auto value = Value();
            if (!value) return unexpected(value.error());
            values.push_back(std::move(*value));
        }
    } while (cursor_.AcceptSymbol(","));
    if (auto close = ExpectSymbol(")"); !close) return unexpected(close.error());
    return properties;
}

Translated<std::string> StatementReader::Type() {
    if (!IsName(cursor_.Peek())) return Wrong("<type>");
    std::string type;
    int depth = 0;
    // Up to what ends a column: a comma or bracket of the list, a word behind the type.
    while (!cursor_.AtEnd()) {
        const Token& token = cursor_.Peek();
        const std::string word = Lower(token.value);
        if (word == "<" || word == "(") ++depth;
        if (word == ">" || word == ")") --depth;
        if (depth < 0 || (depth == 0 && word == ",")) break;
        if (depth == 0 && !type.empty() && IsName(token) && word != "precision") break;
        if (word == "<>") return Wrong("<type>");
        if (word != "precision") type += word;
        cursor_.Next();
    }
    if (depth > 0) return Wrong("'>'");
    return type;
}

Translated<std::vector<ColumnDefinition>> StatementReader::Columns() {
    if (auto open = ExpectSymbol("("); !open) return unexpected(open.error());
    std::vector<ColumnDefinition> columns;
    do {
        ColumnDefinition column;
        column.at = cursor_.Peek().at;
        auto name = Name();
        if (!name) return unexpected(name.error());
        auto type = Type();
        if (!type) return unexpected(type.error());
        column.name = std::move(*name);
        column.type = std::move(*type);
        if (Accept("comment")) {
            auto comment = Text();
            if (!comment) return unexpected(comment.error());
            column.comment = std::move(*comment);
        }
        columns.push_back(std::move(column));
    } while (cursor_.AcceptSymbol(","));
    if (auto close = ExpectSymbol(")"); !close) return unexpected(close.error());
    return columns;
}

Translated<PartitionSpec> StatementReader::Partition() {
    if (auto open = ExpectSymbol("("); !open) return unexpected(open.error());
    PartitionSpec spec;
    do {
        auto key = Name();
        if (!key) return unexpected(key.error());
        if (auto equals = ExpectSymbol("="); !equals) return unexpected(equals.error());
        auto value = Value();
        if (!value) return unexpected(value.error());
        spec.emplace_back(std::move(*key), std::move(*value));
    } while (cursor_.AcceptSymbol(","));
    if (auto close = ExpectSymbol(")"); !close) return unexpected(close.error());
    return spec;
}

QueryText StatementReader::Slice(size_t begin, size_t end) const {
    QueryText query;
    for (size_t i = 0; i < text_.size(); ++i) {
        const char c = text_[i];
        if (i >= begin && i < end) query.text += c;
        else if (c == '\n') query.text += '\n';
        else if ((static_cast<unsigned char>(c) & 0xc0) != 0x80) query.text += ' ';  // a column is a code point
    }
    return query;
}

Translated<QueryText> StatementReader::Query() {
    if (cursor_.AtEnd()) return Wrong("<query>");
    const size_t begin = cursor_.Peek().begin;
    while (!cursor_.AtEnd()) cursor_.Next();
    return Slice(begin, text_.size());
}

Translated<QueryText> StatementReader::BracketedQuery() {
    if (auto open = ExpectSymbol("("); !open) return unexpected(open.error());
    const size_t begin = cursor_.Peek().begin;
    int depth = 0;
    while (!cursor_.AtEnd() && !(depth == 0 && cursor_.IsSymbol(")"))) {
        if (cursor_.IsSymbol("(")) ++depth;
        if (cursor_.IsSymbol(")")) --depth;
        cursor_.Next();
    }
    const size_t end = cursor_.Peek().begin;
    if (auto close = ExpectSymbol(")"); !close) return unexpected(close.error());
    return Slice(begin, end);
}

}  // namespace wellhead::sql::athena
