// AWS::Kinesis::Stream

#include "env/deadline.h"
#include "pipeline/resources/api_resource.h"

namespace wellhead::pipeline {

namespace {

using namespace std::chrono_literals;
using api::Outcome;

constexpr auto kActivePoll = 50ms;
constexpr int kActivePolls = 6000;  // five minutes

class KinesisStream final : public ApiResource {
  public:
    explicit KinesisStream(ApiCaller& caller)
        : ApiResource(caller, {"Name", "ShardCount", "RetentionPeriodHours", "StreamModeDetails", "Tags"},
                      {"Name"}) {}

    env::Task<Outcome<ResourceValues>> Create(ResourceRequest request) override {
        CO_RETURN_IF_ERROR(CheckServed(request.properties));
        std::string name = NameOf(request, "Name", 128);
        Object input = Pick(request.properties, {"StreamModeDetails"});
        input["StreamName"] = name;
        if (auto shards = IntegerProperty(request.properties, "ShardCount")) input["ShardCount"] = *shards;
        auto created = co_await Call(request.context, "kinesis", "CreateStream", std::move(input));
        if (!created) co_return std::unexpected(created.error());
        auto values = co_await WaitActive(request.context, name);
        if (values) {
            auto configured = co_await Configure(request, name);
            if (!configured) values = std::unexpected(configured.error());
        }
        if (!values) co_await TakeBack(std::move(request), std::move(name));
        co_return values;
    }

    env::Task<Outcome<std::optional<ResourceValues>>> Adopt(ResourceRequest request) override {
        std::string name = NameOf(request, "Name", 128);
        auto values = co_await WaitActive(request.context, name);
        RETURN_IF_GONE_OR(values, std::optional<ResourceValues>());
        auto configured = co_await Configure(std::move(request), name);
        if (!configured) co_return std::unexpected(configured.error());
        co_return std::optional<ResourceValues>(std::move(*values));
    }

    env::Task<Outcome<ResourceValues>> Update(ResourceRequest request, ResourceValues existing) override {
        CO_RETURN_IF_ERROR(CheckServed(request.properties));
        api::CallContext context = request.context;
        if (auto shards = IntegerProperty(request.properties, "ShardCount")) {
            Object input{{"StreamName", existing.physical_id}};
            auto now = co_await Call(context, "kinesis", "DescribeStreamSummary", std::move(input));
            if (!now) co_return std::unexpected(now.error());
            if (At(*now, "StreamDescriptionSummary.OpenShardCount") != std::to_string(*shards)) {
                Object change{{"StreamName", existing.physical_id},
                              {"TargetShardCount", *shards},
                              {"ScalingType", "UNIFORM_SCALING"}};
                auto changed = co_await Call(context, "kinesis", "UpdateShardCount", std::move(change));
                if (!changed) co_return std::unexpected(changed.error());
                auto active = co_await WaitActive(context, existing.physical_id);
                if (!active) co_return active;
            }
        }
        std::string name = existing.physical_id;
        auto configured = co_await Configure(std::move(request), std::move(name));
        if (!configured) co_return std::unexpected(configured.error());
        co_return existing;
    }

    env::Task<Outcome<void>> Delete(ResourceRequest request, ResourceValues existing) override {
        Object input{{"StreamName", existing.physical_id}, {"EnforceConsumerDeletion", true}};
        auto deleted = co_await Call(request.context, "kinesis", "DeleteStream", std::move(input));
        RETURN_IF_GONE_OR(deleted, Outcome<void>());
        co_return Outcome<void>();
    }

  private:
    env::Task<Outcome<ResourceValues>> WaitActive(api::CallContext context, std::string name) {
        for (int i = 0; i < kActivePolls; ++i) {
            Object input{{"StreamName", name}};
            auto summary = co_await Call(context, "kinesis", "DescribeStreamSummary", std::move(input));
            if (!summary) co_return std::unexpected(summary.error());
            if (At(*summary, "StreamDescriptionSummary.StreamStatus") == "ACTIVE") {
                co_return ResourceValues{name, {{"Arn", At(*summary, "StreamDescriptionSummary.StreamARN")}}};
            }
            co_await env::Sleep(kActivePoll);
        }
        co_return std::unexpected(ValidationError("the stream did not become ACTIVE in time"));
    }

    env::Task<Outcome<void>> Configure(ResourceRequest request, std::string name) {
        if (auto hours = IntegerProperty(request.properties, "RetentionPeriodHours")) {
            Object query{{"StreamName", name}};
            auto now = co_await Call(request.context, "kinesis", "DescribeStreamSummary", std::move(query));
            if (!now) co_return std::unexpected(now.error());
            int64_t current = std::stoll(At(*now, "StreamDescriptionSummary.RetentionPeriodHours"));
            if (current != *hours) {
                std::string_view operation = *hours > current ? "IncreaseStreamRetentionPeriod"
                                                              : "DecreaseStreamRetentionPeriod";
                Object input{{"StreamName", name}, {"RetentionPeriodHours", *hours}};
                auto changed = co_await Call(request.context, "kinesis", operation, std::move(input));
                if (!changed) co_return std::unexpected(changed.error());
            }
        }
        Object tags = TagMap(request.properties, "Tags");
        if (!tags.empty()) {
            Object input{{"StreamName", name}, {"Tags", std::move(tags)}};
            auto tagged = co_await Call(request.context, "kinesis", "AddTagsToStream", std::move(input));
            if (!tagged) co_return std::unexpected(tagged.error());
        }
        co_return Outcome<void>();
    }
};

}  // namespace

std::unique_ptr<ResourceProvider> MakeKinesisStream(ApiCaller& caller) {
    return std::make_unique<KinesisStream>(caller);
}

}  // namespace wellhead::pipeline
