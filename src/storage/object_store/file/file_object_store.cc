#include "storage/object_store/file/file_object_store.h"

#include <charconv>
#include <cstring>

#include "base/check.h"
#include "codec/crc.h"
#include "storage/object_store/file/core.h"

namespace wellhead::storage::file {

namespace {

using base::ErrorCode;
using base::Result;

// A bucket's entry: when it was made (microseconds since 1970, 8 bytes, little-endian), then its attributes.
base::Bytes EncodeBucket(base::Instant created, base::ByteView attributes) {
    base::Bytes out(8, '\0');
    int64_t us = base::ToUnixUs(created);
    std::memcpy(out.data(), &us, 8);
    out += attributes;
    return out;
}

Result<Bucket> DecodeBucket(std::string name, base::ByteView value) {
    if (value.size() < 8) return base::Fail(ErrorCode::kCorrupt, "the entry of bucket " + name + " is too short");
    int64_t us = 0;
    std::memcpy(&us, value.data(), 8);
    return Bucket{std::move(name), base::FromUnixUs(us), base::Bytes(value.substr(8))};
}

// Blocking.
Result<void> CopySources(Core& core, const std::vector<std::shared_ptr<const Object>>& sources,
                         uint64_t generation, const std::string& path) {
    {
        ASSIGN_OR_RETURN(auto file,
                         core.deps().files.Open(core.StagingPath(generation), env::OpenMode::kCreateNew));
        uint64_t at = 0;
        for (const auto& source : sources) {
            ASSIGN_OR_RETURN(auto from, source->Open());
            RETURN_IF_ERROR(file->CopyFrom(*from, 0, at, source->metadata().size_bytes));
            at += source->metadata().size_bytes;
        }
        RETURN_IF_ERROR(file->Sync());
    }
    RETURN_IF_ERROR(core.PutInPlace(core.StagingPath(generation), path, false));
    return core.deps().files.SyncDirectory(path.substr(0, path.rfind('/')));
}

Result<void> PlaceSources(Core& core, const std::vector<std::shared_ptr<const Object>>& sources,
                          uint64_t generation, const std::string& path) {
    const auto* own = dynamic_cast<const StoredObject*>(sources[0].get());
    if (sources.size() == 1 && own != nullptr && !own->file_path().empty() &&
        core.PutInPlace(own->file_path(), path, true)) {
        return core.deps().files.SyncDirectory(path.substr(0, path.rfind('/')));
    }
    auto copied = CopySources(core, sources, generation, path);
    if (!copied) {
        (void)core.deps().files.Remove(core.StagingPath(generation));
        core.RemoveFile(path);
    }
    return copied;
}

class DirectoryStore final : public FileObjectStore {
  public:
    explicit DirectoryStore(std::shared_ptr<Core> core) : core_(std::move(core)) {}

    env::Task<Result<void>> CreateBucket(std::string name, base::Bytes attributes) override {
        TableBatch batch;
        batch.RequireAbsent(kBucketsCollection, name);
        batch.Put(kBucketsCollection, name, EncodeBucket(core_->deps().clock.Now(), attributes));
        auto committed = co_await index().Commit(std::move(batch));
        if (!committed && committed.error().code == ErrorCode::kConflict) {
            co_return base::Fail(ErrorCode::kAlreadyExists, "bucket " + name + " exists");
        }
        co_return committed;
    }

    env::Task<Result<void>> DeleteBucket(std::string name) override {
        auto bucket = co_await GetBucket(name);
        if (!bucket) co_return std::unexpected(bucket.error());
        if (!core_->CloseBucket(name)) {
            co_return base::Fail(ErrorCode::kConflict, "bucket " + name + " is being written to");
        }
        auto deleted = co_await DeleteClosedBucket(name);
        core_->ReopenBucket(name);
        co_return deleted;
    }

    env::Task<Result<std::vector<Bucket>>> ListBuckets() override {
        TableRange all;
        auto entries = co_await index().Scan(kBucketsCollection, all);
        if (!entries) co_return std::unexpected(entries.error());
        std::vector<Bucket> buckets;
        for (auto& entry : *entries) {
            CO_ASSIGN_OR_RETURN(Bucket bucket, DecodeBucket(std::move(entry.key), entry.value));
            buckets.push_back(std::move(bucket));
        }
        co_return buckets;
    }

