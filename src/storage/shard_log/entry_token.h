#pragma once
// Entry tokens: what a writer puts behind a record's key so that, after a crash between its append and its own note of
// it, it can see what was written already. docs/formats/entry_token.md.

#include <map>
#include <optional>
#include <set>

#include "storage/shard_log/shard_log.h"

namespace wellhead::storage {

inline constexpr size_t kEntryTokenBytes = 24;

// key is UTF-8, token of kEntryTokenBytes.
base::Bytes KeyWithToken(base::ByteView key, base::ByteView token);

struct SplitKey {
    base::ByteView key;
    base::ByteView token;  // empty: none
};
SplitKey SplitToken(base::ByteView stored_key);

struct WrittenEntry {
    LogOffset offset;
    base::Instant arrival;
};
// Those of the tokens that stand in records that arrived at or after since.
env::Task<base::Result<std::map<base::Bytes, WrittenEntry>>> FindEntryTokens(std::shared_ptr<ShardLog> log,
                                                                            base::Instant since,
                                                                            std::set<base::Bytes> tokens);

}  // namespace wellhead::storage
