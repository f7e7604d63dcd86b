#pragma once
// Device shadows, classic and named: by the reserved MQTT topics and for the data API. Kept in the metadata table,
// mirrored in memory.

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "env/clock.h"
#include "env/turnstile.h"
#include "mqtt/ports.h"
#include "services/iot/shadow_document.h"
#include "storage/table/table.h"

namespace wellhead::services::iot {

// A reserved topic: $aws/things/<thing>/shadow[/name/<name>]/{get,update,delete}.
struct ShadowTopic {
    enum class Verb { kGet, kUpdate, kDelete };
    std::string_view thing;
    std::string_view name;  // empty: the classic shadow
    Verb verb = Verb::kGet;
    std::string_view base;  // up to and with the verb
};
std::optional<ShadowTopic> ParseShadowTopic(std::string_view topic);

class ShadowService {
  public:
    // Both outlive the service.
    ShadowService(storage::Table& table, env::Clock& clock) : table_(table), clock_(clock) {}
    env::Task<base::Result<void>> Load();
    // Before messages come; may be null again at the end. Outlives every call meanwhile.
    void SetBroker(mqtt::BrokerControl* broker) { broker_ = broker; }

    // A publish to a reserved topic: the change is durable and told to its topics. An error: storage.
    // What topic points into outlives the call.
    env::Task<base::Result<void>> Handle(ShadowTopic topic, const mqtt::PublishedMessage& message);

    // For the data API; also told to the topics. kIo and the like come as code 500.
    // republished: of the message that asked for it.
    env::Task<ShadowOutcome<std::string>> Update(std::string thing, std::string name, std::string payload,
                                                 int republished = 0);
    env::Task<ShadowOutcome<std::string>> Delete(std::string thing, std::string name, std::string payload,
                                                 int republished = 0);
    ShadowOutcome<std::string> Get(std::string_view thing, std::string_view name, std::string_view payload) const;
    // Names of a thing's named shadows in order, greater than after; at most limit.
    std::vector<std::string> Names(std::string_view thing, std::string_view after, size_t limit) const;

  private:
    std::shared_ptr<const ShadowState> Find(std::string_view thing, std::string_view name) const;
    env::Task<base::Result<void>> Keep(std::string thing, std::string name, ShadowState state);
    // To everyone who listens, as QoS 1; a broker that is not there is no error.
    // Never within a turn: a rule on the topic may change the same shadow.
    env::Task<void> Tell(std::string topic, std::string payload, int republished);
    env::Turnstile& TurnstileOf(std::string_view key);

    storage::Table& table_;
    env::Clock& clock_;
    mqtt::BrokerControl* broker_ = nullptr;
    mutable std::mutex mutex_;
    std::map<std::string, std::shared_ptr<const ShadowState>, std::less<>> shadows_;  // by thing, name
    std::array<env::Turnstile, 16> turnstiles_;
};

}  // namespace wellhead::services::iot
