#include "services/iot/iot_sink.h"

namespace wellhead::services::iot {

env::Task<std::vector<base::Result<void>>> IotSink::Deliver(std::span<const mqtt::PublishedMessage> messages) {
    auto results = co_await rules_.Deliver(messages);
    for (size_t i = 0; i < messages.size(); ++i) {
        const std::string& topic = messages[i].message.topic;
        if (topic.empty() || topic.front() != '$' || !results[i]) continue;
        auto shadow = ParseShadowTopic(topic);
        if (shadow) results[i] = co_await shadows_.Handle(*shadow, messages[i]);
    }
    co_return results;
}

}  // namespace wellhead::services::iot
