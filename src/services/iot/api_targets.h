#pragma once
// Rules' actions by the generated APIs of other services; where one is not there, its actions say so.

#include <memory>
#include <string>

#include "api/service.h"
#include "services/iot/rule_targets.h"

namespace wellhead::apis::kinesis {
class KinesisApi;
}
namespace wellhead::apis::firehose {
class FirehoseApi;
}
namespace wellhead::apis::s3 {
class S3Api;
}

namespace wellhead::services::iot {

// Other services, here or remote. Each may be null; those given outlive the user.
struct IotPeers {
    apis::kinesis::KinesisApi* kinesis = nullptr;
    apis::firehose::FirehoseApi* firehose = nullptr;
    apis::s3::S3Api* s3 = nullptr;
};

class ApiTargets final : public RuleTargets {
  public:
    // context: on whose behalf the actions are.
    ApiTargets(IotPeers peers, api::CallContext context) : peers_(peers), context_(std::move(context)) {}
    void SetBroker(mqtt::BrokerControl* broker) { broker_ = broker; }

    env::Task<std::vector<base::Result<void>>> PutToStream(std::string stream,
                                                           std::vector<StreamRecord> records) override;
    env::Task<std::vector<base::Result<void>>> PutToDelivery(std::string delivery_stream,
                                                             std::vector<DeliveryRecord> records) override;
    env::Task<base::Result<void>> PutObject(std::string bucket, std::string key, base::Bytes data) override;
    env::Task<base::Result<void>> Publish(mqtt::PublishedMessage message) override;

  private:
    IotPeers peers_;
    api::CallContext context_;
    mqtt::BrokerControl* broker_ = nullptr;
};

}  // namespace wellhead::services::iot
