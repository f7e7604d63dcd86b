#pragma once
// GET /mqtt with a verified signature: the connection becomes MQTT over WebSocket (MQTT 5.0, section 6).

#include "net/http.h"
#include "services/iot_gateway/gateway.h"

namespace wellhead::server {

class MqttWebSocketHandler final : public net::HttpHandler {
  public:
    // gateway outlives it.
    explicit MqttWebSocketHandler(services::iot_gateway::Gateway& gateway) : gateway_(gateway) {}
    env::Task<net::HttpResponse> Handle(net::HttpRequest& request) override;

  private:
    services::iot_gateway::Gateway& gateway_;
};

}  // namespace wellhead::server
