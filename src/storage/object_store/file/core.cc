#include "storage/object_store/file/core.h"

#include <fmt/format.h>

#include "base/check.h"
#include "base/log.h"
#include "storage/object_store/file/key_path.h"

namespace wellhead::storage::file {

using base::ErrorCode;
using base::Result;

namespace {

// Enough for a hot lake; past it the memory of what was verified starts anew.
constexpr size_t kMostVerified = 100'000;
constexpr size_t kSmallCacheBytes = 16 << 20;

std::string ParentOf(const std::string& path) { return path.substr(0, path.rfind('/')); }

}  // namespace

bool Holds(ObjectCondition condition, const IndexEntry* current) {
    switch (condition.kind) {
        case ObjectCondition::Kind::kNone: return true;
        case ObjectCondition::Kind::kAbsent: return current == nullptr;
        case ObjectCondition::Kind::kGeneration:
            return current != nullptr && current->metadata.generation == condition.generation;
    }
    return false;
}

base::Bytes IndexKey(base::ByteView bucket, base::ByteView key) {
    base::Bytes out(bucket);
    out += '\0';
    out += key;
    return out;
}

Core::Core(ObjectStoreDeps deps, std::string directory, uint64_t first_generation)
    : deps_(deps),
      directory_(std::move(directory)),
      first_generation_(first_generation),
      next_generation_(first_generation),
      generations_([this](std::string path) { RemoveLater(std::move(path)); }),
      small_cache_(kSmallCacheBytes) {}

std::string Core::PathOf(base::ByteView bucket, base::ByteView key, uint64_t generation) const {
    return directory_ + "/" + DirectoryOfBucket(bucket) + "/" + PathOfObject(key, generation);
}

std::string Core::StagingPath(uint64_t generation) const {
    return fmt::format("{}/{:x}", StagingDirectory(), generation);
}

Result<void> Core::PutInPlace(const std::string& from, const std::string& to, bool link) {
    const std::string parent = ParentOf(to);
    // A removal may take the directory away between two steps; it is made again.
    for (int attempt = 0;; ++attempt) {
        auto placed = link ? deps_.files.Link(from, to) : deps_.files.Rename(from, to);
        if (placed) return {};
        if (placed.error().code != ErrorCode::kNotFound || attempt == 100) return placed;
        RETURN_IF_ERROR(deps_.files.MakeDirectories(parent));
    }
}

void Core::RemoveFile(const std::string& path) {
    auto removed = deps_.files.Remove(path);
    if (!removed && removed.error().code != ErrorCode::kNotFound) {
        base::LogWarning("objects", "could not remove an old version: {}", removed.error().message);
    }
    // The staging directory stays, empty too: writers count on it.
    const std::string staging = StagingDirectory();
    for (std::string at = ParentOf(path); at.size() > directory_.size() && at != staging; at = ParentOf(at)) {
        if (!deps_.files.Remove(at)) return;  // not empty
    }
}

void Core::RemoveLater(std::string path) {
    deps_.pool.Submit([core = shared_from_this(), path = std::move(path)] { core->RemoveFile(path); });
}

env::Task<Result<std::optional<IndexEntry>>> Core::Find(std::string bucket, base::Bytes key) {
    auto value = co_await deps_.index.Get(kIndexCollection, IndexKey(bucket, key));
    if (!value) co_return std::unexpected(value.error());
    if (!*value) co_return std::optional<IndexEntry>();
    auto entry = DecodeIndexEntry(**value);
    if (!entry) co_return std::unexpected(entry.error());
    co_return std::optional<IndexEntry>(std::move(*entry));
}

void Core::Retire(const std::string& bucket, const base::Bytes& key, const IndexEntry& entry) {
    if (entry.small || entry.tombstone) return;  // its row went with its entry, or it has no contents
    const uint64_t generation = entry.metadata.generation;
    generations_.Retire(generation, PathOf(bucket, key, generation));
}

env::Task<Result<void>> Core::CommitChange(std::string bucket, TableBatch batch) {
    if (!EnterBucket(bucket)) co_return base::Fail(ErrorCode::kNotFound, "no bucket " + bucket);
    auto committed = co_await deps_.index.Commit(std::move(batch));
    LeaveBucket(bucket);
    if (committed || committed.error().code != ErrorCode::kConflict) co_return committed;
    auto there = co_await deps_.index.Get(kBucketsCollection, bucket);
    if (!there) co_return std::unexpected(there.error());
    if (!*there) co_return base::Fail(ErrorCode::kNotFound, "no bucket " + bucket);
    co_return committed;
}

env::Task<Result<ObjectMetadata>> Core::Install(std::string bucket, base::Bytes key, ObjectMetadata metadata,
                                                std::shared_ptr<const base::Bytes> contents,
                                                ObjectCondition condition, Naming naming) {
    const base::Bytes index_key = IndexKey(bucket, key);
    const uint64_t generation = metadata.generation;
    IndexEntry entry;
    entry.metadata = std::move(metadata);
    entry.metadata.named = naming == Naming::kNamed;
    entry.small = contents != nullptr;
    if (entry.metadata.named) SetHistory(bucket);
    for (;;) {
        auto current = co_await FindVersion(bucket, key, kCurrentVersion);
        if (!current) co_return std::unexpected(current.error());
        if (!Holds(condition, *current ? &(*current)->entry : nullptr)) {
            co_return base::Fail(ErrorCode::kConflict, key + " has changed");
        }
        // After the look at what is current, so that the versions of a key are in the order of their changes.
        entry.metadata.version = NextGeneration();
        TableBatch batch;
        batch.RequirePresent(kBucketsCollection, bucket);
        std::vector<IndexEntry> gone;
        auto displaced = co_await Displace(batch, bucket, key, *current, naming, gone);
        if (!displaced) co_return std::unexpected(displaced.error());
        batch.Put(kIndexCollection, index_key, EncodeIndexEntry(entry));
        if (contents) batch.Put(kSmallCollection, SmallRowKey(generation), EncodeSmallRow(index_key, *contents));
        auto committed = co_await CommitChange(bucket, std::move(batch));
        if (committed) {
            for (const IndexEntry& one : gone) Retire(bucket, key, one);
            if (contents) {
                small_cache_.Add(generation, contents);
                small_installs_.fetch_add(1, std::memory_order_relaxed);
            }
            co_return std::move(entry.metadata);
        }
        if (committed.error().code != ErrorCode::kConflict) co_return std::unexpected(committed.error());
    }
}

bool Core::EnterBucket(const std::string& bucket) {
    std::lock_guard lock(mutex_);
    Gate& gate = gates_[bucket];
    if (gate.closed) return false;
    ++gate.entered;
    return true;
}

void Core::LeaveBucket(const std::string& bucket) {
    std::lock_guard lock(mutex_);
    auto found = gates_.find(bucket);
    CHECK(found != gates_.end() && found->second.entered > 0);
    if (--found->second.entered == 0) gates_.erase(found);
}

bool Core::CloseBucket(const std::string& bucket) {
    std::lock_guard lock(mutex_);
    Gate& gate = gates_[bucket];
    if (gate.closed || gate.entered > 0) return false;
    gate.closed = true;
    return true;
}

void Core::ReopenBucket(const std::string& bucket) {
    std::lock_guard lock(mutex_);
    gates_.erase(bucket);
}

bool Core::IsVerified(uint64_t generation) const {
    std::lock_guard lock(mutex_);
    return verified_.contains(generation);
}

void Core::SetVerified(uint64_t generation) {
    std::lock_guard lock(mutex_);
    if (verified_.size() >= kMostVerified) verified_.clear();
    verified_.insert(generation);
}

}  // namespace wellhead::storage::file
