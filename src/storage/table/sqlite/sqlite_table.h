#pragma once
// A Table in one SQLite file (WAL, synchronous=FULL): docs/formats/table.md.
//
// One writer thread commits what arrived while it was busy as one transaction (group commit); reads run on their own
// connections and never wait for the writer.

#include <memory>
#include <string>

#include "env/files.h"
#include "storage/table/table.h"

namespace wellhead::storage::sqlite {

struct TableSettings {
    std::string path;  // of the file; it and its directory are made when absent
    int read_threads = 2;
    uint64_t max_size_bytes = 0;  // Commit fails with kLimit rather than let the file grow above this; 0: no limit
    std::string vfs = {};              // the SQLite VFS to use; empty for the default
};

// kCorrupt: the file is damaged or no Wellhead table; kUnsupported: written by a newer version; kIo, kPermission.
// Blocks. The destructor finishes the commits under way; no call may be waiting for an answer then.
base::Result<std::unique_ptr<Table>> OpenTable(env::Files& files, TableSettings settings);

}  // namespace wellhead::storage::sqlite
