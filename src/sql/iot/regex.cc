#define PCRE2_CODE_UNIT_WIDTH 8
#include "sql/iot/regex.h"

#include <pcre2.h>

namespace wellhead::sql::iot {

namespace {

constexpr uint32_t kMatchLimit = 100'000;
constexpr uint32_t kHeapLimitKib = 4096;
constexpr size_t kMaxPatternBytes = 4096;
constexpr size_t kMaxResultBytes = size_t{1} << 20;
constexpr size_t kMaxEntries = 64;

PCRE2_SPTR Bytes(std::string_view text) { return reinterpret_cast<PCRE2_SPTR>(text.data()); }

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

struct Regex::Compiled {
    pcre2_code* code = nullptr;
    pcre2_match_data* match = nullptr;
    pcre2_match_context* context = nullptr;

    ~Compiled() {
        pcre2_match_context_free(context);
        pcre2_match_data_free(match);
        pcre2_code_free(code);
    }
    // Number of groups set plus one, 0 for no match, nothing for a limit or text that is not UTF-8.
    std::optional<int> Run(std::string_view text, size_t start, uint32_t options = 0) const {
        int result = pcre2_match(code, Bytes(text), text.size(), start, options, match, context);
        if (result == PCRE2_ERROR_NOMATCH) return 0;
        if (result < 0) return std::nullopt;
        return result;
    }
    // Group n of the last match; nothing when it took no part.
    std::optional<std::string_view> Group(std::string_view text, uint32_t n) const {
        if (n >= pcre2_get_ovector_count(match)) return std::nullopt;
        const PCRE2_SIZE* offsets = pcre2_get_ovector_pointer(match);
        if (offsets[2 * n] == PCRE2_UNSET) return std::string_view();
        return text.substr(offsets[2 * n], offsets[2 * n + 1] - offsets[2 * n]);
    }
};

Regex::~Regex() = default;

std::unique_ptr<Regex> Regex::Compile(std::string_view pattern) {
    if (pattern.size() > kMaxPatternBytes) return nullptr;
    int error = 0;
    PCRE2_SIZE offset = 0;
    std::unique_ptr<Regex> regex(new Regex);
    regex->compiled_ = std::make_unique<Compiled>();
    Compiled& compiled = *regex->compiled_;
    compiled.code = pcre2_compile(Bytes(pattern), pattern.size(), PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C, &error,
                                  &offset, nullptr);
    if (compiled.code == nullptr) return nullptr;
    pcre2_jit_compile(compiled.code, PCRE2_JIT_COMPLETE);
    compiled.match = pcre2_match_data_create_from_pattern(compiled.code, nullptr);
    compiled.context = pcre2_match_context_create(nullptr);
    pcre2_set_match_limit(compiled.context, kMatchLimit);
    pcre2_set_heap_limit(compiled.context, kHeapLimitKib);
    return regex;
}

std::optional<bool> Regex::Matches(std::string_view text) const {
    auto count = compiled_->Run(text, 0);
    if (!count) return std::nullopt;
    return *count > 0;
}

std::optional<Regex::Found> Regex::Find(std::string_view text) const {
    auto count = compiled_->Run(text, 0);
    if (!count) return std::nullopt;
    if (*count == 0) return Found{};
    return Found{true, compiled_->Group(text, 0).value_or("")};
}

std::optional<std::string> Regex::Replace(std::string_view text, std::string_view replacement) const {
    std::string result;
    size_t at = 0;
    while (at <= text.size()) {
        auto count = compiled_->Run(text, at);
        if (!count) return std::nullopt;
        if (*count == 0) break;
        std::string_view whole = compiled_->Group(text, 0).value_or("");
        auto begin = static_cast<size_t>(whole.data() - text.data());
        result.append(text.substr(at, begin - at));
        for (size_t i = 0; i < replacement.size(); ++i) {
            char c = replacement[i];
            if (c == '\\' && i + 1 < replacement.size()) {
                result.push_back(replacement[++i]);
            } else if (c == '$' && i + 1 < replacement.size() && IsDigit(replacement[i + 1])) {
                auto group = compiled_->Group(text, static_cast<uint32_t>(replacement[++i] - '0'));
                if (!group) return std::nullopt;
                result.append(*group);
            } else if (c == '$') {
                return std::nullopt;
            } else {
                result.push_back(c);
            }
        }
        if (result.size() > kMaxResultBytes) return std::nullopt;
        at = begin + whole.size();
        if (whole.empty()) {
            // An empty match: take one character along and look on behind it.
            if (at >= text.size()) return result;
            size_t next = at + 1;
            while (next < text.size() && (static_cast<unsigned char>(text[next]) & 0xc0) == 0x80) ++next;
            result.append(text.substr(at, next - at));
            at = next;
        }
    }
    if (at < text.size()) result.append(text.substr(at));
    return result;
}

const Regex* RegexCache::Get(std::string_view pattern) {
    auto found = entries_.find(std::string(pattern));
    if (found != entries_.end()) return found->second.get();
    if (entries_.size() >= kMaxEntries) entries_.clear();
    return entries_.emplace(pattern, Regex::Compile(pattern)).first->second.get();
}

}  // namespace wellhead::sql::iot