    env::Task<Result<Bucket>> GetBucket(std::string name) override {
        auto value = co_await index().Get(kBucketsCollection, name);
        if (!value) co_return std::unexpected(value.error());
        if (!*value) co_return base::Fail(ErrorCode::kNotFound, "no bucket " + name);
        co_return DecodeBucket(name, **value);
    }

    std::unique_ptr<ObjectWriter> NewWriter(std::string bucket) override {
        return MakeFileWriter(core_, std::move(bucket));
    }

    env::Task<Result<std::shared_ptr<const Object>>> Get(std::string bucket, base::Bytes key,
                                                         uint64_t version) override {
        return GetObject(core_, std::move(bucket), std::move(key), version);
    }

    env::Task<Result<std::vector<ObjectEntry>>> List(std::string bucket, ObjectRange range) override {
        if (range.versions) co_return co_await ListVersions(core_, std::move(bucket), std::move(range));
        TableRange rows = PrefixRange(IndexKey(bucket, range.prefix), {}, range.limit);
        rows.first = std::max(rows.first, IndexKey(bucket, range.first));
        auto entries = co_await index().Scan(kIndexCollection, std::move(rows));
        if (!entries) co_return std::unexpected(entries.error());
        std::vector<ObjectEntry> objects;
        objects.reserve(entries->size());
        for (auto& entry : *entries) {
            CO_ASSIGN_OR_RETURN(IndexEntry decoded, DecodeIndexEntry(entry.value));
            objects.push_back({entry.key.substr(bucket.size() + 1), std::move(decoded.metadata)});
        }
        co_return objects;
    }

    env::Task<Result<ObjectEntry>> Delete(std::string bucket, base::Bytes key, ObjectCondition condition,
                                          Removal removal) override {
        if (removal.kind == Removal::Kind::kTombstone) {
            return PutTombstone(core_, std::move(bucket), std::move(key), condition, removal.naming);
        }
        return DeleteVersion(core_, std::move(bucket), std::move(key), condition, removal.version);
    }
    env::Task<Result<ObjectMetadata>> Compose(std::vector<std::shared_ptr<const Object>> sources,
                                              std::string bucket, base::Bytes key, base::Bytes attributes,
                                              ObjectCondition condition, Naming naming) override;
    env::Task<Result<void>> SetAttributes(std::string bucket, base::Bytes key, uint64_t generation,
                                          base::Bytes attributes) override;
    env::Task<Result<void>> CollectOrphans() override { return CollectOrphansOf(core_); }
    env::Task<void> KeepSettling() override { return KeepSettlingOf(core_); }

  private:
    Table& index() { return core_->deps().index; }

    env::Task<Result<void>> DeleteClosedBucket(std::string name) {
        TableRange first_object = PrefixRange(IndexKey(name, ""), {}, 1);
        auto entries = co_await index().Scan(kIndexCollection, std::move(first_object));
        if (!entries) co_return std::unexpected(entries.error());
        if (!entries->empty()) co_return base::Fail(ErrorCode::kConflict, "bucket " + name + " is not empty");
        TableRange first_version = PrefixRange(VersionRowPrefix(name, ""), {}, 1);
        auto versions = co_await index().Scan(kVersionsCollection, std::move(first_version));
        if (!versions) co_return std::unexpected(versions.error());
        if (!versions->empty()) co_return base::Fail(ErrorCode::kConflict, "bucket " + name + " has versions");
        TableBatch batch;
        batch.Delete(kBucketsCollection, name);
        co_return co_await index().Commit(std::move(batch));
    }

