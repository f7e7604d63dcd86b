#pragma once
// What the index holds of an object: docs/formats/object_store.md.

#include "storage/object_store/object_store.h"

namespace wellhead::storage::file {

struct IndexEntry {
    ObjectMetadata metadata;
    bool small = false;  // the contents are in the table, not in a file of their own
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

}  // namespace wellhead::storage::file
