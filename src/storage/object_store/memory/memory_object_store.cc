#include "storage/object_store/memory/memory_object_store.h"

#include <algorithm>
#include <map>
#include <mutex>

#include "base/check.h"
#include "codec/crc.h"
#include "storage/object_store/bytes_file.h"

namespace wellhead::storage::memory {

namespace {

using base::ErrorCode;
using base::Result;

class MemoryObject final : public Object {
  public:
    MemoryObject(ObjectMetadata metadata, std::shared_ptr<const base::Bytes> contents)
        : metadata_(std::move(metadata)), contents_(std::move(contents)) {}
    const ObjectMetadata& metadata() const override { return metadata_; }
    env::Task<Result<std::string>> Path() const override {
        co_return base::Fail(ErrorCode::kUnsupported, "objects in memory have no files");
    }
    Result<std::shared_ptr<env::File>> Open() const override { return MakeBytesFile(contents_); }
    Result<void> Verify() const override { return {}; }
    const std::shared_ptr<const base::Bytes>& shared_contents() const { return contents_; }

  private:
    const ObjectMetadata metadata_;
    const std::shared_ptr<const base::Bytes> contents_;
};

struct StoredVersion {
    std::shared_ptr<const MemoryObject> object;
    bool tombstone = false;
};
struct StoredBucket {
    Bucket bucket;
    std::map<base::Bytes, std::vector<StoredVersion>> objects;  // newest first, never empty
};

class MemoryObjectStore final : public ObjectStore {
  public:
    explicit MemoryObjectStore(env::Clock& clock) : clock_(clock) {}

