#pragma once
// Listings with prefix, delimiter and pages, over the object store's ordered keys.

#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "api/service.h"
#include "storage/object_store/object_store.h"

namespace wellhead::services::s3 {

struct ListQuery {
    std::string bucket;
    std::string prefix;
    std::string delimiter;  // empty: none
    std::string after;      // only what is greater; a common prefix equal to it is left out as well
    std::string from;       // only what is not less (a continuation); either of the two
    size_t limit = 1000;
};

struct ListPage {
    std::vector<storage::ObjectEntry> objects;
    std::vector<std::string> common_prefixes;
    bool truncated = false;
    std::string last;  // the last key or common prefix that is in it
    std::string next;  // where the next page begins (from)
};

env::Task<base::Result<ListPage>> ListPageOf(storage::ObjectStore& store, ListQuery query);

// The first key behind all that begin with prefix; empty when there is none.
std::string BehindPrefix(std::string prefix);

// Continuation tokens: opaque to clients; nothing for one that is not ours.
std::string MakeToken(const std::string& from);
std::optional<std::string> ReadToken(const std::string& token);

}  // namespace wellhead::services::s3
