#pragma once
// Topic filters with '+' and '#', and which of them a topic matches. Built once, then read.

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace wellhead::services::iot {

// kInvalidArgument: what MQTT does not take for a filter ('#' not last, '+' beside other characters, empty).
base::Result<void> CheckTopicFilter(std::string_view filter);
// A topic that can be published to: no wildcards, not empty, no zero byte, at most 65535 bytes.
bool IsPublishableTopic(std::string_view topic);

class TopicTree {
  public:
    TopicTree();
    ~TopicTree();
    TopicTree(TopicTree&&) noexcept;
    TopicTree& operator=(TopicTree&&) noexcept;

    // filter is one that CheckTopicFilter takes.
    void Add(std::string_view filter, size_t value);
    // The values of all filters that topic matches, in no order. A topic that begins with '$' is not matched by a
    // wildcard in the first level (MQTT 5, 4.7.2).
    void Match(std::string_view topic, std::vector<size_t>& out) const;

  private:
    struct Node;
    static void Match(const Node& node, std::string_view rest, bool at_end, bool first, std::vector<size_t>& out);
    std::unique_ptr<Node> root_;
};

}  // namespace wellhead::services::iot
