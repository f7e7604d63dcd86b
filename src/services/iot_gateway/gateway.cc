#include "services/iot_gateway/gateway.h"

#include "services/iot_gateway/stream_driver.h"
#include "services/iot_gateway/web_socket_driver.h"

namespace wellhead::services::iot_gateway {

mqtt::ConnectionOrigin OriginOf(const net::HttpRequest& request, std::string signed_access_key_id) {
    return {.peer_address = request.peer.address,
            .server_name = request.server_name,
            .tls = request.tls,
            .client_certificate_der = request.client_certificate_der,
            .signed_access_key_id = std::move(signed_access_key_id)};
}

Gateway::Gateway(mqtt::Broker& broker, mqtt::Profile profile)
    : broker_(broker), profile_(std::make_shared<const mqtt::Profile>(std::move(profile))) {}

env::Task<void> Gateway::Serve(net::Stream& stream) {
    StreamDriver driver(broker_, stream, profile_);
    co_await driver.Run();
}

namespace {

class OneWebSocket final : public net::WebSocketHandler {
  public:
    OneWebSocket(mqtt::Broker& broker, std::shared_ptr<const mqtt::Profile> profile, mqtt::ConnectionOrigin origin)
        : broker_(broker), profile_(std::move(profile)), origin_(std::move(origin)) {}

    env::Task<void> Serve(net::WebSocket& socket) override {
        auto executor = co_await boost::asio::this_coro::executor;
        WebSocketDriver driver(broker_, socket, executor, profile_, origin_);
        co_await driver.Run();
    }

  private:
    mqtt::Broker& broker_;
    std::shared_ptr<const mqtt::Profile> profile_;
    mqtt::ConnectionOrigin origin_;
};

}  // namespace

std::shared_ptr<net::WebSocketHandler> Gateway::WebSocketFor(mqtt::ConnectionOrigin origin) {
    return std::make_shared<OneWebSocket>(broker_, profile_, std::move(origin));
}

}  // namespace wellhead::services::iot_gateway
