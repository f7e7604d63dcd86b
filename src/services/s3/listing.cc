#include "services/s3/listing.h"

#include "codec/base64.h"
#include "codec/crc.h"

namespace wellhead::services::s3 {

namespace {

constexpr size_t kScanStep = 256;

// The part of key up to and with the first delimiter behind the prefix; empty when there is none.
std::string CommonPrefixOf(const std::string& key, const ListQuery& query) {
    if (query.delimiter.empty()) return {};
    size_t at = key.find(query.delimiter, query.prefix.size());
    if (at == std::string::npos) return {};
    return key.substr(0, at + query.delimiter.size());
}

bool IsFull(const ListPage& page, size_t limit) {
    return page.objects.size() + page.common_prefixes.size() >= limit;
}

}  // namespace

std::string BehindPrefix(std::string prefix) {
    while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xff) prefix.pop_back();
    if (!prefix.empty()) prefix.back() = static_cast<char>(prefix.back() + 1);
    return prefix;
}

env::Task<base::Result<ListPage>> ListPageOf(storage::ObjectStore& store, ListQuery query) {
    ListPage page;
    if (query.limit == 0) co_return page;
    std::string from = query.from;
    if (!query.after.empty()) from = query.after + '\0';
    for (;;) {
        storage::ObjectRange range{query.prefix, from, std::min(query.limit + 1, kScanStep)};
        const size_t asked = range.limit;
        auto entries = co_await store.List(query.bucket, range);
        if (!entries) co_return std::unexpected(entries.error());
        bool jumped = false;
        for (auto& entry : *entries) {
            std::string group = CommonPrefixOf(entry.key, query);
            if (!group.empty() && group == query.after) {
                from = BehindPrefix(group);
                jumped = true;
                break;
            }
            if (IsFull(page, query.limit)) {
                page.truncated = true;
                page.next = entry.key;
                co_return page;
            }
            if (!group.empty()) {
                from = BehindPrefix(group);
                page.last = group;
                page.common_prefixes.push_back(std::move(group));
                jumped = true;
                break;
            }
            from = entry.key + '\0';
            page.last = entry.key;
            page.objects.push_back(std::move(entry));
        }
        if (!jumped && entries->size() < asked) co_return page;
        if (jumped && from.empty()) co_return page;  // behind a prefix of 0xff bytes only there is nothing
    }
}

std::string MakeToken(const std::string& from) {
    uint32_t crc = codec::Crc32c(from);
    std::string bytes = "1";
    for (int i = 0; i < 4; ++i) bytes += static_cast<char>(crc >> (8 * i));
    return codec::EncodeBase64Url(bytes + from);
}

std::optional<std::string> ReadToken(const std::string& token) {
    auto bytes = codec::DecodeBase64Url(token);
    if (!bytes || bytes->size() < 5 || (*bytes)[0] != '1') return std::nullopt;
    std::string from = bytes->substr(5);
    if (MakeToken(from) != token) return std::nullopt;
    return from;
}

}  // namespace wellhead::services::s3
