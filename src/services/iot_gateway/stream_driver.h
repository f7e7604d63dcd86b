#pragma once
// StreamDriver: one MQTT connection on a stream. Reads when there is something, writes at once as far as the transport
// takes it; only a transport that takes no more gets a task that waits. An idle connection holds no buffer.

#include "env/event.h"
#include "env/scope.h"
#include "mqtt/broker.h"
#include "net/stream.h"
#include "services/iot_gateway/held_input.h"

namespace wellhead::services::iot_gateway {

class StreamDriver final : public mqtt::ConnectionDriver {
  public:
    StreamDriver(mqtt::Broker& broker, net::Stream& stream, std::shared_ptr<const mqtt::Profile> profile);
    ~StreamDriver() override;

    // To the end of the connection.
    env::Task<void> Run();
    void Wake() override;

  private:
    enum class Took {
        kAll,   // there is no more now
        kFull,  // a buffer full: there may be more
        kEnd,
    };
    // Reads once, and feeds what came.
    Took TakeSome();
    env::Task<void> WaitWhilePaused();
    env::Task<void> Drain();
    bool Feed(base::ByteView bytes);
    void Flush();
    void CloseSoon();

    mqtt::Broker& broker_;
    net::Stream& stream_;
    std::shared_ptr<mqtt::Connection> connection_;
    HeldInput held_;
    base::Bytes unsent_;  // the transport did not take it yet
    env::Event* resume_ = nullptr;  // of the reader, while it is paused
    std::unique_ptr<env::Scope> drains_;  // made by the first write that the transport does not take
    bool feeding_ = false;
    bool flushing_ = false;
    bool blocked_ = false;  // Drain has the writing
    bool closing_ = false;
};

}  // namespace wellhead::services::iot_gateway
