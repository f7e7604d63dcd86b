#include "mqtt/topic.h"

#include <algorithm>

namespace wellhead::mqtt {

namespace {
constexpr std::string_view kSharePrefix = "$share/";
}

bool IsTopicName(std::string_view topic) {
    return !topic.empty() && topic.find_first_of("+#") == std::string_view::npos;
}

bool IsTopicFilter(std::string_view filter) {
    if (filter.empty()) return false;
    Levels levels(filter);
    while (!levels.done()) {
        std::string_view level = levels.Next();
        if (level.size() > 1 && level.find_first_of("+#") != std::string_view::npos) return false;
        if (level == "#" && !levels.done()) return false;
    }
    return true;
}

bool FilterMatches(std::string_view filter, std::string_view topic) {
    if (topic.starts_with('$') && (filter.starts_with('#') || filter.starts_with('+'))) return false;
    Levels wanted(filter);
    Levels levels(topic);
    while (!wanted.done()) {
        std::string_view want = wanted.Next();
        if (want == "#") return true;
        if (levels.done()) return false;
        std::string_view level = levels.Next();
        if (want != "+" && want != level) return false;
        // "a/#" matches "a" as well (4.7.1.2).
        if (levels.done() && !wanted.done()) return wanted.Next() == "#";
    }
    return levels.done();
}

bool IsShared(std::string_view filter) { return filter.starts_with(kSharePrefix) || filter == "$share"; }

std::optional<SharedFilter> ParseShared(std::string_view filter) {
    if (!filter.starts_with(kSharePrefix)) return std::nullopt;
    filter.remove_prefix(kSharePrefix.size());
    size_t slash = filter.find('/');
    if (slash == std::string_view::npos || slash == 0) return std::nullopt;
    SharedFilter shared{filter.substr(0, slash), filter.substr(slash + 1)};
    if (shared.group.find_first_of("+#") != std::string_view::npos) return std::nullopt;
    if (!IsTopicFilter(shared.filter)) return std::nullopt;
    return shared;
}

size_t CountSlashes(std::string_view topic) {
    return static_cast<size_t>(std::count(topic.begin(), topic.end(), '/'));
}

}  // namespace wellhead::mqtt
