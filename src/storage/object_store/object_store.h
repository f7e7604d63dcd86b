#pragma once
// ObjectStore: files by bucket and key. An object is one immutable file, replaced as a whole; a query engine opens it in
// place. Knows nothing of S3: what a service wants kept with an object travels as opaque attributes.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "env/files.h"
#include "env/task.h"

namespace wellhead::storage {

struct ObjectMetadata {
    uint64_t generation = 0;  // of this version: unique in the store, over restarts too
    uint64_t size_bytes = 0;
    base::Instant modified;
    uint64_t crc64nvme = 0;  // of the contents
    base::Bytes attributes;  // the service's own
    uint64_t version = 0;    // grows with each change of the key; names the version among those of its key
    bool named = false;
};

struct ObjectEntry {
    base::Bytes key;
    ObjectMetadata metadata;
    bool current = true;
    bool tombstone = false;  // says that the key was deleted, and has no contents
};

// Versions of a key beside the current one. A key has at most one unnamed version; a change with kUnnamed takes its
// place, wherever it is in the row, and one with kNamed leaves all that are there. Named versions stay in both.
enum class Naming { kUnnamed, kNamed };
inline constexpr uint64_t kCurrentVersion = UINT64_MAX;
inline constexpr uint64_t kUnnamedVersion = 0;

struct Bucket {
    std::string name;
    base::Instant created;
    base::Bytes attributes;
};

// What must hold for a change to happen; otherwise it fails with kConflict.
struct ObjectCondition {
    enum class Kind { kNone, kAbsent, kGeneration };
    Kind kind = Kind::kNone;
    uint64_t generation = 0;
};

// One version of an object. While this lives its file stays where it is, also when the object is replaced or deleted
// meanwhile. Thread-safe.
class Object {
  public:
    virtual ~Object() = default;
    virtual const ObjectMetadata& metadata() const = 0;
    // The name of a file that holds the object, for an engine that opens it by name. kUnsupported where there are no
    // files (memory); kLimit, kIo when one had to be written first.
    virtual env::Task<base::Result<std::string>> Path() const = 0;
    // Blocks. Offset 0 of the file is the object's first byte. kCorrupt when the file is not there or not of this size.
    virtual base::Result<std::shared_ptr<env::File>> Open() const = 0;
    // Blocks: reads all and compares with the checksum; once per version and process. kCorrupt.
    virtual base::Result<void> Verify() const = 0;
    // The contents, where they lie in memory already; verified.
    virtual std::optional<base::ByteView> contents() const { return std::nullopt; }
};

// What Delete does.
struct Removal {
    // kVersion: the version goes for good, and the newest of those left becomes the current one unless it is a tombstone.
    // kTombstone: a tombstone becomes the newest version, and the key has no current one.
    enum class Kind { kVersion, kTombstone };
    Kind kind = Kind::kVersion;
    uint64_t version = kCurrentVersion;
    Naming naming = Naming::kUnnamed;
};

// An object under way. One task uses it. Destroyed without Commit: nothing remains.
class ObjectWriter {
  public:
    virtual ~ObjectWriter() = default;
    // The next piece. kLimit: no space. An error is final.
    virtual env::Task<base::Result<void>> Write(base::Bytes piece) = 0;
    virtual uint64_t size_bytes() const = 0;
    virtual uint64_t crc64nvme() const = 0;  // of what was written until now
    // The object takes the key's place, at once and on stable storage when this succeeds. Once. kNotFound: no such
    // bucket; kConflict: the condition does not hold; kLimit: no space; kReadOnly; nothing was changed then.
    virtual env::Task<base::Result<ObjectMetadata>> Commit(base::Bytes key, base::Bytes attributes,
                                                           ObjectCondition condition,
                                                           Naming naming = Naming::kUnnamed) = 0;
};

// The objects whose keys begin with prefix, from the key first on (inclusive), at most limit.
struct ObjectRange {
    base::Bytes prefix;
    base::Bytes first;
    size_t limit = 1000;
    // All versions of each key, tombstones too, the current one first and then from the newest to the oldest; of the key
    // first only those whose version is less than below.
    bool versions = false;
    uint64_t below = kCurrentVersion;
};

// Thread-safe. Bucket names are 1 to 128 bytes without NUL; keys any bytes up to 1024, a "/" is nothing special to the
// contract. A read sees every change that succeeded before it began. Every success of a change is durable.
class ObjectStore {
  public:
    virtual ~ObjectStore() = default;

    // kAlreadyExists.
    virtual env::Task<base::Result<void>> CreateBucket(std::string name, base::Bytes attributes) = 0;
    // kNotFound; kConflict when it holds objects or versions of some.
    virtual env::Task<base::Result<void>> DeleteBucket(std::string name) = 0;
    // By name, in byte order.
    virtual env::Task<base::Result<std::vector<Bucket>>> ListBuckets() = 0;
    virtual env::Task<base::Result<Bucket>> GetBucket(std::string name) = 0;  // kNotFound

    // A writer for one new object of the bucket.
    virtual std::unique_ptr<ObjectWriter> NewWriter(std::string bucket) = 0;
    // The version that is current now, or another. kNotFound: no such object (or bucket), or a tombstone.
    virtual env::Task<base::Result<std::shared_ptr<const Object>>> Get(std::string bucket, base::Bytes key,
                                                                       uint64_t version = kCurrentVersion) = 0;
    // In byte order of the keys.
    virtual env::Task<base::Result<std::vector<ObjectEntry>>> List(std::string bucket,
                                                                   ObjectRange range) = 0;
    // What was removed, or the tombstone that was put. The condition is one of the current version. kNotFound (never for a
    // tombstone in a bucket that is there), kConflict.
    virtual env::Task<base::Result<ObjectEntry>> Delete(std::string bucket, base::Bytes key,
                                                        ObjectCondition condition, Removal removal = {}) = 0;
    // A new object of the contents of the sources one after the other; a single source is shared, not copied. Errors as
    // those of ObjectWriter::Commit.
    virtual env::Task<base::Result<ObjectMetadata>> Compose(std::vector<std::shared_ptr<const Object>> sources,
                                                            std::string bucket, base::Bytes key,
                                                            base::Bytes attributes, ObjectCondition condition,
                                                            Naming naming = Naming::kUnnamed) = 0;
    // Other attributes for the version of this generation; its contents, generation and time stay. kNotFound, kConflict
    // when the key has no version of this generation.
    virtual env::Task<base::Result<void>> SetAttributes(std::string bucket, base::Bytes key, uint64_t generation,
                                                        base::Bytes attributes) = 0;
};

}  // namespace wellhead::storage
