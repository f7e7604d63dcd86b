#pragma once
// A regular expression of an API model (Java's dialect), compiled at its first use.

#include <atomic>
#include <string>
#include <string_view>

#include "base/result.h"

namespace wellhead::api {

// Thread-safe. Lives as long as the program: made as a constinit global by generated code.
class Pattern {
  public:
    constexpr explicit Pattern(std::string_view text) : text_(text) {}
    std::string_view text() const { return text_; }
    // Whether all of the subject (UTF-8) matches. A subject that costs too much to match does not. A pattern that does
    // not compile matches everything; a test compiles every pattern of every API.
    bool Matches(std::string_view subject);
    base::Result<void> Compile();

  private:
    std::string_view text_;
    std::atomic<const void*> compiled_{nullptr};
};

// Whether all of the subject matches a pattern that is used once. kInvalidArgument: it does not compile, with the reason.
base::Result<bool> MatchesWhole(std::string_view pattern, std::string_view subject);

// Java's \uXXXX (surrogate pairs too) in PCRE2's spelling.
std::string JavaPatternToPcre(std::string_view text);

}  // namespace wellhead::api
