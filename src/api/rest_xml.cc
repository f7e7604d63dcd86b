// A generated API of the restXml protocol (S3) as a Service.

#include <fmt/format.h>

#include <algorithm>

#include "api/bound_service.h"
#include "api/rest_binding.h"
#include "api/xml_shape.h"
#include "codec/base64.h"
#include "codec/crc.h"
#include "codec/xml.h"

#include <openssl/evp.h>

namespace wellhead::api {

namespace {

constexpr std::string_view kDeclaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
constexpr std::string_view kS3Namespace = "http://s3.amazonaws.com/doc/2006-03-01/";
constexpr uint64_t kLargestXmlBytes = 2 << 20;

// Names of answers' roots, which the API definitions leave out (Amazon S3 API reference, each operation's answer).
struct RootName {
    std::string_view structure;
    std::string_view root;
};
constexpr RootName kRootNames[] = {
    {"CompleteMultipartUploadOutput", "CompleteMultipartUploadResult"},
    {"CreateMultipartUploadOutput", "InitiateMultipartUploadResult"},
    {"DeleteObjectsOutput", "DeleteResult"},
    {"GetBucketAccelerateConfigurationOutput", "AccelerateConfiguration"},
    {"GetBucketAclOutput", "AccessControlPolicy"},
    {"GetBucketCorsOutput", "CORSConfiguration"},
    {"GetBucketLifecycleConfigurationOutput", "LifecycleConfiguration"},
    {"GetBucketLocationOutput", "LocationConstraint"},
    {"GetBucketLoggingOutput", "BucketLoggingStatus"},
    {"GetBucketRequestPaymentOutput", "RequestPaymentConfiguration"},
    {"GetBucketTaggingOutput", "Tagging"},
    {"GetBucketVersioningOutput", "VersioningConfiguration"},
    {"GetBucketWebsiteOutput", "WebsiteConfiguration"},
    {"GetObjectAclOutput", "AccessControlPolicy"},
    {"GetObjectAttributesOutput", "GetObjectAttributesResponse"},
    {"GetObjectTaggingOutput", "Tagging"},
    {"ListBucketsOutput", "ListAllMyBucketsResult"},
    {"ListMultipartUploadsOutput", "ListMultipartUploadsResult"},
    {"ListObjectVersionsOutput", "ListVersionsResult"},
    {"ListObjectsOutput", "ListBucketResult"},
    {"ListObjectsV2Output", "ListBucketResult"},
    {"ListPartsOutput", "ListPartsResult"},
};

std::string_view RootOf(const Structure& structure) {
    if (!structure.xml_name.empty()) return structure.xml_name;
    for (const auto& entry : kRootNames) {
        if (entry.structure == structure.name) return entry.root;
    }
    return structure.name;
}

// A member of an error that HTTP carries as a header where the answer has no body (304).
std::string LowerCase(std::string_view name) {
    std::string lower(name);
    for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    return lower;
}

ServiceError Error(std::string code, int status, std::string message) {
    ServiceError error;
    error.code = std::move(code);
    error.http_status = status;
    error.message = std::move(message);
    return error;
}

ServiceError MalformedXml(const std::string& reason) {
    return Error("MalformedXML", 400,
                 "The XML you provided was not well-formed or did not validate against our published schema: " + reason);
}

class RestXmlService final : public BoundService {
  public:
    using BoundService::BoundService;

    std::string_view OperationOf(const WireRequest& request) const override {
        RestMatch match = MatchRest(model_, request);
        return match.operation == nullptr ? match.unserved : match.operation->name;
    }

    env::Task<WireResponse> Call(CallContext context, WireRequest request) override {
        const bool head = request.method == "HEAD";
        RestMatch match = MatchRest(model_, request);
        if (match.operation == nullptr) {
            std::string message = match.unserved.empty()
                                      ? "No operation is served for this method and resource."
                                      : fmt::format("Operation {} is not served.", match.unserved);
            co_return Answer(Error("NotImplemented", 501, std::move(message)), context, request.path, head);
        }
        Value input(*match.operation->input);
        auto read = co_await ReadInput(match, request, input.get());
        if (!read) co_return Answer(read.error(), context, request.path, head);
        Value output(*match.operation->output);
        auto done = co_await BoundService::Call(*match.operation, context, input.get(), output.get());
        if (!done) co_return Answer(done.error(), context, request.path, head);
        co_return WriteOutput(*match.operation, output.get());
    }

    WireResponse Refuse(const WireRequest& request, const std::string& request_id,
                        const ServiceError& error) const override {
        CallContext context;
        context.request_id = request_id;
        return Answer(error, context, request.path, request.method == "HEAD");
    }

