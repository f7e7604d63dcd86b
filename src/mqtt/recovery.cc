#include "mqtt/recovery.h"

#include <algorithm>
#include <unordered_map>

#include "base/log.h"
#include "mqtt/journal_format.h"
#include "mqtt/router.h"
#include "mqtt/session_registry.h"

namespace wellhead::mqtt {

namespace {

constexpr uint64_t kReadRecords = 256;
constexpr uint64_t kReadBytes = 4u << 20;
constexpr size_t kOnceTokenBytes = 16;
// A clock that was set back a little meanwhile must not hide what was done.
constexpr base::Duration kClockMargin = std::chrono::minutes(1);

class Replay {
  public:
    explicit Replay(Core& core) : core_(core) {}

    void Apply(const JournalOp& op);
    // Everything that lived, into the broker.
    void Finish();

  private:
    using SessionPtr = std::shared_ptr<Session>;
    // The session that operations of this number are about: the one being written by a checkpoint, or the real one.
    Session* Find(uint64_t number) {
        if (snapshot_ && snapshot_->number == number) return snapshot_.get();
        auto found = sessions_.find(number);
        return found == sessions_.end() ? nullptr : found->second.get();
    }
    void Open(const JournalOp& op);
    MessagePtr MakeMessage(const JournalOp& op);
    void ApplyToSession(const JournalOp& op, Session& session);
    void Enqueue(const JournalOp& op);
    void Done(Session& session, uint64_t number);
    void Assign(Session& session, const JournalOp& op);
    static std::shared_ptr<const PublishedMessage> DeliveringAgain(const JournalOp& op, const Session& session);

