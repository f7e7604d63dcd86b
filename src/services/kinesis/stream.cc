#include "services/kinesis/stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>

#include "base/check.h"

namespace wellhead::services::kinesis {

namespace json = boost::json;

std::string ShardId(uint32_t number) { return fmt::format("shardId-{:012}", number); }
std::string Shard::id() const { return ShardId(number); }

// As AWS reads it: what counts is the number, with or without "shardId-" and leading zeroes.
const Shard* Stream::FindShard(std::string_view shard_id) const {
    if (const size_t dash = shard_id.find('-'); dash != std::string_view::npos) shard_id.remove_prefix(dash + 1);
    uint32_t number = 0;
    const auto [end, error] = std::from_chars(shard_id.data(), shard_id.data() + shard_id.size(), number);
    if (error != std::errc() || end != shard_id.data() + shard_id.size()) return nullptr;
    for (const auto& shard : shards) {
        if (shard.number == number) return &shard;
    }
    return nullptr;
}

const Shard& Stream::ShardFor(HashKey hash) const {
    for (const auto& shard : shards) {
        if (shard.open() && shard.range.first <= hash && hash <= shard.range.last) return shard;
    }
    base::CheckFailed("open shards cover every hash key", __FILE__, __LINE__);
}

std::vector<const Shard*> Stream::OpenShards() const {
    std::vector<const Shard*> open;
    for (const auto& shard : shards) {
        if (shard.open()) open.push_back(&shard);
    }
    std::sort(open.begin(), open.end(), [](auto* a, auto* b) { return a->range.first < b->range.first; });
    return open;
}

std::vector<const Shard*> Stream::ChildrenOf(uint32_t parent) const {
    std::vector<const Shard*> children;
    for (const auto& shard : shards) {
        if (shard.parent == parent || shard.adjacent_parent == parent) children.push_back(&shard);
    }
    return children;
}

const StreamConsumer* Stream::FindConsumer(std::string_view name_or_arn) const {
    for (const auto& consumer : consumers) {
        if (consumer.name == name_or_arn || consumer.arn == name_or_arn) return &consumer;
    }
    return nullptr;
}

namespace {

json::object TagsToJson(const std::map<std::string, std::string>& tags) {
    json::object out;
    for (const auto& [key, value] : tags) out[key] = value;
    return out;
}
std::map<std::string, std::string> TagsFromJson(const json::value& value) {
    std::map<std::string, std::string> tags;
    for (const auto& member : value.as_object()) tags[std::string(member.key())] = member.value().as_string().c_str();
    return tags;
}

json::object ShardToJson(const Shard& shard) {
    json::object out{{"number", shard.number},
                     {"first", FormatHashKey(shard.range.first)},
                     {"last", FormatHashKey(shard.range.last)},
                     {"created_s", shard.created_s},
                     {"closed_ms", shard.closed_ms}};
    if (shard.parent) out["parent"] = *shard.parent;
    if (shard.adjacent_parent) out["adjacent_parent"] = *shard.adjacent_parent;
    if (shard.ending) out["ending"] = *shard.ending;
    return out;
}

Shard ShardFromJson(const json::object& in) {
    Shard shard;
    shard.number = in.at("number").to_number<uint32_t>();
    shard.range.first = ParseHashKey(in.at("first").as_string().c_str()).value();
    shard.range.last = ParseHashKey(in.at("last").as_string().c_str()).value();
    shard.created_s = in.at("created_s").to_number<int64_t>();
    shard.closed_ms = in.at("closed_ms").to_number<int64_t>();
    if (in.contains("parent")) shard.parent = in.at("parent").to_number<uint32_t>();
    if (in.contains("adjacent_parent")) shard.adjacent_parent = in.at("adjacent_parent").to_number<uint32_t>();
    if (in.contains("ending")) shard.ending = in.at("ending").as_string().c_str();
    return shard;
}

Stream StreamFromJson(const json::object& in) {
    Stream stream;
    stream.name = in.at("name").as_string().c_str();
    stream.id = in.at("id").as_string().c_str();
    stream.created_ms = in.at("created_ms").to_number<int64_t>();
    stream.on_demand = in.at("on_demand").as_bool();
    stream.retention_hours = in.at("retention_hours").to_number<int32_t>();
    stream.max_record_kib = in.at("max_record_kib").to_number<int32_t>();
    stream.tags = TagsFromJson(in.at("tags"));
    for (const auto& metric : in.at("metrics").as_array()) stream.metrics.emplace_back(metric.as_string().c_str());
    for (const auto& shard : in.at("shards").as_array()) stream.shards.push_back(ShardFromJson(shard.as_object()));
    for (const auto& item : in.at("consumers").as_array()) {
        const auto& consumer = item.as_object();
        stream.consumers.push_back({consumer.at("name").as_string().c_str(), consumer.at("arn").as_string().c_str(),
                                    consumer.at("created_ms").to_number<int64_t>(), TagsFromJson(consumer.at("tags"))});
    }
    return stream;
}

}  // namespace

base::Bytes EncodeStream(const Stream& stream) {
    json::array shards, consumers, metrics;
    for (const auto& shard : stream.shards) shards.push_back(ShardToJson(shard));
    for (const auto& metric : stream.metrics) metrics.push_back(json::string(metric));
    for (const auto& consumer : stream.consumers) {
        consumers.push_back(json::object{{"name", consumer.name},
                                         {"arn", consumer.arn},
                                         {"created_ms", consumer.created_ms},
                                         {"tags", TagsToJson(consumer.tags)}});
    }
    return json::serialize(json::object{{"name", stream.name},
                                        {"id", stream.id},
                                        {"created_ms", stream.created_ms},
                                        {"on_demand", stream.on_demand},
                                        {"retention_hours", stream.retention_hours},
                                        {"max_record_kib", stream.max_record_kib},
                                        {"tags", TagsToJson(stream.tags)},
                                        {"metrics", std::move(metrics)},
                                        {"shards", std::move(shards)},
                                        {"consumers", std::move(consumers)}});
}

base::Result<Stream> DecodeStream(base::ByteView bytes) {
    try {
        return StreamFromJson(json::parse(bytes).as_object());
    } catch (const std::exception& error) {
        return base::Fail(base::ErrorCode::kCorrupt, std::string("a stream's description: ") + error.what());
    }
}

}  // namespace wellhead::services::kinesis
