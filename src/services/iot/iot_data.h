#pragma once
// The data API of AWS IoT: publishing, retained messages and shadows over HTTP.

#include "apis/iot_data/api.h"
#include "env/clock.h"
#include "mqtt/ports.h"
#include "services/iot/shadow_service.h"

namespace wellhead::services::iot {

// Every reference outlives the object.
class IotData final : public apis::iot_data::IotDataApi {
  public:
    IotData(ShadowService& shadows, env::Clock& clock) : shadows_(shadows), clock_(clock) {}
    void SetBroker(mqtt::BrokerControl* broker) { broker_ = broker; }

    env::Task<api::Outcome<apis::iot_data::PublishOutput>> Publish(const api::CallContext& context,
                                                                  apis::iot_data::PublishRequest input) override;
    env::Task<api::Outcome<apis::iot_data::GetRetainedMessageResponse>> GetRetainedMessage(
        const api::CallContext& context, apis::iot_data::GetRetainedMessageRequest input) override;
    env::Task<api::Outcome<apis::iot_data::ListRetainedMessagesResponse>> ListRetainedMessages(
        const api::CallContext& context, apis::iot_data::ListRetainedMessagesRequest input) override;
    env::Task<api::Outcome<apis::iot_data::GetThingShadowResponse>> GetThingShadow(
        const api::CallContext& context, apis::iot_data::GetThingShadowRequest input) override;
    env::Task<api::Outcome<apis::iot_data::UpdateThingShadowResponse>> UpdateThingShadow(
        const api::CallContext& context, apis::iot_data::UpdateThingShadowRequest input) override;
    env::Task<api::Outcome<apis::iot_data::DeleteThingShadowResponse>> DeleteThingShadow(
        const api::CallContext& context, apis::iot_data::DeleteThingShadowRequest input) override;
    env::Task<api::Outcome<apis::iot_data::ListNamedShadowsForThingResponse>> ListNamedShadowsForThing(
        const api::CallContext& context, apis::iot_data::ListNamedShadowsForThingRequest input) override;

  private:
    env::Task<api::Outcome<std::vector<mqtt::Message>>> Retained();

    ShadowService& shadows_;
    env::Clock& clock_;
    mqtt::BrokerControl* broker_ = nullptr;
};

}  // namespace wellhead::services::iot
