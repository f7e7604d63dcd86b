#include "gateway/gateway.h"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>

#include "api/sigv4_errors.h"
#include "base/log.h"
#include "gateway/bodies.h"
#include "gateway/cors.h"
#include "gateway/request_metrics.h"
#include "gateway/signed_body.h"

namespace wellhead::gateway {

using api::SigV4Failure;
using api::SigV4Refusal;

// What is known of a request while it goes its way.
struct Gateway::Call {
    std::string request_id;
    base::Tick start;
    std::optional<api::SignatureClaim> claim;
    std::optional<SigV4Refusal> bad_claim;  // there is a signature, but it does not parse
    std::optional<api::SigV2Claim> v2_claim;  // a presigned address of the old kind
    bool has_signature() const { return claim || bad_claim || v2_claim; }
    std::string authority;
    api::Service* service = nullptr;
    api::Identity identity;
    bool cross_origin = false;         // a browser's, from a page of somewhere else
    std::string_view metric = "none";  // whose request it was
};

namespace {

bool IsS3(const api::Service& service) { return service.signing_name() == "s3"; }

api::AuthDialect DialectOf(const api::Service& service) {
    switch (service.protocol()) {
        case api::Protocol::kJson: return api::AuthDialect::kJson;
        case api::Protocol::kRestJson: return api::AuthDialect::kRest;
        case api::Protocol::kRestXml: return api::AuthDialect::kS3;
        case api::Protocol::kQuery: return api::AuthDialect::kQuery;
    }
    return api::AuthDialect::kRest;
}

api::SigV4Request View(const api::WireRequest& wire, const std::string& authority) {
    return {wire.method, wire.path, wire.query, wire.headers, authority};
}

api::SigV4Request View(const net::HttpRequest& request, const std::string& authority) {
    return {request.method, request.path(), request.query(), request.headers.fields(), authority};
}

api::ServiceError BodyError(const base::Error& error) {
    switch (error.code) {
        case base::ErrorCode::kLimit: return {"RequestEntityTooLargeException", error.message, 413, {}};
        case base::ErrorCode::kUnavailable: return {"ServiceUnavailable", error.message, 503, {}};
        case base::ErrorCode::kTimeout: return {"RequestTimeoutException", error.message, 408, {}};
        default: return {"SerializationException", error.message, 400, {}};
    }
}

std::string_view FindHeader(const api::WireHeaders& headers, std::string_view name) {
    for (const auto& [field, value] : headers) {
        if (field == name) return value;
    }
    return {};
}

// The error where no service is there to put it into its own form.
net::HttpResponse PlainError(int status, std::string_view code, const std::string& message) {
    net::HttpResponse response;
    response.status = status;
    response.headers.Add("content-type", "application/x-amz-json-1.1");
    response.headers.Add("x-amzn-errortype", std::string(code));
    response.body = boost::json::serialize(boost::json::object{{"__type", code}, {"message", message}});
    return response;
}

}  // namespace

std::function<bool(const net::HttpRequest&)> PathPrefix(std::string prefix) {
    return [prefix = std::move(prefix)](const net::HttpRequest& request) {
        std::string_view path = request.path();
        if (!path.starts_with(prefix)) return false;
        return path.size() == prefix.size() || prefix.ends_with('/') || path[prefix.size()] == '/';
    };
}

std::function<bool(const net::HttpRequest&)> PathSuffix(std::string suffix) {
    return [suffix = std::move(suffix)](const net::HttpRequest& request) { return request.path().ends_with(suffix); };
}

std::function<bool(const net::HttpRequest&)> HostSuffix(std::string suffix) {
    return [suffix = std::move(suffix)](const net::HttpRequest& request) {
        std::string_view host(request.authority);
        size_t colon = host.rfind(':');
        return host.substr(0, colon).ends_with(suffix);
    };
}

Gateway::Gateway(GatewayOptions options, const api::CredentialStore& keys, env::Clock& clock, env::Random& random)
    : options_(std::move(options)), authenticator_(keys, clock, options_.region),
      clock_(clock),
      random_(random),
      budget_(options_.max_bodies_bytes) {}

void Gateway::AddService(api::Service& service) { services_.Add(service); }
void Gateway::AddRoute(Route route) { routes_.push_back(std::move(route)); }

// The whole way.
env::Task<net::HttpResponse> Gateway::Handle(net::HttpRequest& request) {
    Call call;

    // 1. Every request has an id, in the answer and in the log.
    call.request_id = env::RandomUuid(random_);
    call.start = clock_.Ticks();
    call.cross_origin = request.headers.Find("origin").has_value();
    call.authority = request.headers.Find("host").value_or(request.authority);

    // 2. Browsers ask before they send. A bucket has rules of its own; for all else yes: what they then send still has to be
    // signed.
    net::HttpResponse response;
    if (IsPreflight(request)) {
        call.metric = "preflight";
        response = co_await ServePreflight(request, call);
        Finish(request, call, response);
        co_return response;
    }

    // 3. What its signature claims, if it has one. Nothing is believed yet.
    auto claim = api::ReadSignature(View(request, call.authority));
    if (claim) {
        call.claim = std::move(*claim);
    } else {
        call.bad_claim = claim.error();
    }
    if (!call.has_signature()) call.v2_claim = api::ReadSigV2(request.query());

    // 4. Plain routes: health, metrics, login pages, MQTT over WebSocket.
    if (const Route* route = FindRoute(request, call)) {
        response = co_await ServeRoute(*route, request, call);
    } else {
        // 5. Everything else is for an AWS service.
        response = co_await ServeService(request, call);
    }

    // 6. What every answer has, and its trace in the metrics.
    Finish(request, call, response);
    co_return response;
}

env::Task<net::HttpResponse> Gateway::ServePreflight(net::HttpRequest& request, Call& call) {
    api::WireRequest wire;
    wire.method = request.headers.Find("access-control-request-method").value_or("");
    wire.path = request.path();
    wire.query = request.query();
    auto bucket = BucketOfHost(call.authority, options_.endpoint_host);
    const bool route = FindRoute(request, call) != nullptr;
    api::Service* service = route ? nullptr : services_.Find(wire, std::nullopt);
    if (service == nullptr || !IsS3(*service) || (wire.path == "/" && !bucket)) co_return AnswerPreflight(request);
    call.service = service;
    if (bucket) wire.path = "/" + *bucket + (wire.path == "/" ? "" : wire.path);
    wire.method = request.method;
    wire.headers = request.headers.Take();
    wire.body = api::MakeByteStream("");
    co_return co_await CallService(request, std::move(wire), call);
}

const Route* Gateway::FindRoute(const net::HttpRequest& request, const Call& call) const {
    for (const Route& route : routes_) {
        if (route.signed_for.empty() && call.has_signature()) continue;
        if (!route.signed_for.empty() && call.claim && call.claim->service != route.signed_for) continue;
        if (route.matches(request)) return &route;
    }
    return nullptr;
}

env::Task<net::HttpResponse> Gateway::ServeRoute(const Route& route, net::HttpRequest& request, Call& call) {
    call.metric = route.name;
    request.signed_access_key_id.clear();
    if (!route.signed_for.empty()) {
        if (!call.claim) co_return PlainError(403, "MissingAuthenticationTokenException", "Missing Authentication Token");
        auto verified = authenticator_.Verify(View(request, call.authority), *call.claim, route.signed_for,
                                              api::kEmptyPayloadHash);
        if (!verified) {
            api::ServiceError error = api::AuthError(verified.error(), api::AuthDialect::kRest);
            co_return PlainError(error.http_status, error.code, error.message);
        }
        request.signed_access_key_id = verified->identity.access_key_id;
    }
    co_return co_await route.handler->Handle(request);
}

env::Task<net::HttpResponse> Gateway::ServeService(net::HttpRequest& request, Call& call) {
    api::WireRequest wire;
    wire.method = request.method;
    wire.path = request.path();
    wire.query = request.query();
    wire.headers = request.headers.Take();

    // 5a. Its service: by scope, target, host or path.
    call.service = services_.Find(wire, call.claim);
    if (call.service == nullptr) {
        std::string named = call.claim ? "the credential scope's service '" + call.claim->service + "'"
                                       : "'" + std::string(FindHeader(wire.headers, "x-amz-target")) + "'";
        co_return PlainError(400, "UnknownOperationException", "No service here is known as " + named + ".");
    }
    call.metric = call.service->signing_name();
    if (call.bad_claim) co_return Refuse(wire, call, *call.bad_claim);

    // 5b. Unsigned calls only where the API says so.
    bool presigned_v2 = call.v2_claim && IsS3(*call.service);
    if (!call.claim && !presigned_v2) {
        std::string_view operation = call.service->OperationOf(wire);
        if (operation.empty() || !call.service->AllowsUnsigned(operation)) {
            SigV4Refusal missing{SigV4Failure::kMissing, "Missing Authentication Token", {}, {}};
            co_return Refuse(wire, call, missing);
        }
    }

    // 5c. Its body: S3's streams by, checked as it goes; any other is small and checked before the call.
    if (IsS3(*call.service)) {
        co_return co_await ServeStreamed(request, std::move(wire), call);
    }
    co_return co_await ServeBuffered(request, std::move(wire), call);
}

env::Task<net::HttpResponse> Gateway::ServeBuffered(net::HttpRequest& request, api::WireRequest wire, Call& call) {
    if (call.claim) {
        // Whoever has no key here does not get us to hold a body.
        auto possible = authenticator_.Check(View(wire, call.authority), *call.claim, call.claim->service);
        if (!possible) co_return Refuse(wire, call, possible.error());
    }
    BodyBudget::Share share(budget_);
    auto body = co_await ReadWithin(*request.body, options_.max_body_bytes, share);
    if (!body) co_return Refuse(wire, call, BodyError(body.error()));
    if (call.claim) {
        // The hash is always ours: a header could say anything.
        std::string hash = body->empty() ? std::string(api::kEmptyPayloadHash) : api::Sha256Hex(*body);
        auto verified = authenticator_.Verify(View(wire, call.authority), *call.claim, call.claim->service, hash);
        if (!verified) co_return Refuse(wire, call, verified.error());
        call.identity = std::move(verified->identity);
    }
    wire.body = api::MakeByteStream(std::move(*body));
    co_return co_await CallService(request, std::move(wire), call);
}

env::Task<net::HttpResponse> Gateway::ServeStreamed(net::HttpRequest& request, api::WireRequest wire, Call& call) {
    wire.body = FromConnection(*request.body);
    if (call.claim) {
        const std::string& said = call.claim->content_sha256;
        if (said.empty() && !call.claim->in_query) {
            SigV4Refusal refusal{SigV4Failure::kBadContentHash,
                                 "Missing required header for this request: x-amz-content-sha256", {}, {}};
            co_return Refuse(wire, call, refusal);
        }
        std::string hash = said.empty() ? std::string(api::kUnsignedPayload) : said;
        auto verified = authenticator_.Verify(View(wire, call.authority), *call.claim, "s3", hash);
        if (!verified) co_return Refuse(wire, call, verified.error());
        call.identity = verified->identity;
        auto filtered = FilterSignedBody(wire, *verified, *call.claim, hash);
        if (!filtered) {
            SigV4Refusal refusal{SigV4Failure::kBadContentHash, filtered.error().message, {}, {}};
            co_return Refuse(wire, call, refusal);
        }
    }
    if (!call.claim && FindHeader(wire.headers, "x-amz-content-sha256") == api::kStreamingUnsignedTrailer) {
        // Nobody's signature is on it; the framing and the checksum behind it are as ever.
        const Authenticated nobody;
        const api::SignatureClaim none;
        auto filtered = FilterSignedBody(wire, nobody, none, api::kStreamingUnsignedTrailer);
        if (!filtered) co_return Refuse(wire, call, BodyError(filtered.error()));
    }
    auto bucket = BucketOfHost(call.authority, options_.endpoint_host);
    if (call.v2_claim) {
        auto verified = authenticator_.VerifyV2(View(wire, call.authority), *call.v2_claim, bucket.value_or(""));
        if (!verified) co_return Refuse(wire, call, verified.error());
        call.identity = std::move(*verified);
    }
    // The signature was made for the host's form; from here on all buckets are in the path.
    if (bucket) {
        wire.path = "/" + *bucket + (wire.path == "/" ? "" : wire.path);
    }
    co_return co_await CallService(request, std::move(wire), call);
}

env::Task<net::HttpResponse> Gateway::CallService(net::HttpRequest& request, api::WireRequest wire, Call& call) {
    api::CallContext context = MakeContext(request, call);
    std::string_view authorization = FindHeader(wire.headers, "authorization");
    if (authorization.starts_with("Bearer ")) context.authorization = authorization.substr(7);
    api::WireResponse response = co_await call.service->Call(std::move(context), std::move(wire));
    co_return ToHttp(std::move(response));
}

api::CallContext Gateway::MakeContext(const net::HttpRequest& request, const Call& call) const {
    api::CallContext context;
    context.request_id = call.request_id;
    context.account_id = call.identity.account_id.empty() ? options_.account_id : call.identity.account_id;
    context.region = options_.region;
    context.caller = call.identity;
    context.host = call.authority;
    context.tls = request.tls;
    context.peer_address = request.peer.address;
    return context;
}

net::HttpResponse Gateway::Refuse(const api::WireRequest& wire, Call& call, const SigV4Refusal& refusal) {
    api::ServiceError error = api::AuthError(refusal, DialectOf(*call.service));
    // S3's clients read the right region from the answer and come again.
    if (refusal.failure == SigV4Failure::kBadScopeRegion) error.members["Region"] = options_.region;
    return Refuse(wire, call, error);
}

net::HttpResponse Gateway::Refuse(const api::WireRequest& wire, Call& call, const api::ServiceError& error) {
    return ToHttp(call.service->Refuse(wire, call.request_id, error));
}

void Gateway::Finish(const net::HttpRequest& request, Call& call, net::HttpResponse& response) {
    bool s3 = call.service != nullptr && IsS3(*call.service);
    if (s3) {
        if (!response.headers.Find("x-amz-request-id")) response.headers.Add("x-amz-request-id", call.request_id);
        if (!response.headers.Find("x-amz-id-2")) response.headers.Add("x-amz-id-2", call.request_id);
    }
    if (!response.headers.Find("x-amzn-requestid")) response.headers.Add("x-amzn-requestid", call.request_id);
    // S3's are those of the bucket's rules.
    if (call.cross_origin && !s3) AddCorsHeaders(response);
    auto took = clock_.Ticks() - call.start;
    CountRequest(call.metric, response.status, static_cast<uint64_t>(took.count()));
    if (response.status >= 500 || base::LogEnabled(base::LogLevel::kDebug)) {
        base::Log(response.status >= 500 ? base::LogLevel::kWarning : base::LogLevel::kDebug, "access",
                  "{} {} {} {} {} us, {} from {}", call.metric, request.method, request.path(), response.status,
                  took.count(), call.request_id, request.peer.address);
    }
}

}  // namespace wellhead::gateway
