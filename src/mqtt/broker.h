#pragma once
// Broker: MQTT 3.1.1 and 5, without sockets. A driver (a listener) gives it connections and carries their bytes; it
// keeps sessions, subscriptions and retained messages, and what must last in a journal.

#include <memory>
#include <string>
#include <vector>

#include "mqtt/connection.h"
#include "mqtt/core.h"
#include "mqtt/metrics_mirror.h"
#include "mqtt/ports.h"
#include "mqtt/settings.h"
#include "storage/shard_log/shard_log.h"

namespace wellhead::mqtt {

// Numbers for /metrics.
struct BrokerFigures {
    uint64_t connections = 0, connects = 0, received = 0, sent = 0;
    uint64_t dropped_qos0 = 0, dropped_queue = 0, refused_quota = 0, refused_permission = 0, protocol_errors = 0;
    uint64_t sessions = 0, retained = 0, queued_bytes = 0, journal_bytes = 0;
};

class Broker : public BrokerControl {
  public:
    // homes: the executors of the I/O threads, each of a single-threaded io_context. sink may be none. All outlive it.
    Broker(BrokerSettings settings, std::vector<env::Executor> homes, env::Clock& clock, env::Random& random,
           Authorizer& authorizer, PublishSink* sink);
    // Close() was awaited, if Open() was.
    ~Broker() override;

    // Reads the journal, and begins to keep it. Before any connection; without it nothing outlives the process.
    env::Task<base::Result<void>> Open(storage::ShardLogStore& logs, std::string name = "mqtt/journal");
    // Before any connection; events outlives the broker.
    void SetClientEvents(ClientEvents& events) { core_.events = &events; }
    // Starts the timers (keep alive, wills, expiry, checkpoints), and finishes what a kill interrupted: the sink is ready.
    void Start();
    // What Start does of that: delivers each QoS 2 message again whose delivery has no end in the journal.
    env::Task<size_t> FinishDeliveries();
    // Ends every connection (wills of this kind of end are not sent), makes everything durable, ends all tasks.
    env::Task<void> Close();

    // A new connection whose transport lives on homes[home]. On that executor. The driver outlives its Lost().
    std::shared_ptr<Connection> Connect(size_t home, ConnectionOrigin origin, std::shared_ptr<const Profile> profile,
                                        ConnectionDriver& driver);
    // Which of the homes this executor is.
    size_t HomeOf(const env::Executor& executor) const;

    // One step of the timers, for tests with a clock of their own.
    void Tick(size_t home);
    // Writes what is alive behind the end of the journal and lets go of what is before. One at a time.
    env::Task<base::Result<void>> Checkpoint();

    BrokerFigures Figures() const;

    // BrokerControl
    env::Task<base::Result<void>> Publish(PublishedMessage message) override;
    env::Task<base::Result<std::vector<Message>>> RetainedMessages() override;
    void DisconnectPrincipal(std::string_view principal, std::string reason) override;
    bool IsConnected(std::string_view client_id) const override;

  private:
    env::Task<void> RunTimers(size_t home);
    env::Task<void> RunCheckpoints();
    env::Task<void> RunDeliveries();

    Core core_;
    MetricsMirror metrics_;
    uint64_t checkpointed_bytes_ = 0;  // size of the last checkpoint
};

}  // namespace wellhead::mqtt
