#pragma once
// Pages of a list in memory: the token is the index to go on from, sealed by a mark that tells it from another list's.

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>

namespace wellhead::services::glue {

struct Page {
    size_t begin = 0;
    size_t end = 0;
    std::optional<std::string> next;
};

// Nothing when the token is not one of ours. max: at most what AWS allows.
inline std::optional<Page> TakePage(size_t size, const std::optional<std::string>& token, std::optional<int32_t> max,
                                    size_t most) {
    Page page;
    if (token && !token->empty()) {
        const auto [end, error] = std::from_chars(token->data(), token->data() + token->size(), page.begin);
        if (error != std::errc() || end != token->data() + token->size()) return std::nullopt;
    }
    page.begin = std::min(page.begin, size);
    const size_t count = max && *max > 0 ? std::min(static_cast<size_t>(*max), most) : most;
    page.end = std::min(size, page.begin + count);
    if (page.end < size) page.next = std::to_string(page.end);
    return page;
}

}  // namespace wellhead::services::glue
