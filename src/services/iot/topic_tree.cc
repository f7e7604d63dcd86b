#include "services/iot/topic_tree.h"

namespace wellhead::services::iot {

struct TopicTree::Node {
    std::map<std::string, std::unique_ptr<Node>, std::less<>> children;
    std::unique_ptr<Node> plus;
    std::vector<size_t> here;  // filters that end at this level
    std::vector<size_t> hash;  // filters that end in '#' at this level
};

TopicTree::TopicTree() : root_(std::make_unique<Node>()) {}
TopicTree::~TopicTree() = default;
TopicTree::TopicTree(TopicTree&&) noexcept = default;
TopicTree& TopicTree::operator=(TopicTree&&) noexcept = default;

base::Result<void> CheckTopicFilter(std::string_view filter) {
    if (filter.empty() || filter.size() > 65535) {
        return base::Fail(base::ErrorCode::kInvalidArgument, "a topic filter has 1 to 65535 bytes");
    }
    if (filter.find('\0') != std::string_view::npos) {
        return base::Fail(base::ErrorCode::kInvalidArgument, "a topic filter holds no zero byte");
    }
    while (true) {
        size_t slash = filter.find('/');
        std::string_view level = filter.substr(0, slash);
        bool last = slash == std::string_view::npos;
        if (level.find('#') != std::string_view::npos && (level.size() != 1 || !last)) {
            return base::Fail(base::ErrorCode::kInvalidArgument, "'#' must be the whole last level of a topic filter");
        }
        if (level.find('+') != std::string_view::npos && level.size() != 1) {
            return base::Fail(base::ErrorCode::kInvalidArgument, "'+' must be a whole level of a topic filter");
        }
        if (last) return {};
        filter.remove_prefix(slash + 1);
    }
}

bool IsPublishableTopic(std::string_view topic) {
    return !topic.empty() && topic.size() <= 65535 &&
           topic.find_first_of(std::string_view("+#\0", 3)) == std::string_view::npos;
}

void TopicTree::Add(std::string_view filter, size_t value) {
    Node* node = root_.get();
    while (true) {
        size_t slash = filter.find('/');
        std::string_view level = filter.substr(0, slash);
        if (level == "#") {
            node->hash.push_back(value);
            return;
        }
        std::unique_ptr<Node>* next = nullptr;
        if (level == "+") {
            next = &node->plus;
        } else {
            next = &node->children[std::string(level)];
        }
        if (!*next) *next = std::make_unique<Node>();
        node = next->get();
        if (slash == std::string_view::npos) {
            node->here.push_back(value);
            return;
        }
        filter.remove_prefix(slash + 1);
    }
}

void TopicTree::Match(std::string_view topic, std::vector<size_t>& out) const {
    Match(*root_, topic, false, true, out);
}

// rest are the levels below node; at_end: there are none.
void TopicTree::Match(const Node& node, std::string_view rest, bool at_end, bool first, std::vector<size_t>& out) {
    bool wildcards = !(first && rest.starts_with('$'));
    if (wildcards) out.insert(out.end(), node.hash.begin(), node.hash.end());
    if (at_end) {
        out.insert(out.end(), node.here.begin(), node.here.end());
        return;
    }
    size_t slash = rest.find('/');
    bool last = slash == std::string_view::npos;
    std::string_view level = rest.substr(0, slash);
    std::string_view below = last ? std::string_view() : rest.substr(slash + 1);
    auto child = node.children.find(level);
    if (child != node.children.end()) Match(*child->second, below, last, false, out);
    if (wildcards && node.plus) Match(*node.plus, below, last, false, out);
}

}  // namespace wellhead::services::iot
