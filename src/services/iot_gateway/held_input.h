#pragma once
// HeldInput: feeds a connection and keeps what is not a whole packet yet.

#include "base/bytes.h"
#include "mqtt/connection.h"

namespace wellhead::services::iot_gateway {

class HeldInput {
  public:
    // False: too much is held, close.
    bool Feed(mqtt::Connection& connection, base::ByteView bytes) {
        if (held_.empty()) {
            const size_t used = connection.Receive(bytes);
            if (used < bytes.size() && !connection.finished()) held_.assign(bytes.substr(used));
        } else {
            held_.append(bytes);
            const size_t used = connection.Receive(held_);
            held_.erase(0, used);
        }
        if (connection.finished()) held_.clear();
        if (held_.empty() && held_.capacity() > 64) held_ = base::Bytes();
        return connection.HoldInput(held_.size());
    }
    bool empty() const { return held_.empty(); }

  private:
    base::Bytes held_;
};

}  // namespace wellhead::services::iot_gateway
