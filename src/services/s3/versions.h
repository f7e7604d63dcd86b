#pragma once
// Version ids: what a client calls a version of the store. 16 hexadecimal digits, or "null" for the unnamed one.

#include <optional>
#include <string>

#include "api/service.h"
#include "storage/object_store/object_store.h"

namespace wellhead::services::s3 {

std::string VersionIdOf(const storage::ObjectMetadata& metadata);
// kCurrentVersion without an id. InvalidArgument: not an id that was ever given out.
api::Outcome<uint64_t> VersionOfId(const std::optional<std::string>& id);

// One page of ListObjectVersions.
struct VersionQuery {
    std::string bucket;
    std::string prefix;
    std::string delimiter;
    std::string key_marker;
    std::optional<std::string> version_marker;
    size_t limit = 1000;
};
struct VersionEntry {
    storage::ObjectEntry entry;
    bool latest = false;
};
struct VersionPage {
    std::vector<VersionEntry> versions;
    std::vector<std::string> common_prefixes;
    bool truncated = false;
    std::string next_key;
    std::string next_version;  // empty behind a common prefix
};
env::Task<api::Outcome<VersionPage>> VersionPageOf(storage::ObjectStore& store, VersionQuery query);

// The entry of one version of the key, tombstones too; with kCurrentVersion of the newest. Nothing when it never was.
env::Task<base::Result<std::optional<storage::ObjectEntry>>> EntryOfVersion(storage::ObjectStore& store,
                                                                            std::string bucket, std::string key,
                                                                            uint64_t version);

}  // namespace wellhead::services::s3
