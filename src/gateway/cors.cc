#include "gateway/cors.h"

namespace wellhead::gateway {

namespace {

constexpr const char* kMethods = "GET, HEAD, PUT, POST, DELETE, PATCH, OPTIONS";
constexpr const char* kUsualHeaders =
    "authorization, content-type, content-md5, x-amz-content-sha256, x-amz-date, x-amz-security-token, x-amz-target, "
    "x-amz-user-agent, amz-sdk-invocation-id, amz-sdk-request";
constexpr const char* kExposed =
    "x-amzn-requestid, x-amzn-errortype, x-amzn-errormessage, x-amz-request-id, x-amz-id-2, x-amz-version-id, "
    "x-amz-delete-marker, etag, date, content-length, content-range, last-modified";

}  // namespace

bool IsPreflight(const net::HttpRequest& request) {
    return request.method == "OPTIONS" && request.headers.Find("origin") &&
           request.headers.Find("access-control-request-method");
}

net::HttpResponse AnswerPreflight(const net::HttpRequest& request) {
    net::HttpResponse response;
    response.status = 204;
    auto asked = request.headers.Find("access-control-request-headers");
    response.headers.Add("access-control-allow-methods", kMethods);
    response.headers.Add("access-control-allow-headers", std::string(asked.value_or(kUsualHeaders)));
    response.headers.Add("access-control-max-age", "172800");
    response.headers.Add("vary", "Origin, Access-Control-Request-Headers");
    return response;
}

void AddCorsHeaders(net::HttpResponse& response) {
    if (response.status == 101 || response.headers.Find("access-control-allow-origin")) return;
    response.headers.Add("access-control-allow-origin", "*");
    if (!response.headers.Find("access-control-expose-headers")) {
        response.headers.Add("access-control-expose-headers", kExposed);
    }
}

}  // namespace wellhead::gateway
