#pragma once
// What S3 allows as names: buckets, keys, copy sources, tags.

#include <map>
#include <optional>
#include <string>

#include "api/service.h"

namespace wellhead::services::s3 {

// General purpose bucket naming rules (S3 user guide): InvalidBucketName.
api::Outcome<void> CheckBucketName(const std::string& name);
// 1 to 1,024 bytes of UTF-8: KeyTooLongError, InvalidArgument.
api::Outcome<void> CheckKey(const std::string& key);

struct CopySource {
    std::string bucket;
    std::string key;
    std::optional<std::string> version_id;
};
// "bucket/key" or "/bucket/key", percent-encoded, with an optional "?versionId=...".
api::Outcome<CopySource> ParseCopySource(const std::string& header);

using Tags = std::map<std::string, std::string>;
// Of an object: at most 10, of a bucket 50; keys to 128, values to 256 characters, "aws:" reserved: InvalidTag, BadRequest.
api::Outcome<void> CheckTags(const Tags& tags, size_t most);
// The x-amz-tagging header: "a=b&c=d", percent-encoded.
api::Outcome<Tags> ParseTaggingHeader(const std::string& header);

bool IsUtf8(std::string_view text);
// As in a path or a query value; plus_is_space for the latter. Nothing for a broken escape.
std::optional<std::string> PercentDecode(std::string_view text, bool plus_is_space);
// What encoding-type=url asks for: everything but unreserved characters and "/".
std::string PercentEncode(std::string_view text);

// "Owner" of everything an account holds: 64 hexadecimal digits, the same for the same account.
std::string CanonicalUserId(std::string_view account_id);

}  // namespace wellhead::services::s3
