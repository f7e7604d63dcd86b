#include "mqtt/session_registry.h"

#include <algorithm>

#include "mqtt/connection.h"
#include "mqtt/inside_publisher.h"
#include "mqtt/journal_format.h"

namespace wellhead::mqtt {

namespace {

JournalOp StateOp(const Session& session, bool connected) {
    return {.type = JournalOpType::kSessionState,
            .session = session.number,
            .expiry_s = session.expiry_s,
            .time_us = connected ? 0 : base::ToUnixUs(session.disconnected_at)};
}

JournalOp WillOp(const Session& session) {
    const WillMessage& will = *session.will;
    return {.type = JournalOpType::kWillSet,
            .session = session.number,
            .flags = static_cast<uint8_t>(will.qos | (will.retain ? 4 : 0)),
            .expiry_s = will.expiry_s,
            .id = will.delay_s,
            .text = will.topic,
            .properties = will.properties,
            .payload = will.payload};
}

// The beginning of a connection: what is in flight goes out again, in its order ([MQTT-4.4.0-1]).
void BeginConnection(Session& session, const std::shared_ptr<Connection>& connection) {
    session.connection = connection;
    session.wake_pending = false;
    session.next_to_send = 0;
    session.outstanding = 0;
}

void EndConnection(Session& session, base::Instant now) {
    for (size_t i = 0; i < session.next_to_send; ++i) session.in_flight[i].sent_before = true;
    session.connection = nullptr;
    session.next_to_send = 0;
    session.outstanding = 0;
    session.fleeting.clear();
    session.fleeting_bytes = 0;
    session.disconnected_at = now;
}

}  // namespace

void SessionRegistry::PublishWill(Session& session) {
    WillMessage will = std::move(*session.will);
    session.will.reset();
    if (core_.journal && session.journaled) {
        base::Bytes group;
        AppendJournalOp(group, {.type = JournalOpType::kWillCleared, .session = session.number});
        core_.journal->Add(group);
    }
    if (core_.closing) return;
    PublishedMessage published;
    published.client_id = session.client_id;
    published.principal = session.principal;
    published.arrival = core_.clock.Now();
    published.message.topic = std::move(will.topic);
    published.message.payload = std::move(will.payload);
    published.message.qos = static_cast<QoS>(will.qos);
    published.message.retain = will.retain;
    published.message.expiry_s = will.expiry_s;
    DecodeForwarded(will.properties, published.message);
    PublishInBackground(core_, std::move(published));
}

// The connection is gone, or the session ends: what becomes of the will (3.1.2.5, 3.1.3.2.2).
void SessionRegistry::LeaveUnderLocks(const std::shared_ptr<Session>& session, Parting parting, base::Instant now,
                                      bool ends) {
    if (!session->will) return;
    if (parting == Parting::kClean) {
        session->will.reset();
        if (core_.journal && session->journaled) {
            base::Bytes group;
            AppendJournalOp(group, {.type = JournalOpType::kWillCleared, .session = session->number});
            core_.journal->Add(group);
        }
    } else if (ends || session->will->delay_s == 0) {
        PublishWill(*session);
    } else {
        Schedule(session, now + std::chrono::seconds(session->will->delay_s));
    }
}

void SessionRegistry::Schedule(const std::shared_ptr<Session>& session, base::Instant at) {
    if (at != base::Instant::max()) due_.emplace(at, session);
}

// Under mutex_. The session is gone for everyone when it returns.
void SessionRegistry::Remove(const std::shared_ptr<Session>& session) {
    auto found = by_client_.find(session->client_id);
    if (found != by_client_.end() && found->second == session) by_client_.erase(found);
    std::map<std::string, Subscription, std::less<>> subscriptions;
    {
        std::lock_guard lock(session->mutex);
        subscriptions = std::move(session->subscriptions);
        session->subscriptions.clear();
    }
    auto finish = [&] {
        std::lock_guard lock(session->mutex);
        session->removed = true;
        session->connection = nullptr;
        if (core_.journal && session->journaled) {
            base::Bytes group;
            AppendJournalOp(group, {.type = JournalOpType::kSessionClosed, .session = session->number});
            core_.journal->Add(group);
        }
    };
    if (subscriptions.empty()) {
        ReadMostlyLock::Reader routing(core_.routing);
        finish();
        return;
    }
    ReadMostlyLock::Writer routing(core_.routing);
    for (const auto& [filter, subscription] : subscriptions) core_.tree.Remove(filter, session.get());
    finish();
}

Attached SessionRegistry::Attach(AttachRequest request, const std::shared_ptr<Connection>& connection,
                                 base::Instant now) {
    std::lock_guard registry(mutex_);
    Attached attached;
    std::shared_ptr<Session> session;
    if (auto found = by_client_.find(request.client_id); found != by_client_.end()) {
        session = found->second;
        bool ends = false;
        {
            ReadMostlyLock::Reader routing(core_.routing);
            std::lock_guard lock(session->mutex);
            if (session->connection) {
                session->connection->RequestDisconnect(codec::mqtt::ReasonCode::kSessionTakenOver,
                                                       "another connection uses this client identifier");
                EndConnection(*session, now);
                ends = request.clean_start || session->expiry_s == 0;
                LeaveUnderLocks(session, Parting::kWithWill, now, ends);
            } else {
                ends = request.clean_start || session->expires() <= now;
                if (ends) LeaveUnderLocks(session, Parting::kWithWill, now, true);
            }
        }
        if (ends) {
            Remove(session);
            session = nullptr;
        }
    }
    attached.present = session != nullptr;
    if (!session) {
        if (by_client_.size() >= core_.settings.max_sessions) return attached;
        session = std::make_shared<Session>(request.client_id, core_.next_session.fetch_add(1), core_.queued_bytes);
        by_client_.emplace(request.client_id, session);
    }
    ReadMostlyLock::Reader routing(core_.routing);
    std::lock_guard lock(session->mutex);
    BeginConnection(*session, connection);
    attached.connection = session->connections++;
    session->expiry_s = request.expiry_s;
    session->durable = request.expiry_s > 0;
    session->principal = std::move(request.principal);
    const bool had_will = session->will.has_value();
    session->will = std::move(request.will);  // [MQTT-3.1.3-9]: a delayed one is not sent any more
    if (core_.journal && (session->journaled || session->durable || session->will)) {
        base::Bytes group;
        if (!session->journaled) {
            AppendJournalOp(group, {.type = JournalOpType::kSessionOpened,
                                    .session = session->number,
                                    .expiry_s = session->expiry_s,
                                    .text = session->client_id,
                                    .properties = session->principal});
        } else {
            AppendJournalOp(group, StateOp(*session, true));
        }
        if (session->will) {
            AppendJournalOp(group, WillOp(*session));
        } else if (had_will) {
            AppendJournalOp(group, {.type = JournalOpType::kWillCleared, .session = session->number});
        }
        session->journaled = true;
        attached.ticket = core_.journal->Add(group);
    }
    attached.session = session;
    return attached;
}

void SessionRegistry::Detach(Session& session, const Connection& connection, Parting parting,
                             std::optional<uint32_t> new_expiry_s, base::Instant now) {
    std::lock_guard registry(mutex_);
    auto found = by_client_.find(session.client_id);
    if (found == by_client_.end() || found->second.get() != &session) return;
    std::shared_ptr<Session> owner = found->second;
    bool ends = false;
    {
        ReadMostlyLock::Reader routing(core_.routing);
        std::lock_guard lock(session.mutex);
        if (session.connection.get() != &connection) return;
        EndConnection(session, now);
        if (new_expiry_s) {
            session.expiry_s = *new_expiry_s;
            session.durable = *new_expiry_s > 0;
        }
        ends = session.expiry_s == 0;
        LeaveUnderLocks(owner, parting, now, ends);
        if (!ends) {
            Schedule(owner, session.expires());
            if (core_.journal && session.journaled) {
                base::Bytes group;
                AppendJournalOp(group, StateOp(session, false));
                core_.journal->Add(group);
            }
        }
    }
    if (ends) Remove(owner);
}

Journal::Ticket SessionRegistry::Subscribe(Session& session, std::string_view filter, const Subscription& subscription,
                                           bool& first) {
    ReadMostlyLock::Writer routing(core_.routing);
    std::lock_guard lock(session.mutex);
    if (session.removed) return 0;
    first = core_.tree.Add(filter, &session, subscription);
    session.subscriptions.insert_or_assign(std::string(filter), subscription);
    if (!core_.journal || !session.durable) return 0;
    base::Bytes group;
    AppendJournalOp(group, {.type = JournalOpType::kSubscribed,
                            .session = session.number,
                            .flags = static_cast<uint8_t>(subscription.qos | (subscription.no_local ? 4 : 0) |
                                                          (subscription.retain_as_published ? 8 : 0)),
                            .id = subscription.id,
                            .text = filter});
    return core_.journal->Add(group);
}

bool SessionRegistry::Unsubscribe(Session& session, std::string_view filter, Journal::Ticket& ticket) {
    ReadMostlyLock::Writer routing(core_.routing);
    std::lock_guard lock(session.mutex);
    auto found = session.subscriptions.find(filter);
    if (found == session.subscriptions.end()) return false;
    core_.tree.Remove(filter, &session);
    session.subscriptions.erase(found);
    if (core_.journal && session.durable) {
        base::Bytes group;
        AppendJournalOp(group, {.type = JournalOpType::kUnsubscribed, .session = session.number, .text = filter});
        ticket = core_.journal->Add(group);
    }
    return true;
}

void SessionRegistry::Tick(base::Instant now) {
    std::lock_guard registry(mutex_);
    while (!due_.empty() && due_.begin()->first <= now) {
        std::shared_ptr<Session> session = due_.begin()->second.lock();
        due_.erase(due_.begin());
        if (!session) continue;
        bool ends = false;
        {
            ReadMostlyLock::Reader routing(core_.routing);
            std::lock_guard lock(session->mutex);
            if (session->connection || session->removed) continue;
            ends = session->expires() <= now;
            const bool will_due =
                session->will && session->disconnected_at + std::chrono::seconds(session->will->delay_s) <= now;
            if (will_due || (ends && session->will)) PublishWill(*session);
        }
        if (ends) Remove(session);
    }
}

std::shared_ptr<Session> SessionRegistry::Find(std::string_view client_id) const {
    std::lock_guard registry(mutex_);
    auto found = by_client_.find(std::string(client_id));
    return found == by_client_.end() ? nullptr : found->second;
}

std::vector<std::shared_ptr<Session>> SessionRegistry::All() const {
    std::vector<std::shared_ptr<Session>> all;
    {
        std::lock_guard registry(mutex_);
        for (const auto& [client_id, session] : by_client_) all.push_back(session);
    }
    std::sort(all.begin(), all.end(), [](auto& a, auto& b) { return a->number < b->number; });
    return all;
}

size_t SessionRegistry::size() const {
    std::lock_guard registry(mutex_);
    return by_client_.size();
}

void SessionRegistry::Restore(std::shared_ptr<Session> session, base::Instant now) {
    std::lock_guard registry(mutex_);
    {
        std::lock_guard lock(session->mutex);
        Schedule(session, session->expires());
        if (session->will) {
            Schedule(session, std::max(now, session->disconnected_at + std::chrono::seconds(session->will->delay_s)));
        }
    }
    by_client_.insert_or_assign(session->client_id, std::move(session));
}

}  // namespace wellhead::mqtt
