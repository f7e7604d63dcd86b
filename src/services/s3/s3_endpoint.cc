#include "services/s3/s3_endpoint.h"

#include <fmt/format.h>

#include <boost/json/object.hpp>

#include "api/timestamps.h"
#include "codec/form.h"
#include "codec/xml.h"
#include "services/s3/cors_rules.h"
#include "services/s3/form_upload.h"
#include "services/s3/s3_errors.h"

namespace wellhead::services::s3 {

namespace {

using api::WireRequest;
using api::WireResponse;

std::string HeaderValue(const WireRequest& request, std::string_view name) {
    for (const auto& [field, value] : request.headers) {
        if (field == name) return value;
    }
    return {};
}

struct Target {
    std::string bucket;
    std::string key;
};
// Of the path, decoded once. Nothing when an escape is broken.
std::optional<Target> TargetOf(std::string_view path) {
    if (path.starts_with('/')) path.remove_prefix(1);
    const size_t slash = std::min(path.find('/'), path.size());
    auto bucket = PercentDecode(path.substr(0, slash), false);
    auto key = PercentDecode(path.substr(std::min(slash + 1, path.size())), false);
    if (!bucket || !key) return std::nullopt;
    return Target{std::move(*bucket), std::move(*key)};
}

// The permission an operation needs, where it is not named like the operation (service authorization reference, "Actions,
// resources, and condition keys for Amazon S3").
constexpr std::pair<std::string_view, std::string_view> kActions[] = {
    {"HeadObject", "GetObject"},
    {"HeadBucket", "ListBucket"},
    {"ListObjects", "ListBucket"},
    {"ListObjectsV2", "ListBucket"},
    {"ListObjectVersions", "ListBucketVersions"},
    {"ListBuckets", "ListAllMyBuckets"},
    {"ListMultipartUploads", "ListBucketMultipartUploads"},
    {"ListParts", "ListMultipartUploadParts"},
    {"CopyObject", "PutObject"},
    {"CreateMultipartUpload", "PutObject"},
    {"UploadPart", "PutObject"},
    {"UploadPartCopy", "PutObject"},
    {"CompleteMultipartUpload", "PutObject"},
    {"PostObject", "PutObject"},
    {"GetBucketLifecycleConfiguration", "GetLifecycleConfiguration"},
    {"PutBucketLifecycleConfiguration", "PutLifecycleConfiguration"},
    {"DeleteBucketLifecycle", "PutLifecycleConfiguration"},
    {"DeleteBucketCors", "PutBucketCORS"},
    {"GetBucketEncryption", "GetEncryptionConfiguration"},
    {"PutBucketEncryption", "PutEncryptionConfiguration"},
    {"DeleteBucketEncryption", "PutEncryptionConfiguration"},
    {"GetPublicAccessBlock", "GetBucketPublicAccessBlock"},
    {"PutPublicAccessBlock", "PutBucketPublicAccessBlock"},
    {"DeletePublicAccessBlock", "PutBucketPublicAccessBlock"},
    {"GetBucketNotificationConfiguration", "GetBucketNotification"},
    {"PutBucketNotificationConfiguration", "PutBucketNotification"},
    {"GetBucketReplication", "GetReplicationConfiguration"},
    {"DeleteBucketReplication", "PutReplicationConfiguration"},
    {"GetBucketAccelerateConfiguration", "GetAccelerateConfiguration"},
    {"PutBucketAccelerateConfiguration", "PutAccelerateConfiguration"},
    {"GetObjectLockConfiguration", "GetBucketObjectLockConfiguration"},
    {"DeleteBucketTagging", "PutBucketTagging"},
    {"DeleteBucketOwnershipControls", "PutBucketOwnershipControls"},
    {"ListBucketInventoryConfigurations", "GetInventoryConfiguration"},
    {"GetBucketInventoryConfiguration", "GetInventoryConfiguration"},
    {"ListBucketAnalyticsConfigurations", "GetAnalyticsConfiguration"},
    {"GetBucketAnalyticsConfiguration", "GetAnalyticsConfiguration"},
    {"ListBucketMetricsConfigurations", "GetMetricsConfiguration"},
    {"GetBucketMetricsConfiguration", "GetMetricsConfiguration"},
    {"ListBucketIntelligentTieringConfigurations", "GetIntelligentTieringConfiguration"},
    {"GetBucketIntelligentTieringConfiguration", "GetIntelligentTieringConfiguration"},
};

// Actions on objects have a form of their own for versions named by id.
std::string ActionOf(std::string_view operation, bool version) {
    std::string_view name = operation;
    for (const auto& [from, to] : kActions) {
        if (from == operation) name = to;
    }
    std::string action = "s3:" + std::string(name);
    if (!version) return action;
    if (name == "GetObject" || name == "DeleteObject") return action + "Version";
    if (name == "GetObjectAttributes") return "s3:GetObjectVersionAttributes";
    for (const char* verb : {"Get", "Put", "Delete"}) {
        for (const char* what : {"Acl", "Tagging"}) {
            if (name == std::string(verb) + "Object" + what) return fmt::format("s3:{}ObjectVersion{}", verb, what);
        }
    }
    return action;
}

// The condition keys of a request (the same reference).
PolicyRequest DescribeRequest(const api::CallContext& context, const WireRequest& request, std::string_view operation,
                              base::Instant now) {
    PolicyRequest out;
    auto query = codec::Form::Parse(request.query).value_or(codec::Form());
    auto version = query.Find("versionId");
    out.action = ActionOf(operation, version.has_value());
    auto& keys = out.context;
    keys.emplace("aws:sourceip", context.peer_address);
    keys.emplace("aws:securetransport", context.tls ? "true" : "false");
    keys.emplace("aws:currenttime", api::FormatIso8601(now));
    keys.emplace("aws:epochtime", std::to_string(base::ToUnixMs(now) / 1000));
    keys.emplace("aws:requestedregion", context.region);
    if (context.caller.authenticated) {
        keys.emplace("aws:principalarn", context.caller.arn);
        keys.emplace("aws:principalaccount", context.caller.account_id);
        keys.emplace("aws:principaltype", "Account");
    } else {
        keys.emplace("aws:principaltype", "Anonymous");
    }
    if (version) keys.emplace("s3:versionid", *version);
    for (const char* name : {"prefix", "delimiter", "max-keys"}) {
        if (auto value = query.Find(name)) keys.emplace(fmt::format("s3:{}", name), *value);
    }
    for (const auto& [name, value] : request.headers) {
        if (name == "referer") keys.emplace("aws:referer", value);
        if (name == "user-agent") keys.emplace("aws:useragent", value);
        const bool own = name.starts_with("x-amz-") && !name.starts_with("x-amz-meta-");
        if (own) keys.emplace("s3:" + name, value);
        if (name == "if-match" || name == "if-none-match") keys.emplace("s3:" + name, value);
        if (name != "x-amz-tagging") continue;
        for (const auto& [tag, text] : ParseTaggingHeader(value).value_or(Tags{})) {
            keys.emplace("s3:requestobjecttag/" + tag, text);
            keys.emplace("s3:requestobjecttagkeys", tag);
        }
    }
    return out;
}

bool IsForm(const WireRequest& request) {
    return request.method == "POST" && BoundaryOf(HeaderValue(request, "content-type")).has_value();
}

class Endpoint final : public api::Service {
  public:
    Endpoint(S3Service& service, std::unique_ptr<api::Service> operations, const api::CredentialStore& keys,
             env::Clock& clock)
        : service_(service), operations_(std::move(operations)), keys_(keys), clock_(clock) {}

