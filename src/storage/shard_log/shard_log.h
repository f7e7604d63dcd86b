#pragma once
// ShardLog: one append-only, durable sequence of records; a shard of a stream, or the broker's journal.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "env/task.h"

namespace wellhead::storage {

// Position of a record in its log: 0, 1, 2, ...; never reused, across restarts too. Without gaps, but where a crash tore a
// commit that nobody had been told of: its offsets are given up.
using LogOffset = uint64_t;

struct LogRecord {
    LogOffset offset = 0;
    base::Instant arrival;  // non-decreasing along the log
    base::Bytes key;        // opaque to the log, at most 64 KiB
    base::Bytes data;       // opaque to the log, at most 10 MiB
};

struct NewLogRecord {
    base::ByteView key;
    base::ByteView data;
};

struct AppendedRange {
    LogOffset first;
    base::Instant arrival;  // of all of them
};

struct LogExtent {
    LogOffset first;  // oldest kept; == next when empty
    LogOffset next;   // offset that the next record gets
};

// Thread-safe, unless said otherwise. Read sees a record only once it is durable.
class ShardLog {
  public:
    virtual ~ShardLog() = default;

    // On stable storage when it succeeds: all of the records, consecutive, or none. Concurrent appends are committed
    // together. What the records point at must live until it returns. kLimit: no space, nothing written, may be tried
    // again. kReadOnly: an earlier write failed; reads go on.
    virtual env::Task<base::Result<AppendedRange>> Append(std::vector<NewLogRecord> records) = 0;

    // Records from the first offset >= from, in order, until max_records or until the next one would exceed max_bytes
    // of key plus data (at least one is returned when there is any). Empty at the tip. kCorrupt names the lost range
    // when from is in a damaged extent; reading goes on behind it.
    virtual env::Task<base::Result<std::vector<LogRecord>>> Read(LogOffset from, size_t max_records,
                                                                 size_t max_bytes) = 0;

    // The first offset whose arrival is at or after time; next when there is none.
    virtual env::Task<base::Result<LogOffset>> Seek(base::Instant time) = 0;

    virtual LogExtent extent() const = 0;

    // The lost range that offset is in, where damage was found: a reader that met kCorrupt goes on at its next.
    virtual std::optional<LogExtent> lost_at(LogOffset offset) const {
        (void)offset;
        return std::nullopt;  // one that cannot be damaged
    }

    // Returns when extent().next > after, or when limit has passed. For readers that follow the tip.
    virtual env::Task<void> WaitForMore(LogOffset after, base::Duration limit) = 0;

    // Records before offset may go away (whole segments at a time). Durable when it succeeds.
    virtual env::Task<base::Result<void>> Trim(LogOffset offset) = 0;
    // Records that arrived before time may go away.
    virtual env::Task<base::Result<void>> TrimByTime(base::Instant time) = 0;
};

// Opens logs by name. A name is a relative path of [A-Za-z0-9._-] segments.
class ShardLogStore {
  public:
    virtual ~ShardLogStore() = default;
    // Recovers what is there, or makes an empty one. One open log per name.
    virtual env::Task<base::Result<std::shared_ptr<ShardLog>>> Open(std::string name) = 0;
    // The log's files go away once the last user lets go. kNotFound.
    virtual env::Task<base::Result<void>> Remove(std::string name) = 0;
    virtual env::Task<base::Result<std::vector<std::string>>> List(std::string prefix) = 0;
};

}  // namespace wellhead::storage
