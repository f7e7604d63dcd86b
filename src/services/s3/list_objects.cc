#include "services/s3/listing.h"
#include "services/s3/s3_errors.h"
#include "services/s3/s3_service.h"

namespace wellhead::services::s3 {

namespace {

constexpr int32_t kMostKeys = 1000;

Outcome<size_t> LimitOf(const std::optional<int32_t>& max_keys) {
    if (max_keys.value_or(0) < 0) {
        return std::unexpected(InvalidArgument("Argument maxKeys must be an integer between 0 and 2147483647",
                                               "maxKeys", std::to_string(*max_keys)));
    }
    return static_cast<size_t>(std::min(max_keys.value_or(kMostKeys), kMostKeys));
}

Outcome<void> CheckEncoding(const std::optional<std::string>& encoding) {
    if (!encoding || *encoding == "url") return {};
    return std::unexpected(InvalidArgument("Invalid Encoding Method specified in Request", "encoding-type", *encoding));
}

// Names in an answer, percent-encoded when the client asked for it.
class Spelling {
  public:
    explicit Spelling(const std::optional<std::string>& encoding) : url_(encoding == "url") {}
    std::string operator()(const std::string& name) const { return url_ ? PercentEncode(name) : name; }
    std::optional<std::string> operator()(const std::optional<std::string>& name) const {
        if (!name) return std::nullopt;
        return (*this)(*name);
    }

