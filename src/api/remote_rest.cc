#include "api/remote_rest.h"

#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "api/bound_service.h"
#include "api/json_shape.h"
#include "api/remote.h"
#include "api/rest_client.h"
#include "api/xml_shape.h"

namespace wellhead::api {

namespace {

namespace json = boost::json;

// What is the same in JSON and XML; below is what is not.
class RestInvoker : public Invoker {
  public:
    RestInvoker(const Model& model, Transport& transport) : model_(model), transport_(transport) {}

    env::Task<Outcome<void>> Invoke(const Operation& operation, const CallContext&, void* input,
                                    void* output) override {
        auto request = MakeRestRequest(operation, input);
        if (!request) co_return std::unexpected(RemoteError(400, "ValidationException", request.error().message));
        WriteBody(operation, input, *request);
        auto response = co_await transport_.Send(model_.signing_name, std::move(*request));
        if (!response) co_return std::unexpected(TransportError(response.error()));
        if (response->status >= 300) {
            auto refusal = co_await BodyOf(*response);
            co_return std::unexpected(ErrorOf(*response, refusal.value_or(base::Bytes())));
        }
        auto bound = ReadRestAnswer(*operation.output, *response, output);
        if (!bound) co_return std::unexpected(Unreadable(bound.error()));
        const Member* payload = operation.output->payload_member();
        if (payload != nullptr && payload->shape->kind == Kind::kStream) {
            auto* stream = static_cast<StreamBody*>(payload->Emplace(output));
            if (auto* bytes = std::get_if<base::Bytes>(&response->body)) {
                *stream = MakeByteStream(std::move(*bytes));
            } else {
                *stream = std::move(std::get<StreamBody>(response->body));
            }
            co_return Outcome<void>();
        }
        auto body = co_await BodyOf(*response);
        if (!body) co_return std::unexpected(TransportError(body.error()));
        if (payload != nullptr && PutRawPayload(*payload, *body, output)) co_return Outcome<void>();
        if (body->empty()) co_return Outcome<void>();
        auto read = ReadBody(*operation.output, *body, output);
        if (!read) co_return std::unexpected(Unreadable(read.error()));
        co_return Outcome<void>();
    }

  protected:
    // Whether the payload went as it is, or there is no body at all.
    static bool WroteRaw(const Operation& operation, void* input, WireRequest& request) {
        const Member* payload = operation.input->payload_member();
        if (payload == nullptr) return !operation.input->has_body;
        return TakeRawPayload(*payload, input, request) || payload->Get(input) == nullptr;
    }
    static ServiceError Unreadable(const base::Error& error) {
        return RemoteError(502, "SerializationException", error.message);
    }

    const Model& model_;

  private:
    virtual void WriteBody(const Operation& operation, void* input, WireRequest& request) const = 0;
    virtual base::Result<void> ReadBody(const Structure& output, const base::Bytes& body, void* value) const = 0;
    virtual ServiceError ErrorOf(const WireResponse& response, const base::Bytes& body) const = 0;

    Transport& transport_;
};

class RestJsonInvoker final : public RestInvoker {
  public:
    using RestInvoker::RestInvoker;

  private:
    void WriteBody(const Operation& operation, void* input, WireRequest& request) const override {
        if (WroteRaw(operation, input, request)) return;
        std::string text;
        const Member* payload = operation.input->payload_member();
        if (payload != nullptr) {
            WriteJson(*payload->shape, payload->Get(input), text);
        } else {
            WriteJsonMembers(*operation.input, input, text);
        }
        request.headers.emplace_back("content-type", "application/json");
        request.body = MakeByteStream(std::move(text));
    }

    base::Result<void> ReadBody(const Structure& output, const base::Bytes& body, void* value) const override {
        boost::system::error_code error;
        json::value document = json::parse(body, error);
        if (error) return base::Fail(base::ErrorCode::kInvalidArgument, "the answer is not JSON");
        std::vector<std::string> missing;
        if (const Member* payload = output.payload_member()) {
            return ReadJson(document, *payload->shape, payload->Emplace(value), std::string(payload->name), missing);
        }
        if (!document.is_object()) {
            return base::Fail(base::ErrorCode::kInvalidArgument, "the answer is not a JSON object");
        }
        return ReadJsonMembers(document.get_object(), output, value, "", missing);
    }

    ServiceError ErrorOf(const WireResponse& response, const base::Bytes& body) const override {
        return JsonErrorOf(response, body);
    }
};

class RestXmlInvoker final : public RestInvoker {
  public:
    using RestInvoker::RestInvoker;

  private:
    void WriteBody(const Operation& operation, void* input, WireRequest& request) const override {
        if (WroteRaw(operation, input, request)) return;
        std::string attributes;
        if (!model_.xml_namespace.empty()) attributes = fmt::format(" xmlns=\"{}\"", model_.xml_namespace);
        std::string text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
        const Member* payload = operation.input->payload_member();
        if (payload != nullptr) {
            WriteXml(payload->wire, attributes, *payload->shape, payload->Get(input), text);
        } else {
            std::string_view root = operation.input_xml_name;
            if (root.empty()) root = operation.input->xml_name.empty() ? operation.input->name : operation.input->xml_name;
            text += fmt::format("<{}{}>", root, attributes);
            WriteXmlMembers(*operation.input, input, text);
            text += fmt::format("</{}>", root);
        }
        request.headers.emplace_back("content-type", "application/xml");
        request.body = MakeByteStream(std::move(text));
    }

    base::Result<void> ReadBody(const Structure& output, const base::Bytes& body, void* value) const override {
        if (output.payload_member() == nullptr && !output.has_body) return {};
        ASSIGN_OR_RETURN(codec::XmlElement root, codec::ParseXml(body));
        std::vector<std::string> missing;
        if (const Member* payload = output.payload_member()) {
            return ReadXml(root, *payload->shape, payload->Emplace(value), std::string(payload->name), missing);
        }
        return ReadXmlMembers(root, output, value, "", missing);
    }

    ServiceError ErrorOf(const WireResponse& response, const base::Bytes& body) const override {
        std::string code;
        std::string message;
        if (auto root = codec::ParseXml(body)) {
            if (const auto* child = root->Child("Code")) code = child->text;
            if (const auto* child = root->Child("Message")) message = child->text;
        }
        // An answer to HEAD has no body to say more.
        if (code.empty() && response.status == 404) code = "NotFound";
        return RemoteError(response.status, code, message);
    }
};

}  // namespace

std::unique_ptr<Invoker> MakeRestInvoker(const Model& model, Transport& transport) {
    if (model.protocol == Protocol::kRestXml) return std::make_unique<RestXmlInvoker>(model, transport);
    return std::make_unique<RestJsonInvoker>(model, transport);
}

}  // namespace wellhead::api
