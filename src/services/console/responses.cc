#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "services/console/resources.h"

namespace wellhead::services::console {

net::HttpResponse JsonAnswer(int status, const json::value& value) {
    net::HttpResponse response;
    response.status = status;
    response.headers = {{"content-type", "application/json"},
                        {"cache-control", "no-store"},
                        {"x-content-type-options", "nosniff"}};
    response.body = json::serialize(value);
    return response;
}

net::HttpResponse ErrorAnswer(const api::ServiceError& error) {
    // 401 means "sign in" to the page, and only to the page's own session.
    int status = error.http_status == 401 ? 403 : error.http_status;
    json::object body{{"code", error.code}, {"message", error.message}};
    return JsonAnswer(status, body);
}

api::ServiceError NotServed(std::string_view what) {
    return {"NotServed", std::string(what) + " is not part of this installation.", 404, {}};
}

}  // namespace wellhead::services::console
