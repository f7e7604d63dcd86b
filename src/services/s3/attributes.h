#pragma once
// What S3 keeps with an object, as the object store's opaque attributes: one JSON object.

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "services/s3/checksums.h"
#include "services/s3/names.h"

namespace wellhead::services::s3 {

// The headers that come back as they were sent.
struct ContentHeaders {
    std::optional<std::string> content_type;
    std::optional<std::string> content_encoding;
    std::optional<std::string> content_language;
    std::optional<std::string> content_disposition;
    std::optional<std::string> cache_control;
    std::optional<std::string> expires;
    std::optional<std::string> website_redirect;
};

struct ObjectPart {
    int32_t number = 0;
    uint64_t size_bytes = 0;
    std::string checksum;  // base64; empty when the upload had none per part
};

struct ObjectAttributes {
    std::string etag;  // without quotes
    ContentHeaders headers;
    std::map<std::string, std::string> metadata;  // names without "x-amz-meta-", lower-case
    Tags tags;
    std::optional<Checksum> checksum;  // none: the store's CRC-64/NVME stands
    std::vector<ObjectPart> parts;     // of a multipart upload
    std::string upload_id;             // that made it; empty otherwise
    std::string encryption;            // "AES256" where it was asked for; empty otherwise
    std::string acl;                   // canned; empty: private
    std::string storage_class;         // empty: STANDARD
};

base::Bytes EncodeAttributes(const ObjectAttributes& attributes);
// kCorrupt.
base::Result<ObjectAttributes> DecodeAttributes(base::ByteView bytes);

// An upload that was begun.
struct Upload {
    base::Instant initiated;
    ObjectAttributes attributes;  // but for etag, parts and the checksum's value
    bool checksum_asked = false;  // the client named the algorithm
};
base::Bytes EncodeUpload(const Upload& upload);
base::Result<Upload> DecodeUpload(base::ByteView bytes);

}  // namespace wellhead::services::s3