    Core& core_;
    std::unordered_map<uint64_t, SessionPtr> sessions_;
    SessionPtr snapshot_;
    uint64_t snapshot_number_ = 0;
    // Only messages that a queue holds stay alive here.
    std::unordered_map<uint64_t, std::weak_ptr<const StoredMessage>> messages_;
    MessagePtr last_message_;  // the one before: kEnqueued follows its kMessage
    uint64_t highest_session_ = 0;
    uint64_t highest_message_ = 0;
};

MessagePtr Replay::MakeMessage(const JournalOp& op) {
    auto message = std::make_shared<StoredMessage>();
    message->number = op.message;
    message->topic = op.text;
    message->properties = op.properties;
    message->payload = op.payload;
    message->expires = op.time_us == INT64_MAX ? base::Instant::max() : base::FromUnixUs(op.time_us);
    highest_message_ = std::max(highest_message_, op.message);
    return message;
}

void Replay::Open(const JournalOp& op) {
    highest_session_ = std::max(highest_session_, op.session);
    auto session = std::make_shared<Session>(std::string(op.text), op.session, core_.queued_bytes);
    session->journaled = true;
    session->expiry_s = op.expiry_s;
    session->durable = op.expiry_s > 0;
    session->principal = op.properties;
    if (op.time_us != 0) session->disconnected_at = base::FromUnixUs(op.time_us);
    if (snapshot_number_ == op.session) {
        snapshot_ = std::move(session);
    } else {
        sessions_.insert_or_assign(op.session, std::move(session));
    }
}

void Replay::Enqueue(const JournalOp& op) {
    MessagePtr message = last_message_ && last_message_->number == op.message ? last_message_ : nullptr;
    if (!message) {
        auto found = messages_.find(op.message);
        if (found != messages_.end()) message = found->second.lock();
    }
    if (!message) return;
    for (const auto& target : op.targets) {
        Session* session = Find(target.session);
        if (session == nullptr) continue;
        QueuedMessage queued;
        queued.message = message;
        queued.qos = target.flags & 3;
        queued.retain = (target.flags & 4) != 0;
        if (!target.ids.empty()) queued.subscription_id = target.ids.front();
        if (target.ids.size() > 1) {
            queued.more_ids = std::make_unique<std::vector<uint32_t>>(target.ids.begin() + 1, target.ids.end());
        }
        session->Enqueue(std::move(queued));
    }
}

void Replay::Done(Session& session, uint64_t number) {
    for (size_t i = 0; i < session.in_flight.size(); ++i) {
        auto& flight = session.in_flight[i];
        if (!flight.queued.message || flight.queued.message->number != number) continue;
        session.FinishInFlight(i);
        return;
    }
    for (size_t i = 0; i < session.queue.size(); ++i) {
        if (session.queue[i].message->number != number) continue;
        session.Unaccount(*session.queue[i].message);
        session.queue.erase(i);
        return;
    }
}

void Replay::Assign(Session& session, const JournalOp& op) {
    InFlight flight;
    flight.packet_id = op.packet_id;
    flight.sent_before = true;
    for (size_t i = 0; i < session.queue.size(); ++i) {
        if (session.queue[i].message->number != op.message) continue;
        flight.queued = std::move(session.queue[i]);
        session.queue.erase(i);
        break;
    }
    if (!flight.queued.message) {
        // A snapshot of a released identifier: its message is gone already.
        flight.queued.qos = 2;
        flight.released = true;
    }
    session.last_packet_id = op.packet_id;
    session.in_flight.push_back(std::move(flight));
}

// An inbound QoS 2 whose delivery has no end in the journal: what of it was done was done since it came.
std::shared_ptr<const PublishedMessage> Replay::DeliveringAgain(const JournalOp& op, const Session& session) {
    auto published = std::make_shared<PublishedMessage>();
    published->client_id = session.client_id;
    published->principal = session.principal;
    published->arrival = base::FromUnixUs(op.time_us);
    const size_t size = std::min(op.token.size(), kOnceTokenBytes);
    published->peer_address = op.token.substr(size);
    published->once = std::make_shared<const OnceOnly>(
        OnceOnly{base::Bytes(op.token.substr(0, size)), published->arrival - kClockMargin});
    Message& message = published->message;
    message.topic = op.text;
    message.payload = op.payload;
    message.qos = QoS::kExactlyOnce;
    message.retain = (op.flags & 4) != 0;
    message.expiry_s = op.expiry_s;
    DecodeForwarded(op.properties, message);
    return published;
}

void Replay::ApplyToSession(const JournalOp& op, Session& session) {
    using enum JournalOpType;
    const size_t flight = op.packet_id == 0 ? session.in_flight.size() : session.FindInFlight(op.packet_id);
    switch (op.type) {
        case kSessionState:
            session.expiry_s = op.expiry_s;
            session.durable = op.expiry_s > 0;
            session.disconnected_at = op.time_us == 0 ? base::Instant() : base::FromUnixUs(op.time_us);
            break;
        case kSubscribed:
            session.subscriptions[std::string(op.text)] =
                {static_cast<uint8_t>(op.flags & 3), (op.flags & 4) != 0, (op.flags & 8) != 0, op.id};
            break;
        case kUnsubscribed: session.subscriptions.erase(std::string(op.text)); break;
        case kDone:
            for (uint64_t number : op.numbers) Done(session, number);
            break;
        case kAssigned: Assign(session, op); break;
        case kReleased:
            if (flight == session.in_flight.size() || session.in_flight[flight].released) break;
            session.Unaccount(*session.in_flight[flight].queued.message);
            session.in_flight[flight].released = true;
            session.in_flight[flight].queued.message = nullptr;
            break;
        case kCompleted:
            if (flight < session.in_flight.size()) session.FinishInFlight(flight);
            break;
        case kReceived: session.inbound[op.packet_id] = {Inbound::kReceived, nullptr}; break;
        case kDelivering: session.inbound[op.packet_id] = {Inbound::kDelivering, DeliveringAgain(op, session)}; break;
        case kUndelivered:
        case kForgotten: session.inbound.erase(op.packet_id); break;
        case kWillSet:
            session.will.emplace();
            session.will->topic = op.text;
            session.will->payload = op.payload;
            session.will->properties = op.properties;
            session.will->expiry_s = op.expiry_s;
            session.will->delay_s = op.id;
            session.will->qos = op.flags & 3;
            session.will->retain = (op.flags & 4) != 0;
            break;
        case kWillCleared: session.will.reset(); break;
        default: break;
    }
}

void Replay::Apply(const JournalOp& op) {
    using enum JournalOpType;
    switch (op.type) {
        case kSessionOpened: return Open(op);
        case kSessionClosed:
            sessions_.erase(op.session);
            return;
        case kSnapshotBegin:
            snapshot_number_ = op.session;
            snapshot_ = nullptr;
            return;
        case kSnapshotEnd:
            if (snapshot_) sessions_.insert_or_assign(op.session, std::move(snapshot_));
            snapshot_ = nullptr;
            snapshot_number_ = 0;
            return;
        case kMessage: {
            last_message_ = MakeMessage(op);
            messages_[op.message] = last_message_;
            return;
        }
        case kEnqueued: return Enqueue(op);
        case kRetained:
            core_.retained.Set({MakeMessage(op), op.flags}, SIZE_MAX, SIZE_MAX);
            return;
        case kRetainedCleared:
            core_.retained.Clear(op.text);
            return;
        default:
            if (Session* session = Find(op.session)) ApplyToSession(op, *session);
    }
}

void Replay::Finish() {
    const base::Instant now = core_.clock.Now();
    core_.next_session = highest_session_ + 1;
    core_.next_message = highest_message_ + 1;
    std::vector<SessionPtr> alive;
    for (auto& [number, session] : sessions_) alive.push_back(std::move(session));
    std::sort(alive.begin(), alive.end(), [](auto& a, auto& b) { return a->number < b->number; });
    for (auto& session : alive) {
        // Connected when the process ended: its connection was lost just now.
        if (session->disconnected_at == base::Instant()) session->disconnected_at = now;
        for (const auto& [filter, subscription] : session->subscriptions) {
            core_.tree.Add(filter, session.get(), subscription);
        }
        core_.sessions->Restore(std::move(session), now);
    }
}

}  // namespace

env::Task<base::Result<void>> Recover(Core& core, storage::ShardLog& log) {
    Replay replay(core);
    storage::LogOffset at = log.extent().first;
    while (at < log.extent().next) {
        auto records = co_await log.Read(at, kReadRecords, kReadBytes);
        if (!records && records.error().code == base::ErrorCode::kCorrupt) {
            base::LogError("mqtt", "a part of the journal is damaged and left out: {}", records.error().message);
            ++at;
            continue;
        }
        if (!records) co_return std::unexpected(std::move(records).error());
        if (records->empty()) break;
        for (const auto& record : *records) {
            JournalReader reader(record.data);
            while (!reader.done()) {
                auto op = reader.Next();
                if (!op) {
                    base::LogError("mqtt", "record {} of the journal: {}", record.offset, op.error().message);
                    break;
                }
                replay.Apply(*op);
            }
            at = record.offset + 1;
        }
    }
    replay.Finish();
    co_return base::Result<void>();
}

}  // namespace wellhead::mqtt
