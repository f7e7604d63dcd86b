#include "api/bound_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "api/json_shape.h"
#include "api/validation.h"
#include "base/check.h"

namespace wellhead::api {

namespace json = boost::json;

BoundService::BoundService(const Model& model, std::vector<CallFunction> calls, void* api)
    : model_(model), calls_(std::move(calls)), api_(api) {
    CHECK(calls_.size() == model.operations.size());
}

const Operation* BoundService::FindOperation(std::string_view name) const {
    // In order of names.
    size_t low = 0;
    size_t high = model_.operations.size();
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (model_.operations[middle].name < name) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low < model_.operations.size() && model_.operations[low].name == name) return &model_.operations[low];
    return nullptr;
}

bool BoundService::AllowsUnsigned(std::string_view operation) const {
    const Operation* found = FindOperation(operation);
    if (found != nullptr) return found->unsigned_allowed;
    // Where clients send some operations unsigned, one that is not served says so, instead of missing a signature.
    auto is_named = [&](const Unserved& unserved) { return unserved.name == operation; };
    return std::ranges::any_of(model_.operations, &Operation::unsigned_allowed) &&
           std::ranges::any_of(model_.unserved, is_named);
}

ServiceError BoundService::InputError(std::string message) const {
    ServiceError error;
    error.code = model_.protocol == Protocol::kJson ? "SerializationException" : std::string(model_.validation_error);
    error.message = std::move(message);
    return error;
}

ServiceError BoundService::NotServed(std::string_view operation) const {
    ServiceError error;
    error.code = "UnknownOperationException";
    error.message = operation.empty() ? "The request names no operation of this service."
                                      : fmt::format("Operation {} is not served.", operation);
    return error;
}

std::string_view BoundService::MessageMemberOf(std::string_view code) const {
    for (const ErrorShape& shape : model_.errors) {
        if (shape.code == code && !shape.message_member.empty()) return shape.message_member;
    }
    return "message";
}

Outcome<void> BoundService::Check(const Operation& operation, const void* input,
                                  const std::vector<std::string>& missing) const {
    auto breaches = Validate(*operation.input, input, model_.strict_enums, missing);
    if (breaches.empty()) return {};
    ServiceError error;
    error.code = std::string(model_.validation_error);
    error.message = ValidationMessage(breaches);
    return std::unexpected(std::move(error));
}

env::Task<Outcome<void>> BoundService::Call(const Operation& operation, const CallContext& context, void* input,
                                            void* output) {
    auto index = static_cast<size_t>(&operation - model_.operations.data());
    return calls_[index](api_, context, input, output);
}

env::Task<Outcome<json::value>> BoundService::Invoke(CallContext context, std::string name, json::object input) {
    const Operation* operation = FindOperation(name);
    if (operation == nullptr) co_return std::unexpected(NotServed(name));
    Value in(*operation->input);
    Value out(*operation->output);
    std::vector<std::string> missing;
    auto read = ReadJsonByName(input, *operation->input, in.get(), missing);
    if (!read) co_return std::unexpected(InputError(read.error().message));
    auto checked = Check(*operation, in.get(), missing);
    if (!checked) co_return std::unexpected(std::move(checked).error());
    auto called = co_await Call(*operation, context, in.get(), out.get());
    if (!called) co_return std::unexpected(std::move(called).error());
    std::string text;
    WriteJsonByName(*operation->output, out.get(), text);
    co_return json::parse(text);
}

std::string_view FindHeader(const WireHeaders& headers, std::string_view name) {
    for (const auto& [key, value] : headers) {
        if (key == name) return value;
    }
    return {};
}

std::string JsonErrorBody(const ServiceError& error, std::string_view message_member) {
    json::object body = error.members;
    body["__type"] = error.code;
    body[message_member] = error.message;
    return json::serialize(body);
}

std::unique_ptr<Service> Bind(const Model& model, std::vector<CallFunction> calls, void* api) {
    switch (model.protocol) {
        case Protocol::kJson: return BindJson(model, std::move(calls), api);
        case Protocol::kRestJson: return BindRestJson(model, std::move(calls), api);
        case Protocol::kRestXml: return BindRestXml(model, std::move(calls), api);
        case Protocol::kQuery: return BindQuery(model, std::move(calls), api);
    }
    base::CheckFailed("a protocol of Model", __FILE__, __LINE__);
}

env::Task<base::Result<base::Bytes>> ReadAll(ByteStream& stream, uint64_t limit) {
    base::Bytes all;
    while (true) {
        CO_ASSIGN_OR_RETURN(base::Bytes piece, co_await stream.Read());
        if (piece.empty()) co_return all;
        if (all.size() + piece.size() > limit) {
            co_return base::Fail(base::ErrorCode::kLimit, fmt::format("the body is longer than {} bytes", limit));
        }
        if (all.empty()) {
            all = std::move(piece);
        } else {
            all.append(piece);
        }
    }
}

}  // namespace wellhead::api
