#include "mqtt/inside_publisher.h"

#include <boost/asio/post.hpp>
#include <span>

#include "base/log.h"
#include "mqtt/topic.h"

namespace wellhead::mqtt {

namespace {

Routed RouteInside(Core& core, const PublishedMessage& published, Journal::Ticket& ticket) {
    const Message& message = published.message;
    base::Bytes properties = EncodeForwarded(message);
    Inward inward;
    inward.topic = message.topic;
    inward.payload = message.payload;
    inward.properties = properties;
    inward.qos = static_cast<uint8_t>(message.qos);
    inward.retain = message.retain;
    inward.expiry_s = message.expiry_s;
    MatchCache cache;
    WakeList wakes(core);
    Routing routing{core.clock.Now(), wakes, cache};
    ReadMostlyLock::Reader lock(core.routing);
    Routed routed = Route(core, inward, routing);
    ticket = routing.ticket;
    return routed;
}

env::Task<void> PublishAndLog(Core& core, PublishedMessage message) {
    std::string topic = message.message.topic;
    auto published = co_await PublishInside(core, std::move(message));
    if (!published) base::LogWarning("mqtt", "a message for {} was not published: {}", topic, published.error().message);
}

}  // namespace

env::Task<base::Result<void>> PublishInside(Core& core, PublishedMessage published) {
    if (!IsTopicName(published.message.topic)) {
        co_return base::Fail(base::ErrorCode::kInvalidArgument, "not a topic name");
    }
    if (published.arrival == base::Instant()) published.arrival = core.clock.Now();
    Journal::Ticket ticket = 0;
    if (!core.sink || !core.sink->ReservesTopic(published.message.topic)) {
        if (RouteInside(core, published, ticket) == Routed::kQuota) {
            co_return base::Fail(base::ErrorCode::kLimit, "a queue of a subscriber is full");
        }
    }
    if (core.sink) {
        auto results = co_await core.sink->Deliver(std::span<const PublishedMessage>(&published, 1));
        if (!results.empty() && !results.front()) co_return std::unexpected(std::move(results.front()).error());
    }
    if (ticket != 0 && published.message.qos != QoS::kAtMostOnce) {
        bool durable = co_await core.journal->WaitDurable(ticket);
        if (!durable) co_return base::Fail(base::ErrorCode::kIo, "the journal cannot be written");
    }
    co_return base::Result<void>();
}

void PublishInBackground(Core& core, PublishedMessage message) {
    // Posted, because the caller may hold locks that publishing takes.
    auto executor = core.homes.front()->executor;
    boost::asio::post(executor, [&core, executor, message = std::move(message)]() mutable {
        env::Spawn(core.scope, executor, "mqtt publish", PublishAndLog(core, std::move(message)));
    });
}

}  // namespace wellhead::mqtt
