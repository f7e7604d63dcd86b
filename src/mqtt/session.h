#pragma once
// A session: what the broker remembers of a client between connections (4.1). One client id has one session; one
// connection at a time is attached to it. Everything below mutex is guarded by it, from any thread; the mutex is held for
// moments, never while waiting, and only the journal's is taken under it.

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "mqtt/fifo.h"
#include "mqtt/message.h"
#include "mqtt/ports.h"
#include "mqtt/subscription_tree.h"

namespace wellhead::mqtt {

class Connection;

// A QoS 1 or 2 message that has its packet identifier and waits for the client's answers.
struct InFlight {
    QueuedMessage queued;
    uint16_t packet_id = 0;
    bool released = false;     // QoS 2: PUBREC came, PUBCOMP is awaited
    bool sent_before = false;  // on an earlier connection too: DUP
    uint64_t ticket = 0;       // of the journal: not before it is durable
};

struct WillMessage {
    std::string topic;
    base::Bytes payload;
    base::Bytes properties;  // forwarded, encoded
    uint32_t expiry_s = 0;   // 0: never
    uint32_t delay_s = 0;
    uint8_t qos = 0;
    bool retain = false;
};

// An inbound QoS 2 packet identifier, from PUBLISH to PUBREL.
enum class Inbound : uint8_t {
    kDelivering,       // handed to the sink, not answered yet
    kDeliveringAsked,  // the same, and the client has sent it again on a newer connection
    kReceived,         // PUBREC was or will be sent
};

struct InboundMessage {
    Inbound state = Inbound::kDelivering;
    // While it is being delivered, and the journal has it: for a checkpoint, and to deliver it again after a restart.
    std::shared_ptr<const PublishedMessage> message;
};

class Session {
  public:
    // total counts the bytes queued in all sessions and outlives this one.
    Session(std::string id, uint64_t session_number, std::atomic<size_t>& total)
        : client_id(std::move(id)), number(session_number), total_queued_bytes_(total) {}
    ~Session() { total_queued_bytes_.fetch_sub(queued_bytes, std::memory_order_relaxed); }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    const std::string client_id;
    const uint64_t number;  // unique, across restarts; a session of the same client id after this one has another

    std::mutex mutex;
    bool removed = false;
    bool journaled = false;     // the journal knows it: it is durable or has a will
    uint32_t expiry_s = 0;      // UINT32_MAX: never
    std::string principal;
    std::shared_ptr<Connection> connection;
    uint32_t connections = 0;   // so far, since this process has it
    bool wake_pending = false;  // the connection was told that there is something to send
    std::map<std::string, Subscription, std::less<>> subscriptions;
    std::map<uint16_t, InboundMessage> inbound;  // QoS 2
    std::optional<WillMessage> will;
    base::Instant disconnected_at;        // meaningful while no connection is attached
    base::Instant expires() const {
        return expiry_s == UINT32_MAX ? base::Instant::max() : disconnected_at + std::chrono::seconds(expiry_s);
    }

    Fifo<QueuedMessage> queue;     // QoS 1 and 2, not sent yet
    Fifo<QueuedMessage> fleeting;  // QoS 0, only while connected
    Fifo<InFlight> in_flight;      // in the order of their packet identifiers' assignment
    size_t next_to_send = 0;       // index into in_flight: those before it were sent on this connection
    size_t outstanding = 0;        // PUBLISHes sent on this connection and not answered: against Receive Maximum
    uint16_t last_packet_id = 0;

    // It outlives its connection (expiry_s > 0): what is queued is journaled. Read without the mutex.
    std::atomic<bool> durable{false};
    // Read without the mutex, to refuse before more is queued.
    std::atomic<size_t> queued_bytes{0};
    std::atomic<size_t> queued_messages{0};
    size_t fleeting_bytes = 0;

    void Enqueue(QueuedMessage queued) {
        Account(*queued.message);
        queue.push_back(std::move(queued));
    }
    void Account(const StoredMessage& message) {
        queued_bytes.fetch_add(message.bytes(), std::memory_order_relaxed);
        queued_messages.fetch_add(1, std::memory_order_relaxed);
        total_queued_bytes_.fetch_add(message.bytes(), std::memory_order_relaxed);
    }
    void Unaccount(const StoredMessage& message) {
        queued_bytes.fetch_sub(message.bytes(), std::memory_order_relaxed);
        queued_messages.fetch_sub(1, std::memory_order_relaxed);
        total_queued_bytes_.fetch_sub(message.bytes(), std::memory_order_relaxed);
    }
    // The index in in_flight, or size() when it has none.
    size_t FindInFlight(uint16_t packet_id) const {
        size_t i = 0;
        while (i < in_flight.size() && in_flight[i].packet_id != packet_id) ++i;
        return i;
    }
    // 0 when all are in use. In-flight identifiers lie, in a circle, from the oldest's to the last one given.
    uint16_t NextPacketId() {
        uint16_t next = last_packet_id == 65535 ? 1 : static_cast<uint16_t>(last_packet_id + 1);
        if (!in_flight.empty() && in_flight[0].packet_id == next) return 0;
        return last_packet_id = next;
    }
    // A message that was in flight is done with. Unaccounts it.
    void FinishInFlight(size_t i) {
        if (!in_flight[i].released) Unaccount(*in_flight[i].queued.message);
        if (i < next_to_send) --next_to_send;
        in_flight.erase(i);
    }

  private:
    std::atomic<size_t>& total_queued_bytes_;
};

}  // namespace wellhead::mqtt
