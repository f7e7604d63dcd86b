#include "codec/base64.h"
#include "services/s3/service_fixture.h"

namespace wellhead::services::s3 {
namespace {

class ObjectsTest : public S3Test {
  protected:
    ObjectsTest() { MakeBucket("lake"); }
};

// A body with a trailer behind it, as the gateway's chunked filter makes one.
class TrailedStream final : public api::ByteStream {
  public:
    TrailedStream(std::string body, std::string name, std::string value)
        : body_(std::move(body)), name_(std::move(name)), value_(std::move(value)) {}
    Task<base::Result<base::Bytes>> Read() override {
        if (body_.empty()) ended_ = true;
        co_return std::exchange(body_, "");
    }
    std::optional<uint64_t> length() const override { return std::nullopt; }
    std::vector<std::pair<std::string, std::string>> trailers() const override {
        return {{name_, ended_ ? value_ : ""}};
    }

  private:
    std::string body_;
    const std::string name_;
    const std::string value_;
    bool ended_ = false;
};

class BrokenStream final : public api::ByteStream {
  public:
    explicit BrokenStream(base::ErrorCode code) : code_(code) {}
    Task<base::Result<base::Bytes>> Read() override {
        if (std::exchange(first_, false)) co_return base::Bytes("begun");
        co_return base::Fail(code_, "broken off");
    }
    std::optional<uint64_t> length() const override { return 1000; }

