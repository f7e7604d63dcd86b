#include "services/athena/lake.h"

#include <fmt/format.h>

#include <algorithm>

#include "services/athena/file_stream.h"

namespace wellhead::services::athena {

using base::ErrorCode;
using base::Fail;
using base::Result;

Result<S3Place> ParseS3(const std::string& location) {
    const size_t scheme = location.starts_with("s3://") ? 5 : location.starts_with("s3a://") || location.starts_with("s3n://") ? 6 : 0;
    const size_t slash = location.find('/', scheme);
    const std::string bucket = location.substr(scheme, slash == std::string::npos ? slash : slash - scheme);
    if (scheme == 0 || bucket.empty()) return Fail(ErrorCode::kInvalidArgument, fmt::format("the location {} is not in S3", location));
    return S3Place{bucket, slash == std::string::npos ? "" : location.substr(slash + 1)};
}

Result<S3Place> ParseS3Folder(const std::string& location) {
    ASSIGN_OR_RETURN(S3Place place, ParseS3(location));
    if (!place.key.empty() && place.key.back() != '/') place.key += '/';
    return place;
}

env::Task<Result<void>> Lake::List(const api::CallContext& context, std::string bucket, std::vector<std::string> prefixes,
                                   std::function<void(size_t, const apis::s3::Object&)> found) {
    // One walk in key order over what the prefixes have in common; where the next prefix is further on than the page
    // reaches, the walk goes on there.
    std::string common = prefixes.empty() ? "" : prefixes.front();
    if (!prefixes.empty()) {
        const auto differ = std::mismatch(common.begin(), common.end(), prefixes.back().begin(), prefixes.back().end());
        common.erase(differ.first, common.end());
    }
    size_t next = 0;
    std::optional<std::string> after;
    while (next < prefixes.size()) {
        apis::s3::ListObjectsV2Request request;
        request.Bucket = bucket;
        request.Prefix = prefixes.size() - next == 1 ? prefixes[next] : common;
        // The greatest key that sorts before the prefix's own is not known; a key equal to the prefix is a folder's mark.
        if (!after || *after < prefixes[next]) after = prefixes[next];
        if (!after->empty()) request.StartAfter = after;
        auto page = co_await s3_.ListObjectsV2(context, std::move(request));
        if (!page) co_return Fail(ErrorCode::kNotFound, page.error().message);
        const auto none = std::vector<apis::s3::Object>{};
        const auto& objects = page->Contents ? *page->Contents : none;
        for (const apis::s3::Object& object : objects) {
            const std::string& key = *object.Key;
            while (next < prefixes.size() && !key.starts_with(prefixes[next]) && prefixes[next] < key) ++next;
            if (next == prefixes.size()) break;
            if (!key.starts_with(prefixes[next])) continue;
            const size_t name = key.rfind('/') + 1;  // 0 without
            if (object.Size.value_or(0) == 0 || name == key.size() || key[name] == '_' || key[name] == '.') continue;
            found(next, object);
        }
        if (!page->IsTruncated.value_or(false) || objects.empty()) break;
        after = *objects.back().Key;
        while (next < prefixes.size() && !after->starts_with(prefixes[next]) && prefixes[next] < *after) ++next;
    }
    co_return Result<void>{};
}

env::Task<Result<bool>> Lake::HasObjects(const api::CallContext& context, S3Place folder) {
    apis::s3::ListObjectsV2Request request;
    request.Bucket = std::move(folder.bucket);
    request.Prefix = std::move(folder.key);
    request.MaxKeys = 2;
    const std::string mark = *request.Prefix;
    auto page = co_await s3_.ListObjectsV2(context, std::move(request));
    if (!page) co_return Fail(ErrorCode::kNotFound, page.error().message);
    bool any = false;
    if (page->Contents) {
        for (const apis::s3::Object& object : *page->Contents) any = any || *object.Key != mark;
    }
    co_return any;
}

env::Task<Result<void>> Lake::Put(const api::CallContext& context, S3Place place, std::string content_type, uint64_t size, api::StreamBody body) {
    apis::s3::PutObjectRequest request;
    const std::string where = fmt::format("s3://{}/{}", place.bucket, place.key);
    request.Bucket = std::move(place.bucket);
    request.Key = std::move(place.key);
    request.ContentLength = static_cast<int64_t>(size);
    request.ContentType = std::move(content_type);
    request.Body = std::move(body);
    auto put = co_await s3_.PutObject(context, std::move(request));
    if (!put) co_return Fail(ErrorCode::kUnavailable, fmt::format("{}: {}: {}", where, put.error().code, put.error().message));
    co_return Result<void>{};
}

env::Task<Result<void>> Lake::PutText(const api::CallContext& context, S3Place place, std::string content_type, base::Bytes text) {
    const uint64_t size = text.size();
    auto body = api::MakeByteStream(std::move(text));
    co_return co_await Put(context, std::move(place), std::move(content_type), size, std::move(body));
}

env::Task<Result<void>> Lake::PutFile(const api::CallContext& context, S3Place place, std::string content_type, std::string path) {
    const auto open = [this, &path] { return OpenFileStream(files_, pool_, path); };
    CO_ASSIGN_OR_RETURN(auto body, co_await env::RunBlocking(pool_, open));
    const uint64_t size = body->length().value_or(0);
    co_return co_await Put(context, std::move(place), std::move(content_type), size, std::move(body));
}

env::Task<Result<void>> Lake::Delete(const api::CallContext& context, S3Place place) {
    apis::s3::DeleteObjectRequest request;
    request.Bucket = std::move(place.bucket);
    request.Key = std::move(place.key);
    auto deleted = co_await s3_.DeleteObject(context, std::move(request));
    if (!deleted) co_return Fail(ErrorCode::kUnavailable, deleted.error().message);
    co_return Result<void>{};
}

Result<void> RemoveTree(env::Files& files, const std::string& path) {
    auto entries = files.List(path);
    if (!entries) return entries.error().code == ErrorCode::kNotFound ? Result<void>{} : Result<void>(std::unexpected(entries.error()));
    for (const env::DirectoryEntry& entry : *entries) {
        const std::string child = path + "/" + entry.name;
        if (entry.kind == env::FileKind::kDirectory) RETURN_IF_ERROR(RemoveTree(files, child));
        else RETURN_IF_ERROR(files.Remove(child));
    }
    return files.Remove(path);
}

}  // namespace wellhead::services::athena
