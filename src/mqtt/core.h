#pragma once
// Core: what all connections of a broker share. The broker owns it; see broker.h for the door.

#include <atomic>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "env/clock.h"
#include "env/random.h"
#include "env/scope.h"
#include "mqtt/journal.h"
#include "mqtt/ports.h"
#include "mqtt/read_mostly_lock.h"
#include "mqtt/retained.h"
#include "mqtt/settings.h"
#include "mqtt/subscription_tree.h"

namespace wellhead::mqtt {

class Connection;
class Ingest;
class SessionRegistry;

// What happened since the start, for /metrics. Relaxed.
struct Counters {
    std::atomic<uint64_t> connections{0};  // now
    std::atomic<uint64_t> connects{0};
    std::atomic<uint64_t> received{0};     // PUBLISH from clients
    std::atomic<uint64_t> sent{0};         // PUBLISH to clients
    std::atomic<uint64_t> dropped_qos0{0};
    std::atomic<uint64_t> dropped_queue{0};
    std::atomic<uint64_t> refused_quota{0};
    std::atomic<uint64_t> refused_permission{0};
    std::atomic<uint64_t> protocol_errors{0};
};

// One per I/O thread. Everything but executor is touched on it only.
struct Home {
    explicit Home(env::Executor home_executor);
    ~Home();
    env::Executor executor;
    std::unordered_map<Connection*, std::weak_ptr<Connection>> connections;
    std::unique_ptr<Ingest> ingest;  // none without a sink
};

struct Core {
    Core(BrokerSettings broker_settings, env::Clock& broker_clock, env::Random& broker_random,
         Authorizer& broker_authorizer, PublishSink* publish_sink);
    ~Core();

    const BrokerSettings settings;
    env::Clock& clock;
    env::Random& random;
    Authorizer& authorizer;
    PublishSink* const sink;          // may be none
    ClientEvents* events = nullptr;   // may be none; set before the first connection
    std::vector<std::unique_ptr<Home>> homes;
    env::Scope scope;

    // Shared while messages are routed and sessions' queues change; alone while subscriptions change and while a
    // session is written into a checkpoint. So every entry of the journal is made under it.
    ReadMostlyLock routing;
    SubscriptionTree tree;     // under routing
    RetainedStore retained;
    std::unique_ptr<Journal> journal;  // none: nothing outlives the process
    std::unique_ptr<SessionRegistry> sessions;

    std::atomic<uint64_t> next_session{1};
    std::atomic<uint64_t> next_message{1};
    std::atomic<size_t> queued_bytes{0};           // in all sessions
    std::atomic<size_t> unauthenticated_bytes{0};  // buffered before CONNECT
    std::atomic<bool> closing{false};
    Counters counters;
};

// Connections that have something new to send, told once at the end, together for each home.
class WakeList {
  public:
    explicit WakeList(Core& core) : core_(core) {}
    ~WakeList() { Tell(); }
    WakeList(const WakeList&) = delete;
    WakeList& operator=(const WakeList&) = delete;
    void Add(std::shared_ptr<Connection> connection) { connections_.push_back(std::move(connection)); }
    void Tell();

  private:
    Core& core_;
    std::vector<std::shared_ptr<Connection>> connections_;
};

}  // namespace wellhead::mqtt
