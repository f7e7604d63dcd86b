#pragma once
// Ingest: published messages to the sink, in large batches. What arrives from all connections of a home while one
// delivery is on its way goes with the next one. A client's messages never overtake each other.

#include <array>
#include <memory>
#include <vector>

#include "mqtt/core.h"
#include "mqtt/ports.h"

namespace wellhead::mqtt {

class Connection;

// The messages of one read of one connection, as a stretch of a delivery.
struct IngestRun {
    std::shared_ptr<Connection> connection;
    uint64_t batch = 0;  // the connection's own number for what waits on it
    size_t first = 0;
    size_t count = 0;
};

// Kept beside a message for its connection.
struct IngestMark {
    static constexpr uint32_t kNone = UINT32_MAX;
    uint32_t ack = kNone;  // which acknowledgement of the batch is this message's
    uint16_t packet_id = 0;
};

// Used on its home executor.
class Ingest {
  public:
    Ingest(Core& core, env::Executor home) : core_(core), home_(std::move(home)) {}

    // A lane delivers one batch after the other; a slow one (an action that hangs) leaves the others free. A connection
    // stays on its lane while it has messages there.
    size_t ChooseLane() const;

    // ticket: what has to be durable before the sink sees the message; 0: nothing.
    void Add(size_t lane, const std::shared_ptr<Connection>& connection, uint64_t batch, IngestMark mark,
             PublishedMessage message, Journal::Ticket ticket);
    // Starts what was added, once the other connections that have input now had their turn.
    void Start();

  private:
    static constexpr size_t kLanes = 8;
    struct Flight {
        std::vector<PublishedMessage> messages;
        std::vector<IngestMark> marks;
        std::vector<IngestRun> runs;
        Journal::Ticket ticket = 0;
    };
    struct Lane {
        std::unique_ptr<Flight> next;
        bool flying = false;
        base::Tick since{};
    };
    void LaunchIdle();
    void Launch(size_t lane);
    env::Task<void> Fly(size_t lane, std::unique_ptr<Flight> flight);
    env::Task<std::vector<base::Result<void>>> Deliver(const Flight& flight);

    Core& core_;
    env::Executor home_;
    std::array<Lane, kLanes> lanes_;
    bool start_posted_ = false;
};

}  // namespace wellhead::mqtt
