#pragma once
// The name on disk of an object: a total, reversible, traversal-proof encoding of its key (docs/formats/object_store.md).

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"

namespace wellhead::storage::file {

// Relative to the bucket's directory. Any key gives a path, different ones give different paths, no path leaves the
// bucket, no path is a directory on the way of another.
std::string PathOfObject(base::ByteView key, uint64_t generation);

struct ObjectName {
    base::Bytes key;
    uint64_t generation = 0;
    friend bool operator==(const ObjectName&, const ObjectName&) = default;
};
// The inverse; nothing for what PathOfObject does not make.
std::optional<ObjectName> ObjectOfPath(base::ByteView path);

// The bucket's directory, relative to the store's.
std::string DirectoryOfBucket(base::ByteView name);

}  // namespace wellhead::storage::file
