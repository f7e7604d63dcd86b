#include "gateway/signed_body.h"

#include <charconv>

#include "api/body_filters.h"

namespace wellhead::gateway {

namespace {

std::string_view Trim(std::string_view text) {
    while (text.starts_with(' ')) text.remove_prefix(1);
    while (text.ends_with(' ')) text.remove_suffix(1);
    return text;
}

std::vector<std::string> List(const api::WireHeaders& headers, std::string_view name) {
    std::vector<std::string> items;
    for (const auto& [field, value] : headers) {
        if (field != name) continue;
        std::string_view rest = value;
        for (;;) {
            size_t comma = rest.find(',');
            std::string item(Trim(rest.substr(0, comma)));
            for (char& c : item) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
            if (!item.empty()) items.push_back(std::move(item));
            if (comma == rest.npos) break;
            rest.remove_prefix(comma + 1);
        }
    }
    return items;
}

void Remove(api::WireHeaders& headers, std::string_view name) {
    std::erase_if(headers, [&](const auto& field) { return field.first == name; });
}

std::optional<uint64_t> DecodedLength(const api::WireHeaders& headers) {
    for (const auto& [name, value] : headers) {
        if (name != "x-amz-decoded-content-length") continue;
        uint64_t length = 0;
        auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), length);
        if (error == std::errc() && end == value.data() + value.size()) return length;
    }
    return std::nullopt;
}

// Framing is the transport's: what is stored and what the service sees is the body.
void ForgetFraming(api::WireRequest& request, std::optional<uint64_t> decoded_length) {
    std::string encodings;
    for (const std::string& encoding : List(request.headers, "content-encoding")) {
        if (encoding == "aws-chunked") continue;
        if (!encodings.empty()) encodings += ", ";
        encodings += encoding;
    }
    Remove(request.headers, "content-encoding");
    if (!encodings.empty()) request.headers.emplace_back("content-encoding", encodings);
    Remove(request.headers, "content-length");
    if (decoded_length) request.headers.emplace_back("content-length", std::to_string(*decoded_length));
}

bool IsHash(std::string_view text) {
    return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == text.npos;
}

}  // namespace

base::Result<void> FilterSignedBody(api::WireRequest& request, const Authenticated& who,
                                    const api::SignatureClaim& claim, std::string_view content_sha256) {
    bool signed_chunks =
        content_sha256 == api::kStreamingSigned || content_sha256 == api::kStreamingSignedTrailer;
    bool streaming = signed_chunks || content_sha256 == api::kStreamingUnsignedTrailer;
    bool chunked = streaming;
    for (const std::string& encoding : List(request.headers, "content-encoding")) {
        chunked = chunked || encoding == "aws-chunked";
    }
    if (IsHash(content_sha256)) {
        // The hash is that of the bytes sent, framing and all.
        request.body = api::MakePayloadHashFilter(std::move(request.body), std::string(content_sha256));
    } else if (!streaming && content_sha256 != api::kUnsignedPayload) {
        return base::Fail(base::ErrorCode::kInvalidArgument,
                          "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, "
                          "STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid "
                          "sha256 value.");
    }
    if (!chunked) return {};
    api::AwsChunkedOptions options;
    options.decoded_length = DecodedLength(request.headers);
    options.announced = List(request.headers, "x-amz-trailer");
    options.trailer = content_sha256 == api::kStreamingUnsignedTrailer ||
                      content_sha256 == api::kStreamingSignedTrailer || !options.announced.empty();
    if (signed_chunks) {
        options.signing = api::ChunkSigning{who.SigningKey(claim), api::SigV4Timestamp(claim.time), claim.Scope(),
                                            claim.signature};
        options.trailer = content_sha256 == api::kStreamingSignedTrailer;
    }
    ForgetFraming(request, options.decoded_length);
    request.body = api::MakeAwsChunkedFilter(std::move(request.body), std::move(options));
    return {};
}

}  // namespace wellhead::gateway