    std::string_view signing_name() const override { return operations_->signing_name(); }
    std::string_view target_prefix() const override { return operations_->target_prefix(); }
    api::Protocol protocol() const override { return operations_->protocol(); }
    std::string_view OperationOf(const WireRequest& request) const override {
        if (request.method == "OPTIONS") return "OptionsObject";
        if (IsForm(request)) return "PostObject";
        return operations_->OperationOf(request);
    }
    // Whether it is allowed is for the bucket to say.
    bool AllowsUnsigned(std::string_view) const override { return true; }
    env::Task<Outcome<boost::json::value>> Invoke(CallContext context, std::string operation,
                                                  boost::json::object input) override {
        return operations_->Invoke(std::move(context), std::move(operation), std::move(input));
    }
    WireResponse Refuse(const WireRequest& request, const std::string& request_id,
                        const api::ServiceError& error) const override {
        return operations_->Refuse(request, request_id, error);
    }

    env::Task<WireResponse> Call(CallContext context, WireRequest request) override {
        auto target = TargetOf(request.path);
        if (!target) {
            auto error = S3Error("InvalidURI", 400, "Couldn't parse the specified URI.");
            co_return Refuse(request, context.request_id, error);
        }
        auto settings = service_.SettingsOf(target->bucket);
        if (request.method == "OPTIONS") co_return Preflight(context, request, settings.get());
        CorsRequest cross{HeaderValue(request, "origin"), request.method, {}};
        WireResponse response;
        const bool owner = context.caller.authenticated && context.caller.account_id == service_.account_id();
        if (owner && (!settings || !settings->parsed_policy) && !IsForm(request)) {
            response = co_await operations_->Call(std::move(context), std::move(request));
        } else {
            response = co_await CallIfAllowed(std::move(context), std::move(request), std::move(*target));
        }
        if (!cross.origin.empty() && settings && settings->cors) {
            const auto* rule = FindCorsRule(*settings->cors, cross);
            if (rule != nullptr) AddCorsHeaders(*rule, cross, false, response.headers);
        }
        co_return response;
    }

