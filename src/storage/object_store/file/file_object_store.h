#pragma once
// An ObjectStore in a directory: one file per object, named after its key, and an index in a Table.
// docs/formats/object_store.md says what is where.

#include <memory>
#include <string>

#include "env/blocking_pool.h"
#include "env/clock.h"
#include "env/files.h"
#include "storage/object_store/object_store.h"
#include "storage/table/table.h"

namespace wellhead::storage::file {

struct ObjectStoreDeps {
    env::Files& files;
    env::Clock& clock;
    Table& index;             // collections objects/*
    env::BlockingPool& pool;  // for the files; the store's destructor does not wait for it
};

class FileObjectStore : public ObjectStore {
  public:
    // Removes what an earlier run left half done and no index entry names; may take long, runs beside all else. Once.
    virtual env::Task<base::Result<void>> CollectOrphans() = 0;
    // Gives small objects, which are committed with their index entry, files of their own while there is little else to
    // do. Runs until it is cancelled.
    virtual env::Task<void> KeepSettling() = 0;
};

// The store in directory, made when absent. One process at a time. The deps outlive it and every Object of it.
env::Task<base::Result<std::unique_ptr<FileObjectStore>>> OpenObjectStore(ObjectStoreDeps deps,
                                                                          std::string directory);

}  // namespace wellhead::storage::file
