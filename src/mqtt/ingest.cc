#include "mqtt/ingest.h"

#include <algorithm>
#include <boost/asio/post.hpp>

#include "base/log.h"
#include "mqtt/connection.h"

namespace wellhead::mqtt {

namespace {
constexpr base::Duration kSlow = std::chrono::milliseconds(20);
}

size_t Ingest::ChooseLane() const {
    size_t best = 0;
    base::Tick now{};
    for (size_t i = 0; i < kLanes; ++i) {
        if (!lanes_[i].flying) return i;
        if (now == base::Tick{}) now = core_.clock.Ticks();
        if (now - lanes_[i].since < kSlow) return i;
        if (lanes_[i].since > lanes_[best].since) best = i;
    }
    return best;
}

void Ingest::Add(size_t lane, const std::shared_ptr<Connection>& connection, uint64_t batch, IngestMark mark,
                 PublishedMessage message, Journal::Ticket ticket) {
    auto& next = lanes_[lane].next;
    if (!next) next = std::make_unique<Flight>();
    if (next->runs.empty() || next->runs.back().connection != connection || next->runs.back().batch != batch) {
        next->runs.push_back({connection, batch, next->messages.size(), 0});
    }
    ++next->runs.back().count;
    next->ticket = std::max(next->ticket, ticket);
    next->messages.push_back(std::move(message));
    next->marks.push_back(mark);
}

void Ingest::Start() {
    if (start_posted_) return;
    start_posted_ = true;
    boost::asio::post(home_, [this] { LaunchIdle(); });
}

void Ingest::LaunchIdle() {
    start_posted_ = false;
    for (size_t i = 0; i < kLanes; ++i) Launch(i);
}

void Ingest::Launch(size_t index) {
    Lane& lane = lanes_[index];
    if (lane.flying || !lane.next) return;
    lane.flying = true;
    lane.since = core_.clock.Ticks();
    env::Spawn(core_.scope, home_, "mqtt ingest", Fly(index, std::move(lane.next)));
}

env::Task<std::vector<base::Result<void>>> Ingest::Deliver(const Flight& flight) {
    if (flight.ticket != 0) {
        const bool durable = co_await core_.journal->WaitDurable(flight.ticket);
        if (!durable) {
            const base::Error error{base::ErrorCode::kIo, "the journal cannot be written"};
            co_return std::vector<base::Result<void>>(flight.messages.size(), std::unexpected(error));
        }
    }
    co_return co_await core_.sink->Deliver(flight.messages);
}

env::Task<void> Ingest::Fly(size_t lane, std::unique_ptr<Flight> flight) {
    std::vector<base::Result<void>> results;
    try {
        results = co_await Deliver(*flight);
    } catch (const std::exception& failure) {
        base::LogError("mqtt", "delivery to the rules failed: {}", failure.what());
    }
    while (results.size() < flight->messages.size()) {
        results.push_back(base::Fail(base::ErrorCode::kUnavailable, "the delivery did not end"));
    }
    for (auto& run : flight->runs) {
        run.connection->OnDelivered(run.batch, std::span(flight->messages).subspan(run.first, run.count),
                                    std::span(flight->marks).subspan(run.first, run.count),
                                    std::span(results).subspan(run.first, run.count));
    }
    lanes_[lane].flying = false;
    Launch(lane);
}

}  // namespace wellhead::mqtt