    const std::shared_ptr<Core> core_;
};

env::Task<Result<ObjectMetadata>> DirectoryStore::Compose(
    std::vector<std::shared_ptr<const Object>> sources, std::string bucket, base::Bytes key,
    base::Bytes attributes, ObjectCondition condition, Naming naming) {
    CHECK(!sources.empty());
    ObjectMetadata metadata;
    metadata.generation = core_->NextGeneration();
    for (const auto& source : sources) {
        const ObjectMetadata& part = source->metadata();
        metadata.crc64nvme = codec::Crc64NvmeCombine(metadata.crc64nvme, part.crc64nvme, part.size_bytes);
        metadata.size_bytes += part.size_bytes;
    }
    const auto* own = dynamic_cast<const StoredObject*>(sources[0].get());
    if (sources.size() == 1 && own != nullptr && own->small_contents()) {
        metadata.modified = core_->deps().clock.Now();
        metadata.attributes = std::move(attributes);
        auto contents = own->small_contents();
        co_return co_await core_->Install(bucket, std::move(key), std::move(metadata), std::move(contents), condition,
                                          naming);
    }
    const std::string path = core_->PathOf(bucket, key, metadata.generation);
    auto place = [&] { return PlaceSources(*core_, sources, metadata.generation, path); };
    auto placed = co_await env::RunBlocking(core_->deps().pool, place);
    if (!placed) co_return std::unexpected(placed.error());
    metadata.modified = core_->deps().clock.Now();
    metadata.attributes = std::move(attributes);
    auto installed =
        co_await core_->Install(bucket, std::move(key), std::move(metadata), nullptr, condition, naming);
    if (!installed) {
        ErrorCode code = installed.error().code;
        if (code != ErrorCode::kIo && code != ErrorCode::kReadOnly) core_->RemoveLater(path);
    }
    co_return installed;
}

env::Task<Result<void>> DirectoryStore::SetAttributes(std::string bucket, base::Bytes key,
                                                      uint64_t generation, base::Bytes attributes) {
    for (;;) {
        auto place = co_await core_->FindGeneration(bucket, key, generation);
        if (!place) co_return std::unexpected(place.error());
        if (!*place) {
            auto current = co_await core_->Find(bucket, key);
            if (!current) co_return std::unexpected(current.error());
            if (!*current) co_return base::Fail(ErrorCode::kNotFound, "no object " + key);
            co_return base::Fail(ErrorCode::kConflict, key + " has changed");
        }
        IndexEntry entry = (*place)->entry;
        entry.metadata.attributes = attributes;
        TableBatch batch;
        batch.RequireValue((*place)->collection, (*place)->row_key, (*place)->value);
        batch.Put((*place)->collection, (*place)->row_key, EncodeIndexEntry(entry));
        auto committed = co_await index().Commit(std::move(batch));
        if (committed || committed.error().code != ErrorCode::kConflict) co_return committed;
    }
}

// How often the store was opened, counted durably: the upper 24 bits of this run's generations.
env::Task<Result<uint64_t>> CountOpening(Table& index) {
    const base::Bytes key = "openings";
    auto before = co_await index.Get(kStateCollection, key);
    if (!before) co_return std::unexpected(before.error());
    uint64_t openings = 0;
    if (*before) {
        const base::Bytes& text = **before;
        auto parsed = std::from_chars(text.data(), text.data() + text.size(), openings);
        if (parsed.ec != std::errc()) co_return base::Fail(ErrorCode::kCorrupt, "objects/state is not a number");
    }
    TableBatch batch;
    batch.Put(kStateCollection, key, std::to_string(openings + 1));
    auto committed = co_await index.Commit(std::move(batch));
    if (!committed) co_return std::unexpected(committed.error());
    co_return openings + 1;
}

}  // namespace

env::Task<Result<std::unique_ptr<FileObjectStore>>> OpenObjectStore(ObjectStoreDeps deps,
                                                                    std::string directory) {
    auto openings = co_await CountOpening(deps.index);
    if (!openings) co_return std::unexpected(openings.error());
    auto core = std::make_shared<Core>(deps, std::move(directory), *openings << 40 | 1);
    auto make = [&] { return deps.files.MakeDirectories(core->StagingDirectory()); };
    auto made = co_await env::RunBlocking(deps.pool, make);
    if (!made) co_return std::unexpected(made.error());
    co_return std::make_unique<DirectoryStore>(core);
}

}  // namespace wellhead::storage::file
