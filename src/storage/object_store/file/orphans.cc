// Files that no index entry names: left by a program that was killed between naming a file and registering it, or
// between replacing an object and removing the old version.

#include <fmt/format.h>

#include <charconv>

#include "base/log.h"
#include "storage/object_store/file/core.h"
#include "storage/object_store/file/index_entry.h"
#include "storage/object_store/file/key_path.h"

namespace wellhead::storage::file {

namespace {

using base::Result;

struct Found {
    int removed = 0;
    int foreign = 0;
};

env::Task<Result<std::vector<env::DirectoryEntry>>> ListDirectory(std::shared_ptr<Core> core,
                                                                  std::string path) {
    auto list = [&] { return core->deps().files.List(path); };
    co_return co_await env::RunBlocking(core->deps().pool, list);
}

env::Task<Result<void>> CollectStaging(std::shared_ptr<Core> core, Found& found) {
    auto entries = co_await ListDirectory(core, core->StagingDirectory());
    if (!entries) co_return std::unexpected(entries.error());
    for (const auto& entry : *entries) {
        uint64_t generation = 0;
        auto parsed = std::from_chars(entry.name.data(), entry.name.data() + entry.name.size(), generation, 16);
        if (parsed.ec != std::errc() || generation >= core->first_generation()) continue;
        core->RemoveLater(core->StagingDirectory() + "/" + entry.name);
        ++found.removed;
    }
    co_return Result<void>();
}

env::Task<Result<void>> CheckFile(std::shared_ptr<Core> core, std::string bucket, std::string directory,
                                  std::string path, Found& found) {
    auto name = ObjectOfPath(path);
    if (!name) {
        ++found.foreign;
        co_return Result<void>();
    }
    if (name->generation >= core->first_generation()) co_return Result<void>();
    auto place = co_await core->FindGeneration(bucket, name->key, name->generation);
    if (!place) co_return std::unexpected(place.error());
    if (*place) co_return Result<void>();
    if (core->generations().IsRetired(name->generation)) co_return Result<void>();
    core->RemoveLater(directory + "/" + path);
    ++found.removed;
    co_return Result<void>();
}

env::Task<Result<void>> CollectBucket(std::shared_ptr<Core> core, std::string bucket, Found& found) {
    const std::string directory = core->directory() + "/" + DirectoryOfBucket(bucket);
    std::vector<std::string> left{""};
    while (!left.empty()) {
        std::string at = std::move(left.back());
        left.pop_back();
        auto entries = co_await ListDirectory(core, directory + "/" + at);
        if (!entries) {
            // It went away meanwhile, or was never made.
            if (entries.error().code == base::ErrorCode::kNotFound) continue;
            co_return std::unexpected(entries.error());
        }
        for (auto& entry : *entries) {
            std::string path = at + entry.name;
            if (entry.kind == env::FileKind::kDirectory) {
                left.push_back(path + "/");
                continue;
            }
            auto checked = co_await CheckFile(core, bucket, directory, path, found);
            if (!checked) co_return checked;
        }
    }
    co_return Result<void>();
}

}  // namespace

env::Task<Result<void>> CollectOrphansOf(std::shared_ptr<Core> core) {
    Found found;
    auto staging = co_await CollectStaging(core, found);
    if (!staging) co_return staging;
    TableRange all;
    auto buckets = co_await core->deps().index.Scan(kBucketsCollection, all);
    if (!buckets) co_return std::unexpected(buckets.error());
    for (const auto& bucket : *buckets) {
        auto collected = co_await CollectBucket(core, bucket.key, found);
        if (!collected) co_return collected;
    }
    if (found.removed > 0) {
        base::LogInfo("objects", "removed {} files that an earlier run left unfinished", found.removed);
    }
    if (found.foreign > 0) {
        base::LogWarning("objects", "{} files under {} are not objects of this store and were left alone",
                         found.foreign, core->directory());
    }
    co_return Result<void>();
}

}  // namespace wellhead::storage::file