  private:
    env::Task<WireResponse> CallIfAllowed(CallContext context, WireRequest request, Target target) {
        if (IsForm(request)) co_return co_await CallForm(std::move(context), std::move(request), std::move(target));
        const std::string operation(operations_->OperationOf(request));
        // CreateBucket: there is no bucket yet that could allow anything. DeleteObjects: each key by itself.
        const bool makes = operation == "CreateBucket";
        if (!operation.empty() && operation != "DeleteObjects") {
            PolicyRequest described = DescribeRequest(context, request, operation, clock_.Now());
            std::string bucket = makes ? "" : target.bucket;
            auto allowed = co_await service_.Authorize(context, std::move(described), std::move(bucket), target.key);
            if (!allowed) co_return Refuse(request, context.request_id, allowed.error());
        }
        const bool anonymous = !context.caller.authenticated;
        const bool reads = operation == "GetObject" || operation == "HeadObject";
        WireRequest head;  // what a refusal needs, should it come to that
        head.method = request.method;
        head.path = request.path;
        const CallContext caller = context;
        WireResponse response = co_await operations_->Call(std::move(context), std::move(request));
        if (!anonymous || !reads || response.status != 404) co_return response;
        // Whether a key exists is for those to know who may list.
        auto lists = co_await service_.AuthorizeObject(caller, "s3:ListBucket", target.bucket, "");
        if (lists) co_return response;
        co_return Refuse(head, caller.request_id, AccessDenied());
    }

    env::Task<WireResponse> CallForm(CallContext context, WireRequest request, Target target) {
        WireRequest head;
        head.method = request.method;
        head.path = request.path;
        const std::string boundary = *BoundaryOf(HeaderValue(request, "content-type"));
        if (!target.key.empty() || target.bucket.empty()) {
            auto error = S3Error("MethodNotAllowed", 405, "The specified method is not allowed against this resource.");
            co_return Refuse(head, context.request_id, error);
        }
        const std::string request_id = context.request_id;
        FormUpload upload{service_, keys_, clock_};
        auto done = co_await upload.Run(std::move(context), std::move(target.bucket), std::move(request.body), boundary);
        if (!done) co_return Refuse(head, request_id, done.error());
        co_return std::move(*done);
    }

    WireResponse Preflight(const CallContext& context, const WireRequest& request, const BucketSettings* settings) const {
        CorsRequest cross{HeaderValue(request, "origin"), HeaderValue(request, "access-control-request-method"),
                          SplitHeaderNames(HeaderValue(request, "access-control-request-headers"))};
        if (cross.origin.empty()) {
            auto error = S3Error("BadRequest", 400, "Insufficient information. Origin request header needed.");
            return Refuse(request, context.request_id, error);
        }
        if (cross.method.empty()) {
            auto error = S3Error("BadRequest", 400, "Invalid Access-Control-Request-Method: null");
            return Refuse(request, context.request_id, error);
        }
        const apis::s3::CORSRule* rule = nullptr;
        if (settings != nullptr && settings->cors) rule = FindCorsRule(*settings->cors, cross);
        if (rule == nullptr) {
            const bool on = settings != nullptr && settings->cors;
            auto error = S3Error("AccessForbidden", 403,
                                 on ? "CORSResponse: This CORS request is not allowed. This is usually because the "
                                      "evalution of Origin, request method / Access-Control-Request-Method or "
                                      "Access-Control-Request-Headers are not whitelisted by the resource's CORS spec."
                                    : "CORSResponse: CORS is not enabled for this bucket.");
            error.members["Method"] = cross.method;
            error.members["ResourceType"] = "OBJECT";
            return Refuse(request, context.request_id, error);
        }
        WireResponse response;
        AddCorsHeaders(*rule, cross, true, response.headers);
        return response;
    }

    S3Service& service_;
    const std::unique_ptr<api::Service> operations_;
    const api::CredentialStore& keys_;
    env::Clock& clock_;
};

}  // namespace

std::unique_ptr<api::Service> MakeEndpoint(S3Service& service, std::unique_ptr<api::Service> operations,
                                           const api::CredentialStore& keys, env::Clock& clock) {
    return std::make_unique<Endpoint>(service, std::move(operations), keys, clock);
}

}  // namespace wellhead::services::s3
