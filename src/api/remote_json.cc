// Remote clients: the same calls, sent to an endpoint as awsJson.

#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "api/bound_service.h"
#include "api/json_shape.h"
#include "api/remote.h"
#include "api/remote_events.h"
#include "api/remote_query.h"
#include "api/remote_rest.h"
#include "base/check.h"

namespace wellhead::api {

namespace json = boost::json;

ServiceError RemoteError(int status, std::string_view code, std::string_view message) {
    ServiceError error;
    // "com.amazon#Code", "Code:http://..." -> "Code"
    if (size_t hash = code.rfind('#'); hash != std::string_view::npos) code.remove_prefix(hash + 1);
    error.code = std::string(code.substr(0, code.find(':')));
    if (error.code.empty()) error.code = status >= 500 ? "InternalFailure" : "UnknownError";
    error.message = std::string(message);
    error.http_status = status;
    return error;
}

ServiceError TransportError(const base::Error& error) {
    ServiceError failed;
    bool late = error.code == base::ErrorCode::kTimeout;
    failed.code = late ? "RequestTimeout" : "ServiceUnavailable";
    failed.http_status = late ? 408 : 503;
    failed.message = error.message;
    return failed;
}

env::Task<base::Result<base::Bytes>> BodyOf(WireResponse& response) {
    if (auto* bytes = std::get_if<base::Bytes>(&response.body)) co_return std::move(*bytes);
    StreamBody& stream = std::get<StreamBody>(response.body);
    if (!stream) co_return base::Bytes();
    co_return co_await ReadAll(*stream, kMaxBodyBytes);
}

ServiceError JsonErrorOf(const WireResponse& response, const base::Bytes& body) {
    boost::system::error_code ignored;
    json::value value = json::parse(body, ignored);
    std::string code(FindHeader(response.headers, "x-amzn-errortype"));
    std::string message;
    if (const auto* object = value.if_object()) {
        auto text = [&](std::string_view name) -> std::string {
            const auto* member = object->if_contains(name);
            return member != nullptr && member->is_string() ? std::string(member->as_string()) : std::string();
        };
        if (code.empty()) code = text("__type");
        if (code.empty()) code = text("code");
        message = text("message");
        if (message.empty()) message = text("Message");
    }
    return RemoteError(response.status, code, message);
}

namespace {

class JsonInvoker final : public Invoker {
  public:
    JsonInvoker(const Model& model, Transport& transport) : model_(model), transport_(transport) {}

    env::Task<Outcome<void>> Invoke(const Operation& operation, const CallContext&, void* input,
                                    void* output) override {
        WireRequest request;
        request.method = "POST";
        request.path = "/";
        request.headers = {{"content-type", fmt::format("application/x-amz-json-{}", model_.json_version)},
                           {"x-amz-target", fmt::format("{}.{}", model_.target_prefix, operation.name)}};
        std::string text;
        WriteJsonMembers(*operation.input, input, text);
        request.body = MakeByteStream(std::move(text));
        auto response = co_await transport_.Send(model_.signing_name, std::move(request));
        if (!response) co_return std::unexpected(TransportError(response.error()));
        const Member* events = EventsOf(*operation.output);
        if (events != nullptr && response->status < 300) {
            StreamBody frames = FramesOf(*response);
            const EventStreamType& type = *events->shape->events;
            type.ops->connect(events->Emplace(output), ReadRemoteEvents(std::move(frames), type));
            co_return Outcome<void>();
        }
        auto body = co_await BodyOf(*response);
        if (!body) co_return std::unexpected(TransportError(body.error()));
        if (response->status >= 300) co_return std::unexpected(JsonErrorOf(*response, *body));
        if (body->empty()) co_return Outcome<void>();
        boost::system::error_code error;
        json::value value = json::parse(*body, error);
        if (error || !value.is_object()) {
            co_return std::unexpected(RemoteError(502, "SerializationException", "the answer is not a JSON object"));
        }
        std::vector<std::string> missing;
        auto read = ReadJsonMembers(value.as_object(), *operation.output, output, "", missing);
        if (!read) co_return std::unexpected(RemoteError(502, "SerializationException", read.error().message));
        co_return Outcome<void>();
    }

  private:
    static const Member* EventsOf(const Structure& output) {
        for (const Member& member : output.members) {
            if (member.shape->kind == Kind::kEventStream) return &member;
        }
        return nullptr;
    }
    static StreamBody FramesOf(WireResponse& response) {
        if (auto* bytes = std::get_if<base::Bytes>(&response.body)) return MakeByteStream(std::move(*bytes));
        return std::move(std::get<StreamBody>(response.body));
    }

    const Model& model_;
    Transport& transport_;
};

}  // namespace

std::unique_ptr<Invoker> MakeRemoteInvoker(const Model& model, Transport& transport, std::string) {
    switch (model.protocol) {
        case Protocol::kJson: return std::make_unique<JsonInvoker>(model, transport);
        case Protocol::kRestJson:
        case Protocol::kRestXml: return MakeRestInvoker(model, transport);
        case Protocol::kQuery: return MakeQueryInvoker(model, transport);
    }
    base::CheckFailed("a protocol of Model", __FILE__, __LINE__);
}

}  // namespace wellhead::api
