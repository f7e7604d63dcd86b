#include "services/s3/conditions.h"

#include <charconv>

namespace wellhead::services::s3 {

namespace {

std::string_view Trim(std::string_view text) {
    while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
    while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
    return text;
}

// HTTP dates have seconds.
auto Seconds(base::Instant t) { return std::chrono::floor<std::chrono::seconds>(t); }

std::optional<uint64_t> Number(std::string_view text) {
    uint64_t number = 0;
    auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
    return number;
}

}  // namespace

bool MatchesETag(const std::string& header, const std::string& etag) {
    std::string_view rest = header;
    while (!rest.empty()) {
        size_t end = std::min(rest.find(','), rest.size());
        std::string_view item = Trim(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (item == "*") return true;
        if (item.size() >= 2 && item.starts_with('"') && item.ends_with('"')) item = item.substr(1, item.size() - 2);
        if (item == etag) return true;
    }
    return false;
}

Verdict Judge(const Conditions& conditions, const std::string& etag, base::Instant modified) {
    if (conditions.if_match) {
        if (!MatchesETag(*conditions.if_match, etag)) return Verdict::kIfMatchFailed;
    } else if (conditions.if_unmodified_since) {
        if (Seconds(modified) > Seconds(*conditions.if_unmodified_since)) return Verdict::kIfUnmodifiedSinceFailed;
    }
    if (conditions.if_none_match) {
        if (MatchesETag(*conditions.if_none_match, etag)) return Verdict::kNotModified;
    } else if (conditions.if_modified_since) {
        if (Seconds(modified) <= Seconds(*conditions.if_modified_since)) return Verdict::kNotModified;
    }
    return Verdict::kGo;
}

RangeAnswer ResolveRange(const std::string& header, uint64_t size) {
    std::string_view text = Trim(header);
    if (!text.starts_with("bytes=")) return {};
    text.remove_prefix(6);
    size_t dash = text.find('-');
    if (dash == std::string_view::npos || text.find(',') != std::string_view::npos) return {};
    std::string_view first_text = Trim(text.substr(0, dash));
    std::string_view last_text = Trim(text.substr(dash + 1));
    auto first = Number(first_text);
    auto last = Number(last_text);
    if ((!first_text.empty() && !first) || (!last_text.empty() && !last)) return {};
    if (!first && !last) return {};
    if (!first) {
        uint64_t length = std::min(*last, size);
        if (length == 0) return {RangeKind::kUnsatisfiable, {}};
        return {RangeKind::kPart, {size - length, length}};
    }
    if (last && *last < *first) return {};
    if (*first >= size) return {RangeKind::kUnsatisfiable, {}};
    uint64_t end = last && *last < size - 1 ? *last + 1 : size;
    return {RangeKind::kPart, {*first, end - *first}};
}

}  // namespace wellhead::services::s3
