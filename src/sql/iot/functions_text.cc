#include <openssl/evp.h>

#include <algorithm>

#include "codec/base64.h"
#include "sql/iot/functions.h"

namespace wellhead::sql::iot {

namespace {

constexpr size_t kMaxResultBytes = size_t{1} << 20;
constexpr size_t kMaxItems = 200'000;

std::optional<std::string_view> Text(const Call& call, size_t index) {
    return ToString(call.arguments[index], call.state.arena);
}

Value Made(const Call& call, std::string_view text) {
    if (text.size() > kMaxResultBytes) return Value();
    return Value::String(call.state.arena.Copy(text));
}

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

size_t CountCharacters(std::string_view text) {
    return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return !IsContinuation(c); }));
}

// Byte offset of the n-th character; the end when there are fewer.
size_t OffsetOf(std::string_view text, size_t n) {
    for (size_t i = 0; i < text.size(); ++i) {
        if (IsContinuation(text[i])) continue;
        if (n-- == 0) return i;
    }
    return text.size();
}

Value Chr(const Call& call) {
    auto code = ToInt(call.arguments[0]);
    if (!code || *code < 0 || *code > 127) return Value();
    char c = static_cast<char>(*code);
    return Made(call, {&c, 1});
}

Value EndsWith(const Call& call) {
    auto text = Text(call, 0);
    auto end = Text(call, 1);
    return text && end ? Value::Boolean(text->ends_with(*end)) : Value();
}

Value StartsWith(const Call& call) {
    auto text = Text(call, 0);
    auto start = Text(call, 1);
    return text && start ? Value::Boolean(text->starts_with(*start)) : Value();
}

Value IndexOf(const Call& call) {
    auto text = Text(call, 0);
    auto part = Text(call, 1);
    if (!text || !part) return Value();
    size_t at = text->find(*part);
    if (at == std::string_view::npos) return Value::Int(-1);
    return Value::Int(static_cast<Int128>(CountCharacters(text->substr(0, at))));
}

Value Length(const Call& call) {
    auto text = Text(call, 0);
    return text ? Value::Int(static_cast<Int128>(CountCharacters(*text))) : Value();
}

Value NumBytes(const Call& call) {
    auto text = Text(call, 0);
    return text ? Value::Int(static_cast<Int128>(text->size())) : Value();
}

// ASCII letters; others stay, as their case depends on a locale.
template <char kFirst, char kLast>
Value FlipCase(const Call& call) {
    auto text = Text(call, 0);
    if (!text) return Value();
    std::string flipped(*text);
    for (char& c : flipped) {
        if (c >= kFirst && c <= kLast) c = static_cast<char>(c ^ 0x20);
    }
    return Made(call, flipped);
}

template <bool kLeft>
Value Pad(const Call& call) {
    auto text = Text(call, 0);
    auto count = ToInt(call.arguments[1]);
    if (!text || !count) return Value();
    std::string spaces(static_cast<size_t>(std::clamp<Int128>(*count, 0, 1000)), ' ');
    return Made(call, kLeft ? spaces + std::string(*text) : std::string(*text) + spaces);
}

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v'; }

template <bool kLeft, bool kRight>
Value Trim(const Call& call) {
    auto text = Text(call, 0);
    if (!text) return Value();
    if (kLeft) {
        while (!text->empty() && IsSpace(text->front())) text->remove_prefix(1);
    }
    if (kRight) {
        while (!text->empty() && IsSpace(text->back())) text->remove_suffix(1);
    }
    return Value::String(*text);
}

Value Replace(const Call& call) {
    auto text = Text(call, 0);
    auto part = Text(call, 1);
    auto with = Text(call, 2);
    if (!text || !part || !with) return Value();
    if (part->empty()) return Value::String(*text);
    std::string result;
    size_t at = 0;
    while (true) {
        size_t found = text->find(*part, at);
        if (found == std::string_view::npos) break;
        result.append(text->substr(at, found - at)).append(*with);
        if (result.size() > kMaxResultBytes) return Value();
        at = found + part->size();
    }
    result.append(text->substr(at));
    return Made(call, result);
}

Value Substring(const Call& call) {
    auto text = Text(call, 0);
    if (!text) return Value();
    auto length = static_cast<Int128>(CountCharacters(*text));
    // A Decimal out of an Int's range is as good as the nearest end.
    auto index = [&](const Value& value) -> std::optional<Int128> {
        Value number = ToDecimal(value);
        if (!number.is_number()) return std::nullopt;
        if (number.number() <= 0) return 0;
        auto integer = ToInt(number);
        return integer ? std::min(*integer, length) : length;
    };
    auto from = index(call.arguments[1]);
    auto to = call.arguments.size() > 2 ? index(call.arguments[2]) : std::optional<Int128>(length);
    if (!from || !to) return Value();
    if (*from >= *to) return Value::String("");
    size_t begin = OffsetOf(*text, static_cast<size_t>(*from));
    size_t end = OffsetOf(*text, static_cast<size_t>(*to));
    return Value::String(text->substr(begin, end - begin));
}

