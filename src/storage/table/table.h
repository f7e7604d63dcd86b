#pragma once
// Table: the metadata port. Collections of ordered keys with opaque values, changed by atomic, durable batches.
// A service keeps its resources here ("kinesis/streams": name -> JSON) and may mirror them in memory.

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "env/task.h"

namespace wellhead::storage {

struct TableEntry {
    base::Bytes key;
    base::Bytes value;
    friend bool operator==(const TableEntry&, const TableEntry&) = default;
};

// [first, last) in byte order; an empty last means to the end of the collection. At most limit entries.
struct TableRange {
    base::Bytes first;
    base::Bytes last;
    size_t limit = SIZE_MAX;
};
// The range of all keys that begin with prefix and are greater than after (pass "" for all).
TableRange PrefixRange(base::ByteView prefix, base::ByteView after = {}, size_t limit = SIZE_MAX);

// Changes applied together or not at all, in order.
class TableBatch {
  public:
    enum class Kind { kPut, kDelete, kRequireAbsent, kRequirePresent, kRequireValue };
    struct Step {
        Kind kind;
        std::string collection;
        base::Bytes key;
        base::Bytes value;
    };
    TableBatch& Put(std::string collection, base::Bytes key, base::Bytes value);
    TableBatch& Delete(std::string collection, base::Bytes key);  // absent is no error
    // Preconditions, checked against the state before the batch; one that fails makes the batch fail with kConflict.
    TableBatch& RequireAbsent(std::string collection, base::Bytes key);
    TableBatch& RequirePresent(std::string collection, base::Bytes key);
    TableBatch& RequireValue(std::string collection, base::Bytes key, base::Bytes value);
    const std::vector<Step>& steps() const { return steps_; }

  private:
    std::vector<Step> steps_;
};

// Thread-safe. A read sees every batch whose Commit returned before the read began, and no part of one that failed.
// Collection names match [a-z0-9_]+(/[a-z0-9_]+)*; a collection exists as soon as it is named.
class Table {
  public:
    virtual ~Table() = default;
    virtual env::Task<base::Result<std::optional<base::Bytes>>> Get(std::string collection,
                                                                    base::Bytes key) = 0;
    virtual env::Task<base::Result<std::vector<TableEntry>>> Scan(std::string collection,
                                                                  TableRange range) = 0;
    // On stable storage when it succeeds. kConflict: a precondition failed, nothing was changed. kLimit: no space,
    // nothing was changed. kReadOnly: an earlier write failed in a way that only a restart mends.
    virtual env::Task<base::Result<void>> Commit(TableBatch batch) = 0;
};

}  // namespace wellhead::storage
