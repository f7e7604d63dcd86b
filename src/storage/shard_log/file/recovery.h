#pragma once
// Recovery: from a log's directory, whatever state a crash or a damaged disk left it in, to what it holds.

#include <memory>
#include <string>
#include <vector>

#include "env/random.h"
#include "storage/shard_log/file/segment.h"
#include "storage/shard_log/file/state_file.h"

namespace wellhead::storage::file {

struct RecoveredLog {
    std::unique_ptr<StateFile> state_file;
    uint64_t log_key = 0;
    std::vector<std::shared_ptr<Segment>> segments;  // by number, oldest first; all hold something
    std::vector<uint32_t> spares;                    // numbers of segment files without frames, ascending
    std::vector<LogExtent> lost;                     // offsets that were given out and cannot be read, ascending
    LogOffset chain = 0;                             // where the last frame ended, or the last lost range
    LogOffset next = 0;                              // the next offset to give; greater than chain when a torn commit's
                                                     // offsets are given up
    int64_t last_arrival_us = 0;
};

// Blocking. Makes the directory and an empty log when there is none. Damage is no error: it is logged and listed in
// lost. Segments that are sealed but had no valid index file get one.
base::Result<RecoveredLog> RecoverLog(env::Files& files, env::Random& random, const std::string& directory,
                                      const std::string& name);

}  // namespace wellhead::storage::file
