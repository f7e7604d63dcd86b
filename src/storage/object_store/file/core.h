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
    base::Result<void> Place(const std::string& from, const std::string& to, bool link);
    // Blocking. Removes the file and the directories that are empty then.
    void RemoveFile(const std::string& path);
    // The same, on the pool, later.
    void RemoveLater(std::string path);

    // Makes the version the current one of its key. contents are a small object's, else null.
    env::Task<base::Result<void>> Install(std::string bucket, base::Bytes key, ObjectMetadata metadata,
                                          std::shared_ptr<const base::Bytes> contents, ObjectCondition condition);
    env::Task<base::Result<std::optional<IndexEntry>>> Find(std::string bucket, base::Bytes key);
    // The version is not current any more; its file may go.
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
                                                                 base::Bytes key);
env::Task<base::Result<void>> CollectOrphansOf(std::shared_ptr<Core> core);
env::Task<void> KeepSettlingOf(std::shared_ptr<Core> core);

}  // namespace wellhead::storage::file
