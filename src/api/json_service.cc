// awsJson 1.0 and 1.1: the operation in X-Amz-Target, input and output one JSON object, event streams as frames. A request
// in CBOR, which Java's Kinesis client sends, is answered in CBOR.

#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "api/bound_service.h"
#include "api/cbor_shape.h"
#include "api/event_frames.h"
#include "api/json_shape.h"

namespace wellhead::api {

namespace {

namespace json = boost::json;

class JsonService final : public BoundService {
  public:
    using BoundService::BoundService;

    std::string_view OperationOf(const WireRequest& request) const override {
        const std::string_view name = NameIn(request);
        if (const Operation* operation = FindOperation(name)) return operation->name;
        for (const Unserved& unserved : model_.unserved) {
            if (unserved.name == name) return unserved.name;
        }
        return {};
    }

    env::Task<WireResponse> Call(CallContext context, WireRequest request) override {
        std::string name(NameIn(request));
        EventEncoding encoding = EncodingOf(request);
        const Operation* operation = FindOperation(name);
        if (operation == nullptr) co_return Error(NotServed(name), encoding);
        auto body = co_await ReadAll(*request.body, kMaxBodyBytes);
        if (!body) co_return Error(InputError(body.error().message), encoding);
        Value input(*operation->input);
        std::vector<std::string> missing;
        auto read = Read(*body, *operation, input.get(), missing, encoding);
        if (!read) co_return Error(InputError(read.error().message), encoding);
        auto checked = Check(*operation, input.get(), missing);
        if (!checked) co_return Error(checked.error(), encoding);
        auto output = std::make_shared<Value>(*operation->output);
        auto called = co_await BoundService::Call(*operation, context, input.get(), output->get());
        if (!called) co_return Error(called.error(), encoding);
        co_return Success(*operation, std::move(output), encoding);
    }

    WireResponse Refuse(const WireRequest& request, const std::string&, const ServiceError& error) const override {
        return Error(error, EncodingOf(request));
    }

  private:
    // "Kinesis_20131202.PutRecords" -> "PutRecords"
    std::string_view NameIn(const WireRequest& request) const {
        std::string_view target = FindHeader(request.headers, "x-amz-target");
        size_t dot = target.rfind('.');
        if (dot == std::string_view::npos || target.substr(0, dot) != model_.target_prefix) return {};
        return target.substr(dot + 1);
    }

    static EventEncoding EncodingOf(const WireRequest& request) {
        std::string_view type = FindHeader(request.headers, "content-type");
        return type.starts_with("application/x-amz-cbor") ? EventEncoding::kCbor : EventEncoding::kJson;
    }

    static base::Result<void> Read(const base::Bytes& body, const Operation& operation, void* input,
                                   std::vector<std::string>& missing, EventEncoding encoding) {
        if (body.empty()) return ReadJsonMembers(json::object(), *operation.input, input, "", missing);
        if (encoding == EventEncoding::kCbor) return ReadCborMembers(body, *operation.input, input, missing);
        boost::system::error_code error;
        json::parse_options options;
        options.max_depth = 64;
        json::value value = json::parse(body, error, {}, options);
        const auto* object = value.if_object();
        if (error || object == nullptr) return base::Fail(base::ErrorCode::kInvalidArgument, "The body is not a JSON object");
        return ReadJsonMembers(*object, *operation.input, input, "", missing);
    }

    std::string ContentType(EventEncoding encoding) const {
        if (encoding == EventEncoding::kCbor) return "application/x-amz-cbor-1.1";
        return fmt::format("application/x-amz-json-{}", model_.json_version);
    }

    WireResponse Success(const Operation& operation, std::shared_ptr<Value> output, EventEncoding encoding) const {
        WireResponse response;
        for (const Member& member : operation.output->members) {
            if (member.shape->kind != Kind::kEventStream) continue;
            response.headers.emplace_back("content-type", "application/vnd.amazon.eventstream");
            response.body = MakeEventFrames(*operation.output, member, std::move(output), encoding);
            return response;
        }
        std::string text;
        if (encoding == EventEncoding::kCbor) {
            WriteCborMembers(*operation.output, output->get(), text);
        } else {
            WriteJsonMembers(*operation.output, output->get(), text);
        }
        response.headers.emplace_back("content-type", ContentType(encoding));
        response.body = std::move(text);
        return response;
    }

    WireResponse Error(const ServiceError& error, EventEncoding encoding) const {
        WireResponse response;
        response.status = error.http_status;
        response.headers.emplace_back("content-type", ContentType(encoding));
        response.headers.emplace_back("x-amzn-errortype", error.code);
        std::string_view message_member = MessageMemberOf(error.code);
        response.body = encoding == EventEncoding::kCbor ? CborErrorBody(error, message_member)
                                                         : JsonErrorBody(error, message_member);
        return response;
    }
};

}  // namespace

std::unique_ptr<Service> BindJson(const Model& model, std::vector<CallFunction> calls, void* api) {
    return std::make_unique<JsonService>(model, std::move(calls), api);
}

}  // namespace wellhead::api
