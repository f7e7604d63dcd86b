#include "simulator/registration.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

namespace wellhead::simulator {

namespace json = boost::json;

namespace {

constexpr uint64_t kFileLimit = 64 * 1024;

base::Error ErrorOf(int status, const std::string& body, const std::string& path) {
    base::ErrorCode code = base::ErrorCode::kUnavailable;
    if (status == 404) code = base::ErrorCode::kNotFound;
    if (status == 409) code = base::ErrorCode::kAlreadyExists;
    return {code, fmt::format("{}: status {}: {}", path, status, body)};
}

std::string Text(const json::object& object, std::string_view name) {
    const json::value* value = object.if_contains(name);
    return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

}  // namespace

env::Task<base::Result<std::string>> Registration::Send(Call call) {
    api::WireRequest request;
    request.method = call.method;
    request.path = call.path;
    request.query = call.query;
    request.headers.emplace_back("content-type", "application/json");
    if (!call.principal.empty()) request.headers.emplace_back("x-amzn-principal", call.principal);
    request.body = api::MakeByteStream(call.body);
    auto response = co_await transport_.Send("iot", std::move(request));
    if (!response) co_return std::unexpected(std::move(response).error());
    std::string body;
    if (auto* bytes = std::get_if<base::Bytes>(&response->body)) {
        body = std::move(*bytes);
    } else if (auto& stream = std::get<api::StreamBody>(response->body)) {
        for (;;) {
            auto piece = co_await stream->Read();
            if (!piece) co_return std::unexpected(std::move(piece).error());
            if (piece->empty()) break;
            body += *piece;
        }
    }
    if (response->status >= 300) co_return std::unexpected(ErrorOf(response->status, body, call.path));
    co_return body;
}

env::Task<base::Result<void>> Registration::Prepare() {
    if (auto made = files_.MakeDirectories(settings_.directory); !made) co_return made;
    Call type{.method = "POST", .path = "/thing-types/" + settings_.thing_type, .body = "{}"};
    auto typed = co_await Send(std::move(type));
    if (!typed && typed.error().code != base::ErrorCode::kAlreadyExists) {
        co_return std::unexpected(std::move(typed).error());
    }
    Call look{.method = "GET", .path = "/policies/" + settings_.policy};
    auto there = co_await Send(std::move(look));
    if (there) co_return base::Result<void>();
    if (there.error().code != base::ErrorCode::kNotFound) co_return std::unexpected(std::move(there).error());
    // A well may be itself and publish below the topic.
    const std::string document = fmt::format(
        R"({{"Version":"2012-10-17","Statement":[)"
        R"({{"Effect":"Allow","Action":"iot:Connect","Resource":"arn:aws:iot:*:*:client/${{iot:Connection.Thing.ThingName}}"}},)"
        R"({{"Effect":"Allow","Action":"iot:Publish","Resource":"arn:aws:iot:*:*:topic/{}*"}}]}})",
        settings_.topic_prefix);
    json::object input{{"policyDocument", document}};
    Call create{.method = "POST", .path = "/policies/" + settings_.policy, .body = json::serialize(input)};
    auto created = co_await Send(std::move(create));
    if (!created) co_return std::unexpected(std::move(created).error());
    co_return base::Result<void>();
}

env::Task<base::Result<void>> Registration::Attach(std::string name, std::string arn) {
    json::object target{{"target", arn}};
    Call policy{.method = "PUT", .path = "/target-policies/" + settings_.policy, .body = json::serialize(target)};
    auto attached = co_await Send(std::move(policy));
    if (!attached) co_return std::unexpected(std::move(attached).error());
    Call principal{.method = "PUT", .path = "/things/" + name + "/principals", .principal = arn};
    auto bound = co_await Send(std::move(principal));
    if (!bound) co_return std::unexpected(std::move(bound).error());
    co_return base::Result<void>();
}

base::Result<Registration::Kept> Registration::ReadKept(const std::string& name) {
    Kept kept;
    ASSIGN_OR_RETURN(kept.identity.certificate_pem, env::ReadWholeFile(files_, PathOf(name, ".crt.pem"), kFileLimit));
    ASSIGN_OR_RETURN(kept.identity.private_key_pem, env::ReadWholeFile(files_, PathOf(name, ".key.pem"), kFileLimit));
    ASSIGN_OR_RETURN(kept.arn, env::ReadWholeFile(files_, PathOf(name, ".arn"), kFileLimit));
    return kept;
}

env::Task<base::Result<Registration::Kept>> Registration::MakeCertificate(std::string name) {
    Call call{.method = "POST", .path = "/keys-and-certificate", .query = "setAsActive=true", .body = "{}"};
    auto answer = co_await Send(std::move(call));
    if (!answer) co_return std::unexpected(std::move(answer).error());
    boost::system::error_code error;
    json::value parsed = json::parse(*answer, error);
    if (error || !parsed.is_object()) co_return base::Fail(base::ErrorCode::kCorrupt, "not JSON: " + *answer);
    const json::object& object = parsed.as_object();
    Kept kept;
    kept.arn = Text(object, "certificateArn");
    kept.identity.certificate_pem = Text(object, "certificatePem");
    const json::value* pair = object.if_contains("keyPair");
    if (pair != nullptr && pair->is_object()) kept.identity.private_key_pem = Text(pair->as_object(), "PrivateKey");
    const std::pair<std::string_view, const std::string*> parts[] = {{".crt.pem", &kept.identity.certificate_pem},
                                                                     {".key.pem", &kept.identity.private_key_pem},
                                                                     {".arn", &kept.arn}};
    for (const auto& [suffix, text] : parts) {
        auto written = env::ReplaceFileDurably(files_, PathOf(name, suffix), *text);
        if (!written) co_return std::unexpected(std::move(written).error());
    }
    co_return kept;
}

env::Task<base::Result<DeviceIdentity>> Registration::Register(std::string name) {
    json::object type{{"thingTypeName", settings_.thing_type}};
    Call thing{.method = "POST", .path = "/things/" + name, .body = json::serialize(type)};
    auto made = co_await Send(std::move(thing));
    // One that exists with other attributes is somebody's choice.
    if (!made && made.error().code != base::ErrorCode::kAlreadyExists) {
        co_return std::unexpected(std::move(made).error());
    }
    if (auto kept = ReadKept(name)) {
        auto attached = co_await Attach(name, kept->arn);
        if (attached) co_return std::move(kept->identity);
        // The server does not know the certificate any more: a new one.
    }
    auto fresh = co_await MakeCertificate(name);
    if (!fresh) co_return std::unexpected(std::move(fresh).error());
    auto attached = co_await Attach(name, fresh->arn);
    if (!attached) co_return std::unexpected(std::move(attached).error());
    co_return std::move(fresh->identity);
}

}  // namespace wellhead::simulator
