#pragma once
// Regular expressions of regexp_matches and its kin, compiled once per pattern. Matching is bounded: a pattern that
// runs away gives no result instead of holding a thread.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace wellhead::sql::iot {

class Regex {
  public:
    // Nothing when pattern is not valid.
    static std::unique_ptr<Regex> Compile(std::string_view pattern);
    ~Regex();

    // Each gives nothing when the match ran into its limits.
    std::optional<bool> Matches(std::string_view text) const;
    // The first match; has_match false when there is none. Borrows from text.
    struct Found {
        bool has_match = false;
        std::string_view match;
    };
    std::optional<Found> Find(std::string_view text) const;
    // Every match replaced; $1 is a group, \ takes the next character as it is.
    std::optional<std::string> Replace(std::string_view text, std::string_view replacement) const;

  private:
    Regex() = default;
    struct Compiled;
    std::unique_ptr<Compiled> compiled_;
};

class RegexCache {
  public:
    // Null when pattern is not valid. Valid until the next call.
    const Regex* Get(std::string_view pattern);

  private:
    std::unordered_map<std::string, std::unique_ptr<Regex>> entries_;
};

}  // namespace wellhead::sql::iot
