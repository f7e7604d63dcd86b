#pragma once
// The filter of ListUsers: one comparison, `attribute = "value"` or `attribute ^= "beginning"`.

#include <expected>
#include <string>
#include <string_view>

#include "services/cognito/records.h"

namespace wellhead::services::cognito {

class UserFilter {
  public:
    // An empty text matches everyone. The error is the message for the client.
    static std::expected<UserFilter, std::string> Parse(std::string_view text);
    bool Matches(const User& user) const;

  private:
    std::string attribute_;
    std::string value_;
    bool prefix_ = false;
};

}  // namespace wellhead::services::cognito
