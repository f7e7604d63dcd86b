#pragma once
// What the store, its writers and its objects share.

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_set>

#include "storage/object_store/file/file_object_store.h"
#include "storage/object_store/file/generations.h"
#include "storage/object_store/file/index_entry.h"
#include "storage/object_store/file/small_cache.h"

namespace wellhead::storage::file {

inline constexpr const char* kBucketsCollection = "objects/buckets";
inline constexpr const char* kIndexCollection = "objects/index";
inline constexpr const char* kVersionsCollection = "objects/versions";
inline constexpr const char* kSmallCollection = "objects/small";
inline constexpr const char* kStateCollection = "objects/state";

// Objects up to this size are committed with their index entry, which costs one flush that they share with others; a
// file of its own costs two that it shares with few. They get their file later.
inline constexpr size_t kLargestSmallBytes = 16 << 10;

base::Bytes IndexKey(base::ByteView bucket, base::ByteView key);

class Core : public std::enable_shared_from_this<Core> {
  public:
    Core(ObjectStoreDeps deps, std::string directory, uint64_t first_generation);

    const ObjectStoreDeps& deps() const { return deps_; }
    const std::string& directory() const { return directory_; }
    uint64_t first_generation() const { return first_generation_; }
    Generations& generations() { return generations_; }
    uint64_t NextGeneration() { return next_generation_.fetch_add(1, std::memory_order_relaxed); }

    std::string PathOf(base::ByteView bucket, base::ByteView key, uint64_t generation) const;
    std::string StagingDirectory() const { return directory_ + "/.staging"; }
    std::string StagingPath(uint64_t generation) const;

    // Blocking. Gives the staged file (or, with link, another name of an object's file) its final name, durably.
    base::Result<void> PutInPlace(const std::string& from, const std::string& to, bool link);
    // Blocking. Removes the file and the directories that are empty then.
    void RemoveFile(const std::string& path);
    // The same, on the pool, later.
    void RemoveLater(std::string path);

    // Makes the version the current one of its key. contents are a small object's, else null.
    env::Task<base::Result<ObjectMetadata>> Install(std::string bucket, base::Bytes key, ObjectMetadata metadata,
                                                    std::shared_ptr<const base::Bytes> contents,
                                                    ObjectCondition condition, Naming naming);
    // One batch, tried by both kinds of change: kConflict when another was first.
    env::Task<base::Result<void>> CommitChange(std::string bucket, TableBatch batch);
    env::Task<base::Result<std::optional<IndexEntry>>> Find(std::string bucket, base::Bytes key);

    // Where an entry stands: among the current ones or the older ones.
    struct Place {
        std::string collection;
        base::Bytes row_key;
        base::Bytes value;
        IndexEntry entry;
    };
    // The version of a key, tombstones too; kCurrentVersion and kUnnamedVersion as in the port.
    env::Task<base::Result<std::optional<Place>>> FindVersion(std::string bucket, base::Bytes key, uint64_t version);
    env::Task<base::Result<std::optional<Place>>> FindGeneration(std::string bucket, base::Bytes key,
                                                                 uint64_t generation);
    // The newest of the versions that are not current, up to limit.
    env::Task<base::Result<std::vector<Place>>> OlderVersions(std::string bucket, base::Bytes key, size_t limit);
    // Adds to the batch what a change by naming does to the versions that are there; gone are those that it removes.
    env::Task<base::Result<void>> Displace(TableBatch& batch, std::string bucket, base::Bytes key,
                                           const std::optional<Place>& current, Naming naming,
                                           std::vector<IndexEntry>& gone);
    // Whether the bucket may have older versions: those that never had any are spared the look.
    env::Task<base::Result<bool>> HasHistory(std::string bucket);
    void SetHistory(const std::string& bucket);

    // The version is no more; its file may go.
    void Retire(const std::string& bucket, const base::Bytes& key, const IndexEntry& entry);

    // A small object gets a file of its own. Its path.
    env::Task<base::Result<std::string>> Settle(std::string bucket, base::Bytes key, uint64_t generation,
                                                std::shared_ptr<const base::Bytes> contents);
    SmallCache& small_cache() { return small_cache_; }
    // Small objects installed so far.
    uint64_t small_installs() const { return small_installs_.load(std::memory_order_relaxed); }

    // A bucket that is being deleted takes no new objects, one with changes under way is not deleted.
    bool EnterBucket(const std::string& bucket);
    void LeaveBucket(const std::string& bucket);
    bool CloseBucket(const std::string& bucket);
    void ReopenBucket(const std::string& bucket);

    bool IsVerified(uint64_t generation) const;
    void SetVerified(uint64_t generation);

  private:
    struct Gate {
        int entered = 0;
        bool closed = false;
    };

    const ObjectStoreDeps deps_;
    const std::string directory_;
    const uint64_t first_generation_;
    std::atomic<uint64_t> next_generation_;
    Generations generations_;
    SmallCache small_cache_;
    std::atomic<uint64_t> small_installs_{0};
    mutable std::mutex mutex_;
    std::map<std::string, Gate> gates_;
    std::map<std::string, bool> history_;
    std::unordered_set<uint64_t> verified_;
};

// Ends the look-up however its coroutine ends.
class Lookup {
  public:
    explicit Lookup(Generations& generations) : generations_(generations), id_(generations.BeginLookup()) {}
    ~Lookup() { generations_.EndLookup(id_); }
    Lookup(const Lookup&) = delete;
    Lookup& operator=(const Lookup&) = delete;

  private:
    Generations& generations_;
    const uint64_t id_;
};

// An object of this store.
class StoredObject : public Object {
  public:
    // Of its file; empty for a small one.
    virtual const std::string& file_path() const = 0;
    virtual std::shared_ptr<const base::Bytes> small_contents() const = 0;
};

// Within a look-up that found it.
std::shared_ptr<const Object> MakeSmallObject(std::shared_ptr<Core> core, std::string bucket, base::Bytes key,
                                              ObjectMetadata metadata, std::shared_ptr<const base::Bytes> contents);
std::shared_ptr<const Object> MakeFileObject(std::shared_ptr<Core> core, std::string path,
                                             ObjectMetadata metadata);
std::unique_ptr<ObjectWriter> MakeFileWriter(std::shared_ptr<Core> core, std::string bucket);
env::Task<base::Result<std::shared_ptr<const Object>>> GetObject(std::shared_ptr<Core> core, std::string bucket,
                                                                 base::Bytes key, uint64_t version);
env::Task<base::Result<ObjectEntry>> DeleteVersion(std::shared_ptr<Core> core, std::string bucket, base::Bytes key,
                                                   ObjectCondition condition, uint64_t version);
env::Task<base::Result<ObjectEntry>> PutTombstone(std::shared_ptr<Core> core, std::string bucket, base::Bytes key,
                                                  ObjectCondition condition, Naming naming);
env::Task<base::Result<std::vector<ObjectEntry>>> ListVersions(std::shared_ptr<Core> core, std::string bucket,
                                                               ObjectRange range);
// Whether the condition holds for what is current now, or nothing is.
bool Holds(ObjectCondition condition, const IndexEntry* current);
env::Task<base::Result<void>> CollectOrphansOf(std::shared_ptr<Core> core);
env::Task<void> KeepSettlingOf(std::shared_ptr<Core> core);

}  // namespace wellhead::storage::file
