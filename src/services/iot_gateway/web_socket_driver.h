#pragma once
// WebSocketDriver: one MQTT connection on a WebSocket; binary messages carry the bytes, their borders mean nothing
// ([MQTT-6.0.0-2]).

#include "env/event.h"
#include "env/scope.h"
#include "mqtt/broker.h"
#include "net/http.h"
#include "services/iot_gateway/held_input.h"

namespace wellhead::services::iot_gateway {

class WebSocketDriver final : public mqtt::ConnectionDriver {
  public:
    WebSocketDriver(mqtt::Broker& broker, net::WebSocket& socket, env::Executor executor,
                    std::shared_ptr<const mqtt::Profile> profile, mqtt::ConnectionOrigin origin);

    env::Task<void> Run();
    void Wake() override { changed_.Set(); }

  private:
    env::Task<void> ReadLoop();
    env::Task<void> WriteLoop();

    net::WebSocket& socket_;
    env::Executor executor_;
    std::shared_ptr<mqtt::Connection> connection_;
    HeldInput held_;
    env::Event changed_;  // for the writer: output, or the end
    env::Event resumed_;  // for the reader: not paused any more
    env::Scope scope_;
    bool closed_ = false;  // by the reader
};

}  // namespace wellhead::services::iot_gateway
