#include "query/hive_type.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

namespace wellhead::query {
namespace {

using base::ErrorCode;
using base::Fail;

constexpr int kMaxDepth = 32;

struct Simple {
    std::string_view hive;
    HiveKind kind;
    std::string_view duckdb;
};
// The first name of a kind is the one it is written with.
constexpr Simple kSimple[] = {
    {"boolean", HiveKind::kBoolean, "BOOLEAN"},  {"tinyint", HiveKind::kTinyint, "TINYINT"},
    {"smallint", HiveKind::kSmallint, "SMALLINT"}, {"int", HiveKind::kInt, "INTEGER"},
    {"integer", HiveKind::kInt, "INTEGER"},      {"bigint", HiveKind::kBigint, "BIGINT"},
    {"float", HiveKind::kFloat, "FLOAT"},        {"real", HiveKind::kFloat, "FLOAT"},
    {"double", HiveKind::kDouble, "DOUBLE"},     {"string", HiveKind::kString, "VARCHAR"},
    {"binary", HiveKind::kBinary, "BLOB"},       {"date", HiveKind::kDate, "DATE"},
    {"timestamp", HiveKind::kTimestamp, "TIMESTAMP"},
};

class Parser {
  public:
    Parser(std::string_view text, FieldNames names) : text_(text), names_(names) {}

    base::Result<HiveType> Whole() {
        ASSIGN_OR_RETURN(HiveType type, Type(0));
        SkipSpace();
        if (at_ != text_.size()) return Wrong();
        return type;
    }

  private:
    std::unexpected<base::Error> Wrong() const {
        return Fail(ErrorCode::kInvalidArgument, fmt::format("'{}' is not a column type", text_));
    }
    void SkipSpace() {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n')) ++at_;
    }
    bool Accept(char c) {
        SkipSpace();
        if (at_ >= text_.size() || text_[at_] != c) return false;
        ++at_;
        return true;
    }
    std::string Word(std::string_view end, FieldNames names = FieldNames::kLowerCase) {
        SkipSpace();
        std::string word;
        while (at_ < text_.size() && end.find(text_[at_]) == std::string_view::npos) {
            const char c = text_[at_++];
            word += names == FieldNames::kLowerCase && c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        }
        while (!word.empty() && word.back() == ' ') word.pop_back();
        return word;
    }
    std::optional<int> Number() {
        const std::string word = Word(",)");
        int value = 0;
        const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
        if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
        return value;
    }

    base::Result<HiveType> Type(int depth) {
        if (depth > kMaxDepth) return Fail(ErrorCode::kInvalidArgument, "a column type nests too deep");
        const std::string name = Word("<>(),:");
        if (name == "array" || name == "map") return Nested(name == "map", depth);
        if (name == "struct") return Struct(depth);
        if (name == "decimal" || name == "numeric") return Decimal();
        if (name == "varchar" || name == "char") return Text();
        if (name == "uniontype" || name.starts_with("interval")) {
            return Fail(ErrorCode::kUnsupported, fmt::format("columns of type {} are not served", name));
        }
        for (const Simple& simple : kSimple) {
            if (name == simple.hive) return HiveType{.kind = simple.kind, .children = {}, .fields = {}};
        }
        return Wrong();
    }

    base::Result<HiveType> Nested(bool map, int depth) {
        HiveType type{.kind = map ? HiveKind::kMap : HiveKind::kArray, .children = {}, .fields = {}};
        if (!Accept('<')) return Wrong();
        for (int i = 0; i < (map ? 2 : 1); ++i) {
            if (i > 0 && !Accept(',')) return Wrong();
            ASSIGN_OR_RETURN(HiveType child, Type(depth + 1));
            type.children.push_back(std::move(child));
        }
        if (!Accept('>')) return Wrong();
        return type;
    }

    base::Result<HiveType> Struct(int depth) {
        HiveType type{.kind = HiveKind::kStruct, .children = {}, .fields = {}};
        if (!Accept('<')) return Wrong();
        do {
            std::string name = Word("<>(),:", names_);
            if (name.size() > 2 && name.front() == '`' && name.back() == '`') name = name.substr(1, name.size() - 2);
            if (name.empty() || !Accept(':')) return Wrong();
            ASSIGN_OR_RETURN(HiveType child, Type(depth + 1));
            type.fields.push_back(std::move(name));
            type.children.push_back(std::move(child));
        } while (Accept(','));
        if (!Accept('>')) return Wrong();
        return type;
    }

    base::Result<HiveType> Decimal() {
        HiveType type{.kind = HiveKind::kDecimal, .precision = 10, .scale = 0, .children = {}, .fields = {}};
        if (Accept('(')) {
            const auto precision = Number();
            std::optional<int> scale = 0;
            if (Accept(',')) scale = Number();
            if (!precision || !scale || !Accept(')')) return Wrong();
            type.precision = *precision;
            type.scale = *scale;
        }
        if (type.precision < 1 || type.precision > 38 || type.scale < 0 || type.scale > type.precision) return Wrong();
        return type;
    }

    base::Result<HiveType> Text() {
        HiveType type{.kind = HiveKind::kString, .children = {}, .fields = {}};
        if (Accept('(')) {
            const auto length = Number();
            if (!length || *length < 1 || !Accept(')')) return Wrong();
            type.precision = *length;
        }
        return type;
    }

    std::string_view text_;
    FieldNames names_;
    size_t at_ = 0;
};

}  // namespace

base::Result<HiveType> ParseHiveType(std::string_view text, FieldNames names) { return Parser(text, names).Whole(); }

std::string ToHive(const HiveType& type) {
    switch (type.kind) {
        case HiveKind::kDecimal: return fmt::format("decimal({},{})", type.precision, type.scale);
        case HiveKind::kArray: return "array<" + ToHive(type.children[0]) + ">";
        case HiveKind::kMap: return "map<" + ToHive(type.children[0]) + "," + ToHive(type.children[1]) + ">";
        case HiveKind::kStruct: {
            std::string out = "struct<";
            for (size_t i = 0; i < type.fields.size(); ++i) {
                out += (i > 0 ? "," : "") + type.fields[i] + ":" + ToHive(type.children[i]);
            }
            return out + ">";
        }
        case HiveKind::kString:
            if (type.precision > 0) return fmt::format("varchar({})", type.precision);
            [[fallthrough]];
        default:
            for (const Simple& simple : kSimple) {
                if (type.kind == simple.kind) return std::string(simple.hive);
            }
            return "string";
    }
}

std::string ToDuckDb(const HiveType& type) {
    switch (type.kind) {
        case HiveKind::kDecimal: return fmt::format("DECIMAL({},{})", type.precision, type.scale);
        case HiveKind::kArray: return ToDuckDb(type.children[0]) + "[]";
        case HiveKind::kMap: return "MAP(" + ToDuckDb(type.children[0]) + ", " + ToDuckDb(type.children[1]) + ")";
        case HiveKind::kStruct: {
            std::string out = "STRUCT(";
            for (size_t i = 0; i < type.fields.size(); ++i) {
                std::string name;
                for (const char c : type.fields[i]) name += c == '"' ? std::string("\"\"") : std::string(1, c);
                out += (i > 0 ? ", \"" : "\"") + name + "\" " + ToDuckDb(type.children[i]);
            }
            return out + ")";
        }
        default:
            for (const Simple& simple : kSimple) {
                if (type.kind == simple.kind) return std::string(simple.duckdb);
            }
            return "VARCHAR";
    }
}

}  // namespace wellhead::query
