// Small objects: committed with their index entry, given a file of their own later, or when an engine asks for one.

#include <chrono>

#include "base/log.h"
#include "codec/crc.h"
#include "env/deadline.h"
#include "storage/object_store/bytes_file.h"
#include "storage/object_store/file/core.h"

namespace wellhead::storage::file {

namespace {

using base::ErrorCode;
using base::Result;
using namespace std::chrono_literals;

constexpr auto kSettleInterval = 2s;
// More small objects than this in an interval: their clients wait for the disk, files come later.
constexpr uint64_t kBusyInstalls = 400;
constexpr size_t kSettleStep = 256;

class SmallObject final : public StoredObject {
  public:
    SmallObject(std::shared_ptr<Core> core, std::string bucket, base::Bytes key, ObjectMetadata metadata,
                std::shared_ptr<const base::Bytes> contents)
        : core_(std::move(core)),
          bucket_(std::move(bucket)),
          key_(std::move(key)),
          metadata_(std::move(metadata)),
          contents_(std::move(contents)) {
        core_->generations().Pin(metadata_.generation);
    }
    ~SmallObject() override { core_->generations().Unpin(metadata_.generation); }

    const ObjectMetadata& metadata() const override { return metadata_; }
    env::Task<Result<std::string>> Path() const override {
        return core_->Settle(bucket_, key_, metadata_.generation, contents_);
    }
    Result<std::shared_ptr<env::File>> Open() const override { return MakeBytesFile(contents_); }
    Result<void> Verify() const override { return {}; }
    std::optional<base::ByteView> contents() const override { return *contents_; }
    const std::string& file_path() const override {
        static const std::string none;
        return none;
    }
    std::shared_ptr<const base::Bytes> small_contents() const override { return contents_; }

