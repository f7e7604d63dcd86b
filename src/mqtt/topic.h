#pragma once
// Topic names and topic filters (4.7, 4.8.2).

#include <cstddef>
#include <optional>
#include <string_view>

namespace wellhead::mqtt {

// At least one character, no wildcard. (Length and UTF-8 are the codec's.)
bool IsTopicName(std::string_view topic);
// At least one character; '#' only as the whole last level, '+' only as a whole level ([MQTT-4.7.1-1, -2]).
bool IsTopicFilter(std::string_view filter);
// [MQTT-4.7.2-1]: a filter that begins with a wildcard matches no topic that begins with '$'.
bool FilterMatches(std::string_view filter, std::string_view topic);

// $share/{group}/{filter}
struct SharedFilter {
    std::string_view group;
    std::string_view filter;
};
bool IsShared(std::string_view filter);
// Nothing when it is not well formed ([MQTT-4.8.2-1, -2]). filter begins with "$share/".
std::optional<SharedFilter> ParseShared(std::string_view filter);

size_t CountSlashes(std::string_view topic);

// The levels of a topic or filter, one after the other; an empty level is a level.
class Levels {
  public:
    explicit Levels(std::string_view topic) : rest_(topic) {}
    bool done() const { return done_; }
    std::string_view Next() {
        size_t slash = rest_.find('/');
        std::string_view level = rest_.substr(0, slash);
        if (slash == std::string_view::npos) {
            done_ = true;
        } else {
            rest_.remove_prefix(slash + 1);
        }
        return level;
    }

  private:
    std::string_view rest_;
    bool done_ = false;
};

}  // namespace wellhead::mqtt
