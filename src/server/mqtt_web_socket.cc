#include "server/mqtt_web_socket.h"

namespace wellhead::server {

env::Task<net::HttpResponse> MqttWebSocketHandler::Handle(net::HttpRequest& request) {
    net::HttpResponse response;
    auto protocols = request.headers.Find("sec-websocket-protocol");
    if (!protocols || protocols->find("mqtt") == std::string_view::npos) {
        response.status = 400;
        response.body = std::string("this address speaks MQTT over WebSocket (Sec-WebSocket-Protocol: mqtt)\n");
        co_return response;
    }
    response.status = 101;
    response.headers.Add("sec-websocket-protocol", "mqtt");
    response.upgrade =
        gateway_.WebSocketFor(services::iot_gateway::OriginOf(request, request.signed_access_key_id));
    co_return response;
}

}  // namespace wellhead::server