  private:
    env::Task<Outcome<void>> ReadInput(const RestMatch& match, WireRequest& request, void* input);
    Outcome<void> ReadBody(const Structure& structure, const std::string& body, void* input,
                           std::vector<std::string>& missing);
    WireResponse WriteOutput(const Operation& operation, void* output) const;
    static WireResponse Answer(const ServiceError& error, const CallContext& context, const std::string& path,
                               bool head);
};

base::Bytes Md5Of(base::ByteView data) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    ::EVP_Digest(data.data(), data.size(), digest, &size, ::EVP_md5(), nullptr);
    return {reinterpret_cast<const char*>(digest), size};
}

// Why a body could not be read whole: what it was signed as does not hold, or it did not arrive.
ServiceError BodyError(const base::Error& error) {
    switch (error.code) {
        case base::ErrorCode::kLimit: return Error("MaxMessageLengthExceeded", 400, error.message);
        case base::ErrorCode::kConflict: return Error("XAmzContentSHA256Mismatch", 400, error.message);
        case base::ErrorCode::kPermission: return Error("SignatureDoesNotMatch", 403, error.message);
        default: return Error("IncompleteBody", 400, error.message);
    }
}

// Of bodies that the service never sees as bytes: Content-MD5 and x-amz-checksum-*.
Outcome<void> CheckBody(const Structure& structure, const WireRequest& request, const std::string& body);

env::Task<Outcome<void>> RestXmlService::ReadInput(const RestMatch& match, WireRequest& request, void* input) {
    const Structure& structure = *match.operation->input;
    std::vector<std::string> missing;
    auto members = ReadRestMembers(structure, match, request, input, missing);
    if (!members) co_return std::unexpected(Error(std::string(model_.validation_error), 400, members.error().message));
    const Member* payload = structure.payload_member();
    if (payload != nullptr && payload->shape->kind == Kind::kStream) {
        *static_cast<StreamBody*>(payload->Emplace(input)) = std::move(request.body);
    } else {
        auto body = co_await ReadAll(*request.body, kLargestXmlBytes);
        if (!body) co_return std::unexpected(BodyError(body.error()));
        CO_RETURN_IF_ERROR(CheckBody(structure, request, *body));
        std::vector<std::string> missing_in_body;
        CO_RETURN_IF_ERROR(ReadBody(structure, *body, input, missing_in_body));
        if (!missing_in_body.empty()) co_return std::unexpected(MalformedXml("there is no " + missing_in_body.front()));
    }
    co_return Check(*match.operation, input, missing);
}

Outcome<void> RestXmlService::ReadBody(const Structure& structure, const std::string& body, void* input,
                                       std::vector<std::string>& missing) {
    const Member* payload = structure.payload_member();
    if (payload == nullptr && !structure.has_body) return {};
    if (payload != nullptr && payload->shape->kind == Kind::kString) {
        if (!body.empty()) *static_cast<std::string*>(payload->Emplace(input)) = body;
        return {};
    }
    if (payload != nullptr && payload->shape->kind == Kind::kBlob) {
        static_cast<Blob*>(payload->Emplace(input))->bytes = body;
        return {};
    }
    if (body.empty()) {
        if (payload != nullptr && payload->required) missing.emplace_back(payload->name);
        return {};
    }
    auto root = codec::ParseXml(body);
    auto read = root ? payload != nullptr ? ReadXml(*root, *payload->shape, payload->Emplace(input), std::string(payload->name), missing)
                                          : ReadXmlMembers(*root, structure, input, "", missing)
                     : base::Result<void>(std::unexpected(root.error()));
    if (read) return {};
    return std::unexpected(MalformedXml(read.error().message));
}

WireResponse RestXmlService::WriteOutput(const Operation& operation, void* output) const {
    const Structure& structure = *operation.output;
    WireResponse response;
    response.status = operation.status;
    WriteRestMembers(structure, output, response);
    const bool partial = std::any_of(response.headers.begin(), response.headers.end(),
                                     [](const auto& header) { return header.first == "content-range"; });
    if (partial && response.status == 200) response.status = 206;
    if (operation.method == "HEAD" || response.status == 204) return response;
    const Member* payload = structure.payload_member();
    const std::string attributes = fmt::format(" xmlns=\"{}\"", kS3Namespace);
    std::string body(kDeclaration);
    if (payload != nullptr) {
        const void* at = payload->Get(output);
        if (at == nullptr) return response;
        if (payload->shape->kind == Kind::kStream) {
            // Content-Length is the transport's, by what the body says of itself.
            std::erase_if(response.headers, [](const auto& header) { return header.first == "content-length"; });
            response.body = std::move(*static_cast<StreamBody*>(const_cast<void*>(at)));
            return response;
        }
        if (payload->shape->kind == Kind::kString || payload->shape->kind == Kind::kBlob) {
            response.body = payload->shape->kind == Kind::kString ? *static_cast<const std::string*>(at)
                                                                  : static_cast<const Blob*>(at)->bytes;
            return response;
        }
        WriteXml(payload->wire, attributes, *payload->shape, at, body);
    } else if (!structure.has_body) {
        return response;
    } else if (RootOf(structure) == "LocationConstraint") {
        // The one answer whose root is its only member.
        const void* region = structure.members[0].Get(output);
        body += fmt::format("<LocationConstraint{}>", attributes);
        if (region != nullptr) codec::AppendXmlEscaped(body, *static_cast<const std::string*>(region));
        body += "</LocationConstraint>";
    } else {
        body += fmt::format("<{}{}>", RootOf(structure), attributes);
        WriteXmlMembers(structure, output, body);
        body += fmt::format("</{}>", RootOf(structure));
    }
    response.headers.emplace_back("content-type", "application/xml");
    response.body = std::move(body);
    return response;
}

WireResponse RestXmlService::Answer(const ServiceError& error, const CallContext& context, const std::string& path,
                                    bool head) {
    WireResponse response;
    response.status = error.http_status;
    if (error.http_status == 304) {
        for (const auto& member : error.members) {
            if (member.value().is_string()) {
                response.headers.emplace_back(LowerCase(member.key()), std::string(member.value().get_string()));
            }
        }
        return response;
    }
    // Those that the model binds to headers.
    for (const auto& member : error.members) {
        if (member.key().starts_with("x-amz-") && member.value().is_string()) {
            response.headers.emplace_back(std::string(member.key()), std::string(member.value().get_string()));
        }
    }
    if (head) return response;
    std::string body(kDeclaration);
    body += "<Error>";
    auto add = [&body](std::string_view name, std::string_view text) {
        body += fmt::format("<{}>", name);
        codec::AppendXmlEscaped(body, text);
        body += fmt::format("</{}>", name);
    };
    add("Code", error.code);
    add("Message", error.message);
    for (const auto& member : error.members) {
        if (member.key().starts_with("x-amz-")) continue;
        if (member.value().is_string()) add(member.key(), member.value().get_string());
    }
    add("Resource", path);
    add("RequestId", context.request_id);
    add("HostId", context.request_id);
    body += "</Error>";
    response.headers.emplace_back("content-type", "application/xml");
    response.body = std::move(body);
    return response;
}

Outcome<void> CheckBody(const Structure& structure, const WireRequest& request, const std::string& body) {
    auto claim = [&](std::string_view header, const std::string& computed) -> Outcome<void> {
        // Where the operation has it as a member it is of something else: of the object that an upload becomes.
        const bool member = std::any_of(structure.members.begin(), structure.members.end(),
                                        [&](const Member& one) { return one.place == Place::kHeader && one.wire == header; });
        if (member && header != "content-md5") return {};
        std::string_view claimed = FindHeader(request.headers, header);
        if (claimed.empty() || claimed == computed) return {};
        return std::unexpected(
            Error("BadDigest", 400, fmt::format("The {} you specified did not match what we received.", header)));
    };
    auto big_endian = [](uint64_t value, size_t size) {
        base::Bytes bytes;
        for (size_t i = size; i-- > 0;) bytes += static_cast<char>(value >> (8 * i));
        return codec::EncodeBase64(bytes);
    };
    RETURN_IF_ERROR(claim("x-amz-checksum-crc32", big_endian(codec::Crc32(body), 4)));
    RETURN_IF_ERROR(claim("x-amz-checksum-crc32c", big_endian(codec::Crc32c(body), 4)));
    RETURN_IF_ERROR(claim("x-amz-checksum-crc64nvme", big_endian(codec::Crc64Nvme(body), 8)));
    std::string_view md5 = FindHeader(request.headers, "content-md5");
    if (md5.empty()) return {};
    auto digest = codec::DecodeBase64(md5);
    if (!digest || digest->size() != 16) {
        return std::unexpected(Error("InvalidDigest", 400, "The Content-MD5 you specified is not valid."));
    }
    return claim("content-md5", codec::EncodeBase64(Md5Of(body)));
}

}  // namespace

std::unique_ptr<Service> BindRestXml(const Model& model, std::vector<CallFunction> calls, void* api) {
    return std::make_unique<RestXmlService>(model, std::move(calls), api);
}

}  // namespace wellhead::api