    env::Task<Result<void>> CreateBucket(std::string name, base::Bytes attributes) override {
        std::lock_guard lock(mutex_);
        StoredBucket fresh{{name, clock_.Now(), std::move(attributes)}, {}};
        if (!buckets_.emplace(name, std::move(fresh)).second) {
            co_return base::Fail(ErrorCode::kAlreadyExists, "bucket " + name + " exists");
        }
        co_return Result<void>();
    }
    env::Task<Result<void>> DeleteBucket(std::string name) override {
        std::lock_guard lock(mutex_);
        auto found = buckets_.find(name);
        if (found == buckets_.end()) co_return base::Fail(ErrorCode::kNotFound, "no bucket " + name);
        if (!found->second.objects.empty()) {
            co_return base::Fail(ErrorCode::kConflict, "bucket " + name + " is not empty");
        }
        buckets_.erase(found);
        co_return Result<void>();
    }
    env::Task<Result<std::vector<Bucket>>> ListBuckets() override {
        std::lock_guard lock(mutex_);
        std::vector<Bucket> buckets;
        for (const auto& [name, stored] : buckets_) buckets.push_back(stored.bucket);
        co_return buckets;
    }
    env::Task<Result<Bucket>> GetBucket(std::string name) override {
        std::lock_guard lock(mutex_);
        auto found = buckets_.find(name);
        if (found == buckets_.end()) co_return base::Fail(ErrorCode::kNotFound, "no bucket " + name);
        co_return found->second.bucket;
    }
    std::unique_ptr<ObjectWriter> NewWriter(std::string bucket) override;
    env::Task<Result<std::shared_ptr<const Object>>> Get(std::string bucket, base::Bytes key,
                                                         uint64_t version) override {
        std::lock_guard lock(mutex_);
        const StoredVersion* found = FindVersion(bucket, key, version);
        if (found == nullptr || found->tombstone) co_return base::Fail(ErrorCode::kNotFound, "no object " + key);
        co_return std::shared_ptr<const Object>(found->object);
    }
    env::Task<Result<std::vector<ObjectEntry>>> List(std::string bucket, ObjectRange range) override {
        std::lock_guard lock(mutex_);
        std::vector<ObjectEntry> entries;
        auto found = buckets_.find(bucket);
        if (found == buckets_.end()) co_return entries;
        const auto& objects = found->second.objects;
        const base::Bytes first = std::max(range.prefix, range.first);
        for (auto at = objects.lower_bound(first); at != objects.end() && at->first.starts_with(range.prefix); ++at) {
            for (size_t i = 0; i < at->second.size(); ++i) {
                const StoredVersion& version = at->second[i];
                if (entries.size() == range.limit) co_return entries;
                const bool current = i == 0 && !version.tombstone;
                if (!range.versions && !current) break;
                if (range.versions && at->first == first && version.object->metadata().version >= range.below) continue;
                entries.push_back({at->first, version.object->metadata(), current, version.tombstone});
            }
        }
        co_return entries;
    }
    env::Task<Result<ObjectEntry>> Delete(std::string bucket, base::Bytes key, ObjectCondition condition,
                                          Removal removal) override {
        std::lock_guard lock(mutex_);
        auto found = buckets_.find(bucket);
        if (found == buckets_.end()) co_return base::Fail(ErrorCode::kNotFound, "no bucket " + bucket);
        const StoredVersion* current = FindVersion(bucket, key, kCurrentVersion);
        const MemoryObject* object = current == nullptr || current->tombstone ? nullptr : current->object.get();
        const bool tombstone = removal.kind == Removal::Kind::kTombstone;
        const StoredVersion* target = tombstone ? nullptr : FindVersion(bucket, key, removal.version);
        const bool none = target == nullptr || (removal.version == kCurrentVersion && target->tombstone);
        if (!tombstone && none) co_return base::Fail(ErrorCode::kNotFound, "no object " + key);
        if (!Holds(condition, object)) co_return base::Fail(ErrorCode::kConflict, key + " has changed");
        auto& row = found->second.objects[key];
        if (!tombstone) {
            ObjectEntry entry{key, target->object->metadata(), target == &row.front() && !target->tombstone,
                              target->tombstone};
            row.erase(row.begin() + (target - row.data()));
            if (row.empty()) found->second.objects.erase(key);
            co_return entry;
        }
        ObjectMetadata metadata;
        metadata.generation = ++last_generation_;
        metadata.modified = clock_.Now();
        Add(row, metadata, std::make_shared<const base::Bytes>(), removal.naming, true);
        co_return ObjectEntry{key, row.front().object->metadata(), false, true};
    }
    env::Task<Result<ObjectMetadata>> Compose(std::vector<std::shared_ptr<const Object>> sources,
                                              std::string bucket, base::Bytes key, base::Bytes attributes,
                                              ObjectCondition condition, Naming naming) override {
        base::Bytes contents;
        for (const auto& source : sources) {
            contents += *dynamic_cast<const MemoryObject&>(*source).shared_contents();
        }
        co_return Put(bucket, std::move(key), std::move(contents), std::move(attributes), condition, naming);
    }
    env::Task<Result<void>> SetAttributes(std::string bucket, base::Bytes key, uint64_t generation,
                                          base::Bytes attributes) override {
        std::lock_guard lock(mutex_);
        auto found = buckets_.find(bucket);
        if (found == buckets_.end()) co_return base::Fail(ErrorCode::kNotFound, "no bucket " + bucket);
        auto row = found->second.objects.find(key);
        if (row == found->second.objects.end()) co_return base::Fail(ErrorCode::kNotFound, "no object " + key);
        for (StoredVersion& version : row->second) {
            ObjectMetadata metadata = version.object->metadata();
            if (metadata.generation != generation || version.tombstone) continue;
            metadata.attributes = std::move(attributes);
            version.object = std::make_shared<MemoryObject>(metadata, version.object->shared_contents());
            co_return Result<void>();
        }
        co_return base::Fail(ErrorCode::kConflict, key + " has changed");
    }

