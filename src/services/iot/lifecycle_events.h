#pragma once
// Lifecycle events: $aws/events/presence/... and $aws/events/subscriptions/..., as AWS IoT publishes them.
// (https://docs.aws.amazon.com/iot/latest/developerguide/life-cycle-events.html)

#include "env/random.h"
#include "mqtt/ports.h"

namespace wellhead::services::iot {

class LifecycleEvents final : public mqtt::ClientEvents {
  public:
    explicit LifecycleEvents(env::Random& random) : seed_(env::RandomUint64(random)) {}
    std::optional<mqtt::PublishedMessage> Announce(const mqtt::ClientEvent& event) override;

  private:
    uint64_t seed_;  // so that session identifiers of two processes differ
};

// What only the service itself publishes; a client's message there would be a forgery.
bool IsEventTopic(std::string_view topic);

}  // namespace wellhead::services::iot
