#include "services/console/follower.h"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/post.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>

#include "apis/kinesis/api.h"
#include "base/log.h"
#include "env/deadline.h"

namespace wellhead::services::console {

using namespace std::chrono_literals;
namespace kinesis = apis::kinesis;

namespace {

constexpr auto kBacklog = 15min;
constexpr size_t kMaxBacklogBytes = 32 << 20;
// At high rates readings go out together; alone, at once.
constexpr auto kFrameInterval = 1ms;
// A stream where nothing arrives is looked at less and less often, down to this many times the interval.
constexpr int kMaxPause = 16;
constexpr size_t kMaxFrameReadings = 5000;

}  // namespace

Follower::Follower(Apis apis, Dependencies dependencies, Settings settings, std::string stream)
    : apis_(apis),
      deps_(dependencies),
      settings_(std::move(settings)),
      stream_(stream),
      begin_(dependencies.clock.Now() - kBacklog),
      writer_(std::move(stream)),
      stopping_(dependencies.home) {
    context_.account_id = settings_.account_id;
    context_.region = settings_.region;
    context_.caller.account_id = settings_.account_id;
    context_.caller.arn = "arn:aws:iam::" + settings_.account_id + ":role/wellhead-console";
    context_.caller.authenticated = true;
}

void Follower::Start() { env::Spawn(deps_.scope, deps_.home, "follow " + stream_, Run()); }

void Follower::Stop() {
    stopped_ = true;
    boost::asio::post(deps_.home, [self = shared_from_this()] { self->stopping_.Set(); });
}

void Follower::Add(const std::shared_ptr<Viewer>& viewer) {
    std::lock_guard lock(mutex_);
    for (const auto& [time, frame] : backlog_) viewer->Push(frame);
    viewers_.insert(viewer);
}

size_t Follower::Remove(const std::shared_ptr<Viewer>& viewer) {
    std::lock_guard lock(mutex_);
    viewers_.erase(viewer);
    return viewers_.size();
}

size_t Follower::viewers() const {
    std::lock_guard lock(mutex_);
    return viewers_.size();
}

void Follower::Publish(std::string text, bool backlog) {
    auto frame = std::make_shared<const std::string>(std::move(text));
    std::lock_guard lock(mutex_);
    for (const auto& viewer : viewers_) viewer->Push(frame);
    if (!backlog) return;
    base::Instant now = deps_.clock.Now();
    backlog_bytes_ += frame->size();
    backlog_.emplace_back(now, std::move(frame));
    while (backlog_bytes_ > kMaxBacklogBytes || backlog_.front().first < now - kBacklog) {
        backlog_bytes_ -= backlog_.front().second->size();
        backlog_.pop_front();
    }
}

void Follower::Flush() {
    if (writer_.empty()) return;
    last_flush_ = deps_.clock.Ticks();
    Publish(writer_.Take(), true);
}

env::Task<void> Follower::FlushLater() {
    auto self = shared_from_this();
    co_await env::Sleep(kFrameInterval);
    flush_due_ = false;
    Flush();
}

template <class Records>
void Follower::Take(const Records& records, std::string& after) {
    for (const auto& record : records) {
        after = record.SequenceNumber;
        base::Instant arrival = record.ApproximateArrivalTimestamp.value_or(deps_.clock.Now());
        auto reading = ParseReading(record.Data.bytes, record.PartitionKey, arrival);
        // What was there before us is backlog: no part of a rate.
        bool live = arrival >= begin_ + kBacklog;
        if (live) ++records_;
        if (reading) writer_.Add(*reading, arrival, live);
        if (writer_.size() >= kMaxFrameReadings) Flush();
    }
    if (writer_.empty()) return;
    if (deps_.clock.Ticks() - last_flush_ >= kFrameInterval) {
        Flush();
    } else if (!flush_due_) {
        flush_due_ = true;
        env::Spawn(deps_.scope, deps_.home, "flush " + stream_, FlushLater());
    }
}

env::Task<bool> Follower::Poll(const std::string& shard, std::string& after, bool& ended) {
    kinesis::GetShardIteratorInput ask;
    ask.StreamName = stream_;
    ask.ShardId = shard;
    if (after.empty()) {
        ask.ShardIteratorType = "AT_TIMESTAMP";
        ask.Timestamp = begin_;
    } else {
        ask.ShardIteratorType = "AFTER_SEQUENCE_NUMBER";
        ask.StartingSequenceNumber = after;
    }
    auto iterator = co_await apis_.kinesis->GetShardIterator(context_, std::move(ask));
    if (!iterator || !iterator->ShardIterator) co_return false;
    std::string at = *iterator->ShardIterator;
    base::Duration pause = settings_.poll_interval;
    while (!stopped_) {
        kinesis::GetRecordsInput input;
        input.ShardIterator = at;
        input.Limit = 10'000;
        auto output = co_await apis_.kinesis->GetRecords(context_, std::move(input));
        if (!output) co_return false;
        Take(output->Records, after);
        if (!output->NextShardIterator) {
            ended = true;
            co_return true;
        }
        at = *output->NextShardIterator;
        if (!output->Records.empty()) {
            pause = settings_.poll_interval;
            continue;
        }
        co_await env::Sleep(pause);
        pause = std::min(pause * 2, settings_.poll_interval * kMaxPause);
    }
    co_return true;
}

env::Task<void> Follower::FollowShard(std::string shard) {
    auto self = shared_from_this();
    std::string after;
    bool ended = false;
    base::Duration pause = 100ms;
    while (!stopped_ && !ended) {
        base::Tick begun = deps_.clock.Ticks();
        bool well = co_await Poll(shard, after, ended);
        // An iterator that expired is no trouble; a stream that is gone is asked for less and less often.
        bool lasted = well || deps_.clock.Ticks() - begun > 5s;
        pause = lasted ? base::Duration(100ms) : std::min<base::Duration>(pause * 2, 5s);
        if (!stopped_ && !ended) co_await env::Sleep(pause);
    }
}

env::Task<void> Follower::FollowShards() {
    kinesis::ListShardsInput input;
    input.StreamName = stream_;
    auto shards = co_await apis_.kinesis->ListShards(context_, std::move(input));
    if (!shards || !shards->Shards) co_return;
    for (const auto& shard : *shards->Shards) {
        if (!followed_.insert(shard.ShardId).second) continue;
        env::Spawn(deps_.scope, deps_.home, "follow " + stream_ + " " + shard.ShardId,
                   FollowShard(shard.ShardId));
    }
}

env::Task<void> Follower::Run() {
    auto self = shared_from_this();
    kinesis::DescribeStreamSummaryInput ask;
    ask.StreamName = stream_;
    auto summary = co_await apis_.kinesis->DescribeStreamSummary(context_, std::move(ask));
    if (!summary) {
        Publish(R"({"t":"error","m":)" + boost::json::serialize(boost::json::string(summary.error().message)) + "}",
                true);
        co_return;
    }
    // Splits and merges make new shards: looked for every few seconds.
    while (!stopped_) {
        co_await FollowShards();
        using boost::asio::experimental::awaitable_operators::operator||;
        co_await (stopping_.Wait() || env::Sleep(3s));
    }
}

}  // namespace wellhead::services::console
