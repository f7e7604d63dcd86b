#pragma once
// What happens to a published message besides its subscribers: rules and shadows.

#include "mqtt/ports.h"
#include "services/iot/rules_engine.h"
#include "services/iot/shadow_service.h"

namespace wellhead::services::iot {

class IotSink final : public mqtt::PublishSink {
  public:
    // Both outlive the sink.
    IotSink(RulesEngine& rules, ShadowService& shadows) : rules_(rules), shadows_(shadows) {}

    env::Task<std::vector<base::Result<void>>> Deliver(std::span<const mqtt::PublishedMessage> messages) override;
    bool ReservesTopic(std::string_view topic) const override { return RulesEngine::IsBasicIngest(topic); }

  private:
    RulesEngine& rules_;
    ShadowService& shadows_;
};

}  // namespace wellhead::services::iot
