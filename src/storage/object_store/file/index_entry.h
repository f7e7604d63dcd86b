#pragma once
// What the index holds of an object: docs/formats/object_store.md.

#include "storage/object_store/object_store.h"

namespace wellhead::storage::file {

base::Bytes EncodeIndexEntry(const ObjectMetadata& metadata);
// kCorrupt.
base::Result<ObjectMetadata> DecodeIndexEntry(base::ByteView bytes);

}  // namespace wellhead::storage::file
