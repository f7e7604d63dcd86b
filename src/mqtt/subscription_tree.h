#pragma once
// Who subscribed to what: a trie of topic levels. Readers share, a writer is alone (the broker's routing lock).

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace wellhead::mqtt {

class Session;

struct Subscription {
    uint8_t qos = 0;
    bool no_local = false;
    bool retain_as_published = false;
    uint32_t id = 0;  // subscription identifier, 0: none
};

// A session that a message goes to.
struct Match {
    Session* session;
    Subscription subscription;
    // Further identifiers, of other filters of the session that match as well; empty but then.
    std::vector<uint32_t> more_ids;
};

// One shared subscription: the message goes to one of the members.
struct ShareGroup {
    std::string name;
    struct Member {
        Session* session;
        Subscription subscription;
    };
    std::vector<Member> members;
    // Whose turn it is. Its own: a counter that groups share would let two of them take turns with one member each.
    mutable std::atomic<uint64_t> turn{0};
};

struct Matches {
    std::vector<Match> sessions;            // each session once, with the highest QoS ([MQTT-3.3.4-2])
    std::vector<const ShareGroup*> groups;
    void clear() {
        sessions.clear();
        groups.clear();
    }
};

class SubscriptionTree {
  public:
    SubscriptionTree();
    ~SubscriptionTree();

    // filter may be shared ($share/...). True when the session did not have it yet; otherwise it is replaced.
    bool Add(std::string_view filter, Session* session, const Subscription& subscription);
    // True when it was there.
    bool Remove(std::string_view filter, Session* session);
    // out is cleared first. Pointers hold until the next change.
    void Find(std::string_view topic, Matches& out) const;
    // Changes with every Add and Remove, so that a Matches may be kept while it is the same.
    uint64_t version() const { return version_; }

  private:
    struct Node;
    std::unique_ptr<Node> root_;
    uint64_t version_ = 1;
};

}  // namespace wellhead::mqtt
