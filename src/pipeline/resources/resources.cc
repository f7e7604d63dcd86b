#include "pipeline/resources/resources.h"

#include "pipeline/resources/api_resource.h"

namespace wellhead::pipeline {

namespace json = boost::json;

json::object TagMap(const json::object& properties, std::string_view property) {
    json::object map;
    const json::value* tags = properties.if_contains(property);
    if (tags == nullptr) return map;
    if (tags->is_object()) return tags->get_object();
    if (!tags->is_array()) return map;
    for (const auto& tag : tags->get_array()) {
        if (!tag.is_object()) continue;
        auto key = TextProperty(tag.get_object(), "Key");
        if (key) map[*key] = TextProperty(tag.get_object(), "Value").value_or("");
    }
    return map;
}

json::value LowerFirst(const json::value& value) {
    if (value.is_array()) {
        json::array out;
        for (const auto& item : value.get_array()) out.push_back(LowerFirst(item));
        return out;
    }
    if (!value.is_object()) return value;
    json::object out;
    for (const auto& [name, member] : value.get_object()) {
        std::string lowered(name);
        if (!lowered.empty()) {
            lowered[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(lowered[0])));
        }
        out[lowered] = LowerFirst(member);
    }
    return out;
}

ResourceProviders MakeResourceProviders(ApiCaller& caller) {
    ResourceProviders providers;
    providers["AWS::Kinesis::Stream"] = MakeKinesisStream(caller);
    providers["AWS::S3::Bucket"] = MakeS3Bucket(caller);
    providers["AWS::IoT::ThingType"] = MakeIotThingType(caller);
    providers["AWS::IoT::Policy"] = MakeIotPolicy(caller);
    providers["AWS::IoT::TopicRule"] = MakeIotTopicRule(caller);
    providers["AWS::KinesisFirehose::DeliveryStream"] = MakeFirehoseDeliveryStream(caller);
    providers["AWS::Glue::Database"] = MakeGlueDatabase(caller);
    providers["AWS::Glue::Table"] = MakeGlueTable(caller);
    providers["AWS::Glue::Crawler"] = MakeGlueCrawler(caller);
    providers["AWS::Athena::WorkGroup"] = MakeAthenaWorkGroup(caller);
    providers["AWS::Cognito::UserPool"] = MakeCognitoUserPool(caller);
    providers["AWS::Cognito::UserPoolClient"] = MakeCognitoUserPoolClient(caller);
    providers["AWS::Cognito::UserPoolDomain"] = MakeCognitoUserPoolDomain(caller);
    providers["AWS::IAM::Role"] = MakeIamRole(caller);
    return providers;
}

}  // namespace wellhead::pipeline
