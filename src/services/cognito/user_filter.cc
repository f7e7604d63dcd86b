#include "services/cognito/user_filter.h"

#include <strings.h>

#include <algorithm>

namespace wellhead::services::cognito {

namespace {

void SkipBlanks(std::string_view& text) { text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size())); }

bool EqualIgnoringCase(const std::string& a, const std::string& b) {
    return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

constexpr std::string_view kSearchable[] = {"username",     "email",  "phone_number", "name", "given_name", "family_name",
                                            "preferred_username", "cognito:user_status", "status", "sub"};

}  // namespace

std::expected<UserFilter, std::string> UserFilter::Parse(std::string_view text) {
    UserFilter filter;
    SkipBlanks(text);
    if (text.empty()) return filter;
    size_t end = std::min(text.find_first_of(" \t=^"), text.size());
    filter.attribute_ = text.substr(0, end);
    text.remove_prefix(end);
    SkipBlanks(text);
    if (text.starts_with("^=")) {
        filter.prefix_ = true;
        text.remove_prefix(2);
    } else if (text.starts_with("=")) {
        text.remove_prefix(1);
    } else {
        return std::unexpected("Error while parsing filter: no = or ^=");
    }
    SkipBlanks(text);
    if (!text.starts_with('"')) return std::unexpected("Error while parsing filter: the value is not in quotes");
    text.remove_prefix(1);
    bool closed = false;
    while (!text.empty() && !closed) {
        char c = text.front();
        text.remove_prefix(1);
        if (c == '"') {
            closed = true;
        } else if (c == '\\' && !text.empty()) {
            filter.value_ += text.front();
            text.remove_prefix(1);
        } else {
            filter.value_ += c;
        }
    }
    SkipBlanks(text);
    if (!closed || !text.empty()) return std::unexpected("Error while parsing filter: text behind the value");
    if (std::find(std::begin(kSearchable), std::end(kSearchable), filter.attribute_) == std::end(kSearchable)) {
        return std::unexpected("Error while parsing filter: " + filter.attribute_ + " cannot be searched");
    }
    return filter;
}

bool UserFilter::Matches(const User& user) const {
    if (attribute_.empty()) return true;
    std::string actual = attribute_ == "username"              ? user.username
                         : attribute_ == "cognito:user_status" ? user.status
                         : attribute_ == "status"              ? (user.enabled ? "Enabled" : "Disabled")
                                                               : user.Attribute(attribute_);
    if (prefix_) actual.resize(std::min(actual.size(), value_.size()));
    return EqualIgnoringCase(actual, value_);
}

}  // namespace wellhead::services::cognito
