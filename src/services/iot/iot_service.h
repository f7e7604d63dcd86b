#pragma once
// AWS IoT Core but for the broker: everything of this folder put together. The server makes one and hands its parts to
// the broker, the listeners and the gateway.

#include <memory>
#include <string>
#include <vector>

#include "apis/iot/api.h"
#include "apis/iot_data/api.h"
#include "base/result.h"
#include "env/blocking_pool.h"
#include "env/clock.h"
#include "env/files.h"
#include "env/random.h"
#include "env/task.h"
#include "mqtt/ports.h"
#include "services/iot/api_targets.h"
#include "services/iot/authorizer.h"
#include "services/iot/certificate_authority.h"
#include "storage/table/table.h"

namespace wellhead::services::iot {

struct IotSettings {
    std::string region = "us-east-1";
    std::string account_id = "000000000000";
    // What DescribeEndpoint answers: where clients reach the MQTT listener and the data API, "host" or "host:port".
    std::string endpoint = "localhost";
    bool trust_plain = false;          // see AuthorizerSettings
    bool require_server_name = false;  // see AuthorizerSettings
    std::string zone_directory = "/usr/share/zoneinfo";
};

// The authority's record: whoever empties the table may keep this collection, so that clients go on trusting.
inline constexpr const char* kKeptCollection = "iot/authority";

class IotService {
  public:
    // Reads the registry; makes the certificate authority at the first start. What is given outlives the service.
    static env::Task<base::Result<std::unique_ptr<IotService>>> Start(storage::Table& table, env::Clock& clock,
                                                                      env::Random& random, env::Files& files,
                                                                      env::BlockingPool& pool, IotSettings settings,
                                                                      IotPeers peers);
    ~IotService();

    apis::iot::IotApi& control();
    apis::iot_data::IotDataApi& data();
    mqtt::Authorizer& authorizer();
    mqtt::PublishSink& sink();
    mqtt::ClientEvents& client_events();
    // Broker and sink refer to each other: set once the broker is there, and null before it goes.
    void SetBroker(mqtt::BrokerControl* broker);

    // What devices and clients trust: PEM.
    const std::string& ca_certificate_pem() const;
    // For the TLS listeners, signed by that authority. names are DNS names and addresses.
    base::Result<IssuedCertificate> IssueServerCertificate(const std::vector<std::string>& names,
                                                           base::Duration lifetime);

  private:
    struct Parts;
    explicit IotService(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace wellhead::services::iot
