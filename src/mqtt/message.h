#pragma once
// A message on its way to subscribers: made once, immutable, shared by every queue that holds it.

#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"

namespace wellhead::mqtt {

struct StoredMessage {
    uint64_t number = 0;  // unique in this broker, across restarts
    std::string topic;
    base::Bytes properties;  // the forwarded properties, encoded, without their length
    base::Bytes payload;
    base::Instant expires = base::Instant::max();

    size_t bytes() const { return 160 + topic.size() + properties.size() + payload.size(); }
};
using MessagePtr = std::shared_ptr<const StoredMessage>;

// One message for one session.
struct QueuedMessage {
    MessagePtr message;
    std::unique_ptr<std::vector<uint32_t>> more_ids;  // subscription identifiers beyond the first
    uint32_t subscription_id = 0;                     // 0: none
    uint8_t qos = 0;
    bool retain = false;
};

}  // namespace wellhead::mqtt
