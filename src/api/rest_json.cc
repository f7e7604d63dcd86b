// restJson: the operation by method and path, members in path, query, headers and a JSON body.

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "api/bound_service.h"
#include "api/json_shape.h"
#include "api/rest_binding.h"
#include "api/values.h"

namespace wellhead::api {

namespace {

namespace json = boost::json;

class RestJsonService final : public BoundService {
  public:
    using BoundService::BoundService;

    std::string_view OperationOf(const WireRequest& request) const override {
        RestMatch match = MatchRest(model_, request);
        return match.operation != nullptr ? match.operation->name : std::string_view();
    }

    env::Task<WireResponse> Call(CallContext context, WireRequest request) override {
        RestMatch match = MatchRest(model_, request);
        if (match.operation == nullptr) co_return Error(NotServed(match.unserved));
        const Operation& operation = *match.operation;
        Value input(*operation.input);
        std::vector<std::string> missing;
        auto bound = ReadRestMembers(*operation.input, match, request, input.get(), missing);
        if (!bound) co_return Error(InputError(bound.error().message));
        auto body = co_await ReadBody(operation, std::move(request.body), input.get(), missing);
        if (!body) co_return Error(InputError(body.error().message));
        auto checked = Check(operation, input.get(), missing);
        if (!checked) co_return Error(checked.error());
        Value output(*operation.output);
        auto called = co_await BoundService::Call(operation, context, input.get(), output.get());
        if (!called) co_return Error(called.error());
        co_return Success(operation, output);
    }

    WireResponse Refuse(const WireRequest&, const std::string&, const ServiceError& error) const override {
        return Error(error);
    }

  private:
    // The body is one member as it is (blob, string or stream), one member as JSON, or an object of members.
    static env::Task<base::Result<void>> ReadBody(const Operation& operation, StreamBody stream, void* input,
                                                  std::vector<std::string>& missing) {
        const Structure& structure = *operation.input;
        const Member* payload = structure.payload_member();
        if (payload != nullptr && payload->shape->kind == Kind::kStream) {
            *static_cast<StreamBody*>(payload->Emplace(input)) = std::move(stream);
            co_return base::Result<void>();
        }
        CO_ASSIGN_OR_RETURN(base::Bytes body, co_await ReadAll(*stream, kMaxBodyBytes));
        if (payload != nullptr && payload->shape->kind == Kind::kBlob) {
            if (!body.empty() || payload->required) static_cast<Blob*>(payload->Emplace(input))->bytes = std::move(body);
            co_return base::Result<void>();
        }
        if (payload != nullptr && payload->shape->kind == Kind::kString) {
            *static_cast<std::string*>(payload->Emplace(input)) = std::move(body);
            co_return base::Result<void>();
        }
        if (payload == nullptr && !structure.has_body) co_return base::Result<void>();
        if (body.empty()) {
            if (payload == nullptr) co_return ReadJsonMembers(json::object(), structure, input, "", missing);
            if (payload->required) missing.emplace_back(payload->name);
            co_return base::Result<void>();
        }
        boost::system::error_code error;
        json::parse_options options;
        options.max_depth = 64;
        json::value value = json::parse(body, error, {}, options);
        if (error) co_return base::Fail(base::ErrorCode::kInvalidArgument, "The body is not JSON");
        if (payload != nullptr) {
            co_return ReadJson(value, *payload->shape, payload->Emplace(input), std::string(payload->name), missing);
        }
        if (!value.is_object()) co_return base::Fail(base::ErrorCode::kInvalidArgument, "The body is not a JSON object");
        co_return ReadJsonMembers(value.as_object(), structure, input, "", missing);
    }

    WireResponse Success(const Operation& operation, Value& output) const {
        WireResponse response;
        response.status = operation.status;
        const Structure& structure = *operation.output;
        const Member* payload = structure.payload_member();
        if (payload == nullptr) {
            std::string text;
            WriteJsonMembers(structure, output.get(), text);
            response.headers.emplace_back("content-type", "application/json");
            response.body = std::move(text);
        } else if (const void* at = payload->Get(output.get()); at != nullptr) {
            WritePayload(*payload, at, output, response);
        }
        WriteRestMembers(structure, output.get(), response);
        return response;
    }

    static void WritePayload(const Member& payload, const void* at, Value& output, WireResponse& response) {
        if (payload.shape->kind == Kind::kStream) {
            response.body = std::move(*static_cast<StreamBody*>(payload.Emplace(output.get())));
            return;
        }
        std::string text;
        std::string_view type = "application/json";
        if (payload.shape->kind == Kind::kBlob) {
            // Shadow documents and the like are JSON under a blob's name; anything else says its own type.
            text = static_cast<const Blob*>(at)->bytes;
            if (!text.starts_with('{')) type = "application/octet-stream";
        } else if (payload.shape->kind == Kind::kString) {
            text = *static_cast<const std::string*>(at);
            type = "text/plain";
        } else {
            WriteJson(*payload.shape, at, text);
        }
        response.headers.emplace_back("content-type", type);
        response.body = std::move(text);
    }

    WireResponse Error(const ServiceError& error) const {
        WireResponse response;
        response.status = error.http_status;
        response.headers.emplace_back("content-type", "application/json");
        response.headers.emplace_back("x-amzn-errortype", error.code);
        response.body = JsonErrorBody(error, MessageMemberOf(error.code));
        return response;
    }
};

}  // namespace

std::unique_ptr<Service> BindRestJson(const Model& model, std::vector<CallFunction> calls, void* api) {
    return std::make_unique<RestJsonService>(model, std::move(calls), api);
}

}  // namespace wellhead::api
