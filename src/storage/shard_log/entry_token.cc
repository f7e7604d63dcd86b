#include "storage/shard_log/entry_token.h"

#include "base/check.h"

namespace wellhead::storage {

namespace {
// No byte of UTF-8, so that no key looks as if it had a token.
constexpr char kMark = '\xFF';
constexpr size_t kReadRecords = 4096;
constexpr size_t kReadBytes = 4u << 20;
}  // namespace

base::Bytes KeyWithToken(base::ByteView key, base::ByteView token) {
    CHECK(token.size() == kEntryTokenBytes);
    base::Bytes stored;
    stored.reserve(key.size() + 1 + token.size());
    stored.append(key).push_back(kMark);
    return stored.append(token);
}

SplitKey SplitToken(base::ByteView stored_key) {
    if (stored_key.size() <= kEntryTokenBytes) return {stored_key, {}};
    const size_t mark = stored_key.size() - kEntryTokenBytes - 1;
    if (stored_key[mark] != kMark) return {stored_key, {}};
    return {stored_key.substr(0, mark), stored_key.substr(mark + 1)};
}

env::Task<base::Result<std::map<base::Bytes, WrittenEntry>>> FindEntryTokens(std::shared_ptr<ShardLog> log,
                                                                            base::Instant since,
                                                                            std::set<base::Bytes> tokens) {
    std::map<base::Bytes, WrittenEntry> found;
    auto sought = co_await log->Seek(since);
    if (!sought) co_return std::unexpected(std::move(sought).error());
    LogOffset at = *sought;
    const LogOffset end = log->extent().next;
    while (at < end && found.size() < tokens.size()) {
        auto records = co_await log->Read(at, kReadRecords, kReadBytes);
        if (!records) {
            auto lost = log->lost_at(at);
            if (records.error().code != base::ErrorCode::kCorrupt || !lost) {
                co_return std::unexpected(std::move(records).error());
            }
            at = lost->next;
            continue;
        }
        if (records->empty()) break;
        for (const LogRecord& record : *records) {
            base::Bytes token(SplitToken(record.key).token);
            if (!token.empty() && tokens.contains(token)) found[std::move(token)] = {record.offset, record.arrival};
        }
        at = records->back().offset + 1;
    }
    co_return found;
}

}  // namespace wellhead::storage
