#pragma once
// ObjectFiles: where the objects of the lake lie as files, for an engine that opens files by name.

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "env/task.h"
#include "storage/object_store/object_store.h"

namespace wellhead::query {

struct ObjectFile {
    std::string path;
    uint64_t size_bytes = 0;
    uint64_t generation = 0;  // another one when the object was replaced
    // While it lives the file stays, also when the object is replaced or deleted.
    std::shared_ptr<const void> hold;
};

// Thread-safe.
class ObjectFiles {
  public:
    virtual ~ObjectFiles() = default;
    // kNotFound.
    virtual env::Task<base::Result<ObjectFile>> Find(std::string bucket, std::string key) = 0;
};

// The files of a store on this machine, where they are. The store outlives it.
std::unique_ptr<ObjectFiles> MakeStoreFiles(storage::ObjectStore& store);

}  // namespace wellhead::query
