#include "services/iot/iot_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "apis/iot_data/errors.h"
#include "codec/base64.h"
#include "services/iot/topic_tree.h"

namespace wellhead::services::iot {

namespace wire = apis::iot_data;
namespace json = boost::json;

namespace {

// AWS IoT's limit on a message.
constexpr size_t kMaxPayloadBytes = 128 * 1024;

api::ServiceError ToServiceError(const ShadowRejection& rejection) {
    switch (rejection.code) {
        case 404: return wire::ResourceNotFoundException(rejection.message);
        case 409: return wire::ConflictException(rejection.message);
        case 413: return wire::RequestEntityTooLargeException(rejection.message);
        case 500: return wire::InternalFailureException(rejection.message);
        default: return wire::InvalidRequestException(rejection.message);
    }
}

api::ServiceError ToServiceError(const base::Error& error) {
    if (error.code == base::ErrorCode::kInvalidArgument) return wire::InvalidRequestException(error.message);
    if (error.code == base::ErrorCode::kLimit) return wire::ThrottlingException(error.message);
    return wire::InternalFailureException(error.message);
}

// [{"unit": "psi"}, ...], as the header x-amz-mqtt5-user-properties has it.
api::Outcome<std::vector<std::pair<std::string, std::string>>> UserProperties(const std::string& text) {
    std::vector<std::pair<std::string, std::string>> properties;
    boost::system::error_code error;
    json::value value = json::parse(text, error);
    if (error || !value.is_array()) {
        return std::unexpected(wire::InvalidRequestException("userProperties must be a JSON array of objects"));
    }
    for (const json::value& item : value.as_array()) {
        const auto* object = item.if_object();
        if (object == nullptr) {
            return std::unexpected(wire::InvalidRequestException("userProperties must be a JSON array of objects"));
        }
        for (const auto& member : *object) {
            if (!member.value().is_string()) {
                return std::unexpected(wire::InvalidRequestException("a user property must be a string"));
            }
            properties.emplace_back(member.key(), member.value().as_string());
        }
    }
    return properties;
}

api::Outcome<mqtt::Message> MessageFrom(wire::PublishRequest& input) {
    mqtt::Message message;
    if (!IsPublishableTopic(input.topic)) {
        return std::unexpected(wire::InvalidRequestException("The topic holds wildcards or is empty"));
    }
    message.topic = std::move(input.topic);
    if (input.payload) message.payload = std::move(input.payload->bytes);
    if (message.payload.size() > kMaxPayloadBytes) {
        return std::unexpected(wire::InvalidRequestException(
            fmt::format("A payload has at most {} bytes", kMaxPayloadBytes)));
    }
    int32_t qos = input.qos.value_or(0);
    if (qos < 0 || qos > 1) return std::unexpected(wire::InvalidRequestException("The qos is 0 or 1"));
    message.qos = qos == 0 ? mqtt::QoS::kAtMostOnce : mqtt::QoS::kAtLeastOnce;
    message.retain = input.retain.value_or(false);
    if (input.userProperties && !input.userProperties->empty()) {
        auto properties = UserProperties(*input.userProperties);
        if (!properties) return std::unexpected(properties.error());
        message.user_properties = std::move(*properties);
    }
    message.payload_format = input.payloadFormatIndicator.value_or("") == "UTF8_DATA" ? 1 : 0;
    message.content_type = input.contentType.value_or("");
    message.response_topic = input.responseTopic.value_or("");
    if (input.correlationData) {
        auto bytes = codec::DecodeBase64(*input.correlationData);
        if (!bytes) return std::unexpected(wire::InvalidRequestException("correlationData must be base64"));
        message.correlation_data = std::move(*bytes);
    }
    int64_t expiry = input.messageExpiry.value_or(0);
    if (expiry < 0 || expiry > UINT32_MAX) {
        return std::unexpected(wire::InvalidRequestException("messageExpiry is out of range"));
    }
    message.expiry_s = static_cast<uint32_t>(expiry);
    return message;
}

}  // namespace

env::Task<api::Outcome<wire::PublishOutput>> IotData::Publish(const api::CallContext& context,
                                                              wire::PublishRequest input) {
    if (broker_ == nullptr) co_return std::unexpected(wire::InternalFailureException("The broker is not there"));
    auto message = MessageFrom(input);
    if (!message) co_return std::unexpected(message.error());
    mqtt::PublishedMessage published;
    published.message = std::move(*message);
    published.principal = context.caller.access_key_id;
    published.peer_address = context.peer_address;
    published.arrival = clock_.Now();
    auto done = co_await broker_->Publish(std::move(published));
    if (!done) co_return std::unexpected(ToServiceError(done.error()));
    co_return wire::PublishOutput();
}

env::Task<api::Outcome<std::vector<mqtt::Message>>> IotData::Retained() {
    if (broker_ == nullptr) co_return std::unexpected(wire::InternalFailureException("The broker is not there"));
    auto retained = co_await broker_->RetainedMessages();
    if (!retained) co_return std::unexpected(ToServiceError(retained.error()));
    co_return std::move(*retained);
}

env::Task<api::Outcome<wire::GetRetainedMessageResponse>> IotData::GetRetainedMessage(
    const api::CallContext&, wire::GetRetainedMessageRequest input) {
    auto retained = co_await Retained();
    if (!retained) co_return std::unexpected(retained.error());
    auto found = std::find_if(retained->begin(), retained->end(),
                              [&](const mqtt::Message& message) { return message.topic == input.topic; });
    if (found == retained->end()) {
        co_return std::unexpected(
            wire::ResourceNotFoundException("There is no retained message on the topic " + input.topic));
    }
    wire::GetRetainedMessageResponse response;
    response.topic = found->topic;
    response.payload = api::Blob{std::move(found->payload)};
    response.qos = static_cast<int32_t>(found->qos);
    if (!found->user_properties.empty()) {
        json::array properties;
        for (const auto& [name, value] : found->user_properties) properties.push_back(json::object{{name, value}});
        response.userProperties = api::Blob{json::serialize(properties)};
    }
    co_return response;
}

env::Task<api::Outcome<wire::ListRetainedMessagesResponse>> IotData::ListRetainedMessages(
    const api::CallContext&, wire::ListRetainedMessagesRequest input) {
    auto retained = co_await Retained();
    if (!retained) co_return std::unexpected(retained.error());
    std::string last;
    if (input.nextToken) {
        auto decoded = codec::DecodeBase64Url(*input.nextToken);
        if (!decoded) co_return std::unexpected(wire::InvalidRequestException("The token is not one of this operation"));
        last = std::move(*decoded);
    }
    std::sort(retained->begin(), retained->end(),
              [](const mqtt::Message& a, const mqtt::Message& b) { return a.topic < b.topic; });
    size_t limit = static_cast<size_t>(std::clamp<int32_t>(input.maxResults.value_or(200), 1, 200));
    wire::ListRetainedMessagesResponse response;
    response.retainedTopics.emplace();
    for (const mqtt::Message& message : *retained) {
        if (!last.empty() && message.topic <= last) continue;
        if (response.retainedTopics->size() == limit) {
            response.nextToken = codec::EncodeBase64Url(*response.retainedTopics->back().topic);
            break;
        }
        wire::RetainedMessageSummary summary;
        summary.topic = message.topic;
        summary.payloadSize = static_cast<int64_t>(message.payload.size());
        summary.qos = static_cast<int32_t>(message.qos);
        response.retainedTopics->push_back(std::move(summary));
    }
    co_return response;
}

env::Task<api::Outcome<wire::GetThingShadowResponse>> IotData::GetThingShadow(const api::CallContext&,
                                                                              wire::GetThingShadowRequest input) {
    auto document = shadows_.Get(input.thingName, input.shadowName.value_or(""), "");
    if (!document) co_return std::unexpected(ToServiceError(document.error()));
    wire::GetThingShadowResponse response;
    response.payload = api::Blob{std::move(*document)};
    co_return response;
}

env::Task<api::Outcome<wire::UpdateThingShadowResponse>> IotData::UpdateThingShadow(
    const api::CallContext&, wire::UpdateThingShadowRequest input) {
    auto accepted = co_await shadows_.Update(std::move(input.thingName), input.shadowName.value_or(""),
                                             std::move(input.payload.bytes));
    if (!accepted) co_return std::unexpected(ToServiceError(accepted.error()));
    wire::UpdateThingShadowResponse response;
    response.payload = api::Blob{std::move(*accepted)};
    co_return response;
}

env::Task<api::Outcome<wire::DeleteThingShadowResponse>> IotData::DeleteThingShadow(
    const api::CallContext&, wire::DeleteThingShadowRequest input) {
    auto accepted = co_await shadows_.Delete(std::move(input.thingName), input.shadowName.value_or(""), "");
    if (!accepted) co_return std::unexpected(ToServiceError(accepted.error()));
    wire::DeleteThingShadowResponse response;
    response.payload = api::Blob{std::move(*accepted)};
    co_return response;
}

env::Task<api::Outcome<wire::ListNamedShadowsForThingResponse>> IotData::ListNamedShadowsForThing(
    const api::CallContext&, wire::ListNamedShadowsForThingRequest input) {
    std::string last;
    if (input.nextToken) {
        auto decoded = codec::DecodeBase64Url(*input.nextToken);
        if (!decoded) co_return std::unexpected(wire::InvalidRequestException("The token is not one of this operation"));
        last = std::move(*decoded);
    }
    size_t limit = static_cast<size_t>(std::clamp<int32_t>(input.pageSize.value_or(25), 1, 100));
    auto names = shadows_.Names(input.thingName, last, limit + 1);
    wire::ListNamedShadowsForThingResponse response;
    if (names.size() > limit) {
        names.pop_back();
        response.nextToken = codec::EncodeBase64Url(names.back());
    }
    response.results = std::move(names);
    response.timestamp = base::ToUnixMs(clock_.Now()) / 1000;
    co_return response;
}

}  // namespace wellhead::services::iot