  private:
    const bool url_;
};

template <class T>
Outcome<T> EntryOf(const storage::ObjectEntry& entry, const Spelling& spell) {
    auto attributes = DecodeAttributes(entry.metadata.attributes);
    if (!attributes) return std::unexpected(FromStorage(attributes.error()));
    T out;
    out.Key = spell(entry.key);
    out.LastModified = entry.metadata.modified;
    out.ETag = '"' + attributes->etag + '"';
    out.Size = static_cast<int64_t>(entry.metadata.size_bytes);
    out.StorageClass = attributes->storage_class.empty() ? "STANDARD" : attributes->storage_class;
    Checksum checksum = attributes->checksum.value_or(Checksum{});
    out.ChecksumAlgorithm.emplace().emplace_back(NameOf(checksum.algorithm));
    out.ChecksumType = checksum.composite ? "COMPOSITE" : "FULL_OBJECT";
    return out;
}

template <class Output, class Page>
void AddPrefixes(Output& output, const Page& page, const Spelling& spell) {
    if (page.common_prefixes.empty()) return;
    output.CommonPrefixes.emplace();
    for (const auto& prefix : page.common_prefixes) output.CommonPrefixes->emplace_back().Prefix = spell(prefix);
}

// What all three lists say of the request.
template <class Output, class Request>
void Echo(Output& output, const Request& request, size_t limit, const Spelling& spell) {
    output.Name = request.Bucket;
    output.Prefix = spell(request.Prefix.value_or(""));
    if (request.Delimiter && !request.Delimiter->empty()) output.Delimiter = spell(*request.Delimiter);
    output.MaxKeys = static_cast<int32_t>(limit);
    output.EncodingType = request.EncodingType;
}

}  // namespace

Task<Outcome<s3::ListObjectsOutput>> S3Service::ListObjects(const CallContext&, s3::ListObjectsRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    CO_RETURN_IF_ERROR(CheckEncoding(request.EncodingType));
    CO_ASSIGN_OR_RETURN(size_t limit, LimitOf(request.MaxKeys));
    ListQuery query{request.Bucket, request.Prefix.value_or(""), request.Delimiter.value_or(""),
                    request.Marker.value_or(""), "", limit};
    auto page = co_await ListPageOf(deps_.objects, query);
    if (!page) co_return std::unexpected(FromStorage(page.error()));
    Spelling spell(request.EncodingType);
    s3::ListObjectsOutput output;
    Echo(output, request, limit, spell);
    output.Marker = spell(request.Marker.value_or(""));
    output.IsTruncated = page->truncated;
    if (page->truncated && !query.delimiter.empty()) output.NextMarker = spell(page->last);
    for (const auto& entry : page->objects) {
        if (!output.Contents) output.Contents.emplace();
        CO_ASSIGN_OR_RETURN(auto object, EntryOf<s3::Object>(entry, spell));
        object.Owner.emplace().ID = OwnerId();
        output.Contents->push_back(std::move(object));
    }
    AddPrefixes(output, *page, spell);
    co_return output;
}

Task<Outcome<s3::ListObjectsV2Output>> S3Service::ListObjectsV2(const CallContext&,
                                                                s3::ListObjectsV2Request request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    CO_RETURN_IF_ERROR(CheckEncoding(request.EncodingType));
    CO_ASSIGN_OR_RETURN(size_t limit, LimitOf(request.MaxKeys));
    ListQuery query{request.Bucket, request.Prefix.value_or(""), request.Delimiter.value_or(""),
                    request.StartAfter.value_or(""), "", limit};
    if (request.ContinuationToken && !request.ContinuationToken->empty()) {
        auto from = ReadToken(*request.ContinuationToken);
        if (!from) {
            co_return std::unexpected(InvalidArgument("The continuation token provided is incorrect",
                                                      "continuation-token", *request.ContinuationToken));
        }
        query.from = *from;
        query.after.clear();
    }
    auto page = co_await ListPageOf(deps_.objects, query);
    if (!page) co_return std::unexpected(FromStorage(page.error()));
    Spelling spell(request.EncodingType);
    s3::ListObjectsV2Output output;
    Echo(output, request, limit, spell);
    output.StartAfter = spell(request.StartAfter);
    output.ContinuationToken = request.ContinuationToken;
    output.IsTruncated = page->truncated;
    output.KeyCount = static_cast<int32_t>(page->objects.size() + page->common_prefixes.size());
    if (page->truncated) output.NextContinuationToken = MakeToken(page->next);
    for (const auto& entry : page->objects) {
        if (!output.Contents) output.Contents.emplace();
        CO_ASSIGN_OR_RETURN(auto object, EntryOf<s3::Object>(entry, spell));
        if (request.FetchOwner.value_or(false)) object.Owner.emplace().ID = OwnerId();
        output.Contents->push_back(std::move(object));
    }
    AddPrefixes(output, *page, spell);
    co_return output;
}

Task<Outcome<s3::ListObjectVersionsOutput>> S3Service::ListObjectVersions(
    const CallContext&, s3::ListObjectVersionsRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    CO_RETURN_IF_ERROR(CheckEncoding(request.EncodingType));
    CO_ASSIGN_OR_RETURN(size_t limit, LimitOf(request.MaxKeys));
    const bool has_marker = request.VersionIdMarker && !request.VersionIdMarker->empty();
    if (request.VersionIdMarker && request.KeyMarker.value_or("").empty()) {
        co_return std::unexpected(InvalidArgument("A version-id marker cannot be specified without a key marker."));
    }
    VersionQuery query{request.Bucket, request.Prefix.value_or(""), request.Delimiter.value_or(""),
                       request.KeyMarker.value_or(""), has_marker ? request.VersionIdMarker : std::nullopt, limit};
    auto page = co_await VersionPageOf(deps_.objects, std::move(query));
    if (!page) co_return std::unexpected(page.error());
    Spelling spell(request.EncodingType);
    s3::ListObjectVersionsOutput output;
    Echo(output, request, limit, spell);
    output.KeyMarker = spell(request.KeyMarker.value_or(""));
    output.VersionIdMarker = request.VersionIdMarker.value_or("");
    output.IsTruncated = page->truncated;
    if (page->truncated) {
        output.NextKeyMarker = spell(page->next_key);
        if (!page->next_version.empty()) output.NextVersionIdMarker = page->next_version;
    }
    for (const auto& [entry, latest] : page->versions) {
        if (entry.tombstone) {
            if (!output.DeleteMarkers) output.DeleteMarkers.emplace();
            auto& marker = output.DeleteMarkers->emplace_back();
            marker.Key = spell(entry.key);
            marker.VersionId = VersionIdOf(entry.metadata);
            marker.IsLatest = latest;
            marker.LastModified = entry.metadata.modified;
            marker.Owner.emplace().ID = OwnerId();
            continue;
        }
        if (!output.Versions) output.Versions.emplace();
        CO_ASSIGN_OR_RETURN(auto version, EntryOf<s3::ObjectVersion>(entry, spell));
        version.VersionId = VersionIdOf(entry.metadata);
        version.IsLatest = latest;
        version.Owner.emplace().ID = OwnerId();
        output.Versions->push_back(std::move(version));
    }
    AddPrefixes(output, *page, spell);
    co_return output;
}

}  // namespace wellhead::services::s3