  private:
    const base::ErrorCode code_;
    bool first_ = true;
};

TEST_F(ObjectsTest, AnObjectComesBackWithWhatWasSaidOfIt) {
    auto request = PutRequest("k", "hello");
    request.ContentType = "text/plain";
    request.ContentEncoding = "aws-chunked,gzip";
    request.Metadata = std::map<std::string, std::string>{{"well", "07"}};
    request.Tagging = "a=1&b=x%20y";
    auto put = Call(&S3Service::PutObject, std::move(request));
    ASSERT_TRUE(put);
    EXPECT_EQ(put->ETag, "\"5d41402abc4b2a76b9719d911017c592\"");
    auto got = Get(GetRequest("k"));
    ASSERT_TRUE(got);
    EXPECT_EQ(ReadBody(got->Body), "hello");
    EXPECT_EQ(got->ETag, put->ETag);
    EXPECT_EQ(got->ContentType, "text/plain");
    EXPECT_EQ(got->ContentEncoding, "gzip");
    EXPECT_EQ(got->ContentLength, 5);
    EXPECT_EQ(got->Metadata->at("well"), "07");
    EXPECT_EQ(got->TagCount, 2);
    EXPECT_FALSE(got->ContentRange);
    EXPECT_FALSE(got->ChecksumCRC64NVME);
}

TEST_F(ObjectsTest, WhatIsMissingIsNamed) {
    EXPECT_EQ(CodeOf(Get(GetRequest("none"))), "NoSuchKey");
    auto elsewhere = GetRequest("k");
    elsewhere.Bucket = "no-such-bucket";
    EXPECT_EQ(CodeOf(Get(std::move(elsewhere))), "NoSuchBucket");
    auto version = GetRequest("k");
    Put("k", "x").value();
    version.VersionId = "0000000000000abc";
    EXPECT_EQ(CodeOf(Get(std::move(version))), "NoSuchVersion");
    version = GetRequest("k");
    version.VersionId = "abc";
    EXPECT_EQ(CodeOf(Get(std::move(version))), "InvalidArgument");
    auto owner = GetRequest("k");
    owner.ExpectedBucketOwner = "999999999999";
    EXPECT_EQ(CodeOf(Get(std::move(owner))), "AccessDenied");
    EXPECT_EQ(CodeOf(Put(std::string(1025, 'k'), "")), "KeyTooLongError");
    EXPECT_EQ(CodeOf(Put("\xff", "")), "InvalidURI");
}

TEST_F(ObjectsTest, RangesAreAnsweredInPart) {
    Put("k", "0123456789").value();
    auto range = [&](const char* header) {
        auto request = GetRequest("k");
        request.Range = header;
        auto got = Get(std::move(request));
        return got ? got->ContentRange.value_or("whole") + " " + ReadBody(got->Body) : got.error().code;
    };
    EXPECT_EQ(range("bytes=2-4"), "bytes 2-4/10 234");
    EXPECT_EQ(range("bytes=7-"), "bytes 7-9/10 789");
    EXPECT_EQ(range("bytes=-3"), "bytes 7-9/10 789");
    EXPECT_EQ(range("bytes=-30"), "bytes 0-9/10 0123456789");
    EXPECT_EQ(range("bytes=5-500"), "bytes 5-9/10 56789");
    EXPECT_EQ(range("bytes=10-"), "InvalidRange");
    EXPECT_EQ(range("bytes=-0"), "InvalidRange");
    EXPECT_EQ(range("bytes=4-2"), "whole 0123456789");
    EXPECT_EQ(range("bytes=0-1,3-4"), "whole 0123456789");
    EXPECT_EQ(range("lines=1-2"), "whole 0123456789");
}

TEST_F(ObjectsTest, ConditionsOfAReadHold) {
    auto put = Put("k", "hello").value();
    auto code = [&](auto set) {
        auto request = GetRequest("k");
        set(request);
        auto got = Get(std::move(request));
        return got ? 200 : got.error().http_status;
    };
    const base::Instant hour_ago = clock_->Now() - std::chrono::hours(1);
    const base::Instant later = clock_->Now() + std::chrono::hours(1);
    EXPECT_EQ(code([&](auto& r) { r.IfMatch = put.ETag; }), 200);
    EXPECT_EQ(code([&](auto& r) { r.IfMatch = "\"other\""; }), 412);
    EXPECT_EQ(code([&](auto& r) { r.IfNoneMatch = put.ETag; }), 304);
    EXPECT_EQ(code([&](auto& r) { r.IfNoneMatch = "\"other\""; }), 200);
    EXPECT_EQ(code([&](auto& r) { r.IfModifiedSince = later; }), 304);
    EXPECT_EQ(code([&](auto& r) { r.IfModifiedSince = hour_ago; }), 200);
    EXPECT_EQ(code([&](auto& r) { r.IfUnmodifiedSince = hour_ago; }), 412);
    // RFC 9110, 13.2.2: the entity tag goes before the time.
    EXPECT_EQ(code([&](auto& r) { r.IfMatch = put.ETag, r.IfUnmodifiedSince = hour_ago; }), 200);
    EXPECT_EQ(code([&](auto& r) { r.IfNoneMatch = "\"other\"", r.IfModifiedSince = later; }), 200);
}

TEST_F(ObjectsTest, ConditionsOfAWriteHold) {
    auto put_if = [&](const char* key, std::optional<std::string> match, std::optional<std::string> none) {
        auto request = PutRequest(key, "new");
        request.IfMatch = std::move(match);
        request.IfNoneMatch = std::move(none);
        return CodeOf(Call(&S3Service::PutObject, std::move(request)));
    };
    auto put = Put("k", "old").value();
    EXPECT_EQ(put_if("k", std::nullopt, "*"), "PreconditionFailed");
    EXPECT_EQ(put_if("k", "\"other\"", std::nullopt), "PreconditionFailed");
    EXPECT_EQ(put_if("missing", put.ETag, std::nullopt), "NoSuchKey");
    EXPECT_EQ(BodyOf("k"), "old");
    EXPECT_EQ(put_if("k", put.ETag, std::nullopt), "");
    EXPECT_EQ(put_if("fresh", std::nullopt, "*"), "");
}

TEST_F(ObjectsTest, WrongDigestsAreRefusedAndNothingIsStored) {
    auto with = [&](auto set) {
        auto request = PutRequest("k", "hello");
        set(request);
        return CodeOf(Call(&S3Service::PutObject, std::move(request)));
    };
    EXPECT_EQ(with([](auto& r) { r.ContentMD5 = "XUFAKrxLKna5cZ2REBfFkg=="; }), "");
    EXPECT_EQ(with([](auto& r) { r.ContentMD5 = "AAAAAAAAAAAAAAAAAAAAAA=="; }), "BadDigest");
    EXPECT_EQ(with([](auto& r) { r.ContentMD5 = "short"; }), "InvalidDigest");
    EXPECT_EQ(with([](auto& r) { r.ChecksumCRC32 = ChecksumOf(ChecksumAlgorithm::kCrc32, "hello"); }), "");
    EXPECT_EQ(with([](auto& r) { r.ChecksumCRC64NVME = ChecksumOf(ChecksumAlgorithm::kCrc64Nvme, "hello"); }), "");
    EXPECT_EQ(with([](auto& r) { r.ChecksumSHA256 = ChecksumOf(ChecksumAlgorithm::kSha256, "hello"); }), "");
    EXPECT_EQ(with([](auto& r) { r.ChecksumSHA1 = ChecksumOf(ChecksumAlgorithm::kSha1, "other"); }), "BadDigest");
    EXPECT_EQ(with([](auto& r) { r.ChecksumCRC32C = "AAAAAA=="; }), "BadDigest");
    EXPECT_EQ(with([](auto& r) { r.ChecksumCRC32C = "not base64"; }), "InvalidRequest");
    EXPECT_EQ(with([](auto& r) { r.ChecksumCRC32C = "AAAAAA==", r.ChecksumCRC32 = "AAAAAA=="; }), "InvalidRequest");
    auto bad = PutRequest("bad", "hello");
    bad.ContentMD5 = "AAAAAAAAAAAAAAAAAAAAAA==";
    EXPECT_EQ(CodeOf(Call(&S3Service::PutObject, std::move(bad))), "BadDigest");
    EXPECT_EQ(BodyOf("bad"), "error NoSuchKey");
}

TEST_F(ObjectsTest, AChecksumInTheTrailerIsVerified) {
    auto put = [&](const std::string& name, const std::string& value) {
        auto request = PutRequest("k", "");
        request.Body = std::make_unique<TrailedStream>("hello", name, value);
        return CodeOf(Call(&S3Service::PutObject, std::move(request)));
    };
    EXPECT_EQ(put("x-amz-checksum-sha256", ChecksumOf(ChecksumAlgorithm::kSha256, "hello")), "");
    EXPECT_EQ(put("x-amz-checksum-crc32", ChecksumOf(ChecksumAlgorithm::kCrc32, "hello")), "");
    EXPECT_EQ(put("x-amz-checksum-crc32", ChecksumOf(ChecksumAlgorithm::kCrc32, "hallo")), "BadDigest");
    EXPECT_EQ(put("x-amz-checksum-crc32", ""), "MalformedTrailerError");
}

TEST_F(ObjectsTest, TheChecksumComesBackWhenAskedFor) {
    auto request = PutRequest("k", "hello");
    request.ChecksumCRC32C = ChecksumOf(ChecksumAlgorithm::kCrc32c, "hello");
    Call(&S3Service::PutObject, std::move(request)).value();
    auto get = GetRequest("k");
    get.ChecksumMode = "ENABLED";
    auto got = Get(std::move(get));
    EXPECT_EQ(got->ChecksumCRC32C, ChecksumOf(ChecksumAlgorithm::kCrc32c, "hello"));
    EXPECT_EQ(got->ChecksumType, "FULL_OBJECT");
    Put("plain", "hello").value();
    auto plain = GetRequest("plain");
    plain.ChecksumMode = "ENABLED";
    EXPECT_EQ(Get(std::move(plain))->ChecksumCRC64NVME, ChecksumOf(ChecksumAlgorithm::kCrc64Nvme, "hello"));
}

TEST_F(ObjectsTest, ABodyThatBreaksOffStoresNothing) {
    using base::ErrorCode;
    for (auto [code, answer] : {std::pair{ErrorCode::kUnavailable, "IncompleteBody"},
                                std::pair{ErrorCode::kConflict, "XAmzContentSHA256Mismatch"},
                                std::pair{ErrorCode::kPermission, "SignatureDoesNotMatch"}}) {
        auto request = PutRequest("k", "");
        request.Body = std::make_unique<BrokenStream>(code);
        EXPECT_EQ(CodeOf(Call(&S3Service::PutObject, std::move(request))), answer);
    }
    EXPECT_EQ(BodyOf("k"), "error NoSuchKey");
}

TEST_F(ObjectsTest, WhatIsNotServedIsRefused) {
    auto with = [&](auto set) {
        auto request = PutRequest("k", "hello");
        set(request);
        return CodeOf(Call(&S3Service::PutObject, std::move(request)));
    };
    EXPECT_EQ(with([](auto& r) { r.ServerSideEncryption = "aws:kms"; }), "NotImplemented");
    EXPECT_EQ(with([](auto& r) { r.ACL = "public-read"; }), "AccessControlListNotSupported");
    EXPECT_EQ(with([](auto& r) { r.ACL = "private"; }), "");
    EXPECT_EQ(with([](auto& r) { r.StorageClass = "GLACIER"; }), "NotImplemented");
    EXPECT_EQ(with([](auto& r) { r.StorageClass = "COLD"; }), "InvalidStorageClass");
    EXPECT_EQ(with([](auto& r) { r.SSECustomerAlgorithm = "AES256"; }), "NotImplemented");
    EXPECT_EQ(with([](auto& r) { r.ServerSideEncryption = "AES256"; }), "");
    EXPECT_EQ(with([](auto& r) { r.ChecksumXXHASH64 = "AAAA"; }), "NotImplemented");
    EXPECT_EQ(with([](auto& r) { r.Metadata = std::map<std::string, std::string>{{"k", std::string(3000, 'x')}}; }),
              "MetadataTooLarge");
    EXPECT_EQ(with([](auto& r) { r.Tagging = "a=1&a=2"; }), "InvalidArgument");
}

TEST_F(ObjectsTest, CopiesKeepOrReplaceWhatIsSaidOfThem) {
    auto request = PutRequest("a b/\xc3\xa4", "hello");
    request.ContentType = "text/plain";
    request.Tagging = "t=1";
    auto put = Call(&S3Service::PutObject, std::move(request)).value();
    auto copy = [&](auto set) {
        s3::CopyObjectRequest one;
        one.Bucket = "lake";
        one.Key = "copy";
        one.CopySource = "/lake/a%20b/%C3%A4";
        set(one);
        return Call(&S3Service::CopyObject, std::move(one));
    };
    auto copied = copy([](auto&) {});
    ASSERT_TRUE(copied);
    EXPECT_EQ(copied->CopyObjectResult->ETag, put.ETag);
    EXPECT_EQ(Get(GetRequest("copy"))->ContentType, "text/plain");
    EXPECT_EQ(Get(GetRequest("copy"))->TagCount, 1);
    EXPECT_EQ(BodyOf("copy"), "hello");
    ASSERT_TRUE(copy([](auto& r) { r.MetadataDirective = "REPLACE", r.ContentType = "x/y"; }));
    EXPECT_EQ(Get(GetRequest("copy"))->ContentType, "x/y");
    EXPECT_EQ(Get(GetRequest("copy"))->TagCount, 1);
    ASSERT_TRUE(copy([](auto& r) { r.TaggingDirective = "REPLACE"; }));
    EXPECT_FALSE(Get(GetRequest("copy"))->TagCount);
    EXPECT_EQ(CodeOf(copy([](auto& r) { r.Key = "a b/\xc3\xa4"; })), "InvalidRequest");
    EXPECT_EQ(CodeOf(copy([](auto& r) { r.Key = "a b/\xc3\xa4", r.MetadataDirective = "REPLACE"; })), "");
    EXPECT_EQ(BodyOf("a b/\xc3\xa4"), "hello");
    EXPECT_EQ(CodeOf(copy([](auto& r) { r.CopySourceIfMatch = "\"x\""; })), "PreconditionFailed");
    EXPECT_EQ(CodeOf(copy([&](auto& r) { r.CopySourceIfNoneMatch = put.ETag; })), "PreconditionFailed");
    EXPECT_EQ(CodeOf(copy([](auto& r) { r.CopySource = "lake"; })), "InvalidArgument");
    EXPECT_EQ(CodeOf(copy([](auto& r) { r.CopySource = "other-bucket/k"; })), "NoSuchBucket");
    EXPECT_EQ(CodeOf(copy([](auto& r) { r.CopySource = "lake/none"; })), "NoSuchKey");
    auto sha = copy([](auto& r) { r.ChecksumAlgorithm = "SHA256"; });
    EXPECT_EQ(sha->CopyObjectResult->ChecksumSHA256, ChecksumOf(ChecksumAlgorithm::kSha256, "hello"));
}

TEST_F(ObjectsTest, DeletesAreIdempotentAndReportEach) {
    Put("a", "1").value();
    Put("b", "2").value();
    s3::DeleteObjectRequest none;
    none.Bucket = "lake";
    none.Key = "none";
    EXPECT_EQ(CodeOf(Call(&S3Service::DeleteObject, std::move(none))), "");
    s3::DeleteObjectsRequest request;
    request.Bucket = "lake";
    for (const char* key : {"a", "b", "none"}) request.Delete.Objects.emplace_back().Key = key;
    request.Delete.Objects[1].ETag = "\"other\"";
    auto deleted = Call(&S3Service::DeleteObjects, std::move(request));
    ASSERT_TRUE(deleted);
    ASSERT_EQ(deleted->Deleted->size(), 2u);
    ASSERT_EQ(deleted->Errors->size(), 1u);
    EXPECT_EQ(deleted->Errors->front().Code, "PreconditionFailed");
    EXPECT_EQ(BodyOf("a"), "error NoSuchKey");
    EXPECT_EQ(BodyOf("b"), "2");
    s3::DeleteObjectsRequest many;
    many.Bucket = "lake";
    many.Delete.Objects.resize(1001);
    EXPECT_EQ(CodeOf(Call(&S3Service::DeleteObjects, std::move(many))), "MalformedXML");
}

TEST_F(ObjectsTest, TagsAreReplacedWithoutTouchingTheObject) {
    auto put = Put("k", "x").value();
    auto modified = Get(GetRequest("k"))->LastModified;
    s3::PutObjectTaggingRequest request;
    request.Bucket = "lake";
    request.Key = "k";
    auto& tag = request.Tagging.TagSet.emplace_back();
    tag.Key = "colour";
    tag.Value = "red";
    ASSERT_EQ(CodeOf(Call(&S3Service::PutObjectTagging, std::move(request))), "");
    s3::GetObjectTaggingRequest get;
    get.Bucket = "lake";
    get.Key = "k";
    EXPECT_EQ(Call(&S3Service::GetObjectTagging, std::move(get))->TagSet.at(0).Value, "red");
    EXPECT_EQ(Get(GetRequest("k"))->LastModified, modified);
    EXPECT_EQ(Get(GetRequest("k"))->ETag, put.ETag);
    s3::DeleteObjectTaggingRequest remove;
    remove.Bucket = "lake";
    remove.Key = "k";
    ASSERT_EQ(CodeOf(Call(&S3Service::DeleteObjectTagging, std::move(remove))), "");
    EXPECT_FALSE(Get(GetRequest("k"))->TagCount);
}

// F19: writers and readers on few keys; a read gives one writer's body whole, with that body's tag.
Task<void> WriteSome(S3Service& service, CallContext context, int writer, int& failures) {
    for (int i = 0; i < 20; ++i) {
        s3::PutObjectRequest request;
        request.Bucket = "lake";
        request.Key = "key-" + std::to_string(i % 8);
        std::string body(static_cast<size_t>(1 + (writer * 31 + i * 7) % 3000), static_cast<char>('a' + writer));
        request.Body = api::MakeByteStream(body);
        auto put = co_await service.PutObject(context, std::move(request));
        if (!put) ++failures;
    }
}
Task<void> ReadSome(S3Service& service, CallContext context, int& torn) {
    for (int i = 0; i < 50; ++i) {
        s3::GetObjectRequest request;
        request.Bucket = "lake";
        request.Key = "key-" + std::to_string(i % 8);
        auto got = co_await service.GetObject(context, std::move(request));
        if (!got) continue;
        std::string body;
        for (;;) {
            auto piece = co_await got->Body->Read();
            if (!piece || piece->empty()) break;
            body += *piece;
        }
        BodyDigest digest({});
        digest.Update(body);
        if (got->ETag != '"' + digest.Md5Hex() + '"') ++torn;
        if (got->ContentLength != static_cast<int64_t>(body.size())) ++torn;
    }
}

TEST_F(ObjectsTest, SixteenClientsOnEightKeysNeverSeeATornBody) {
    boost::asio::io_context io;
    env::Scope scope;
    int failures = 0;
    int torn = 0;
    for (int i = 0; i < 8; ++i) {
        env::Spawn(scope, io.get_executor(), "write", WriteSome(*service_, context_, i, failures));
        env::Spawn(scope, io.get_executor(), "read", ReadSome(*service_, context_, torn));
    }
    io.run();
    EXPECT_EQ(failures, 0);
    EXPECT_EQ(torn, 0);
}

}  // namespace
}  // namespace wellhead::services::s3