  private:
    const std::shared_ptr<Core> core_;
    const std::string bucket_;
    const base::Bytes key_;
    const ObjectMetadata metadata_;
    const std::shared_ptr<const base::Bytes> contents_;
};

// Blocking. Written anew each time: two that settle the same version put the same file in the same place.
Result<void> WriteSettledFile(Core& core, const std::string& path, base::ByteView contents) {
    const std::string staging = core.StagingPath(core.NextGeneration());
    ASSIGN_OR_RETURN(auto file, core.deps().files.Open(staging, env::OpenMode::kCreateNew));
    auto written = file->WriteAt(0, contents);
    if (written) written = core.PutInPlace(staging, path, false);
    if (!written) {
        (void)core.deps().files.Remove(staging);
        return written;
    }
    RETURN_IF_ERROR(file->Sync());
    return core.deps().files.SyncDirectory(path.substr(0, path.rfind('/')));
}

// Null when the row is not there.
env::Task<Result<std::shared_ptr<const base::Bytes>>> ReadRow(std::shared_ptr<Core> core,
                                                              const ObjectMetadata& metadata) {
    std::shared_ptr<const base::Bytes> contents = core->small_cache().Find(metadata.generation);
    if (contents) co_return contents;
    auto row = co_await core->deps().index.Get(kSmallCollection, SmallRowKey(metadata.generation));
    if (!row) co_return std::unexpected(row.error());
    if (!*row) co_return contents;
    CO_ASSIGN_OR_RETURN(SmallRow decoded, DecodeSmallRow(**row));
    if (codec::Crc64Nvme(decoded.contents) != metadata.crc64nvme) {
        co_return base::Fail(ErrorCode::kCorrupt, "a small object is damaged: its checksum does not hold");
    }
    contents = std::make_shared<const base::Bytes>(decoded.contents);
    core->small_cache().Add(metadata.generation, contents);
    co_return contents;
}

}  // namespace

env::Task<Result<std::string>> Core::Settle(std::string bucket, base::Bytes key, uint64_t generation,
                                            std::shared_ptr<const base::Bytes> contents) {
    const std::string path = PathOf(bucket, key, generation);
    auto write = [&] { return WriteSettledFile(*this, path, *contents); };
    auto written = co_await env::RunBlocking(deps_.pool, write);
    if (!written) co_return std::unexpected(written.error());
    for (;;) {
        auto place = co_await FindGeneration(bucket, key, generation);
        if (!place) co_return std::unexpected(place.error());
        if (!*place) {
            // Replaced meanwhile: the file goes with its last reader.
            generations_.Retire(generation, path);
            co_return path;
        }
        IndexEntry entry = (*place)->entry;
        if (!entry.small) co_return path;
        entry.small = false;
        TableBatch batch;
        batch.RequireValue((*place)->collection, (*place)->row_key, (*place)->value);
        batch.Put((*place)->collection, (*place)->row_key, EncodeIndexEntry(entry));
        batch.Delete(kSmallCollection, SmallRowKey(generation));
        auto committed = co_await deps_.index.Commit(std::move(batch));
        if (committed) co_return path;
        if (committed.error().code != ErrorCode::kConflict) co_return std::unexpected(committed.error());
    }
}

std::shared_ptr<const Object> MakeSmallObject(std::shared_ptr<Core> core, std::string bucket, base::Bytes key,
                                              ObjectMetadata metadata,
                                              std::shared_ptr<const base::Bytes> contents) {
    return std::make_shared<SmallObject>(std::move(core), std::move(bucket), std::move(key), std::move(metadata),
                                         std::move(contents));
}

env::Task<Result<std::shared_ptr<const Object>>> GetObject(std::shared_ptr<Core> core, std::string bucket,
                                                           base::Bytes key, uint64_t version) {
    std::optional<uint64_t> missing;
    for (;;) {
        Lookup lookup(core->generations());
        auto found = co_await core->FindVersion(bucket, key, version);
        if (!found) co_return std::unexpected(found.error());
        if (!*found || (*found)->entry.tombstone) co_return base::Fail(ErrorCode::kNotFound, "no object " + key);
        ObjectMetadata metadata = std::move((*found)->entry.metadata);
        if (!(*found)->entry.small) {
            std::string path = core->PathOf(bucket, key, metadata.generation);
            co_return MakeFileObject(core, std::move(path), std::move(metadata));
        }
        auto contents = co_await ReadRow(core, metadata);
        if (!contents) co_return std::unexpected(contents.error());
        if (*contents) {
            co_return MakeSmallObject(core, bucket, key, std::move(metadata), std::move(*contents));
        }
        // Replaced or settled between the two reads, unless it happens twice to one version.
        if (missing == metadata.generation) {
            co_return base::Fail(ErrorCode::kCorrupt, "the contents of the small object " + key + " are gone");
        }
        missing = metadata.generation;
    }
}

env::Task<void> KeepSettlingOf(std::shared_ptr<Core> core) {
    uint64_t installs = core->small_installs();
    for (;;) {
        co_await env::Sleep(kSettleInterval);
        const uint64_t before = std::exchange(installs, core->small_installs());
        if (installs - before > kBusyInstalls) continue;
        TableRange oldest;
        oldest.limit = kSettleStep;
        auto rows = co_await core->deps().index.Scan(kSmallCollection, oldest);
        if (!rows) {
            base::LogWarning("objects", "small objects cannot be read to get files: {}", rows.error().message);
            continue;
        }
        for (const auto& row : *rows) {
            auto decoded = DecodeSmallRow(row.value);
            if (!decoded) continue;
            const size_t zero = decoded->index_key.find('\0');
            std::string bucket(decoded->index_key.substr(0, zero));
            base::Bytes key(decoded->index_key.substr(zero + 1));
            const uint64_t generation = GenerationOfRowKey(row.key);
            Lookup lookup(core->generations());
            auto place = co_await core->FindGeneration(bucket, key, generation);
            if (!place || !*place) continue;
            auto contents = std::make_shared<const base::Bytes>(decoded->contents);
            if (codec::Crc64Nvme(*contents) != (*place)->entry.metadata.crc64nvme) continue;
            auto path = co_await core->Settle(bucket, key, generation, std::move(contents));
            if (path) continue;
            base::LogWarning("objects", "a small object gets no file now: {}", path.error().message);
            break;
        }
    }
}

}  // namespace wellhead::storage::file
