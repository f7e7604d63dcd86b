#include "services/s3/form_upload.h"

#include <fmt/format.h>

#include "codec/xml.h"
#include "services/s3/s3_errors.h"
#include "services/s3/tag_sets.h"

namespace wellhead::services::s3 {

namespace {

// The form's file as a body, within the sizes that its policy allows.
class FormFile final : public api::ByteStream {
  public:
    FormFile(PostForm& form, SizeLimits limits) : form_(form), limits_(limits) {}

    env::Task<base::Result<base::Bytes>> Read() override {
        auto piece = co_await form_.ReadFile();
        if (!piece) co_return piece;
        size_ += piece->size();
        if (size_ > limits_.most) {
            too_large_ = true;
            co_return base::Fail(base::ErrorCode::kLimit, "Your proposed upload exceeds the maximum allowed size");
        }
        if (piece->empty() && size_ < limits_.least) {
            too_small_ = true;
            co_return base::Fail(base::ErrorCode::kInvalidArgument, "Your proposed upload is smaller than the minimum allowed size");
        }
        co_return piece;
    }
    std::optional<uint64_t> length() const override { return std::nullopt; }

    std::optional<api::ServiceError> failure() const {
        if (!too_large_ && !too_small_) return std::nullopt;
        auto error = too_large_
                         ? S3Error("EntityTooLarge", 400, "Your proposed upload exceeds the maximum allowed size")
                         : S3Error("EntityTooSmall", 400, "Your proposed upload is smaller than the minimum allowed size");
        error.members["ProposedSize"] = std::to_string(size_);
        error.members[too_large_ ? "MaxSizeAllowed" : "MinSizeAllowed"] =
            std::to_string(too_large_ ? limits_.most : limits_.least);
        return error;
    }

  private:
    PostForm& form_;
    const SizeLimits limits_;
    uint64_t size_ = 0;
    bool too_large_ = false;
    bool too_small_ = false;
};

// What the file's stream says, for as long as PutObject owns the stream.
class Borrowed final : public api::ByteStream {
  public:
    explicit Borrowed(FormFile& file) : file_(file) {}
    env::Task<base::Result<base::Bytes>> Read() override { return file_.Read(); }
    std::optional<uint64_t> length() const override { return std::nullopt; }