Value Concat(const Call& call) {
    if (call.arguments.empty()) return Value();
    if (call.arguments.size() == 1) {
        return call.arguments[0];
    }
    bool arrays = std::any_of(call.arguments.begin(), call.arguments.end(),
                              [](const Value& value) { return value.type() == Type::kArray; });
    if (arrays) {
        BuiltArray* all = call.state.arena.NewArray();
        for (const Value& value : call.arguments) {
            if (value.type() == Type::kArray) {
                value.EachItem([&](const Value& item) { all->push_back(item); });
            } else {
                all->push_back(value);
            }
        }
        return all->size() <= kMaxItems ? Value::Array(all) : Value();
    }
    std::string text;
    for (size_t i = 0; i < call.arguments.size(); ++i) {
        auto part = Text(call, i);
        if (!part) return Value();
        text.append(*part);
    }
    return Made(call, text);
}

Value RegexpMatches(const Call& call) {
    auto text = Text(call, 0);
    auto pattern = Text(call, 1);
    if (!text || !pattern) return Value();
    const Regex* regex = call.state.regexes.Get(*pattern);
    if (regex == nullptr) return Value();
    auto matches = regex->Matches(*text);
    return matches ? Value::Boolean(*matches) : Value();
}

Value RegexpReplace(const Call& call) {
    auto text = Text(call, 0);
    auto pattern = Text(call, 1);
    auto with = Text(call, 2);
    if (!text || !pattern || !with) return Value();
    const Regex* regex = call.state.regexes.Get(*pattern);
    if (regex == nullptr) return Value();
    auto result = regex->Replace(*text, *with);
    return result ? Made(call, *result) : Value();
}

Value RegexpSubstr(const Call& call) {
    auto text = Text(call, 0);
    auto pattern = Text(call, 1);
    if (!text || !pattern) return Value();
    const Regex* regex = call.state.regexes.Get(*pattern);
    if (regex == nullptr) return Value();
    auto found = regex->Find(*text);
    if (!found || !found->has_match) return Value();
    return Value::String(found->match);
}

Value HashOf(const Call& call, const EVP_MD* algorithm) {
    auto text = Text(call, 0);
    if (!text) return Value();
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    if (EVP_Digest(text->data(), text->size(), digest, &size, algorithm, nullptr) != 1) return Value();
    return Made(call, codec::EncodeHex({reinterpret_cast<const char*>(digest), size}));
}

}  // namespace

void AddTextFunctions(FunctionTable& table) {
    table["chr"] = {Chr, 1, 1};
    table["concat"] = {Concat, 0, -1};
    table["endswith"] = {EndsWith, 2, 2};
    table["indexof"] = {IndexOf, 2, 2};
    table["length"] = {Length, 1, 1};
    table["lower"] = {FlipCase<'A', 'Z'>, 1, 1};
    table["lpad"] = {Pad<true>, 2, 2};
    table["ltrim"] = {Trim<true, false>, 1, 1};
    table["numbytes"] = {NumBytes, 1, 1};
    table["replace"] = {Replace, 3, 3};
    table["rpad"] = {Pad<false>, 2, 2};
    table["rtrim"] = {Trim<false, true>, 1, 1};
    table["startswith"] = {StartsWith, 2, 2};
    table["substring"] = {Substring, 2, 3};
    table["trim"] = {Trim<true, true>, 1, 1};
    table["upper"] = {FlipCase<'a', 'z'>, 1, 1};
}

void AddRegexFunctions(FunctionTable& table) {
    table["regexp_matches"] = {RegexpMatches, 2, 2};
    table["regexp_replace"] = {RegexpReplace, 3, 3};
    table["regexp_substr"] = {RegexpSubstr, 2, 2};
}

void AddHashFunctions(FunctionTable& table) {
    table["md5"] = {[](const Call& call) { return HashOf(call, EVP_md5()); }, 1, 1};
    table["sha1"] = {[](const Call& call) { return HashOf(call, EVP_sha1()); }, 1, 1};
    table["sha224"] = {[](const Call& call) { return HashOf(call, EVP_sha224()); }, 1, 1};
    table["sha256"] = {[](const Call& call) { return HashOf(call, EVP_sha256()); }, 1, 1};
    table["sha384"] = {[](const Call& call) { return HashOf(call, EVP_sha384()); }, 1, 1};
    table["sha512"] = {[](const Call& call) { return HashOf(call, EVP_sha512()); }, 1, 1};
}

}  // namespace wellhead::sql::iot
