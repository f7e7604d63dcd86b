#include "services/firehose/stream_runner.h"

#include "base/log.h"
#include "env/deadline.h"

namespace wellhead::services::firehose {

namespace {
constexpr base::Duration kShardPoll = std::chrono::seconds(2);
}

StreamRunner::StreamRunner(RunnerDependencies dependencies, DeliveryPlan plan)
    : deps_(std::move(dependencies)), plans_(std::move(plan)) {}

void StreamRunner::StartShard(const std::string& shard, std::unique_ptr<RecordSource> source) {
    auto delivery = std::make_unique<ShardDelivery>(deps_.clock, deps_.cursors, deps_.writer, plans_, shard, std::move(source));
    env::Spawn(scope_, deps_.executor, "deliver " + plans_.Get()->stream_name + " " + shard, delivery->Run());
    shards_.emplace(shard, std::move(delivery));
}

void StreamRunner::StartFromLog(std::shared_ptr<storage::ShardLog> log) {
    log_ = log;
    StartShard("direct", MakeLogSource(std::move(log)));
}

void StreamRunner::StartFromKinesis(std::string stream_arn, base::Instant start) {
    env::Spawn(scope_, deps_.executor, "shards of " + plans_.Get()->stream_name, FollowShards(std::move(stream_arn), start));
}

api::CallContext StreamRunner::Context() const {
    api::CallContext context;
    context.account_id = deps_.account_id;
    context.region = deps_.region;
    context.caller.account_id = deps_.account_id;
    context.caller.arn = "arn:aws:iam::" + deps_.account_id + ":root";
    context.caller.authenticated = true;
    context.caller.root = true;
    return context;
}

env::Task<void> StreamRunner::FollowShards(std::string stream_arn, base::Instant start) {
    const api::CallContext context = Context();
    std::string last_error;
    while (true) {
        std::optional<std::string> token;
        do {
            apis::kinesis::ListShardsInput input;
            if (token) {
                input.NextToken = token;
            } else {
                input.StreamARN = stream_arn;
                input.StreamName = stream_arn.substr(stream_arn.rfind('/') + 1);
            }
            token.reset();
            auto page = co_await deps_.kinesis.ListShards(context, std::move(input));
            if (!page) {
                if (page.error().message != last_error) {
                    last_error = page.error().message;
                    base::LogWarning("firehose", "{}: cannot list the shards of {}: {}", plans_.Get()->stream_name, stream_arn, last_error);
                }
                break;
            }
            last_error.clear();
            if (page->Shards) {
                for (const apis::kinesis::Shard& shard : *page->Shards) {
                    if (shards_.contains(shard.ShardId)) continue;
                    StartShard(shard.ShardId, MakeKinesisSource(deps_.kinesis, context, stream_arn, shard.ShardId, start));
                }
            }
            token = page->NextToken;
        } while (token);
        co_await env::Sleep(kShardPoll);
    }
}

}  // namespace wellhead::services::firehose
