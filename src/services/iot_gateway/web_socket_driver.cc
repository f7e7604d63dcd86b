#include "services/iot_gateway/web_socket_driver.h"

namespace wellhead::services::iot_gateway {

namespace {
constexpr size_t kWriteBytes = 64 * 1024;
constexpr uint16_t kNormalClosure = 1000;
constexpr uint16_t kUnsupportedData = 1003;
constexpr uint16_t kTooBig = 1009;
}  // namespace

WebSocketDriver::WebSocketDriver(mqtt::Broker& broker, net::WebSocket& socket, env::Executor executor,
                                 std::shared_ptr<const mqtt::Profile> profile, mqtt::ConnectionOrigin origin)
    : socket_(socket), executor_(executor), changed_(executor), resumed_(executor) {
    connection_ = broker.Connect(broker.HomeOf(executor), std::move(origin), std::move(profile), *this);
}

env::Task<void> WebSocketDriver::Run() {
    env::Spawn(scope_, executor_, "mqtt websocket write", WriteLoop());
    co_await boost::asio::this_coro::throw_if_cancelled(false);
    co_await ReadLoop();
    connection_->Lost();
    changed_.Set();
    co_await scope_.Close();
}

env::Task<void> WebSocketDriver::ReadLoop() {
    while (!connection_->finished()) {
        while (connection_->paused()) {
            resumed_.Reset();
            co_await resumed_.Wait();
            auto cancellation = co_await boost::asio::this_coro::cancellation_state;
            if (cancellation.cancelled() != boost::asio::cancellation_type::none) co_return;
            if (!held_.Feed(*connection_, {})) co_return;
            changed_.Set();
        }
        auto message = co_await socket_.Read();
        if (!message) co_return;
        if (!message->binary) {  // [MQTT-6.0.0-1]
            closed_ = true;
            co_await socket_.Close(kUnsupportedData, "MQTT is binary");
            co_return;
        }
        if (connection_->finished()) co_return;
        const bool kept = held_.Feed(*connection_, message->data);
        if (!kept) {
            closed_ = true;
            co_await socket_.Close(kTooBig, "too much before CONNECT");
            co_return;
        }
        changed_.Set();
    }
}

env::Task<void> WebSocketDriver::WriteLoop() {
    for (;;) {
        co_await changed_.Wait();
        changed_.Reset();
        if (closed_) co_return;
        if (!connection_->paused()) resumed_.Set();
        base::Bytes out;
        bool more = connection_->TakeOutput(out, kWriteBytes);
        if (!out.empty()) {
            auto written = co_await socket_.Write(true, out);
            if (!written) co_return;
        }
        if (more) {
            changed_.Set();
        } else if (connection_->finished()) {
            co_await socket_.Close(kNormalClosure, "");
            co_return;
        }
    }
}

}  // namespace wellhead::services::iot_gateway
