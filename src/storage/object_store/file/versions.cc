// The versions of a key: how a change moves them, how they are found, listed and removed.

#include <algorithm>

#include "storage/object_store/file/core.h"

namespace wellhead::storage::file {

namespace {

using base::ErrorCode;
using base::Result;

// Away with the entry, and with the contents that have no file.
void Drop(TableBatch& batch, const Core::Place& place) {
    batch.Delete(place.collection, place.row_key);
    if (place.entry.small) batch.Delete(kSmallCollection, SmallRowKey(place.entry.metadata.generation));
}

ObjectEntry Describe(base::Bytes key, const IndexEntry& entry, bool current) {
    return {std::move(key), entry.metadata, current, entry.tombstone};
}

}  // namespace

void Core::SetHistory(const std::string& bucket) {
    std::lock_guard lock(mutex_);
    history_[bucket] = true;
}

env::Task<Result<bool>> Core::HasHistory(std::string bucket) {
    {
        std::lock_guard lock(mutex_);
        auto found = history_.find(bucket);
        if (found != history_.end()) co_return found->second;
    }
    TableRange any = PrefixRange(VersionRowPrefix(bucket, ""), {}, 1);
    auto rows = co_await deps_.index.Scan(kVersionsCollection, std::move(any));
    if (!rows) co_return std::unexpected(rows.error());
    std::lock_guard lock(mutex_);
    // A named version that came meanwhile has said so already.
    co_return history_.emplace(bucket, !rows->empty()).first->second;
}

env::Task<Result<std::vector<Core::Place>>> Core::OlderVersions(std::string bucket, base::Bytes key, size_t limit) {
    std::vector<Place> places;
    auto has = co_await HasHistory(bucket);
    if (!has) co_return std::unexpected(has.error());
    if (!*has) co_return places;
    TableRange range = PrefixRange(VersionsOfKey(bucket, key), {}, limit);
    auto rows = co_await deps_.index.Scan(kVersionsCollection, std::move(range));
    if (!rows) co_return std::unexpected(rows.error());
    for (auto& row : *rows) {
        CO_ASSIGN_OR_RETURN(IndexEntry entry, DecodeIndexEntry(row.value));
        places.push_back({kVersionsCollection, std::move(row.key), std::move(row.value), std::move(entry)});
    }
    co_return places;
}

env::Task<Result<std::optional<Core::Place>>> Core::FindVersion(std::string bucket, base::Bytes key,
                                                                uint64_t version) {
    base::Bytes index_key = IndexKey(bucket, key);
    auto value = co_await deps_.index.Get(kIndexCollection, index_key);
    if (!value) co_return std::unexpected(value.error());
    if (*value) {
        CO_ASSIGN_OR_RETURN(IndexEntry entry, DecodeIndexEntry(**value));
        const bool unnamed = version == kUnnamedVersion && !entry.metadata.named;
        if (version == kCurrentVersion || version == entry.metadata.version || unnamed) {
            co_return Place{kIndexCollection, std::move(index_key), std::move(**value), std::move(entry)};
        }
    }
    if (version == kCurrentVersion) co_return std::optional<Place>();
    if (version == kUnnamedVersion) {
        auto older = co_await OlderVersions(bucket, key, SIZE_MAX);
        if (!older) co_return std::unexpected(older.error());
        for (Place& place : *older) {
            if (!place.entry.metadata.named) co_return std::move(place);
        }
        co_return std::optional<Place>();
    }
    base::Bytes row_key = VersionRowKey(bucket, key, version);
    auto row = co_await deps_.index.Get(kVersionsCollection, row_key);
    if (!row) co_return std::unexpected(row.error());
    if (!*row) co_return std::optional<Place>();
    CO_ASSIGN_OR_RETURN(IndexEntry entry, DecodeIndexEntry(**row));
    co_return Place{kVersionsCollection, std::move(row_key), std::move(**row), std::move(entry)};
}

env::Task<Result<std::optional<Core::Place>>> Core::FindGeneration(std::string bucket, base::Bytes key,
                                                                   uint64_t generation) {
    auto current = co_await FindVersion(bucket, key, kCurrentVersion);
    if (!current) co_return std::unexpected(current.error());
    if (*current && (*current)->entry.metadata.generation == generation) co_return std::move(*current);
    auto older = co_await OlderVersions(bucket, key, SIZE_MAX);
    if (!older) co_return std::unexpected(older.error());
    for (Place& place : *older) {
        if (place.entry.metadata.generation == generation) co_return std::move(place);
    }
    co_return std::optional<Place>();
}

env::Task<Result<void>> Core::Displace(TableBatch& batch, std::string bucket, base::Bytes key,
                                       const std::optional<Place>& current, Naming naming,
                                       std::vector<IndexEntry>& gone) {
    if (!current) {
        batch.RequireAbsent(kIndexCollection, IndexKey(bucket, key));
    } else {
        batch.RequireValue(kIndexCollection, current->row_key, current->value);
        if (naming == Naming::kNamed || current->entry.metadata.named) {
            base::Bytes row_key = VersionRowKey(bucket, key, current->entry.metadata.version);
            batch.Delete(kIndexCollection, current->row_key).Put(kVersionsCollection, std::move(row_key), current->value);
        } else {
            Drop(batch, *current);
            gone.push_back(current->entry);
        }
    }
    if (naming == Naming::kNamed || (current && !current->entry.metadata.named)) co_return Result<void>();
    auto unnamed = co_await OlderVersions(bucket, key, SIZE_MAX);
    if (!unnamed) co_return std::unexpected(unnamed.error());
    for (const Place& place : *unnamed) {
        if (place.entry.metadata.named) continue;
        batch.RequireValue(kVersionsCollection, place.row_key, place.value);
        Drop(batch, place);
        gone.push_back(place.entry);
    }
    co_return Result<void>();
}

env::Task<Result<ObjectEntry>> PutTombstone(std::shared_ptr<Core> core, std::string bucket, base::Bytes key,
                                            ObjectCondition condition, Naming naming) {
    IndexEntry tombstone;
    tombstone.tombstone = true;
    tombstone.metadata.named = naming == Naming::kNamed;
    core->SetHistory(bucket);
    for (;;) {
        auto current = co_await core->FindVersion(bucket, key, kCurrentVersion);
        if (!current) co_return std::unexpected(current.error());
        if (!Holds(condition, *current ? &(*current)->entry : nullptr)) {
            co_return base::Fail(ErrorCode::kConflict, key + " has changed");
        }
        tombstone.metadata.generation = core->NextGeneration();
        tombstone.metadata.version = tombstone.metadata.generation;
        tombstone.metadata.modified = core->deps().clock.Now();
        TableBatch batch;
        batch.RequirePresent(kBucketsCollection, bucket);
        std::vector<IndexEntry> gone;
        auto displaced = co_await core->Displace(batch, bucket, key, *current, naming, gone);
        if (!displaced) co_return std::unexpected(displaced.error());
        base::Bytes row_key = VersionRowKey(bucket, key, tombstone.metadata.version);
        batch.Put(kVersionsCollection, std::move(row_key), EncodeIndexEntry(tombstone));
        auto committed = co_await core->CommitChange(bucket, std::move(batch));
        if (committed) {
            for (const IndexEntry& one : gone) core->Retire(bucket, key, one);
            co_return Describe(std::move(key), tombstone, false);
        }
        if (committed.error().code != ErrorCode::kConflict) co_return std::unexpected(committed.error());
    }
}

env::Task<Result<ObjectEntry>> DeleteVersion(std::shared_ptr<Core> core, std::string bucket, base::Bytes key,
                                             ObjectCondition condition, uint64_t version) {
    for (;;) {
        auto current = co_await core->FindVersion(bucket, key, kCurrentVersion);
        if (!current) co_return std::unexpected(current.error());
        auto found = co_await core->FindVersion(bucket, key, version);
        if (!found) co_return std::unexpected(found.error());
        if (!*found) co_return base::Fail(ErrorCode::kNotFound, "no object " + key);
        if (!Holds(condition, *current ? &(*current)->entry : nullptr)) {
            co_return base::Fail(ErrorCode::kConflict, key + " has changed");
        }
        const Core::Place& target = **found;
        const bool was_current = target.collection == kIndexCollection;
        TableBatch batch;
        batch.RequireValue(target.collection, target.row_key, target.value);
        Drop(batch, target);
        if (was_current || !*current) {
            auto older = co_await core->OlderVersions(bucket, key, 2);
            if (!older) co_return std::unexpected(older.error());
            const Core::Place* newest = nullptr;  // of those that are left
            bool touches = was_current;           // an older version that is not the newest changes nothing else
            for (const Core::Place& place : *older) {
                if (place.row_key == target.row_key && !was_current) {
                    touches = true;
                } else if (newest == nullptr) {
                    newest = &place;
                    if (!touches) break;
                }
            }
            if (touches && newest != nullptr && !newest->entry.tombstone) {
                if (!was_current) batch.RequireAbsent(kIndexCollection, IndexKey(bucket, key));
                batch.RequireValue(kVersionsCollection, newest->row_key, newest->value);
                batch.Delete(kVersionsCollection, newest->row_key);
                batch.Put(kIndexCollection, IndexKey(bucket, key), newest->value);
            }
        }
        auto committed = co_await core->deps().index.Commit(std::move(batch));
        if (committed) {
            core->Retire(bucket, key, target.entry);
            co_return Describe(std::move(key), target.entry, was_current);
        }
        if (committed.error().code != ErrorCode::kConflict) co_return std::unexpected(committed.error());
    }
}

env::Task<Result<std::vector<ObjectEntry>>> ListVersions(std::shared_ptr<Core> core, std::string bucket,
                                                         ObjectRange range) {
    Table& index = core->deps().index;
    const base::Bytes first = std::max(range.prefix, range.first);
    TableRange current_rows = PrefixRange(IndexKey(bucket, range.prefix), {}, range.limit + 1);
    current_rows.first = std::max(current_rows.first, IndexKey(bucket, first));
    auto current = co_await index.Scan(kIndexCollection, std::move(current_rows));
    if (!current) co_return std::unexpected(current.error());
    TableRange older_rows = PrefixRange(VersionRowPrefix(bucket, range.prefix), {}, range.limit + 1);
    base::Bytes from = VersionRowPrefix(bucket, first);
    if (range.below != kCurrentVersion) from = VersionsOfKey(bucket, first) + SmallRowKey(~(range.below - 1));
    older_rows.first = std::max(older_rows.first, from);
    auto older = co_await index.Scan(kVersionsCollection, std::move(older_rows));
    if (!older) co_return std::unexpected(older.error());

    std::vector<ObjectEntry> out;
    size_t at = 0;
    auto take_older = [&](const base::Bytes* up_to) -> Result<void> {
        for (; at < older->size() && out.size() < range.limit; ++at) {
            base::Bytes key = KeyOfVersionRow((*older)[at].key, bucket.size());
            if (up_to != nullptr && key > *up_to) return {};
            ASSIGN_OR_RETURN(IndexEntry entry, DecodeIndexEntry((*older)[at].value));
            // One that was current when the first scan saw it, and is not any more.
            const bool seen = !out.empty() && out.back().key == key && out.back().current &&
                              out.back().metadata.version <= entry.metadata.version;
            if (!seen) out.push_back(Describe(std::move(key), entry, false));
        }
        return {};
    };
    for (const auto& row : *current) {
        base::Bytes key = row.key.substr(bucket.size() + 1);
        CO_ASSIGN_OR_RETURN(IndexEntry entry, DecodeIndexEntry(row.value));
        if (key == first && entry.metadata.version >= range.below) continue;
        // What is older of the keys before, then this one, then what is older of it with the next.
        while (at < older->size() && out.size() < range.limit) {
            base::Bytes next = KeyOfVersionRow((*older)[at].key, bucket.size());
            if (next >= key) break;
            CO_RETURN_IF_ERROR(take_older(&next));
        }
        if (out.size() >= range.limit) break;
        out.push_back(Describe(std::move(key), entry, true));
    }
    CO_RETURN_IF_ERROR(take_older(nullptr));
    co_return out;
}

}  // namespace wellhead::storage::file
