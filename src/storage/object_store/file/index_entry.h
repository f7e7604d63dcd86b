#pragma once
// What the index holds of an object: docs/formats/object_store.md.

#include "storage/object_store/object_store.h"

namespace wellhead::storage::file {

struct IndexEntry {
    ObjectMetadata metadata;
    bool small = false;  // the contents are in the table, not in a file of their own
    bool tombstone = false;
};

base::Bytes EncodeIndexEntry(const IndexEntry& entry);
// kCorrupt.
base::Result<IndexEntry> DecodeIndexEntry(base::ByteView bytes);

// A small object's row: whose contents they are (bucket, zero byte, key), then the contents.
struct SmallRow {
    base::ByteView index_key;
    base::ByteView contents;
};
base::Bytes EncodeSmallRow(base::ByteView index_key, base::ByteView contents);
base::Result<SmallRow> DecodeSmallRow(base::ByteView bytes);  // borrows from bytes
// Of generations, in their order.
base::Bytes SmallRowKey(uint64_t generation);
uint64_t GenerationOfRowKey(base::ByteView key);

// Of older versions and tombstones: bucket, zero byte, the key with each zero byte followed by 0xff, two zero bytes, the
// complement of the version (8 bytes, big-endian). In the order of keys, newest first.
base::Bytes VersionRowKey(base::ByteView bucket, base::ByteView key, uint64_t version);
// What all rows of keys that begin with prefix begin with.
base::Bytes VersionRowPrefix(base::ByteView bucket, base::ByteView key_prefix);
// The rows of one key begin with this, and no others.
base::Bytes VersionsOfKey(base::ByteView bucket, base::ByteView key);
base::Bytes KeyOfVersionRow(base::ByteView row_key, size_t bucket_size);

}  // namespace wellhead::storage::file
