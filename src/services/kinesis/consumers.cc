// Enhanced fan-out: registered consumers and the subscriptions that push records to them.

#include <fmt/format.h>

#include <algorithm>

#include "apis/kinesis/errors.h"
#include "services/kinesis/kinesis_service.h"
#include "services/kinesis/subscription.h"

namespace wellhead::services::kinesis {

namespace errors = apis::kinesis;

namespace {

constexpr size_t kMaxConsumers = 20;
constexpr size_t kMaxEventRecords = 1000;
constexpr base::Duration kSubscriptionLife = std::chrono::minutes(5);
constexpr base::Duration kTakeOverAfter = std::chrono::seconds(5);
constexpr base::Duration kIdleEvent = std::chrono::seconds(1);
constexpr const char* kToken = "kinesis/list-consumers";

}  // namespace

KinesisService::Answer<apis::kinesis::RegisterStreamConsumerOutput> KinesisService::RegisterStreamConsumer(
    const api::CallContext&, apis::kinesis::RegisterStreamConsumerInput input) {
    auto stream = FindActive(std::nullopt, input.StreamARN, input.StreamId);
    if (!stream) co_return std::unexpected(stream.error());
    StreamConsumer consumer;
    consumer.name = input.ConsumerName;
    consumer.created_ms = NowMs();
    consumer.arn = fmt::format("{}/consumer/{}:{}", StreamArn((*stream)->name), consumer.name, consumer.created_ms / 1000);
    if (input.Tags) consumer.tags = std::move(*input.Tags);
    Change add = [&consumer](Stream& changed) -> api::Outcome<void> {
        if (changed.FindConsumer(consumer.name) != nullptr) {
            return std::unexpected(errors::ResourceInUseException(
                fmt::format("Consumer {} of stream {} is already registered.", consumer.name, changed.name)));
        }
        if (changed.consumers.size() >= kMaxConsumers) {
            return std::unexpected(errors::LimitExceededException(
                fmt::format("Stream {} has {} consumers already.", changed.name, kMaxConsumers)));
        }
        changed.consumers.push_back(consumer);
        return {};
    };
    auto done = co_await ChangeStream(*stream, add);
    if (!done) co_return std::unexpected(done.error());
    apis::kinesis::RegisterStreamConsumerOutput output;
    output.Consumer = {consumer.name, consumer.arn, std::string(apis::kinesis::ConsumerStatus::kCreating),
                       base::FromUnixMs(consumer.created_ms)};
    co_return output;
}

KinesisService::Answer<apis::kinesis::DeregisterStreamConsumerOutput> KinesisService::DeregisterStreamConsumer(
    const api::CallContext&, apis::kinesis::DeregisterStreamConsumerInput input) {
    auto stream = Find(std::nullopt, input.ConsumerARN ? input.ConsumerARN : input.StreamARN, input.StreamId);
    if (!stream) co_return std::unexpected(stream.error());
    std::string wanted = input.ConsumerARN ? *input.ConsumerARN : input.ConsumerName.value_or("");
    Change remove = [&](Stream& changed) -> api::Outcome<void> {
        size_t removed = std::erase_if(changed.consumers, [&wanted](const StreamConsumer& consumer) {
            return consumer.name == wanted || consumer.arn == wanted;
        });
        if (removed == 0) {
            return std::unexpected(errors::ResourceNotFoundException(
                fmt::format("Consumer {} of stream {} under account {} not found.", wanted, changed.name,
                            settings_.account_id)));
        }
        return {};
    };
    auto done = co_await ChangeStream(*stream, remove);
    if (!done) co_return std::unexpected(done.error());
    co_return apis::kinesis::DeregisterStreamConsumerOutput{};
}

KinesisService::Answer<apis::kinesis::DescribeStreamConsumerOutput> KinesisService::DescribeStreamConsumer(
    const api::CallContext&, apis::kinesis::DescribeStreamConsumerInput input) {
    auto stream = Find(std::nullopt, input.ConsumerARN ? input.ConsumerARN : input.StreamARN, input.StreamId);
    if (!stream) co_return std::unexpected(stream.error());
    std::string wanted = input.ConsumerARN ? *input.ConsumerARN : input.ConsumerName.value_or("");
    const StreamConsumer* consumer = (*stream)->FindConsumer(wanted);
    if (consumer == nullptr) {
        co_return std::unexpected(errors::ResourceNotFoundException(
            fmt::format("Consumer {} of stream {} under account {} not found.", wanted, (*stream)->name,
                        settings_.account_id)));
    }
    apis::kinesis::DescribeStreamConsumerOutput output;
    output.ConsumerDescription = {consumer->name, consumer->arn, std::string(StatusOf(consumer->created_ms)),
                                  base::FromUnixMs(consumer->created_ms), StreamArn((*stream)->name)};
    co_return output;
}

KinesisService::Answer<apis::kinesis::ListStreamConsumersOutput> KinesisService::ListStreamConsumers(
    const api::CallContext&, apis::kinesis::ListStreamConsumersInput input) {
    auto stream = Find(std::nullopt, input.StreamARN, input.StreamId);
    if (!stream) co_return std::unexpected(stream.error());
    std::string after;
    if (input.NextToken) {
        auto token = UnsealPosition(kToken, *input.NextToken);
        if (!token) co_return std::unexpected(errors::InvalidArgumentException("Invalid NextToken."));
        after = *token;
    }
    auto consumers = (*stream)->consumers;
    std::sort(consumers.begin(), consumers.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    size_t limit = static_cast<size_t>(std::clamp(input.MaxResults.value_or(100), 1, 10'000));
    apis::kinesis::ListStreamConsumersOutput output;
    output.Consumers.emplace();
    for (const auto& consumer : consumers) {
        if (consumer.name <= after) continue;
        if (output.Consumers->size() == limit) {
            output.NextToken = SealPosition(kToken, output.Consumers->back().ConsumerName);
            break;
        }
        output.Consumers->push_back({consumer.name, consumer.arn, std::string(StatusOf(consumer.created_ms)),
                                     base::FromUnixMs(consumer.created_ms)});
    }
    co_return output;
}

KinesisService::Answer<apis::kinesis::SubscribeToShardOutput> KinesisService::SubscribeToShard(
    const api::CallContext&, apis::kinesis::SubscribeToShardInput input) {
    auto stream = Find(std::nullopt, input.ConsumerARN, input.StreamId);
    if (!stream) co_return std::unexpected(stream.error());
    const StreamConsumer* consumer = (*stream)->FindConsumer(input.ConsumerARN);
    if (consumer == nullptr) {
        co_return std::unexpected(errors::ResourceNotFoundException(
            fmt::format("Consumer {} under account {} not found.", input.ConsumerARN, settings_.account_id)));
    }
    if (StatusOf(consumer->created_ms) != apis::kinesis::StreamStatus::kActive) {
        co_return std::unexpected(
            errors::ResourceInUseException(fmt::format("Consumer {} is not ACTIVE.", input.ConsumerARN)));
    }
    const Shard* shard = (*stream)->FindShard(input.ShardId);
    if (shard == nullptr) co_return std::unexpected(NoShard(**stream, input.ShardId));
    auto offset = co_await Resolve(*stream, shard->number, input.StartingPosition.Type,
                                   input.StartingPosition.SequenceNumber, input.StartingPosition.Timestamp);
    if (!offset) co_return std::unexpected(offset.error());
    uint64_t generation = 0;
    {
        std::lock_guard lock(subscriptions_->mutex);
        auto key = std::pair(input.ConsumerARN, shard->number);
        auto running = subscriptions_->running.find(key);
        base::Tick now = deps_.clock.Ticks();
        if (running != subscriptions_->running.end() && now - running->second.begun < kTakeOverAfter) {
            co_return std::unexpected(errors::ResourceInUseException(
                fmt::format("Another active subscription exists for this consumer: {}, shard {}.", input.ConsumerARN,
                            input.ShardId)));
        }
        generation = ++subscriptions_->last_generation;
        subscriptions_->running[key] = {generation, now};
    }
    apis::kinesis::SubscribeToShardOutput output;
    output.EventStream = std::make_unique<ShardSubscription>(
        *this, ShardSubscription::Place{input.ConsumerARN, (*stream)->id, shard->number, *offset}, generation);
    co_return output;
}

ShardSubscription::ShardSubscription(KinesisService& service, Place place, uint64_t generation)
    : service_(service),
      subscriptions_(service.subscriptions_),
      place_(std::move(place)),
      generation_(generation),
      end_(service.deps_.clock.Ticks() + kSubscriptionLife) {}

ShardSubscription::~ShardSubscription() {
    std::lock_guard lock(subscriptions_->mutex);
    auto running = subscriptions_->running.find({place_.consumer_arn, place_.shard});
    if (running != subscriptions_->running.end() && running->second.generation == generation_) {
        subscriptions_->running.erase(running);
    }
}

bool ShardSubscription::superseded() const {
    std::lock_guard lock(subscriptions_->mutex);
    auto running = subscriptions_->running.find({place_.consumer_arn, place_.shard});
    return running == subscriptions_->running.end() || running->second.generation != generation_;
}

env::Task<api::Outcome<std::optional<apis::kinesis::SubscribeToShardEventStream>>> ShardSubscription::Next() {
    using Event = std::optional<apis::kinesis::SubscribeToShardEventStream>;
    if (ended_ || superseded() || service_.deps_.clock.Ticks() >= end_) co_return Event();
    auto stream = service_.Find(std::nullopt, std::nullopt, place_.stream_id);
    if (!stream) co_return std::unexpected(stream.error());
    const Shard* shard = (*stream)->FindShard(ShardId(place_.shard));
    if (shard == nullptr) co_return std::unexpected(service_.NoShard(**stream, ShardId(place_.shard)));
    // The first event comes at once, so that a subscriber knows that it stands.
    if (!first_ && shard->open() && shard->writer->log->extent().next <= place_.next) {
        auto log = shard->writer->log;
        co_await log->WaitForMore(place_.next, kIdleEvent);
        stream = service_.Find(std::nullopt, std::nullopt, place_.stream_id);
        if (!stream) co_return std::unexpected(stream.error());
        shard = (*stream)->FindShard(ShardId(place_.shard));
        if (shard == nullptr) co_return Event();
    }
    first_ = false;
    auto batch = co_await service_.ReadBatch(*stream, place_.shard, place_.next, kMaxEventRecords);
    if (!batch) co_return std::unexpected(batch.error());
    place_.next = batch->next;
    apis::kinesis::SubscribeToShardEvent event;
    event.Records = std::move(batch->records);
    event.MillisBehindLatest = batch->millis_behind;
    // The last event of a shard that has ended names its children and, though the model wants it, no place to go on at:
    // so AWS ends a shard, and so KCL tells one.
    event.ContinuationSequenceNumber =
        event.Records.empty()
            ? FormatSequenceNumber({static_cast<uint64_t>(shard->created_s), place_.next,
                                    static_cast<uint64_t>(service_.NowMs() / 1000), shard->number})
            : event.Records.back().SequenceNumber;
    if (batch->ended) {
        event.ChildShards = service_.ChildShards(**stream, *shard);
        event.ContinuationSequenceNumber.reset();
        ended_ = true;
    }
    co_return Event(std::move(event));
}

}  // namespace wellhead::services::kinesis
