#include "services/console/pipeline_map.h"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "apis/athena/api.h"
#include "apis/firehose/api.h"
#include "apis/glue/api.h"
#include "apis/iot/api.h"
#include "apis/kinesis/api.h"
#include "apis/s3/api.h"

namespace wellhead::services::console {

namespace athena = apis::athena;
namespace firehose = apis::firehose;
namespace glue = apis::glue;
namespace iot = apis::iot;
namespace kinesis = apis::kinesis;
namespace s3 = apis::s3;

namespace {

constexpr size_t kNames = 12;

struct Stage {
    std::string id;
    std::vector<std::string> names;
    size_t count = 0;
    std::string state = "absent";
    std::string note;

    void Add(std::string name) {
        ++count;
        state = "ok";
        if (names.size() < kNames) names.push_back(std::move(name));
    }
    void Fail(const api::ServiceError& error) {
        state = "error";
        note = error.message;
    }
    json::object ToJson() const {
        json::array list;
        for (const std::string& name : names) list.emplace_back(name);
        json::object out{{"id", id}, {"count", count}, {"state", state}};
        out["names"] = std::move(list);
        if (!note.empty()) out["note"] = note;
        return out;
    }
};

Stage NewStage(const char* id) {
    Stage stage;
    stage.id = id;
    return stage;
}

env::Task<Stage> Devices(const ResourceCall& call) {
    Stage stage = NewStage("devices");
    if (call.apis.iot == nullptr) co_return stage;
    iot::ListThingsRequest request;
    request.maxResults = 250;
    for (int page_count = 0; page_count < 40; ++page_count) {
        auto page = co_await call.apis.iot->ListThings(call.context, request);
        if (!page) {
            stage.Fail(page.error());
            co_return stage;
        }
        if (page->things) {
            for (const auto& thing : *page->things) stage.Add(thing.thingName.value_or(""));
        }
        if (!page->nextToken || page->nextToken->empty()) break;
        request.nextToken = page->nextToken;
    }
    co_return stage;
}

env::Task<Stage> Rules(const ResourceCall& call) {
    Stage stage = NewStage("rules");
    if (call.apis.iot == nullptr) co_return stage;
    iot::ListTopicRulesRequest request;
    auto page = co_await call.apis.iot->ListTopicRules(call.context, request);
    if (!page) {
        stage.Fail(page.error());
        co_return stage;
    }
    size_t disabled = 0;
    if (page->rules) {
        for (const auto& rule : *page->rules) {
            stage.Add(rule.ruleName.value_or(""));
            if (rule.ruleDisabled.value_or(false)) ++disabled;
        }
    }
    if (disabled > 0) {
        stage.state = disabled == stage.count ? "idle" : "warning";
        stage.note = fmt::format("{} of {} disabled", disabled, stage.count);
    }
    co_return stage;
}

env::Task<Stage> Streams(const ResourceCall& call) {
    Stage stage = NewStage("streams");
    if (call.apis.kinesis == nullptr) co_return stage;
    kinesis::ListStreamsInput request;
    auto page = co_await call.apis.kinesis->ListStreams(call.context, request);
    if (!page) {
        stage.Fail(page.error());
        co_return stage;
    }
    for (const std::string& name : page->StreamNames) stage.Add(name);
    if (stage.count != 1) co_return stage;
    kinesis::DescribeStreamSummaryInput ask;
    ask.StreamName = stage.names.front();
    auto summary = co_await call.apis.kinesis->DescribeStreamSummary(call.context, ask);
    if (summary) {
        const auto& stream = summary->StreamDescriptionSummary;
        stage.note = fmt::format("{} shard{}, {} h kept", stream.OpenShardCount, stream.OpenShardCount == 1 ? "" : "s",
                                 stream.RetentionPeriodHours);
        if (stream.StreamStatus != "ACTIVE") {
            stage.state = "warning";
            stage.note = stream.StreamStatus;
        }
    }
    co_return stage;
}

env::Task<Stage> Delivery(const ResourceCall& call) {
    Stage stage = NewStage("delivery");
    if (call.apis.firehose == nullptr) co_return stage;
    firehose::ListDeliveryStreamsInput request;
    auto page = co_await call.apis.firehose->ListDeliveryStreams(call.context, request);
    if (!page) {
        stage.Fail(page.error());
        co_return stage;
    }
    for (const std::string& name : page->DeliveryStreamNames) stage.Add(name);
    if (stage.count != 1) co_return stage;
    firehose::DescribeDeliveryStreamInput ask;
    ask.DeliveryStreamName = stage.names.front();
    auto described = co_await call.apis.firehose->DescribeDeliveryStream(call.context, ask);
    if (!described || described->DeliveryStreamDescription.Destinations.empty()) co_return stage;
    const auto& destination = described->DeliveryStreamDescription.Destinations.front();
    if (destination.ExtendedS3DestinationDescription) {
        const auto& s3_destination = *destination.ExtendedS3DestinationDescription;
        bool parquet = s3_destination.DataFormatConversionConfiguration &&
                       s3_destination.DataFormatConversionConfiguration->Enabled.value_or(true);
        stage.note = fmt::format("every {} s{}", s3_destination.BufferingHints.IntervalInSeconds.value_or(300),
                                 parquet ? ", as Parquet" : "");
    }
    if (described->DeliveryStreamDescription.DeliveryStreamStatus != "ACTIVE") {
        stage.state = "warning";
        stage.note = described->DeliveryStreamDescription.DeliveryStreamStatus;
    }
    co_return stage;
}

env::Task<Stage> Buckets(const ResourceCall& call) {
    Stage stage = NewStage("buckets");
    if (call.apis.s3 == nullptr) co_return stage;
    s3::ListBucketsRequest request;
    auto page = co_await call.apis.s3->ListBuckets(call.context, request);
    if (!page) {
        stage.Fail(page.error());
        co_return stage;
    }
    if (page->Buckets) {
        for (const auto& bucket : *page->Buckets) stage.Add(bucket.Name.value_or(""));
    }
    co_return stage;
}

env::Task<Stage> Catalog(const ResourceCall& call) {
    Stage stage = NewStage("catalog");
    if (call.apis.glue == nullptr) co_return stage;
    glue::GetDatabasesRequest request;
    auto databases = co_await call.apis.glue->GetDatabases(call.context, request);
    if (!databases) {
        stage.Fail(databases.error());
        co_return stage;
    }
    for (const auto& database : databases->DatabaseList) {
        glue::GetTablesRequest ask;
        ask.DatabaseName = database.Name;
        auto tables = co_await call.apis.glue->GetTables(call.context, ask);
        if (!tables || !tables->TableList) continue;
        for (const auto& table : *tables->TableList) stage.Add(database.Name + "." + table.Name);
    }
    glue::GetCrawlersRequest crawlers_of;
    auto crawlers = co_await call.apis.glue->GetCrawlers(call.context, crawlers_of);
    if (!crawlers || !crawlers->Crawlers) co_return stage;
    for (const auto& crawler : *crawlers->Crawlers) {
        if (crawler.State.value_or("READY") != "READY") stage.note = "crawler running";
        if (crawler.LastCrawl && crawler.LastCrawl->Status.value_or("") == "FAILED") {
            stage.state = "warning";
            stage.note = "the last crawl failed";
        }
    }
    if (stage.state == "absent" && !crawlers->Crawlers->empty()) {
        stage.state = "idle";
        stage.names = {"no table yet"};
        if (stage.note.empty()) stage.note = "crawler ready";
    }
    co_return stage;
}

env::Task<Stage> Sql(const ResourceCall& call) {
    Stage stage = NewStage("sql");
    if (call.apis.athena == nullptr) co_return stage;
    athena::ListWorkGroupsInput request;
    auto groups = co_await call.apis.athena->ListWorkGroups(call.context, request);
    if (!groups) {
        stage.Fail(groups.error());
        co_return stage;
    }
    if (groups->WorkGroups) {
        for (const auto& group : *groups->WorkGroups) {
            // The pipeline's own work group before the one that is always there.
            bool first = group.Name.value_or("") != "primary";
            stage.names.insert(first ? stage.names.begin() : stage.names.end(), group.Name.value_or(""));
            ++stage.count;
        }
        stage.state = "idle";
        stage.note = fmt::format("{} work group{}", stage.count, stage.count == 1 ? "" : "s");
    }
    co_return stage;
}

json::object FlowOf(const char* from, const char* to, const char* unit, std::optional<double> rate,
                    std::optional<double> total) {
    json::object out{{"from", from}, {"to", to}, {"unit", unit}};
    if (rate) out["rate"] = *rate;
    if (total) out["total"] = *total;
    return out;
}

}  // namespace

env::Task<json::value> DescribePipeline(const ResourceCall& call, const MetricSamples& metrics,
                                        ConsoleFigures figures) {
    Stage devices = co_await Devices(call);
    Stage rules = co_await Rules(call);
    Stage streams = co_await Streams(call);
    Stage delivery = co_await Delivery(call);
    Stage buckets = co_await Buckets(call);
    Stage catalog = co_await Catalog(call);
    Stage sql = co_await Sql(call);

    auto connections = metrics.Value("wellhead_mqtt_connections");
    Stage broker = NewStage("broker");
    if (call.apis.iot != nullptr) {
        broker.Add(figures.mqtt_endpoint.empty() ? "MQTT over TLS" : figures.mqtt_endpoint);
        broker.count = static_cast<size_t>(std::max(0.0, connections.value_or(0)));
        if (broker.count == 0 && connections) broker.state = "idle";
    }
    Stage live = NewStage("live");
    live.names = {"this console"};
    live.count = figures.viewers;
    live.state = figures.viewers > 0 ? "ok" : "idle";
    auto queries = metrics.Rate("wellhead_athena_queries_total");
    if (queries && *queries > 0) sql.state = "ok";

    auto flow = [&](const char* from, const char* to, const char* unit, const char* metric) {
        return FlowOf(from, to, unit, metrics.Rate(metric), metrics.Value(metric));
    };
    // Where a stream does not count what it takes in, the rules know what they put there.
    const char* into_streams = metrics.Value("wellhead_kinesis_records_in_total")
                                   ? "wellhead_kinesis_records_in_total"
                                   : "wellhead_iot_rule_actions_succeeded_total";
    json::object out;
    json::array stages;
    for (const Stage* stage : {&devices, &broker, &rules, &streams, &live, &delivery, &buckets, &catalog, &sql}) {
        stages.push_back(stage->ToJson());
    }
    out["stages"] = std::move(stages);
    json::array flows;
    flows.push_back(flow("devices", "broker", "messages/s", "wellhead_mqtt_messages_received_total"));
    flows.push_back(flow("broker", "rules", "messages/s", "wellhead_iot_rule_matched_total"));
    flows.push_back(flow("rules", "streams", "records/s", into_streams));
    flows.push_back(FlowOf("streams", "live", "records/s", figures.live_rate, static_cast<double>(figures.live_records)));
    flows.push_back(flow("streams", "delivery", "records/s", "wellhead_firehose_records_in_total"));
    flows.push_back(flow("delivery", "buckets", "records/s", "wellhead_firehose_records_delivered_total"));
    flows.push_back(flow("buckets", "catalog", "objects/s", "wellhead_s3_objects_put_total"));
    flows.push_back(flow("catalog", "sql", "queries/s", "wellhead_athena_queries_total"));
    out["flows"] = std::move(flows);
    co_return out;
}

}  // namespace wellhead::services::console
