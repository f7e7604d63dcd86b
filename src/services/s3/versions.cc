#include "services/s3/versions.h"

#include <fmt/format.h>

#include <charconv>

#include "services/s3/listing.h"
#include "services/s3/s3_errors.h"

namespace wellhead::services::s3 {

namespace {
constexpr size_t kIdDigits = 16;
constexpr size_t kScanStep = 256;
}  // namespace

std::string VersionIdOf(const storage::ObjectMetadata& metadata) {
    return metadata.named ? fmt::format("{:016x}", metadata.version) : "null";
}

api::Outcome<uint64_t> VersionOfId(const std::optional<std::string>& id) {
    if (!id) return storage::kCurrentVersion;
    if (*id == "null") return storage::kUnnamedVersion;
    uint64_t version = 0;
    auto [end, error] = std::from_chars(id->data(), id->data() + id->size(), version, 16);
    if (id->size() == kIdDigits && error == std::errc() && end == id->data() + id->size() && version != 0) return version;
    return std::unexpected(InvalidArgument("Invalid version id specified", "versionId", *id));
}

env::Task<base::Result<std::optional<storage::ObjectEntry>>> EntryOfVersion(storage::ObjectStore& store,
                                                                            std::string bucket, std::string key,
                                                                            uint64_t version) {
    storage::ObjectRange range{key, key, version == storage::kCurrentVersion ? 1 : kScanStep};
    range.versions = true;
    for (;;) {
        auto entries = co_await store.List(bucket, range);
        if (!entries) co_return std::unexpected(entries.error());
        for (auto& entry : *entries) {
            if (entry.key != key) co_return std::optional<storage::ObjectEntry>();
            const bool unnamed = version == storage::kUnnamedVersion && !entry.metadata.named;
            if (unnamed || version == storage::kCurrentVersion || entry.metadata.version == version) co_return std::move(entry);
        }
        if (entries->size() < range.limit) co_return std::optional<storage::ObjectEntry>();
        range.below = entries->back().metadata.version;
    }
}

env::Task<api::Outcome<VersionPage>> VersionPageOf(storage::ObjectStore& store, VersionQuery query) {
    VersionPage page;
    if (query.limit == 0) co_return page;
    storage::ObjectRange range;
    range.prefix = query.prefix;
    range.versions = true;
    range.limit = std::min(query.limit + 1, kScanStep);
    if (!query.key_marker.empty()) range.first = query.key_marker + '\0';
    if (query.version_marker) {
        CO_ASSIGN_OR_RETURN(const uint64_t version, VersionOfId(query.version_marker));
        auto marker = co_await EntryOfVersion(store, query.bucket, query.key_marker, version);
        if (!marker) co_return std::unexpected(FromStorage(marker.error()));
        range.first = query.key_marker;
        range.below = *marker ? (*marker)->metadata.version : version;
    }
    // Whether the first entry of the next scan is the newest of its key.
    std::string last_key = query.version_marker ? query.key_marker : "";
    bool any = query.version_marker.has_value();
    for (;;) {
        auto entries = co_await store.List(query.bucket, range);
        if (!entries) co_return std::unexpected(FromStorage(entries.error()));
        bool jumped = false;
        for (auto& entry : *entries) {
            const size_t at = query.delimiter.empty() ? std::string::npos : entry.key.find(query.delimiter, query.prefix.size());
            std::string group = at == std::string::npos ? "" : entry.key.substr(0, at + query.delimiter.size());
            const bool skipped = !group.empty() && group == query.key_marker;
            if (!skipped && page.versions.size() + page.common_prefixes.size() >= query.limit) {
                page.truncated = true;
                co_return page;
            }
            if (!group.empty()) {
                range.first = BehindPrefix(group);
                range.below = storage::kCurrentVersion;
                jumped = true;
                if (!skipped) {
                    page.next_key = group;
                    page.next_version.clear();
                    page.common_prefixes.push_back(std::move(group));
                }
                break;
            }
            const bool latest = !any || entry.key != last_key;
            any = true;
            last_key = entry.key;
            page.next_key = entry.key;
            page.next_version = VersionIdOf(entry.metadata);
            range.first = entry.key;
            range.below = entry.metadata.version;
            page.versions.push_back({std::move(entry), latest});
        }
        if (!jumped && entries->size() < range.limit) co_return page;
        if (jumped && range.first.empty()) co_return page;
    }
}

}  // namespace wellhead::services::s3
