#pragma once
// The bucket side of a query: which objects lie under a location, where they are as files, results put and taken back.

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "api/service.h"
#include "apis/s3/api.h"
#include "env/blocking_pool.h"
#include "env/files.h"
#include "query/object_files.h"

namespace wellhead::services::athena {

struct S3Place {
    std::string bucket;
    std::string key;  // or prefix
};
// "s3://bucket/a/b"; kInvalidArgument.
base::Result<S3Place> ParseS3(const std::string& location);
// The same with "/" at the end of the prefix, unless that is empty.
base::Result<S3Place> ParseS3Folder(const std::string& location);

// All outlive it. Thread-safe.
class Lake {
  public:
    Lake(apis::s3::S3Api& s3, query::ObjectFiles& objects, env::Files& files, env::BlockingPool& pool)
        : s3_(s3), objects_(objects), files_(files), pool_(pool) {}

    // Data objects (not empty, not hidden by a leading _ or .) under each of the prefixes, given to found with the
    // prefix's index; prefixes are of one bucket, ascending, none the beginning of another. kNotFound: no such bucket.
    env::Task<base::Result<void>> List(const api::CallContext& context, std::string bucket, std::vector<std::string> prefixes,
                                       std::function<void(size_t, const apis::s3::Object&)> found);
    // Whether anything is there.
    env::Task<base::Result<bool>> HasObjects(const api::CallContext& context, S3Place folder);
    env::Task<base::Result<query::ObjectFile>> Find(std::string bucket, std::string key) { return objects_.Find(std::move(bucket), std::move(key)); }

    env::Task<base::Result<void>> PutText(const api::CallContext& context, S3Place place, std::string content_type, base::Bytes text);
    env::Task<base::Result<void>> PutFile(const api::CallContext& context, S3Place place, std::string content_type, std::string path);
    env::Task<base::Result<void>> Delete(const api::CallContext& context, S3Place place);

    env::Files& files() { return files_; }
    env::BlockingPool& pool() { return pool_; }

  private:
    env::Task<base::Result<void>> Put(const api::CallContext& context, S3Place place, std::string content_type, uint64_t size, api::StreamBody body);

    apis::s3::S3Api& s3_;
    query::ObjectFiles& objects_;
    env::Files& files_;
    env::BlockingPool& pool_;
};

// Removes a directory with all in it. Blocks.
base::Result<void> RemoveTree(env::Files& files, const std::string& path);

}  // namespace wellhead::services::athena
