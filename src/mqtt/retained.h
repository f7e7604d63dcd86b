#pragma once
// Retained messages: the last one of each topic. Thread-safe.

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "mqtt/message.h"

namespace wellhead::mqtt {

struct RetainedMessage {
    MessagePtr message;
    uint8_t qos = 0;
};

class RetainedStore {
  public:
    // Replaces what the topic had. False when a limit would be passed; nothing is changed then.
    bool Set(RetainedMessage retained, size_t max_messages, size_t max_bytes);
    void Clear(std::string_view topic);
    // Of the topics that filter matches, without those that expired.
    std::vector<RetainedMessage> Find(std::string_view filter, base::Instant now) const;
    // The next entries behind topic, at most limit: to walk through all of them in steps.
    std::vector<RetainedMessage> After(std::string_view topic, size_t limit) const;
    // Lets go of those that expired, looking at the next ones, at most limit of them; from the beginning after the last.
    // Without it they would count against the limits for ever.
    void Sweep(base::Instant now, size_t limit);
    size_t size() const;

  private:
    mutable std::mutex mutex_;
    std::map<std::string, RetainedMessage, std::less<>> by_topic_;
    size_t bytes_ = 0;
    std::string swept_;  // the topic that the last sweep ended with
};

}  // namespace wellhead::mqtt
