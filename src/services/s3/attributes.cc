#include "services/s3/attributes.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_to.hpp>

namespace wellhead::services::s3 {

namespace {

namespace json = boost::json;

struct HeaderField {
    const char* name;
    std::optional<std::string> ContentHeaders::* member;
};
constexpr HeaderField kHeaderFields[] = {
    {"content-type", &ContentHeaders::content_type},
    {"content-encoding", &ContentHeaders::content_encoding},
    {"content-language", &ContentHeaders::content_language},
    {"content-disposition", &ContentHeaders::content_disposition},
    {"cache-control", &ContentHeaders::cache_control},
    {"expires", &ContentHeaders::expires},
    {"x-amz-website-redirect-location", &ContentHeaders::website_redirect},
};

json::object FromMap(const std::map<std::string, std::string>& map) {
    json::object object;
    for (const auto& [key, value] : map) object[key] = value;
    return object;
}
std::map<std::string, std::string> ToMap(const json::object& object) {
    std::map<std::string, std::string> map;
    for (const auto& entry : object) map[std::string(entry.key())] = json::value_to<std::string>(entry.value());
    return map;
}

json::object FromAttributes(const ObjectAttributes& attributes) {
    json::object out;
    out["etag"] = attributes.etag;
    json::object headers;
    for (const auto& field : kHeaderFields) {
        if (const auto& value = attributes.headers.*field.member) headers[field.name] = *value;
    }
    if (!headers.empty()) out["headers"] = std::move(headers);
    if (!attributes.metadata.empty()) out["metadata"] = FromMap(attributes.metadata);
    if (!attributes.tags.empty()) out["tags"] = FromMap(attributes.tags);
    if (attributes.checksum) {
        out["checksum"] = {{"algorithm", NameOf(attributes.checksum->algorithm)},
                           {"value", attributes.checksum->value},
                           {"composite", attributes.checksum->composite}};
    }
    if (!attributes.parts.empty()) {
        json::array parts;
        for (const auto& part : attributes.parts) {
            parts.push_back({{"number", part.number}, {"size", part.size_bytes}, {"checksum", part.checksum}});
        }
        out["parts"] = std::move(parts);
    }
    if (!attributes.upload_id.empty()) out["upload"] = attributes.upload_id;
    if (!attributes.encryption.empty()) out["encryption"] = attributes.encryption;
    if (!attributes.acl.empty()) out["acl"] = attributes.acl;
    if (!attributes.storage_class.empty()) out["storage_class"] = attributes.storage_class;
    return out;
}

// Throws what boost::json throws when it is not of this form.
ObjectAttributes ToAttributes(const json::object& in) {
    ObjectAttributes out;
    out.etag = json::value_to<std::string>(in.at("etag"));
    if (const auto* headers = in.if_contains("headers")) {
        for (const auto& field : kHeaderFields) {
            if (const auto* value = headers->as_object().if_contains(field.name)) {
                out.headers.*field.member = json::value_to<std::string>(*value);
            }
        }
    }
    if (const auto* metadata = in.if_contains("metadata")) out.metadata = ToMap(metadata->as_object());
    if (const auto* tags = in.if_contains("tags")) out.tags = ToMap(tags->as_object());
    if (const auto* checksum = in.if_contains("checksum")) {
        const auto& object = checksum->as_object();
        auto algorithm = ChecksumOfName(std::string_view(object.at("algorithm").as_string()));
        out.checksum = Checksum{algorithm.value(), json::value_to<std::string>(object.at("value")),
                                object.at("composite").as_bool()};
    }
    if (const auto* parts = in.if_contains("parts")) {
        for (const auto& part : parts->as_array()) {
            out.parts.push_back({json::value_to<int32_t>(part.at("number")),
                                 json::value_to<uint64_t>(part.at("size")),
                                 json::value_to<std::string>(part.at("checksum"))});
        }
    }
    auto take = [&in](const char* name, std::string& to) {
        if (const auto* value = in.if_contains(name)) to = json::value_to<std::string>(*value);
    };
    take("upload", out.upload_id);
    take("encryption", out.encryption);
    take("acl", out.acl);
    take("storage_class", out.storage_class);
    return out;
}

// Metadata may hold any bytes that a header may.
json::value Parse(base::ByteView bytes) {
    json::parse_options options;
    options.allow_invalid_utf8 = true;
    return json::parse(bytes, {}, options);
}

}  // namespace

base::Bytes EncodeAttributes(const ObjectAttributes& attributes) {
    return json::serialize(FromAttributes(attributes));
}

base::Result<ObjectAttributes> DecodeAttributes(base::ByteView bytes) try {
    return ToAttributes(Parse(bytes).as_object());
} catch (const std::exception& error) {
    return base::Fail(base::ErrorCode::kCorrupt, std::string("an object's attributes: ") + error.what());
}

base::Bytes EncodeUpload(const Upload& upload) {
    json::object out = FromAttributes(upload.attributes);
    out["initiated"] = base::ToUnixUs(upload.initiated);
    out["checksum_asked"] = upload.checksum_asked;
    return json::serialize(out);
}

base::Result<Upload> DecodeUpload(base::ByteView bytes) try {
    json::value value = Parse(bytes);
    const json::object& object = value.as_object();
    Upload upload;
    upload.attributes = ToAttributes(object);
    upload.initiated = base::FromUnixUs(json::value_to<int64_t>(object.at("initiated")));
    upload.checksum_asked = object.at("checksum_asked").as_bool();
    return upload;
} catch (const std::exception& error) {
    return base::Fail(base::ErrorCode::kCorrupt, std::string("an upload's entry: ") + error.what());
}

}  // namespace wellhead::services::s3
