#define PCRE2_CODE_UNIT_WIDTH 8
#include "api/pattern.h"

#include <fmt/format.h>
#include <pcre2.h>

#include <charconv>
#include <memory>
#include <optional>

#include "base/log.h"

namespace wellhead::api {

namespace {

// Steps of backtracking; the longest honest match of the models' patterns needs a few thousand.
constexpr uint32_t kMatchLimit = 100'000;

struct FreeMatchData {
    void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};

pcre2_match_context* MatchContext() {
    static pcre2_match_context* context = [] {
        auto* made = pcre2_match_context_create(nullptr);
        pcre2_set_match_limit(made, kMatchLimit);
        pcre2_set_depth_limit(made, kMatchLimit);
        return made;
    }();
    return context;
}

// The value of \uXXXX at the start of text.
std::optional<uint32_t> UnicodeEscape(std::string_view text) {
    if (text.size() < 6 || text[0] != '\\' || text[1] != 'u') return std::nullopt;
    uint32_t value = 0;
    auto [end, error] = std::from_chars(text.data() + 2, text.data() + 6, value, 16);
    if (error != std::errc() || end != text.data() + 6) return std::nullopt;
    return value;
}

// Marks a pattern that failed, so that it is reported once.
const char kFailed = 0;

// \p{Graph} and its kin: Java's names for POSIX classes, which PCRE2 takes for unknown properties.
struct Posix {
    std::string inside;  // as it stands within brackets
    size_t length;
};
std::optional<Posix> PosixClass(std::string_view text) {
    struct Name {
        std::string_view java, pcre;
    };
    constexpr Name kNames[] = {{"Graph", "[:graph:]"}, {"Print", "[:print:]"}, {"Alnum", "[:alnum:]"},
                               {"Alpha", "[:alpha:]"}, {"Digit", "[:digit:]"}, {"Upper", "[:upper:]"},
                               {"Lower", "[:lower:]"}, {"Punct", "[:punct:]"}, {"Space", "[:space:]"},
                               {"Cntrl", "[:cntrl:]"}, {"Blank", "[:blank:]"}, {"XDigit", "[:xdigit:]"},
                               {"ASCII", "\\x00-\\x7f"}};
    bool negated = text.starts_with("\\P{");
    if (!negated && !text.starts_with("\\p{")) return std::nullopt;
    for (const Name& name : kNames) {
        if (!text.substr(3).starts_with(name.java) || text.substr(3 + name.java.size(), 1) != "}") continue;
        std::string inside(name.pcre);
        if (negated) {
            if (!inside.starts_with("[:")) return std::nullopt;
            inside.insert(2, "^");
        }
        return Posix{std::move(inside), name.java.size() + 4};
    }
    return std::nullopt;
}

}  // namespace

std::string JavaPatternToPcre(std::string_view text) {
    std::string out;
    bool in_class = false;
    for (size_t i = 0; i < text.size();) {
        if (auto posix = PosixClass(text.substr(i))) {
            out += in_class ? posix->inside : "[" + posix->inside + "]";
            i += posix->length;
            continue;
        }
        auto first = UnicodeEscape(text.substr(i));
        if (first) {
            i += 6;
            bool high = *first >= 0xd800 && *first <= 0xdbff;
            auto second = high ? UnicodeEscape(text.substr(i)) : std::nullopt;
            if (second && *second >= 0xdc00 && *second <= 0xdfff) {
                i += 6;
                first = 0x10000 + ((*first - 0xd800) << 10) + (*second - 0xdc00);
            }
            out += fmt::format("\\x{{{:x}}}", *first);
        } else if (text[i] == '\\' && i + 1 < text.size()) {
            out += text.substr(i, 2);
            i += 2;
        } else {
            if (text[i] == '[') in_class = true;
            if (text[i] == ']') in_class = false;
            out.push_back(text[i++]);
        }
    }
    return out;
}

namespace {

base::Result<pcre2_code*> CompilePattern(std::string_view text) {
    std::string pattern = JavaPatternToPcre(text);
    int error = 0;
    PCRE2_SIZE offset = 0;
    pcre2_code* code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                                     PCRE2_UTF | PCRE2_DOLLAR_ENDONLY, &error, &offset, nullptr);
    if (code != nullptr) return code;
    char reason[128];
    pcre2_get_error_message(error, reinterpret_cast<PCRE2_UCHAR*>(reason), sizeof reason);
    return base::Fail(base::ErrorCode::kInvalidArgument, fmt::format("{} at {} of {}", reason, offset, pattern));
}

bool MatchesCode(const pcre2_code* code, std::string_view subject) {
    thread_local std::unique_ptr<pcre2_match_data, FreeMatchData> data(pcre2_match_data_create(1, nullptr));
    return pcre2_match(code, reinterpret_cast<PCRE2_SPTR>(subject.data()), subject.size(), 0,
                       PCRE2_ANCHORED | PCRE2_ENDANCHORED, data.get(), MatchContext()) >= 0;
}

}  // namespace

base::Result<bool> MatchesWhole(std::string_view pattern, std::string_view subject) {
    ASSIGN_OR_RETURN(pcre2_code* code, CompilePattern(pattern));
    bool matches = MatchesCode(code, subject);
    pcre2_code_free(code);
    return matches;
}

base::Result<void> Pattern::Compile() {
    const void* known = compiled_.load(std::memory_order_acquire);
    if (known == &kFailed) return base::Fail(base::ErrorCode::kInvalidArgument, "does not compile");
    if (known != nullptr) return {};
    auto code = CompilePattern(text_);
    if (!code) {
        compiled_.store(&kFailed, std::memory_order_release);
        return std::unexpected(code.error());
    }
    const void* expected = nullptr;
    if (!compiled_.compare_exchange_strong(expected, *code, std::memory_order_acq_rel)) pcre2_code_free(*code);
    return {};
}

bool Pattern::Matches(std::string_view subject) {
    const void* code = compiled_.load(std::memory_order_acquire);
    if (code == nullptr) {
        if (auto compiled = Compile(); !compiled) {
            base::LogError("api", "a pattern of a model is skipped: {}", compiled.error().message);
        }
        code = compiled_.load(std::memory_order_acquire);
    }
    if (code == &kFailed) return true;
    return MatchesCode(static_cast<const pcre2_code*>(code), subject);
}

}  // namespace wellhead::api
