// The query protocol (STS, CloudFormation): a form in, XML out.

#include <fmt/format.h>

#include <map>

#include "api/bound_service.h"
#include "api/rest_binding.h"
#include "api/xml_shape.h"
#include "codec/xml.h"

namespace wellhead::api {

namespace {

using Form = std::map<std::string, std::string>;
using Missing = std::vector<std::string>;

constexpr int kDeepest = 32;
constexpr size_t kMostItems = 10'000;

bool HasPrefix(const Form& form, const std::string& prefix) {
    auto at = form.lower_bound(prefix);
    return at != form.end() && at->first.starts_with(prefix);
}

base::Result<void> ReadMembers(const Form& form, const std::string& prefix, const Structure& structure, void* value,
                               Missing& missing, int depth);

// name is where the value's keys begin: "Tags.member.1". Fails for what the form cannot hold.
base::Result<void> ReadValue(const Form& form, const std::string& name, const Shape& shape, void* value,
                             Missing& missing, int depth) {
    if (depth > kDeepest) return base::Fail(base::ErrorCode::kInvalidArgument, name + " is nested too deep");
    if (shape.kind == Kind::kStructure) {
        return ReadMembers(form, name + ".", *shape.structure, value, missing, depth + 1);
    }
    auto is_there = [&](const std::string& item) { return form.contains(item) || HasPrefix(form, item + "."); };
    if (shape.kind == Kind::kList) {
        const ListType& list = *shape.list;
        std::string base = name;
        if (!list.flattened) base += "." + std::string(list.element_name.empty() ? "member" : list.element_name);
        for (size_t i = 1; i <= kMostItems; ++i) {
            const std::string item = fmt::format("{}.{}", base, i);
            if (!is_there(item)) break;
            RETURN_IF_ERROR(ReadValue(form, item, *list.element, list.ops->append(value), missing, depth + 1));
        }
        return {};
    }
    if (shape.kind == Kind::kMap) {
        const MapType& map = *shape.map;
        const std::string base = map.flattened ? name : name + ".entry";
        for (size_t i = 1; i <= kMostItems; ++i) {
            auto key = form.find(fmt::format("{}.{}.{}", base, i, map.key_name));
            if (key == form.end()) break;
            RETURN_IF_ERROR(ReadValue(form, fmt::format("{}.{}.{}", base, i, map.value_name), *map.value,
                                      map.ops->emplace(value, key->second), missing, depth + 1));
        }
        return {};
    }
    auto text = form.find(name);
    if (text == form.end()) return base::Fail(base::ErrorCode::kInvalidArgument, name + " is not there");
    return ReadScalar(text->second, shape, value, name);
}

base::Result<void> ReadMembers(const Form& form, const std::string& prefix, const Structure& structure, void* value,
                               Missing& missing, int depth) {
    for (const Member& member : structure.members) {
        const std::string name = prefix + std::string(member.wire);
        if (!form.contains(name) && !HasPrefix(form, name + ".")) {
            if (member.required) missing.push_back(prefix + std::string(member.name));
            continue;
        }
        // An empty list is sent as its bare name.
        const bool empty_list = member.shape->kind == Kind::kList && !HasPrefix(form, name + ".");
        void* at = member.Emplace(value);
        if (!empty_list) RETURN_IF_ERROR(ReadValue(form, name, *member.shape, at, missing, depth));
    }
    return {};
}

class QueryService final : public BoundService {
  public:
    using BoundService::BoundService;

    // Clients send Action in the form; it is in the address only for the oldest.
    std::string_view OperationOf(const WireRequest& request) const override {
        for (const auto& [key, value] : ParseQuery(request.query)) {
            if (key != "Action") continue;
            const Operation* operation = FindOperation(value);
            if (operation != nullptr) return operation->name;
        }
        auto peeked = request.body == nullptr ? std::nullopt : request.body->peek();
        if (!peeked) return {};
        for (const auto& [key, value] : ParseQuery(*peeked)) {
            if (key != "Action") continue;
            const Operation* operation = FindOperation(value);
            if (operation != nullptr) return operation->name;
        }
        return {};
    }

    env::Task<WireResponse> Call(CallContext context, WireRequest request) override {
        auto body = co_await ReadAll(*request.body, kMaxBodyBytes);
        if (!body) co_return Error(InputError(body.error().message), context.request_id);
        Form form;
        for (auto& [key, value] : ParseQuery(request.query)) form[std::move(key)] = std::move(value);
        for (auto& [key, value] : ParseQuery(*body)) form[std::move(key)] = std::move(value);
        const std::string name = form["Action"];
        const Operation* operation = FindOperation(name);
        if (operation == nullptr) {
            ServiceError unknown = NotServed(name);
            unknown.code = "InvalidAction";
            co_return Error(unknown, context.request_id);
        }
        Value input(*operation->input);
        Value output(*operation->output);
        Missing missing;
        auto read = ReadMembers(form, "", *operation->input, input.get(), missing, 0);
        if (!read) co_return Error(InputError(read.error().message), context.request_id);
        auto checked = Check(*operation, input.get(), missing);
        if (!checked) co_return Error(checked.error(), context.request_id);
        auto called = co_await BoundService::Call(*operation, context, input.get(), output.get());
        if (!called) co_return Error(called.error(), context.request_id);
        co_return Success(*operation, output.get(), context.request_id);
    }

    WireResponse Refuse(const WireRequest&, const std::string& request_id, const ServiceError& error) const override {
        return Error(error, request_id);
    }

  private:
    WireResponse Success(const Operation& operation, const void* output, const std::string& request_id) const {
        std::string body = fmt::format("<{}Response xmlns=\"{}\">", operation.name, model_.xml_namespace);
        const std::string result = operation.result_wrapper.empty() ? fmt::format("{}Result", operation.name)
                                                                    : std::string(operation.result_wrapper);
        body += fmt::format("<{}>", result);
        WriteXmlMembers(*operation.output, output, body);
        body += fmt::format("</{}><ResponseMetadata><RequestId>{}</RequestId></ResponseMetadata></{}Response>", result,
                            request_id, operation.name);
        WireResponse response;
        response.headers.emplace_back("content-type", "text/xml");
        response.body = std::move(body);
        return response;
    }

    WireResponse Error(const ServiceError& error, const std::string& request_id) const {
        std::string body = fmt::format("<ErrorResponse xmlns=\"{}\"><Error><Type>{}</Type><Code>", model_.xml_namespace,
                                       error.http_status >= 500 ? "Receiver" : "Sender");
        codec::AppendXmlEscaped(body, error.code);
        body += "</Code><Message>";
        codec::AppendXmlEscaped(body, error.message);
        body += fmt::format("</Message></Error><RequestId>{}</RequestId></ErrorResponse>", request_id);
        WireResponse response;
        response.status = error.http_status;
        response.headers.emplace_back("content-type", "text/xml");
        response.body = std::move(body);
        return response;
    }
};

}  // namespace

std::unique_ptr<Service> BindQuery(const Model& model, std::vector<CallFunction> calls, void* api) {
    return std::make_unique<QueryService>(model, std::move(calls), api);
}

}  // namespace wellhead::api
