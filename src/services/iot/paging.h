#pragma once
// Pages of lists: opaque tokens that name the operation they belong to, so that a foreign one is refused.

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/service.h"
#include "services/iot/registry.h"

namespace wellhead::services::iot {

std::string MakePageToken(std::string_view operation, std::string_view last_key);
// The last key of the page before; empty for an absent token. InvalidRequestException for a foreign one.
api::Outcome<std::string> ReadPageToken(std::string_view operation, const std::optional<std::string>& token);

// The limit asked for, 250 when none was; at most 250.
size_t PageLimit(const std::optional<int32_t>& asked, size_t otherwise = 250);

template <class Item>
struct PageOf {
    std::vector<Item> items;
    std::optional<std::string> next;
};

// items in their order, keyed by key(item); those behind the token's key, which need not be among them any more when
// before(a, b) orders keys.
template <class Item, class KeyOf>
api::Outcome<PageOf<Item>> TakePage(std::vector<Item> items, std::string_view operation,
                                    const std::optional<std::string>& token, size_t limit, bool descending,
                                    KeyOf key) {
    auto last = ReadPageToken(operation, token);
    if (!last) return std::unexpected(last.error());
    std::sort(items.begin(), items.end(), [&](const Item& a, const Item& b) {
        return descending ? key(b) < key(a) : key(a) < key(b);
    });
    PageOf<Item> page;
    for (Item& item : items) {
        if (!last->empty() && (descending ? key(item) >= *last : key(item) <= *last)) continue;
        if (page.items.size() == limit) {
            page.next = MakePageToken(operation, key(page.items.back()));
            break;
        }
        page.items.push_back(std::move(item));
    }
    return page;
}

// The same over records, in the order of their keys, without copying all of them.
template <class Record>
api::Outcome<PageOf<std::shared_ptr<const Record>>> TakeRecords(
    const Records<Record>& records, std::string_view prefix, std::string_view operation,
    const std::optional<std::string>& token, size_t limit, const std::function<bool(const Record&)>& keep = nullptr) {
    auto last = ReadPageToken(operation, token);
    if (!last) return std::unexpected(last.error());
    auto found = records.Page(prefix, *last, limit + 1, keep);
    PageOf<std::shared_ptr<const Record>> page;
    if (found.size() > limit) {
        found.pop_back();
        page.next = MakePageToken(operation, found.back().first);
    }
    for (auto& [key, record] : found) page.items.push_back(std::move(record));
    return page;
}

}  // namespace wellhead::services::iot
