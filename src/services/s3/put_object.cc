#include <fmt/format.h>

#include "services/s3/lifecycle.h"
#include "services/s3/s3_errors.h"
#include "services/s3/s3_service.h"
#include "services/s3/write_request.h"

namespace wellhead::services::s3 {

namespace {

// Digests of smaller pieces are not worth a change of thread.
constexpr size_t kInlineDigestBytes = 64 << 10;

// The algorithms to compute while the body passes: what the headers name, and what the trailer will bring. The store
// computes CRC-64/NVME itself.
std::vector<ChecksumAlgorithm> WantedDigests(const std::optional<ChecksumAlgorithm>& wanted) {
    if (!wanted || *wanted == ChecksumAlgorithm::kCrc64Nvme) return {};
    return {*wanted};
}

std::optional<ChecksumAlgorithm> TrailerAlgorithm(const api::ByteStream& body) {
    for (const auto& [name, value] : body.trailers()) {
        if (name.starts_with("x-amz-checksum-")) return ChecksumOfName(std::string_view(name).substr(15));
    }
    return std::nullopt;
}

std::optional<std::string> TrailerValue(const api::ByteStream& body, ChecksumAlgorithm algorithm) {
    for (const auto& [name, value] : body.trailers()) {
        if (name == HeaderOf(algorithm) && !value.empty()) return value;
    }
    return std::nullopt;
}

api::ServiceError BadDigest(std::string what) {
    return S3Error("BadDigest", 400, "The " + what + " you specified did not match the calculated checksum.");
}

}  // namespace

Task<Outcome<S3Service::ReceivedBody>> S3Service::Receive(storage::ObjectWriter& writer, api::ByteStream* body,
                                                          BodyClaims claims) {
    std::optional<std::string> expected_md5;
    if (claims.content_md5) {
        expected_md5 = Md5OfHeader(*claims.content_md5);
        if (!expected_md5) {
            co_return std::unexpected(
                S3Error("InvalidDigest", 400, "The Content-MD5 you specified is not valid."));
        }
    }
    std::optional<ChecksumAlgorithm> wanted = claims.announced;
    bool in_trailer = false;
    if (claims.checksum) {
        wanted = claims.checksum->algorithm;
    } else if (body != nullptr) {
        auto trailer = TrailerAlgorithm(*body);
        in_trailer = trailer.has_value();
        if (trailer) wanted = trailer;
    }
    BodyDigest digest(WantedDigests(wanted));
    while (body != nullptr) {
        auto piece = co_await body->Read();
        if (!piece) co_return std::unexpected(FromBody(piece.error()));
        if (piece->empty()) break;
        if (writer.size_bytes() + piece->size() > kLargestPutBytes) {
            co_return std::unexpected(
                S3Error("EntityTooLarge", 400, "Your proposed upload exceeds the maximum allowed size"));
        }
        if (piece->size() < kInlineDigestBytes) {
            digest.Update(*piece);
        } else {
            auto update = [&] { digest.Update(*piece); };
            co_await env::RunBlocking(deps_.pool, update);
        }
        auto written = co_await writer.Write(std::move(*piece));
        if (!written) co_return std::unexpected(FromStorage(written.error()));
    }
    if (body != nullptr && body->length() && *body->length() != writer.size_bytes()) {
        co_return std::unexpected(FromBody({base::ErrorCode::kUnavailable, ""}));
    }
    ReceivedBody received;
    received.md5_hex = digest.Md5Hex();
    if (expected_md5 && *expected_md5 != received.md5_hex) co_return std::unexpected(BadDigest("Content-MD5"));
    if (!wanted) co_return received;

    std::string computed = *wanted == ChecksumAlgorithm::kCrc64Nvme ? CrcText(*wanted, writer.crc64nvme())
                                                                    : digest.Value(*wanted);
    std::string claimed = computed;
    if (claims.checksum) {
        claimed = claims.checksum->value;
    } else if (in_trailer) {
        auto value = TrailerValue(*body, *wanted);
        if (!value) {
            co_return std::unexpected(S3Error("MalformedTrailerError", 400,
                                              "The request contained trailing data that was not well-formed or did "
                                              "not conform to our published schema."));
        }
        claimed = *value;
    }
    if (claimed != computed) co_return std::unexpected(BadDigest(std::string(NameOf(*wanted))));
    received.checksum = Checksum{*wanted, computed, false};
    co_return received;
}

Task<Outcome<s3::PutObjectOutput>> S3Service::PutObject(const CallContext& context, s3::PutObjectRequest request) {
    CO_RETURN_IF_ERROR(CheckKey(request.Key));
    CO_ASSIGN_OR_RETURN(StoredBucket bucket, FindBucket(request.Bucket, request.ExpectedBucketOwner));
    CO_RETURN_IF_ERROR(RefuseUnserved(request));
    if (request.WriteOffsetBytes) co_return std::unexpected(FeatureNotServed("appending to objects"));
    CO_ASSIGN_OR_RETURN(ObjectAttributes attributes, AttributesOf(request, *bucket.settings));
    BodyClaims claims;
    CO_ASSIGN_OR_RETURN(claims.checksum, ClaimedBy(request));
    claims.content_md5 = request.ContentMD5;
    if (request.ChecksumAlgorithm) {
        claims.announced = ChecksumOfName(*request.ChecksumAlgorithm);
        if (!claims.announced) {
            co_return std::unexpected(FeatureNotServed("the checksum algorithm " + *request.ChecksumAlgorithm));
        }
    }
    auto condition = co_await WriteCondition(request.Bucket, request.Key, request.IfMatch, request.IfNoneMatch);
    if (!condition) co_return std::unexpected(condition.error());

    auto writer = deps_.objects.NewWriter(request.Bucket);
    auto received = co_await Receive(*writer, request.Body.get(), claims);
    if (!received) co_return std::unexpected(received.error());
    attributes.etag = received->md5_hex;
    attributes.checksum = received->checksum;
    auto stored = co_await writer->Commit(request.Key, EncodeAttributes(attributes), *condition, bucket.naming());
    if (!stored) {
        if (stored.error().code == base::ErrorCode::kNotFound) {
            co_return std::unexpected(NoSuchBucket(request.Bucket));
        }
        if (stored.error().code == base::ErrorCode::kConflict && request.IfNoneMatch) {
            co_return std::unexpected(PreconditionFailed("If-None-Match"));
        }
        co_return std::unexpected(FromStorage(stored.error()));
    }
    auto executor = co_await boost::asio::this_coro::executor;
    Emit(executor, context, "ObjectCreated:Put", request.Bucket, request.Key, *stored,
         attributes.etag);
    s3::PutObjectOutput output;
    output.ETag = '"' + attributes.etag + '"';
    output.VersionId = bucket.ShownVersion(*stored);
    if (!attributes.encryption.empty()) output.ServerSideEncryption = attributes.encryption;
    if (bucket.settings->lifecycle) {
        output.Expiration = ExpirationHeader(*bucket.settings->lifecycle, request.Key, *stored, attributes);
    }
    Checksum checksum{ChecksumAlgorithm::kCrc64Nvme, CrcText(ChecksumAlgorithm::kCrc64Nvme, stored->crc64nvme), false};
    SetChecksum(output, attributes.checksum.value_or(checksum));
    co_return output;
}

}  // namespace wellhead::services::s3
