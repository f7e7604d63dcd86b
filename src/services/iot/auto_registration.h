#pragma once
// Registration at the first connection: a certificate that a registered authority signed becomes known the moment a
// device shows it, and somebody else decides whether it becomes active.
// (https://docs.aws.amazon.com/iot/latest/developerguide/auto-register-device-cert.html)

#include <string>

#include "env/clock.h"
#include "mqtt/ports.h"
#include "services/iot/registry.h"

namespace wellhead::services::iot {

// What is given outlives it. Thread-safe but for SetBroker.
class AutoRegistration {
  public:
    AutoRegistration(Registry& registry, env::Clock& clock, std::string account_id)
        : registry_(registry), clock_(clock), account_id_(std::move(account_id)) {}
    void SetBroker(mqtt::BrokerControl* broker) { broker_ = broker; }

    // Keeps a certificate as PENDING_ACTIVATION and publishes $aws/events/certificates/registered/AUTHORITY, when it is
    // not known yet and an active authority that allows this signed it. Otherwise nothing.
    env::Task<base::Result<void>> Consider(base::Bytes certificate_der);

  private:
    Registry& registry_;
    env::Clock& clock_;
    std::string account_id_;
    mqtt::BrokerControl* broker_ = nullptr;
};

}  // namespace wellhead::services::iot
