#include "services/glue/exclusion.h"

namespace wellhead::services::glue {
namespace {

constexpr int kMaxSteps = 20000;  // a pattern of many stars gives up, and excludes nothing

bool Match(std::string_view path, std::string_view pattern, int& steps);

bool MatchBraces(std::string_view path, std::string_view pattern, int& steps) {
    const size_t close = pattern.find('}');
    if (close == std::string_view::npos) return false;
    std::string_view choices = pattern.substr(1, close - 1);
    const std::string_view rest = pattern.substr(close + 1);
    while (true) {
        const size_t comma = choices.find(',');
        const std::string_view choice = choices.substr(0, comma);
        if (path.starts_with(choice) && Match(path.substr(choice.size()), rest, steps)) return true;
        if (comma == std::string_view::npos) return false;
        choices.remove_prefix(comma + 1);
    }
}

bool MatchClass(char c, std::string_view set) {
    const bool negated = !set.empty() && (set[0] == '!' || set[0] == '^');
    if (negated) set.remove_prefix(1);
    bool within = false;
    for (size_t i = 0; i < set.size(); ++i) {
        if (i + 2 < set.size() && set[i + 1] == '-') {
            within = within || (c >= set[i] && c <= set[i + 2]);
            i += 2;
        } else {
            within = within || c == set[i];
        }
    }
    return within != negated;
}

bool MatchStar(std::string_view path, std::string_view pattern, int& steps) {
    const bool across = pattern.starts_with("**");
    const std::string_view rest = pattern.substr(across ? 2 : 1);
    for (size_t i = 0; i <= path.size(); ++i) {
        if (Match(path.substr(i), rest, steps)) return true;
        if (i < path.size() && path[i] == '/' && !across) return false;
    }
    return false;
}

bool Match(std::string_view path, std::string_view pattern, int& steps) {
    while (!pattern.empty()) {
        if (++steps > kMaxSteps) return false;
        if (pattern[0] == '*') return MatchStar(path, pattern, steps);
        if (pattern[0] == '{') return MatchBraces(path, pattern, steps);
        if (path.empty()) return false;
        if (pattern[0] == '[') {
            const size_t close = pattern.find(']');
            if (close == std::string_view::npos || path[0] == '/' || !MatchClass(path[0], pattern.substr(1, close - 1))) return false;
            pattern.remove_prefix(close + 1);
        } else {
            if (pattern[0] == '?' ? path[0] == '/' : pattern[0] != path[0]) return false;
            pattern.remove_prefix(1);
        }
        path.remove_prefix(1);
    }
    return path.empty();
}

}  // namespace

bool MatchesGlob(std::string_view path, std::string_view pattern) {
    int steps = 0;
    return Match(path, pattern, steps);
}

}  // namespace wellhead::services::glue