  private:
    FormFile& file_;
};

std::string Replaced(std::string text, std::string_view what, std::string_view by) {
    for (size_t at = text.find(what); at != text.npos; at = text.find(what, at + by.size())) text.replace(at, what.size(), by);
    return text;
}

// A tag set as XML: <Tagging><TagSet><Tag><Key>..</Key><Value>..</Value></Tag></TagSet></Tagging>
Outcome<std::string> TaggingOf(const std::string& text) {
    auto root = codec::ParseXml(text);
    const codec::XmlElement* set = root && root->name == "Tagging" ? root->Child("TagSet") : nullptr;
    auto malformed = [] {
        return std::unexpected(S3Error("MalformedXML", 400,
                                       "The XML you provided was not well-formed or did not validate against our "
                                       "published schema"));
    };
    if (set == nullptr) return malformed();
    std::string header;
    for (const codec::XmlElement& tag : set->children) {
        const codec::XmlElement* key = tag.Child("Key");
        const codec::XmlElement* value = tag.Child("Value");
        if (tag.name != "Tag" || key == nullptr || value == nullptr) return malformed();
        if (!header.empty()) header += '&';
        header += Replaced(PercentEncode(key->text), "/", "%2F") + '=' + Replaced(PercentEncode(value->text), "/", "%2F");
    }
    return header;
}

Outcome<s3::PutObjectRequest> RequestOf(const PostForm& form, const std::string& bucket, const std::string& key) {
    s3::PutObjectRequest request;
    request.Bucket = bucket;
    request.Key = key;
    auto take = [&form](std::optional<std::string>& to, const char* name) {
        if (const std::string* value = form.Find(name)) to = *value;
    };
    take(request.ACL, "acl");
    take(request.CacheControl, "cache-control");
    take(request.ContentType, "content-type");
    take(request.ContentDisposition, "content-disposition");
    take(request.ContentEncoding, "content-encoding");
    take(request.Expires, "expires");
    take(request.StorageClass, "x-amz-storage-class");
    take(request.ServerSideEncryption, "x-amz-server-side-encryption");
    take(request.SSECustomerAlgorithm, "x-amz-server-side-encryption-customer-algorithm");
    take(request.WebsiteRedirectLocation, "x-amz-website-redirect-location");
    take(request.ChecksumAlgorithm, "x-amz-checksum-algorithm");
    take(request.ChecksumCRC32, "x-amz-checksum-crc32");
    take(request.ChecksumCRC32C, "x-amz-checksum-crc32c");
    take(request.ChecksumCRC64NVME, "x-amz-checksum-crc64nvme");
    take(request.ChecksumSHA1, "x-amz-checksum-sha1");
    take(request.ChecksumSHA256, "x-amz-checksum-sha256");
    take(request.ContentMD5, "content-md5");
    for (const auto& [name, value] : form.fields()) {
        if (!name.starts_with("x-amz-meta-")) continue;
        if (!request.Metadata) request.Metadata.emplace();
        (*request.Metadata)[name.substr(11)] = value;
    }
    if (const std::string* tagging = form.Find("tagging")) {
        ASSIGN_OR_RETURN(request.Tagging, TaggingOf(*tagging));
    }
    return request;
}

std::string QueryEncoded(const std::string& text) { return Replaced(PercentEncode(text), "/", "%2F"); }

api::WireResponse Answer(const PostForm& form, const CallContext& context, const std::string& bucket,
                         const std::string& key, const s3::PutObjectOutput& stored) {
    api::WireResponse response;
    const std::string location = fmt::format("{}://{}/{}/{}", context.tls ? "https" : "http", context.host, bucket,
                                             PercentEncode(key));
    const std::string etag = stored.ETag.value_or("");
    response.headers.emplace_back("etag", etag);
    if (stored.VersionId) response.headers.emplace_back("x-amz-version-id", *stored.VersionId);
    const std::string* redirect = form.Find("success_action_redirect");
    if (redirect == nullptr) redirect = form.Find("redirect");
    if (redirect != nullptr && (redirect->starts_with("http://") || redirect->starts_with("https://")) &&
        redirect->find_first_of("\r\n") == redirect->npos) {
        response.status = 303;
        response.headers.emplace_back(
            "location", fmt::format("{}{}bucket={}&key={}&etag={}", *redirect, redirect->find('?') == redirect->npos ? '?' : '&',
                                    QueryEncoded(bucket), QueryEncoded(key), QueryEncoded(etag)));
        return response;
    }
    response.headers.emplace_back("location", location);
    const std::string* status = form.Find("success_action_status");
    response.status = status != nullptr && (*status == "200" || *status == "201") ? std::stoi(*status) : 204;
    if (response.status != 201) return response;
    std::string body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<PostResponse>";
    auto add = [&body](const char* name, const std::string& text) {
        body += fmt::format("<{}>", name);
        codec::AppendXmlEscaped(body, text);
        body += fmt::format("</{}>", name);
    };
    add("Location", location);
    add("Bucket", bucket);
    add("Key", key);
    add("ETag", etag);
    response.body = body + "</PostResponse>";
    response.headers.emplace_back("content-type", "application/xml");
    return response;
}

}  // namespace

// A form with a policy is its signer's, one without is nobody's.
Task<Outcome<SizeLimits>> FormUpload::Admit(CallContext& context, const PostForm& form, std::string bucket,
                                            std::string key) {
    SizeLimits limits;
    context.caller = {};
    const bool signs = form.Find("signature") != nullptr || form.Find("x-amz-signature") != nullptr;
    if (form.Find("policy") != nullptr) {
        CO_ASSIGN_OR_RETURN(context.caller, VerifyForm(form.fields(), keys, service.region(), clock.Now()));
        CO_ASSIGN_OR_RETURN(limits, CheckForm(form.fields(), bucket, key, clock.Now()));
    } else if (signs) {
        co_return std::unexpected(InvalidArgument(
            "Bucket POST must contain a field named 'policy'.  If it is specified, please check the order of the fields.",
            "policy", ""));
    }
    auto allowed = co_await service.AuthorizeObject(context, "s3:PutObject", bucket, key);
    if (!allowed) co_return std::unexpected(allowed.error());
    co_return limits;
}

Task<Outcome<api::WireResponse>> FormUpload::Run(CallContext context, std::string bucket, api::StreamBody body,
                                                 std::string boundary) {
    PostForm form(std::move(body), std::move(boundary));
    auto read = co_await form.ReadFields();
    if (!read) co_return std::unexpected(read.error());
    if (!form.has_file()) {
        co_return std::unexpected(InvalidArgument("POST requires exactly one file upload per request.", "file", "0"));
    }
    const std::string* key_field = form.Find("key");
    if (key_field == nullptr) {
        co_return std::unexpected(InvalidArgument(
            "Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the fields.",
            "key", ""));
    }
    // Browsers of old sent whole paths.
    std::string file_name = form.file_name();
    file_name.erase(0, file_name.find_last_of("/\\") + 1);
    const std::string key = Replaced(*key_field, "${filename}", file_name);
    auto limits = co_await Admit(context, form, bucket, key);
    if (!limits) co_return std::unexpected(limits.error());
    CO_ASSIGN_OR_RETURN(s3::PutObjectRequest request, RequestOf(form, bucket, key));
    FormFile file(form, *limits);
    request.Body = std::make_unique<Borrowed>(file);
    auto stored = co_await service.PutObject(context, std::move(request));
    if (auto failure = file.failure()) co_return std::unexpected(std::move(*failure));
    if (!stored) co_return std::unexpected(stored.error());
    co_return Answer(form, context, bucket, key, *stored);
}

}  // namespace wellhead::services::s3
