#include "mqtt/checkpoint.h"

#include <unordered_set>

#include "base/log.h"
#include "mqtt/journal_format.h"
#include "mqtt/received.h"
#include "mqtt/session_registry.h"

namespace wellhead::mqtt {

namespace {

class Writer {
  public:
    explicit Writer(Core& core) : core_(core) {}

    // Under routing, alone.
    void WriteSession(Session& session);
    void WriteRetained(const std::vector<RetainedMessage>& retained);
    uint64_t bytes() const { return bytes_; }
    Journal::Ticket ticket() const { return ticket_; }

  private:
    void Add(const JournalOp& op) {
        AppendJournalOp(group_, op);
        if (group_.size() >= kGroupBytes) Flush();
    }
    void Flush() {
        bytes_ += group_.size();
        ticket_ = core_.journal->Add(group_);
        group_.clear();
    }
    void WriteBody(JournalOpType type, const StoredMessage& message, uint8_t flags);
    void WriteQueued(const Session& session, const QueuedMessage& queued);
    void WriteDetails(const Session& session);

    static constexpr size_t kGroupBytes = 256 * 1024;
    Core& core_;
    base::Bytes group_;
    uint64_t bytes_ = 0;
    Journal::Ticket ticket_ = 0;
    std::unordered_set<uint64_t> written_;  // bodies, by number: once each
};

void Writer::WriteBody(JournalOpType type, const StoredMessage& message, uint8_t flags) {
    JournalOp op;
    op.type = type;
    op.message = message.number;
    op.flags = flags;
    op.time_us = message.expires == base::Instant::max() ? INT64_MAX : base::ToUnixUs(message.expires);
    op.text = message.topic;
    op.properties = message.properties;
    op.payload = message.payload;
    Add(op);
}

void Writer::WriteQueued(const Session& session, const QueuedMessage& queued) {
    const StoredMessage& message = *queued.message;
    if (written_.insert(message.number).second) WriteBody(JournalOpType::kMessage, message, 0);
    JournalTarget target{session.number, static_cast<uint8_t>(queued.qos | (queued.retain ? 4 : 0)), {}};
    if (queued.subscription_id != 0) target.ids.push_back(queued.subscription_id);
    if (queued.more_ids) target.ids.insert(target.ids.end(), queued.more_ids->begin(), queued.more_ids->end());
    JournalOp op;
    op.type = JournalOpType::kEnqueued;
    op.message = message.number;
    op.targets.push_back(std::move(target));
    Add(op);
}

void Writer::WriteDetails(const Session& session) {
    using enum JournalOpType;
    for (const auto& [filter, subscription] : session.subscriptions) {
        Add({.type = kSubscribed,
             .session = session.number,
             .flags = static_cast<uint8_t>(subscription.qos | (subscription.no_local ? 4 : 0) |
                                           (subscription.retain_as_published ? 8 : 0)),
             .id = subscription.id,
             .text = filter});
    }
    for (const auto& flight : session.in_flight) {
        // QoS 1 in flight goes back to the front of the queue: sent again it is, at least once.
        if (flight.queued.message) WriteQueued(session, flight.queued);
        if (flight.queued.qos != 2) continue;
        Add({.type = kAssigned,
             .session = session.number,
             .message = flight.queued.message ? flight.queued.message->number : 0,
             .packet_id = flight.packet_id});
    }
    for (const auto& queued : session.queue) WriteQueued(session, queued);
    for (const auto& [packet_id, inbound] : session.inbound) {
        if (inbound.state == Inbound::kReceived) {
            Add({.type = kReceived, .session = session.number, .packet_id = packet_id});
        } else if (inbound.message) {
            AppendDelivering(group_, session.number, packet_id, *inbound.message);
        }
    }
    if (session.will) {
        const WillMessage& will = *session.will;
        Add({.type = kWillSet,
             .session = session.number,
             .flags = static_cast<uint8_t>(will.qos | (will.retain ? 4 : 0)),
             .expiry_s = will.expiry_s,
             .id = will.delay_s,
             .text = will.topic,
             .properties = will.properties,
             .payload = will.payload});
    }
}

void Writer::WriteSession(Session& session) {
    std::lock_guard lock(session.mutex);
    if (session.removed || !session.journaled) return;
    Add({.type = JournalOpType::kSnapshotBegin, .session = session.number});
    Add({.type = JournalOpType::kSessionOpened,
         .session = session.number,
         .expiry_s = session.expiry_s,
         .time_us = session.connection ? 0 : base::ToUnixUs(session.disconnected_at),
         .text = session.client_id,
         .properties = session.principal});
    if (session.durable) {
        WriteDetails(session);
    } else if (session.will) {
        JournalOp will{.type = JournalOpType::kWillSet,
                       .session = session.number,
                       .flags = static_cast<uint8_t>(session.will->qos | (session.will->retain ? 4 : 0)),
                       .expiry_s = session.will->expiry_s,
                       .id = session.will->delay_s,
                       .text = session.will->topic,
                       .properties = session.will->properties,
                       .payload = session.will->payload};
        Add(will);
    }
    Add({.type = JournalOpType::kSnapshotEnd, .session = session.number});
    Flush();
}

void Writer::WriteRetained(const std::vector<RetainedMessage>& retained) {
    for (const auto& each : retained) WriteBody(JournalOpType::kRetained, *each.message, each.qos);
    Flush();
}

}  // namespace

env::Task<base::Result<uint64_t>> WriteCheckpoint(Core& core) {
    Journal& journal = *core.journal;
    auto failed = [] { return base::Fail(base::ErrorCode::kReadOnly, "the journal cannot be written"); };
    // What was appended up to here has already had its effect on what is written below.
    const storage::LogOffset from = journal.log().extent().next;
    journal.Restart();

    Writer writer(core);
    for (const auto& session : core.sessions->All()) {
        {
            ReadMostlyLock::Writer alone(core.routing);
            writer.WriteSession(*session);
        }
        if (journal.pending_bytes() < (4u << 20)) continue;
        bool durable = co_await journal.WaitDurable(writer.ticket());
        if (!durable) co_return failed();
    }
    std::string after;
    for (;;) {
        std::vector<RetainedMessage> some;
        {
            ReadMostlyLock::Writer alone(core.routing);
            some = core.retained.After(after, 256);
            if (!some.empty()) writer.WriteRetained(some);
        }
        if (some.empty()) break;
        after = some.back().message->topic;
        bool durable = co_await journal.WaitDurable(writer.ticket());
        if (!durable) co_return failed();
    }
    if (writer.ticket() != 0) {
        bool durable = co_await journal.WaitDurable(writer.ticket());
        if (!durable) co_return failed();
    }
    auto trimmed = co_await journal.log().Trim(from);
    if (!trimmed) co_return std::unexpected(std::move(trimmed).error());
    base::LogInfo("mqtt", "checkpoint of {} bytes, the journal begins at record {}", writer.bytes(), from);
    co_return writer.bytes();
}

}  // namespace wellhead::mqtt
