#include "services/cognito/hosted_responses.h"

#include <boost/json/serialize.hpp>

#include "services/cognito/pages.h"

namespace wellhead::services::cognito {

net::HttpResponse JsonAnswer(int status, const boost::json::object& body) {
    net::HttpResponse response;
    response.status = status;
    response.headers = {{"content-type", "application/json"},
                        {"cache-control", "no-store"},
                        {"access-control-allow-origin", "*"},
                        {"access-control-allow-headers", "authorization,content-type"},
                        {"access-control-allow-methods", "GET,POST,OPTIONS"},
                        {"x-content-type-options", "nosniff"}};
    response.body = boost::json::serialize(body);
    return response;
}

net::HttpResponse OAuthError(int status, std::string_view code, std::string_view description) {
    boost::json::object body{{"error", code}};
    if (!description.empty()) body["error_description"] = description;
    return JsonAnswer(status, body);
}

net::HttpResponse HtmlAnswer(int status, std::string html, const std::string& form_target) {
    net::HttpResponse response;
    response.status = status;
    response.headers = {{"content-type", "text/html; charset=utf-8"},
                        {"cache-control", "no-store"},
                        {"content-security-policy", PagePolicy(form_target)},
                        {"x-frame-options", "DENY"},
                        {"x-content-type-options", "nosniff"},
                        // Not "no-referrer": browsers would say "Origin: null" when the form is posted.
                        {"referrer-policy", "same-origin"}};
    response.body = std::move(html);
    return response;
}

net::HttpResponse Redirect(std::string location) {
    net::HttpResponse response;
    // 303: a browser that posted a password goes on with GET and without it.
    response.status = 303;
    response.headers = {{"location", std::move(location)}, {"cache-control", "no-store"},
                        {"referrer-policy", "no-referrer"}};
    response.body = base::Bytes();
    return response;
}

std::string CookieOf(const net::HttpRequest& request, std::string_view name) {
    for (std::string_view line : request.headers.FindAll("cookie")) {
        while (!line.empty()) {
            size_t end = std::min(line.find(';'), line.size());
            std::string_view pair = line.substr(0, end);
            line.remove_prefix(std::min(end + 1, line.size()));
            while (pair.starts_with(' ')) pair.remove_prefix(1);
            size_t equals = pair.find('=');
            if (equals != pair.npos && pair.substr(0, equals) == name) return std::string(pair.substr(equals + 1));
        }
    }
    return {};
}

}  // namespace wellhead::services::cognito
