#pragma once
// The shapes of the hosted login's answers.

#include <boost/json/object.hpp>

#include "net/http.h"

namespace wellhead::services::cognito {

// Any origin may read it: keys, discovery, tokens (which a script must first have a code for).
net::HttpResponse JsonAnswer(int status, const boost::json::object& body);
// RFC 6749, 5.2.
net::HttpResponse OAuthError(int status, std::string_view code, std::string_view description = {});
net::HttpResponse HtmlAnswer(int status, std::string html, const std::string& form_target);
net::HttpResponse Redirect(std::string location);

std::string CookieOf(const net::HttpRequest& request, std::string_view name);

}  // namespace wellhead::services::cognito
