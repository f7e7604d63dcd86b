#pragma once
// Gateway: MQTT on streams (give it to a net::StreamListener) and on WebSockets (give WebSocketFor to the HTTP server's
// answer of 101, with Sec-WebSocket-Protocol: mqtt).

#include <memory>

#include "env/scope.h"
#include "mqtt/broker.h"
#include "net/http.h"
#include "net/stream.h"

namespace wellhead::services::iot_gateway {

// What a WebSocket's request told; signed_access_key_id only from a verified signature.
mqtt::ConnectionOrigin OriginOf(const net::HttpRequest& request, std::string signed_access_key_id);

// One for each profile; any number of listeners may share it. The connections' executors are homes of the broker.
class Gateway final : public net::StreamHandler {
  public:
    // The broker outlives it. Its listeners are stopped before it goes.
    Gateway(mqtt::Broker& broker, mqtt::Profile profile);

    env::Task<void> Serve(net::Stream& stream) override;
    // For one connection.
    std::shared_ptr<net::WebSocketHandler> WebSocketFor(mqtt::ConnectionOrigin origin);

  private:
    mqtt::Broker& broker_;
    std::shared_ptr<const mqtt::Profile> profile_;
};

}  // namespace wellhead::services::iot_gateway
