#pragma once
// SessionRegistry: which client id has which session; attach, detach, expiry and delayed wills. Thread-safe.

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "mqtt/core.h"
#include "mqtt/session.h"

namespace wellhead::mqtt {

struct AttachRequest {
    std::string client_id;
    std::string principal;
    bool clean_start = true;
    uint32_t expiry_s = 0;
    std::optional<WillMessage> will;
};

struct Attached {
    std::shared_ptr<Session> session;  // none: there are too many
    bool present = false;
    uint32_t connection = 0;  // which one of the session's, from 0
    Journal::Ticket ticket = 0;
};

enum class Parting {
    kClean,      // the client said goodbye: no will
    kWithWill,   // anything else
};

class SessionRegistry {
  public:
    explicit SessionRegistry(Core& core) : core_(core) {}

    // Gives the client's session to connection; whoever had it is told that it was taken over ([MQTT-3.1.4-3]).
    Attached Attach(AttachRequest request, const std::shared_ptr<Connection>& connection, base::Instant now);
    // The connection is over. Does nothing when another one has the session by now.
    void Detach(Session& session, const Connection& connection, Parting parting, std::optional<uint32_t> new_expiry_s,
                base::Instant now);

    // Adds or replaces; first is true when it is new. Returns the ticket, 0 without one.
    Journal::Ticket Subscribe(Session& session, std::string_view filter, const Subscription& subscription, bool& first);
    bool Unsubscribe(Session& session, std::string_view filter, Journal::Ticket& ticket);

    // Publishes wills and ends sessions whose time has come. Call it often.
    void Tick(base::Instant now);

    std::shared_ptr<Session> Find(std::string_view client_id) const;
    // All of them, in order of number.
    std::vector<std::shared_ptr<Session>> All() const;
    size_t size() const;

    // From the journal at the start: a session that was there.
    void Restore(std::shared_ptr<Session> session, base::Instant now);

  private:
    void Remove(const std::shared_ptr<Session>& session);
    void Schedule(const std::shared_ptr<Session>& session, base::Instant at);
    void LeaveUnderLocks(const std::shared_ptr<Session>& session, Parting parting, base::Instant now, bool ends);
    void PublishWill(Session& session);

    Core& core_;
    mutable std::mutex mutex_;  // taken before core.routing and before a session's
    std::unordered_map<std::string, std::shared_ptr<Session>> by_client_;
    std::multimap<base::Instant, std::weak_ptr<Session>> due_;
};

}  // namespace wellhead::mqtt
