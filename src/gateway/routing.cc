#include "gateway/routing.h"

#include <algorithm>

namespace wellhead::gateway {

namespace {

std::string_view HeaderOf(const api::WireRequest& request, std::string_view wanted) {
    for (const auto& [name, value] : request.headers) {
        if (name == wanted) return value;
    }
    return {};
}

// The query protocol's form; S3's has parts.
bool IsForm(const api::WireRequest& request) {
    return request.path == "/" &&
           HeaderOf(request, "content-type").starts_with("application/x-www-form-urlencoded");
}

// Other names that clients sign the same service under.
std::string_view UsualName(std::string_view scope, std::string_view path) {
    if (scope == "iotdevicegateway") return "iotdata";
    if (scope == "execute-api" && !path.starts_with("/@connections")) return "iotdata";
    return scope;
}

}  // namespace

api::Service* ServiceTable::BySigningName(std::string_view name, const api::WireRequest& request) const {
    api::Service* first = nullptr;
    for (api::Service* service : services_) {
        if (service->signing_name() != name) continue;
        if (first == nullptr) first = service;
        // Two APIs may share a name (API Gateway's two versions): the one that knows the operation.
        if (!service->OperationOf(request).empty()) return service;
    }
    return first;
}

api::Service* ServiceTable::Find(const api::WireRequest& request,
                                 const std::optional<api::SignatureClaim>& claim) const {
    if (claim) return BySigningName(UsualName(claim->service, request.path), request);
    std::string_view target = HeaderOf(request, "x-amz-target");
    if (!target.empty()) {
        std::string_view prefix = target.substr(0, target.find('.'));
        for (api::Service* service : services_) {
            if (service->target_prefix() == prefix) return service;
        }
        return nullptr;
    }
    api::Service* s3 = nullptr;
    for (api::Service* service : services_) {
        if (service->signing_name() == "s3") {
            s3 = service;
        } else if (service->target_prefix().empty() && !service->OperationOf(request).empty()) {
            return service;
        } else if (service->protocol() == api::Protocol::kQuery && IsForm(request)) {
            return service;
        }
    }
    return s3;
}

std::optional<std::string> BucketOfHost(std::string_view authority, std::string_view endpoint_host) {
    std::string host(authority.substr(0, authority.rfind(':')));
    for (char& c : host) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    if (host.empty() || host.front() == '[') return std::nullopt;
    size_t s3 = host.find(".s3.");
    if (s3 == host.npos) s3 = host.find(".s3-");
    if (s3 != host.npos && s3 > 0) return host.substr(0, s3);
    for (std::string_view endpoint : {endpoint_host, std::string_view("localhost")}) {
        if (endpoint.empty() || host.size() <= endpoint.size() + 1 || !host.ends_with(endpoint)) continue;
        std::string_view before = std::string_view(host).substr(0, host.size() - endpoint.size());
        if (!before.ends_with('.')) continue;
        before.remove_suffix(1);
        // "s3.<host>" and "kinesis.<region>.<host>" name services; a bucket's name comes before "s3" or alone.
        if (before == "s3" || before.starts_with("s3.")) return std::nullopt;
        bool numeric = before.find_first_not_of("0123456789.") == before.npos;
        if (!numeric) return std::string(before);
    }
    return std::nullopt;
}

}  // namespace wellhead::gateway
