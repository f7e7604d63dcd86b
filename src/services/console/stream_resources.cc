// Streams and things.

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value_from.hpp>

#include "apis/iot/api.h"
#include "apis/iot_data/api.h"
#include "apis/kinesis/api.h"
#include "codec/base64.h"
#include "services/console/resources.h"

namespace wellhead::services::console {

namespace kinesis = apis::kinesis;
namespace iot = apis::iot;
namespace iot_data = apis::iot_data;

namespace {

constexpr size_t kMaxListed = 1000;
constexpr auto kRecentRecords = std::chrono::minutes(5);
constexpr size_t kMaxRecords = 100;

// UTF-8 that a person can read: no control characters but the usual blanks.
bool IsText(const base::Bytes& bytes) {
    for (size_t i = 0; i < bytes.size(); ++i) {
        unsigned char c = static_cast<unsigned char>(bytes[i]);
        if (c < 0x20 && c != '\n' && c != '\r' && c != '\t') return false;
        if (c < 0x80) continue;
        size_t more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc2 ? 1 : 0;
        if (more == 0 || i + more >= bytes.size()) return false;
        for (size_t n = 0; n < more; ++n) {
            if ((static_cast<unsigned char>(bytes[++i]) & 0xc0) != 0x80) return false;
        }
    }
    return true;
}

}  // namespace

env::Task<JsonOutcome> ListStreams(const ResourceCall& call) {
    json::array out;
    if (call.apis.kinesis == nullptr) co_return out;
    kinesis::ListStreamsInput input;
    for (;;) {
        CO_ASSIGN_OR_RETURN(auto page, co_await call.apis.kinesis->ListStreams(call.context, input));
        for (const std::string& name : page.StreamNames) {
            kinesis::DescribeStreamSummaryInput ask;
            ask.StreamName = name;
            auto described = co_await call.apis.kinesis->DescribeStreamSummary(call.context, std::move(ask));
            // Deleted since it was listed.
            if (!described) continue;
            const auto& stream = described->StreamDescriptionSummary;
            json::object each{{"name", stream.StreamName},
                              {"arn", stream.StreamARN},
                              {"status", stream.StreamStatus},
                              {"openShards", stream.OpenShardCount},
                              {"retentionHours", stream.RetentionPeriodHours},
                              {"created", base::ToUnixMs(stream.StreamCreationTimestamp)},
                              {"consumers", stream.ConsumerCount.value_or(0)}};
            if (stream.StreamModeDetails) each["mode"] = stream.StreamModeDetails->StreamMode;
            out.push_back(std::move(each));
        }
        if (!page.HasMoreStreams || page.StreamNames.empty() || out.size() >= kMaxListed) break;
        input.ExclusiveStartStreamName = page.StreamNames.back();
    }
    co_return out;
}

env::Task<JsonOutcome> ListShards(const ResourceCall& call) {
    if (call.apis.kinesis == nullptr) co_return std::unexpected(NotServed("Kinesis"));
    kinesis::ListShardsInput input;
    input.StreamName = call.query.Get("stream");
    json::array out;
    for (;;) {
        CO_ASSIGN_OR_RETURN(auto page, co_await call.apis.kinesis->ListShards(call.context, input));
        if (page.Shards) {
            for (const auto& shard : *page.Shards) {
                json::object each{{"id", shard.ShardId},
                                  {"firstHash", shard.HashKeyRange.StartingHashKey},
                                  {"lastHash", shard.HashKeyRange.EndingHashKey},
                                  {"firstSequence", shard.SequenceNumberRange.StartingSequenceNumber},
                                  {"closed", shard.SequenceNumberRange.EndingSequenceNumber.has_value()}};
                AddIf(each, "parent", shard.ParentShardId);
                out.push_back(std::move(each));
            }
        }
        if (!page.NextToken || out.size() >= kMaxListed) break;
        input = {};
        input.NextToken = page.NextToken;
    }
    co_return out;
}

env::Task<JsonOutcome> ListRecords(const ResourceCall& call, base::Instant now) {
    if (call.apis.kinesis == nullptr) co_return std::unexpected(NotServed("Kinesis"));
    kinesis::GetShardIteratorInput ask;
    ask.StreamName = call.query.Get("stream");
    ask.ShardId = call.query.Get("shard");
    ask.ShardIteratorType = "AT_TIMESTAMP";
    ask.Timestamp = now - kRecentRecords;
    CO_ASSIGN_OR_RETURN(auto iterator, co_await call.apis.kinesis->GetShardIterator(call.context, std::move(ask)));
    std::vector<kinesis::Record> newest;
    std::optional<std::string> at = iterator.ShardIterator;
    // A page of the log after the other, up to the tip or as far as a person would wait.
    for (int page_count = 0; at && page_count < 20; ++page_count) {
        kinesis::GetRecordsInput input;
        input.ShardIterator = *at;
        input.Limit = 10'000;
        CO_ASSIGN_OR_RETURN(auto page, co_await call.apis.kinesis->GetRecords(call.context, std::move(input)));
        at = page.NextShardIterator;
        bool tip = page.Records.empty() || page.MillisBehindLatest.value_or(0) == 0;
        for (auto& record : page.Records) newest.push_back(std::move(record));
        if (newest.size() > kMaxRecords) {
            newest.erase(newest.begin(), newest.end() - static_cast<std::ptrdiff_t>(kMaxRecords));
        }
        if (tip) break;
    }
    json::array out;
    for (auto record = newest.rbegin(); record != newest.rend(); ++record) {
        bool binary = !IsText(record->Data.bytes);
        json::object each{{"sequence", record->SequenceNumber},
                          {"partitionKey", record->PartitionKey},
                          {"binary", binary},
                          {"data", binary ? codec::EncodeBase64(record->Data.bytes) : record->Data.bytes}};
        AddTime(each, "arrival", record->ApproximateArrivalTimestamp);
        out.push_back(std::move(each));
    }
    co_return out;
}

env::Task<JsonOutcome> ListThings(const ResourceCall& call) {
    json::array out;
    if (call.apis.iot == nullptr) co_return out;
    iot::ListThingsRequest request;
    for (;;) {
        CO_ASSIGN_OR_RETURN(auto page, co_await call.apis.iot->ListThings(call.context, request));
        if (page.things) {
            for (const auto& thing : *page.things) {
                json::object each{{"name", thing.thingName.value_or("")}, {"version", thing.version.value_or(0)}};
                AddIf(each, "type", thing.thingTypeName);
                each["attributes"] = json::value_from(thing.attributes.value_or(std::map<std::string, std::string>()));
                out.push_back(std::move(each));
            }
        }
        if (!page.nextToken || page.nextToken->empty() || out.size() >= kMaxListed) break;
        request.nextToken = page.nextToken;
    }
    co_return out;
}

env::Task<JsonOutcome> GetThing(const ResourceCall& call) {
    if (call.apis.iot == nullptr) co_return std::unexpected(NotServed("IoT"));
    iot::DescribeThingRequest request;
    request.thingName = call.query.Get("name");
    CO_ASSIGN_OR_RETURN(auto thing, co_await call.apis.iot->DescribeThing(call.context, request));
    json::object out{{"name", thing.thingName.value_or("")},
                     {"arn", thing.thingArn.value_or("")},
                     {"version", thing.version.value_or(0)}};
    AddIf(out, "type", thing.thingTypeName);
    out["attributes"] = json::value_from(thing.attributes.value_or(std::map<std::string, std::string>()));
    json::array certificates;
    iot::ListThingPrincipalsRequest principals_of;
    principals_of.thingName = request.thingName;
    CO_ASSIGN_OR_RETURN(auto principals, co_await call.apis.iot->ListThingPrincipals(call.context, principals_of));
    for (const std::string& arn : principals.principals.value_or(std::vector<std::string>())) {
        iot::DescribeCertificateRequest ask;
        ask.certificateId = arn.substr(arn.rfind('/') + 1);
        json::object each{{"id", ask.certificateId}, {"status", "UNKNOWN"}};
        auto certificate = co_await call.apis.iot->DescribeCertificate(call.context, std::move(ask));
        if (certificate && certificate->certificateDescription) {
            each["status"] = certificate->certificateDescription->status.value_or("");
            AddTime(each, "created", certificate->certificateDescription->creationDate);
        }
        iot::ListAttachedPoliciesRequest policies_of;
        policies_of.target = arn;
        json::array names;
        auto policies = co_await call.apis.iot->ListAttachedPolicies(call.context, std::move(policies_of));
        if (policies && policies->policies) {
            for (const auto& policy : *policies->policies) names.emplace_back(policy.policyName.value_or(""));
        }
        each["policies"] = std::move(names);
        certificates.push_back(std::move(each));
    }
    out["certificates"] = std::move(certificates);
    if (call.apis.iot_data != nullptr) {
        iot_data::GetThingShadowRequest shadow_of;
        shadow_of.thingName = request.thingName;
        auto shadow = co_await call.apis.iot_data->GetThingShadow(call.context, std::move(shadow_of));
        if (shadow && shadow->payload) {
            boost::system::error_code error;
            json::value document = json::parse(shadow->payload->bytes, error);
            if (!error) out["shadow"] = std::move(document);
        }
    }
    co_return out;
}

}  // namespace wellhead::services::console
