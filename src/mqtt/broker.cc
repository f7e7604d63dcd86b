#include "mqtt/broker.h"

#include <boost/asio/post.hpp>

#include "base/check.h"
#include "base/log.h"
#include "env/deadline.h"
#include "mqtt/checkpoint.h"
#include "mqtt/ingest.h"
#include "mqtt/inside_publisher.h"
#include "mqtt/received.h"
#include "mqtt/recovery.h"

namespace wellhead::mqtt {

namespace asio = boost::asio;

namespace {
constexpr size_t kSweepPerTick = 1000;  // retained messages
}  // namespace

Broker::Broker(BrokerSettings settings, std::vector<env::Executor> homes, env::Clock& clock, env::Random& random,
               Authorizer& authorizer, PublishSink* sink)
    : core_(std::move(settings), clock, random, authorizer, sink) {
    CHECK(!homes.empty());
    core_.sessions = std::make_unique<SessionRegistry>(core_);
    for (auto& executor : homes) {
        auto home = std::make_unique<Home>(executor);
        if (sink != nullptr) home->ingest = std::make_unique<Ingest>(core_, executor);
        core_.homes.push_back(std::move(home));
    }
}

Broker::~Broker() = default;

env::Task<base::Result<void>> Broker::Open(storage::ShardLogStore& logs, std::string name) {
    auto log = co_await logs.Open(std::move(name));
    if (!log) co_return std::unexpected(std::move(log).error());
    auto recovered = co_await Recover(core_, **log);
    if (!recovered) co_return std::unexpected(std::move(recovered).error());
    core_.journal = std::make_unique<Journal>(*log, core_.homes.front()->executor, core_.scope);
    base::LogInfo("mqtt", "{} sessions and {} retained messages are back", core_.sessions->size(),
                  core_.retained.size());
    co_return base::Result<void>();
}

void Broker::Start() {
    for (size_t home = 0; home < core_.homes.size(); ++home) {
        env::Spawn(core_.scope, core_.homes[home]->executor, "mqtt timers", RunTimers(home));
    }
    if (core_.journal) {
        env::Spawn(core_.scope, core_.homes.front()->executor, "mqtt checkpoints", RunCheckpoints());
        if (core_.sink != nullptr) {
            env::Spawn(core_.scope, core_.homes.front()->executor, "mqtt deliveries", RunDeliveries());
        }
    }
}

namespace {
// Runs on the home: ends its connections, then tells.
void EndConnections(Home& home) {
    std::vector<std::shared_ptr<Connection>> connections;
    for (const auto& [key, weak] : home.connections) {
        if (auto connection = weak.lock()) connections.push_back(std::move(connection));
    }
    for (const auto& connection : connections) {
        connection->Disconnect(codec::mqtt::ReasonCode::kServerShuttingDown, "the server is stopping");
    }
}
}  // namespace

env::Task<void> Broker::Close() {
    core_.closing = true;
    for (auto& home : core_.homes) {
        asio::post(home->executor, [raw = home.get()] { EndConnections(*raw); });
    }
    // The drivers let go of their connections by themselves; what they were promised is on disk below.
    for (int i = 0; i < 200 && core_.counters.connections > 0; ++i) co_await env::Sleep(std::chrono::milliseconds(10));
    if (core_.journal && !core_.journal->failed()) {
        const Journal::Ticket last = core_.journal->Add({});
        co_await core_.journal->WaitDurable(last);
    }
    co_await core_.scope.Close();
}

std::shared_ptr<Connection> Broker::Connect(size_t home, ConnectionOrigin origin,
                                            std::shared_ptr<const Profile> profile, ConnectionDriver& driver) {
    auto connection = std::make_shared<Connection>(core_, home, std::move(origin), std::move(profile), driver);
    core_.homes[home]->connections.emplace(connection.get(), connection);
    return connection;
}

size_t Broker::HomeOf(const env::Executor& executor) const {
    for (size_t home = 0; home < core_.homes.size(); ++home) {
        if (core_.homes[home]->executor == executor) return home;
    }
    CHECK(false && "not an executor of the broker");
    return 0;
}

void Broker::Tick(size_t home) {
    const base::Tick now = core_.clock.Ticks();
    std::vector<std::shared_ptr<Connection>> connections;
    for (const auto& [key, weak] : core_.homes[home]->connections) {
        if (auto connection = weak.lock()) connections.push_back(std::move(connection));
    }
    for (const auto& connection : connections) connection->CheckTime(now);
    if (home != 0) return;
    core_.sessions->Tick(core_.clock.Now());
    core_.retained.Sweep(core_.clock.Now(), kSweepPerTick);
    metrics_.Update(Figures());
}

env::Task<void> Broker::RunTimers(size_t home) {
    for (;;) {
        co_await env::Sleep(std::chrono::milliseconds(500));
        Tick(home);
    }
}

env::Task<size_t> Broker::FinishDeliveries() { return FinishDelivering(core_); }

env::Task<void> Broker::RunDeliveries() { co_await FinishDeliveries(); }

env::Task<void> Broker::RunCheckpoints() {
    for (;;) {
        co_await env::Sleep(std::chrono::seconds(1));
        // At the least the configured size, and twice what the last checkpoint wrote: a constant share of all writing.
        if (core_.journal->bytes() < std::max<uint64_t>(core_.settings.checkpoint_bytes, 2 * checkpointed_bytes_)) continue;
        auto done = co_await Checkpoint();
        if (!done) base::LogWarning("mqtt", "no checkpoint: {}", done.error().message);
    }
}

env::Task<base::Result<void>> Broker::Checkpoint() {
    auto written = co_await WriteCheckpoint(core_);
    if (!written) co_return std::unexpected(std::move(written).error());
    checkpointed_bytes_ = *written;
    co_return base::Result<void>();
}

BrokerFigures Broker::Figures() const {
    const Counters& c = core_.counters;
    BrokerFigures f;
    f.connections = c.connections;
    f.connects = c.connects;
    f.received = c.received;
    f.sent = c.sent;
    f.dropped_qos0 = c.dropped_qos0;
    f.dropped_queue = c.dropped_queue;
    f.refused_quota = c.refused_quota;
    f.refused_permission = c.refused_permission;
    f.protocol_errors = c.protocol_errors;
    f.sessions = core_.sessions->size();
    f.retained = core_.retained.size();
    f.queued_bytes = core_.queued_bytes;
    f.journal_bytes = core_.journal ? core_.journal->bytes() : 0;
    return f;
}

env::Task<base::Result<void>> Broker::Publish(PublishedMessage message) {
    return PublishInside(core_, std::move(message));
}

env::Task<base::Result<std::vector<Message>>> Broker::RetainedMessages() {
    std::vector<Message> out;
    const base::Instant now = core_.clock.Now();
    std::string after;
    for (;;) {
        auto some = core_.retained.After(after, 1000);
        if (some.empty()) break;
        after = some.back().message->topic;
        for (const auto& retained : some) {
            if (retained.message->expires <= now) continue;
            Message message;
            message.topic = retained.message->topic;
            message.payload = retained.message->payload;
            message.qos = static_cast<QoS>(retained.qos);
            message.retain = true;
            DecodeForwarded(retained.message->properties, message);
            out.push_back(std::move(message));
        }
    }
    co_return out;
}

void Broker::DisconnectPrincipal(std::string_view principal, std::string reason) {
    for (auto& home : core_.homes) {
        asio::post(home->executor, [raw = home.get(), who = std::string(principal), reason] {
            std::vector<std::shared_ptr<Connection>> theirs;
            for (const auto& [key, weak] : raw->connections) {
                auto connection = weak.lock();
                if (connection && connection->principal() == who) theirs.push_back(std::move(connection));
            }
            for (const auto& connection : theirs) {
                connection->Disconnect(codec::mqtt::ReasonCode::kAdministrativeAction, reason);
            }
        });
    }
}

bool Broker::IsConnected(std::string_view client_id) const {
    auto session = core_.sessions->Find(client_id);
    if (!session) return false;
    std::lock_guard lock(session->mutex);
    return session->connection != nullptr;
}

}  // namespace wellhead::mqtt
