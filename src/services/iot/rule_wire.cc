#include "services/iot/rule_wire.h"

#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <string_view>
#include <vector>

#include "apis/iot/errors.h"

namespace wellhead::services::iot {

namespace {

namespace json = boost::json;
namespace wire = apis::iot;

std::vector<std::string_view> NotServed(const wire::Action& action) {
    std::vector<std::string_view> names;
    auto note = [&](bool present, std::string_view name) {
        if (present) names.push_back(name);
    };
    note(action.dynamoDB.has_value(), "dynamoDB");
    note(action.dynamoDBv2.has_value(), "dynamoDBv2");
    note(action.lambda.has_value(), "lambda");
    note(action.sns.has_value(), "sns");
    note(action.sqs.has_value(), "sqs");
    note(action.cloudwatchMetric.has_value(), "cloudwatchMetric");
    note(action.cloudwatchAlarm.has_value(), "cloudwatchAlarm");
    note(action.cloudwatchLogs.has_value(), "cloudwatchLogs");
    note(action.elasticsearch.has_value(), "elasticsearch");
    note(action.salesforce.has_value(), "salesforce");
    note(action.iotAnalytics.has_value(), "iotAnalytics");
    note(action.iotEvents.has_value(), "iotEvents");
    note(action.iotSiteWise.has_value(), "iotSiteWise");
    note(action.stepFunctions.has_value(), "stepFunctions");
    note(action.timestream.has_value(), "timestream");
    note(action.http.has_value(), "http");
    note(action.kafka.has_value(), "kafka");
    note(action.openSearch.has_value(), "openSearch");
    note(action.location.has_value(), "location");
    return names;
}

void Set(json::object& object, std::string_view name, const std::optional<std::string>& text) {
    if (text) object[name] = *text;
}

std::optional<std::string> TextOf(const json::object& object, std::string_view name) {
    const json::value* value = object.if_contains(name);
    if (value == nullptr || !value->is_string()) return std::nullopt;
    return std::string(value->as_string());
}

json::object HeadersToJson(const wire::MqttHeaders& headers) {
    json::object object;
    Set(object, "payloadFormatIndicator", headers.payloadFormatIndicator);
    Set(object, "contentType", headers.contentType);
    Set(object, "responseTopic", headers.responseTopic);
    Set(object, "correlationData", headers.correlationData);
    Set(object, "messageExpiry", headers.messageExpiry);
    if (headers.userProperties) {
        json::array properties;
        for (const wire::UserProperty& property : *headers.userProperties) {
            properties.push_back(json::object{{"key", property.key}, {"value", property.value}});
        }
        object["userProperties"] = std::move(properties);
    }
    return object;
}

wire::MqttHeaders HeadersFromJson(const json::object& object) {
    wire::MqttHeaders headers;
    headers.payloadFormatIndicator = TextOf(object, "payloadFormatIndicator");
    headers.contentType = TextOf(object, "contentType");
    headers.responseTopic = TextOf(object, "responseTopic");
    headers.correlationData = TextOf(object, "correlationData");
    headers.messageExpiry = TextOf(object, "messageExpiry");
    const json::value* properties = object.if_contains("userProperties");
    if (properties != nullptr && properties->is_array()) {
        headers.userProperties.emplace();
        for (const json::value& item : properties->as_array()) {
            if (!item.is_object()) continue;
            wire::UserProperty property;
            property.key = TextOf(item.as_object(), "key").value_or("");
            property.value = TextOf(item.as_object(), "value").value_or("");
            headers.userProperties->push_back(std::move(property));
        }
    }
    return headers;
}

wire::RepublishAction RepublishFromJson(const json::object& body) {
    wire::RepublishAction republish;
    republish.roleArn = TextOf(body, "roleArn").value_or("");
    republish.topic = TextOf(body, "topic").value_or("");
    if (const auto* qos = body.if_contains("qos"); qos != nullptr && qos->is_int64()) {
        republish.qos = static_cast<int32_t>(qos->as_int64());
    }
    if (const auto* headers = body.if_contains("headers"); headers != nullptr && headers->is_object()) {
        republish.headers = HeadersFromJson(headers->as_object());
    }
    return republish;
}

}  // namespace

api::Outcome<json::value> ActionToJson(const wire::Action& action) {
    auto refused = NotServed(action);
    if (!refused.empty()) {
        return std::unexpected(wire::InvalidRequestException(
            fmt::format("The action {} is not served; kinesis, firehose, s3 and republish are", refused.front())));
    }
    json::object object;
    if (action.kinesis) {
        json::object body{{"roleArn", action.kinesis->roleArn}, {"streamName", action.kinesis->streamName}};
        Set(body, "partitionKey", action.kinesis->partitionKey);
        object["kinesis"] = std::move(body);
    }
    if (action.firehose) {
        json::object body{{"roleArn", action.firehose->roleArn},
                          {"deliveryStreamName", action.firehose->deliveryStreamName}};
        Set(body, "separator", action.firehose->separator);
        if (action.firehose->batchMode) body["batchMode"] = *action.firehose->batchMode;
        object["firehose"] = std::move(body);
    }
    if (action.s3) {
        json::object body{
            {"roleArn", action.s3->roleArn}, {"bucketName", action.s3->bucketName}, {"key", action.s3->key}};
        Set(body, "cannedAcl", action.s3->cannedAcl);
        object["s3"] = std::move(body);
    }
    if (action.republish) {
        json::object body{{"roleArn", action.republish->roleArn}, {"topic", action.republish->topic}};
        if (action.republish->qos) body["qos"] = *action.republish->qos;
        if (action.republish->headers) body["headers"] = HeadersToJson(*action.republish->headers);
        object["republish"] = std::move(body);
    }
    if (object.size() != 1) {
        return std::unexpected(wire::InvalidRequestException("An action names exactly one service"));
    }
    return object;
}

wire::Action ActionFromJson(const json::value& value) {
    wire::Action action;
    if (!value.is_object() || value.as_object().empty()) return action;
    std::string_view kind = value.as_object().begin()->key();
    if (!value.as_object().begin()->value().is_object()) return action;
    const json::object& body = value.as_object().begin()->value().as_object();
    std::string role = TextOf(body, "roleArn").value_or("");
    if (kind == "kinesis") {
        wire::KinesisAction kinesis;
        kinesis.roleArn = role;
        kinesis.streamName = TextOf(body, "streamName").value_or("");
        kinesis.partitionKey = TextOf(body, "partitionKey");
        action.kinesis = std::move(kinesis);
    } else if (kind == "firehose") {
        wire::FirehoseAction firehose;
        firehose.roleArn = role;
        firehose.deliveryStreamName = TextOf(body, "deliveryStreamName").value_or("");
        firehose.separator = TextOf(body, "separator");
        if (const auto* batch = body.if_contains("batchMode"); batch != nullptr && batch->is_bool()) {
            firehose.batchMode = batch->as_bool();
        }
        action.firehose = std::move(firehose);
    } else if (kind == "s3") {
        wire::S3Action s3;
        s3.roleArn = role;
        s3.bucketName = TextOf(body, "bucketName").value_or("");
        s3.key = TextOf(body, "key").value_or("");
        s3.cannedAcl = TextOf(body, "cannedAcl");
        action.s3 = std::move(s3);
    } else if (kind == "republish") {
        action.republish = RepublishFromJson(body);
    }
    return action;
}

}  // namespace wellhead::services::iot
