#include "mqtt/subscription_tree.h"

#include <algorithm>

#include "mqtt/topic.h"

namespace wellhead::mqtt {

namespace {
struct LevelHash {
    using is_transparent = void;
    size_t operator()(std::string_view level) const { return std::hash<std::string_view>()(level); }
};
}  // namespace

struct SubscriptionTree::Node {
    std::unordered_map<std::string, std::unique_ptr<Node>, LevelHash, std::equal_to<>> levels;
    std::unique_ptr<Node> any_level;  // '+'
    std::vector<ShareGroup::Member> members;
    std::vector<std::unique_ptr<ShareGroup>> groups;
    // Of filters that end here with "/#".
    std::unique_ptr<Node> rest;

    bool unused() const { return levels.empty() && !any_level && members.empty() && groups.empty() && !rest; }

    Node* Child(std::string_view level) const {
        if (level == "+") return any_level.get();
        if (level == "#") return rest.get();
        auto found = levels.find(level);
        return found == levels.end() ? nullptr : found->second.get();
    }
    Node* MakeChild(std::string_view level) {
        auto& child = level == "+" ? any_level : level == "#" ? rest : levels[std::string(level)];
        if (!child) child = std::make_unique<Node>();
        return child.get();
    }
    void DropChild(std::string_view level) {
        if (level == "+") {
            any_level.reset();
        } else if (level == "#") {
            rest.reset();
        } else {
            levels.erase(levels.find(level));
        }
    }
};

namespace {

using Members = std::vector<ShareGroup::Member>;

bool AddMember(Members& members, Session* session, const Subscription& subscription) {
    for (auto& member : members) {
        if (member.session != session) continue;
        member.subscription = subscription;
        return false;
    }
    members.push_back({session, subscription});
    return true;
}

bool RemoveMember(Members& members, Session* session) {
    auto found = std::find_if(members.begin(), members.end(), [&](auto& m) { return m.session == session; });
    if (found == members.end()) return false;
    *found = members.back();
    members.pop_back();
    return true;
}

// A session with several matching filters gets the message once: highest QoS, every identifier.
void MergeDuplicates(std::vector<Match>& matches) {
    std::stable_sort(matches.begin(), matches.end(), [](auto& a, auto& b) { return a.session < b.session; });
    size_t kept = 0;
    for (size_t i = 1; i < matches.size(); ++i) {
        Match& into = matches[kept];
        Match& from = matches[i];
        if (into.session != from.session) {
            if (++kept != i) matches[kept] = std::move(from);
            continue;
        }
        Subscription& s = into.subscription;
        s.qos = std::max(s.qos, from.subscription.qos);
        s.retain_as_published |= from.subscription.retain_as_published;
        s.no_local &= from.subscription.no_local;
        if (from.subscription.id == 0) continue;
        if (s.id == 0) {
            s.id = from.subscription.id;
        } else {
            into.more_ids.push_back(from.subscription.id);
        }
    }
    if (!matches.empty()) matches.erase(matches.begin() + static_cast<std::ptrdiff_t>(kept) + 1, matches.end());
}

}  // namespace

SubscriptionTree::SubscriptionTree() : root_(std::make_unique<Node>()) {}
SubscriptionTree::~SubscriptionTree() = default;

bool SubscriptionTree::Add(std::string_view filter, Session* session, const Subscription& subscription) {
    ++version_;
    std::string_view group_name;
    if (auto shared = ParseShared(filter)) {
        group_name = shared->group;
        filter = shared->filter;
    }
    Node* node = root_.get();
    for (Levels levels(filter); !levels.done();) node = node->MakeChild(levels.Next());
    if (group_name.empty()) return AddMember(node->members, session, subscription);
    for (auto& group : node->groups) {
        if (group->name == group_name) return AddMember(group->members, session, subscription);
    }
    node->groups.push_back(std::make_unique<ShareGroup>());
    node->groups.back()->name = group_name;
    return AddMember(node->groups.back()->members, session, subscription);
}

bool SubscriptionTree::Remove(std::string_view filter, Session* session) {
    ++version_;
    std::string_view group_name;
    if (auto shared = ParseShared(filter)) {
        group_name = shared->group;
        filter = shared->filter;
    }
    std::vector<std::pair<Node*, std::string_view>> path;
    Node* node = root_.get();
    for (Levels levels(filter); !levels.done();) {
        std::string_view level = levels.Next();
        path.emplace_back(node, level);
        node = node->Child(level);
        if (node == nullptr) return false;
    }
    bool removed = false;
    if (group_name.empty()) {
        removed = RemoveMember(node->members, session);
    } else {
        for (auto group = node->groups.begin(); group != node->groups.end(); ++group) {
            if ((*group)->name != group_name) continue;
            removed = RemoveMember((*group)->members, session);
            if ((*group)->members.empty()) node->groups.erase(group);
            break;
        }
    }
    while (!path.empty() && node->unused()) {
        path.back().first->DropChild(path.back().second);
        node = path.back().first;
        path.pop_back();
    }
    return removed;
}

void SubscriptionTree::Find(std::string_view topic, Matches& out) const {
    out.clear();
    size_t sources = 0;
    auto take = [&](const Node& node) {
        if (!node.members.empty()) ++sources;
        for (const auto& member : node.members) out.sessions.push_back({member.session, member.subscription, {}});
        for (const auto& group : node.groups) out.groups.push_back(group.get());
    };
    // The nodes reached by the levels so far; at most doubled by each '+', so kept small by what was subscribed.
    std::vector<const Node*> at{root_.get()};
    std::vector<const Node*> next;
    const bool hidden = topic.starts_with('$');  // [MQTT-4.7.2-1]
    bool first = true;
    for (Levels levels(topic); !levels.done(); first = false) {
        std::string_view level = levels.Next();
        next.clear();
        for (const Node* node : at) {
            const bool wildcards = !(hidden && first);
            if (wildcards && node->rest) take(*node->rest);
            auto found = node->levels.find(level);
            if (found != node->levels.end()) next.push_back(found->second.get());
            if (wildcards && node->any_level) next.push_back(node->any_level.get());
        }
        at.swap(next);
        if (at.empty()) break;
    }
    for (const Node* node : at) {
        take(*node);
        if (node->rest) take(*node->rest);
    }
    if (sources > 1) MergeDuplicates(out.sessions);
}

}  // namespace wellhead::mqtt
