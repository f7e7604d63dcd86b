#include "mqtt/retained.h"

#include "mqtt/topic.h"

namespace wellhead::mqtt {

bool RetainedStore::Set(RetainedMessage retained, size_t max_messages, size_t max_bytes) {
    std::lock_guard lock(mutex_);
    auto found = by_topic_.find(retained.message->topic);
    const size_t old_bytes = found == by_topic_.end() ? 0 : found->second.message->bytes();
    const size_t new_bytes = bytes_ - old_bytes + retained.message->bytes();
    if (found == by_topic_.end() && by_topic_.size() >= max_messages) return false;
    if (new_bytes > max_bytes && new_bytes > bytes_) return false;
    bytes_ = new_bytes;
    if (found != by_topic_.end()) {
        found->second = std::move(retained);
    } else {
        std::string topic = retained.message->topic;
        by_topic_.emplace(std::move(topic), std::move(retained));
    }
    return true;
}

void RetainedStore::Clear(std::string_view topic) {
    std::lock_guard lock(mutex_);
    auto found = by_topic_.find(topic);
    if (found == by_topic_.end()) return;
    bytes_ -= found->second.message->bytes();
    by_topic_.erase(found);
}

std::vector<RetainedMessage> RetainedStore::Find(std::string_view filter, base::Instant now) const {
    std::vector<RetainedMessage> out;
    // Only topics that begin as the filter does before its first wildcard can match; without the last '/', because
    // "a/#" matches "a".
    std::string_view prefix = filter.substr(0, filter.find_first_of("+#"));
    const bool exact = prefix.size() == filter.size();
    if (prefix.ends_with('/') && !exact) prefix.remove_suffix(1);
    std::lock_guard lock(mutex_);
    for (auto it = by_topic_.lower_bound(prefix); it != by_topic_.end(); ++it) {
        if (!std::string_view(it->first).starts_with(prefix) || (exact && it->first != filter)) break;
        if (it->second.message->expires <= now) continue;
        if (FilterMatches(filter, it->first)) out.push_back(it->second);
    }
    return out;
}

std::vector<RetainedMessage> RetainedStore::After(std::string_view topic, size_t limit) const {
    std::vector<RetainedMessage> out;
    std::lock_guard lock(mutex_);
    for (auto it = by_topic_.upper_bound(topic); it != by_topic_.end() && out.size() < limit; ++it) {
        out.push_back(it->second);
    }
    return out;
}

void RetainedStore::Sweep(base::Instant now, size_t limit) {
    std::lock_guard lock(mutex_);
    auto it = by_topic_.upper_bound(swept_);
    for (; it != by_topic_.end() && limit > 0; --limit) {
        swept_ = it->first;
        if (it->second.message->expires > now) {
            ++it;
            continue;
        }
        bytes_ -= it->second.message->bytes();
        it = by_topic_.erase(it);
    }
    if (it == by_topic_.end()) swept_.clear();
}

size_t RetainedStore::size() const {
    std::lock_guard lock(mutex_);
    return by_topic_.size();
}

}  // namespace wellhead::mqtt