    Result<ObjectMetadata> Put(const std::string& bucket, base::Bytes key, base::Bytes contents,
                               base::Bytes attributes, ObjectCondition condition, Naming naming) {
        std::lock_guard lock(mutex_);
        auto found = buckets_.find(bucket);
        if (found == buckets_.end()) return base::Fail(ErrorCode::kNotFound, "no bucket " + bucket);
        const StoredVersion* current = FindVersion(bucket, key, kCurrentVersion);
        if (!Holds(condition, current == nullptr || current->tombstone ? nullptr : current->object.get())) {
            return base::Fail(ErrorCode::kConflict, key + " has changed");
        }
        ObjectMetadata metadata{++last_generation_, contents.size(), clock_.Now(), codec::Crc64Nvme(contents),
                                std::move(attributes)};
        auto& row = found->second.objects[key];
        Add(row, metadata, std::make_shared<const base::Bytes>(std::move(contents)), naming, false);
        return row.front().object->metadata();
    }

  private:
    static void Add(std::vector<StoredVersion>& row, ObjectMetadata metadata,
                    std::shared_ptr<const base::Bytes> contents, Naming naming, bool tombstone) {
        metadata.version = metadata.generation;
        metadata.named = naming == Naming::kNamed;
        if (!metadata.named) {
            std::erase_if(row, [](const StoredVersion& version) { return !version.object->metadata().named; });
        }
        row.insert(row.begin(), {std::make_shared<MemoryObject>(std::move(metadata), std::move(contents)), tombstone});
    }
    const StoredVersion* FindVersion(const std::string& bucket, const base::Bytes& key, uint64_t version) const {
        auto found = buckets_.find(bucket);
        if (found == buckets_.end()) return nullptr;
        auto row = found->second.objects.find(key);
        if (row == found->second.objects.end()) return nullptr;
        for (const StoredVersion& one : row->second) {
            const ObjectMetadata& metadata = one.object->metadata();
            if (version == kCurrentVersion || version == metadata.version) return &one;
            if (version == kUnnamedVersion && !metadata.named) return &one;
        }
        return nullptr;
    }
    static bool Holds(ObjectCondition condition, const MemoryObject* current) {
        switch (condition.kind) {
            case ObjectCondition::Kind::kNone: return true;
            case ObjectCondition::Kind::kAbsent: return current == nullptr;
            case ObjectCondition::Kind::kGeneration:
                return current != nullptr && current->metadata().generation == condition.generation;
        }
        return false;
    }

    env::Clock& clock_;
    mutable std::mutex mutex_;
    std::map<std::string, StoredBucket> buckets_;
    uint64_t last_generation_ = 0;
};

class MemoryWriter final : public ObjectWriter {
  public:
    MemoryWriter(MemoryObjectStore& store, std::string bucket) : store_(store), bucket_(std::move(bucket)) {}
    env::Task<Result<void>> Write(base::Bytes piece) override {
        crc_ = codec::Crc64Nvme(piece, crc_);
        contents_ += piece;
        co_return Result<void>();
    }
    uint64_t size_bytes() const override { return contents_.size(); }
    uint64_t crc64nvme() const override { return crc_; }
    env::Task<Result<ObjectMetadata>> Commit(base::Bytes key, base::Bytes attributes,
                                             ObjectCondition condition, Naming naming) override {
        CHECK(!committed_);
        committed_ = true;
        co_return store_.Put(bucket_, std::move(key), std::move(contents_), std::move(attributes), condition, naming);
    }

  private:
    MemoryObjectStore& store_;
    const std::string bucket_;
    base::Bytes contents_;
    uint64_t crc_ = 0;
    bool committed_ = false;
};

std::unique_ptr<ObjectWriter> MemoryObjectStore::NewWriter(std::string bucket) {
    return std::make_unique<MemoryWriter>(*this, std::move(bucket));
}

}  // namespace

std::unique_ptr<ObjectStore> MakeObjectStore(env::Clock& clock) {
    return std::make_unique<MemoryObjectStore>(clock);
}

}  // namespace wellhead::storage::memory
