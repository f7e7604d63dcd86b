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

namespace wellhead::storage::file {

inline constexpr const char* kBucketsCollection = "objects/buckets";
inline constexpr const char* kIndexCollection = "objects/index";
inline constexpr const char* kStateCollection = "objects/state";

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

    // Makes the version the current one of its key.
    env::Task<base::Result<void>> Install(std::string bucket, base::Bytes key, ObjectMetadata metadata,
                                          ObjectCondition condition);
    env::Task<base::Result<std::optional<ObjectMetadata>>> Find(std::string bucket, base::Bytes key);

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

// Within a look-up that found it.
std::shared_ptr<const Object> MakeFileObject(std::shared_ptr<Core> core, std::string path,
                                             ObjectMetadata metadata);
std::unique_ptr<ObjectWriter> MakeFileWriter(std::shared_ptr<Core> core, std::string bucket);
env::Task<base::Result<void>> CollectOrphansOf(std::shared_ptr<Core> core);

}  // namespace wellhead::storage::file
