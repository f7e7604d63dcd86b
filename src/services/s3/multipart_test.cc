#include "services/s3/service_fixture.h"

namespace wellhead::services::s3 {
namespace {

constexpr size_t kFiveMiB = 5 << 20;

class MultipartTest : public S3Test {
  protected:
    MultipartTest() { MakeBucket("lake"); }

    std::string Begin(const std::string& key, std::optional<std::string> algorithm = {},
                      std::optional<std::string> type = {}) {
        s3::CreateMultipartUploadRequest request;
        request.Bucket = "lake";
        request.Key = key;
        request.ContentType = "text/plain";
        request.ChecksumAlgorithm = std::move(algorithm);
        request.ChecksumType = std::move(type);
        return Call(&S3Service::CreateMultipartUpload, std::move(request)).value().UploadId.value();
    }
    Outcome<s3::UploadPartOutput> Part(const std::string& key, const std::string& upload, int number,
                                       const std::string& body) {
        s3::UploadPartRequest request;
        request.Bucket = "lake";
        request.Key = key;
        request.UploadId = upload;
        request.PartNumber = number;
        request.Body = api::MakeByteStream(body);
        return Call(&S3Service::UploadPart, std::move(request));
    }
    static s3::CompleteMultipartUploadRequest Completion(const std::string& key, const std::string& upload,
                                                         std::vector<std::pair<int, std::string>> parts) {
        s3::CompleteMultipartUploadRequest request;
        request.Bucket = "lake";
        request.Key = key;
        request.UploadId = upload;
        auto& listed = request.MultipartUpload.emplace().Parts.emplace();
        for (auto& [number, etag] : parts) {
            auto& part = listed.emplace_back();
            part.PartNumber = number;
            part.ETag = etag;
        }
        return request;
    }
    Outcome<s3::CompleteMultipartUploadOutput> Complete(const std::string& key, const std::string& upload,
                                                        std::vector<std::pair<int, std::string>> parts) {
        return Call(&S3Service::CompleteMultipartUpload, Completion(key, upload, std::move(parts)));
    }
    const std::string big_ = std::string(kFiveMiB, 'a');
};

TEST_F(MultipartTest, PartsBecomeOneObject) {
    std::string upload = Begin("k");
    auto two = Part("k", upload, 2, "tail").value().ETag.value();
    auto one = Part("k", upload, 1, big_).value().ETag.value();
    EXPECT_EQ(BodyOf("k"), "error NoSuchKey");
    auto done = Complete("k", upload, {{1, one}, {2, two}});
    ASSERT_TRUE(done);
    EXPECT_TRUE(done->ETag->ends_with("-2\""));
    EXPECT_EQ(done->Location, "http://127.0.0.1:4566/lake/k");
    EXPECT_EQ(BodyOf("k"), big_ + "tail");
    auto got = Get(GetRequest("k"));
    EXPECT_EQ(got->ContentType, "text/plain");
    EXPECT_EQ(got->ETag, done->ETag);
    auto part = GetRequest("k");
    part.PartNumber = 2;
    auto second = Get(std::move(part));
    EXPECT_EQ(ReadBody(second->Body), "tail");
    EXPECT_EQ(second->PartsCount, 2);
    EXPECT_TRUE(second->ContentRange);
    auto third = GetRequest("k");
    third.PartNumber = 3;
    EXPECT_EQ(CodeOf(Get(std::move(third))), "InvalidPartNumber");
}

TEST_F(MultipartTest, CompletingOnceMoreAnswersTheSame) {
    std::string upload = Begin("k");
    auto one = Part("k", upload, 1, "x").value().ETag.value();
    auto first = Complete("k", upload, {{1, one}});
    auto again = Complete("k", upload, {{1, one}});
    ASSERT_TRUE(again);
    EXPECT_EQ(again->ETag, first->ETag);
    EXPECT_EQ(CodeOf(Complete("k", std::string(32, '0'), {{1, one}})), "NoSuchUpload");
}

TEST_F(MultipartTest, AListThatDoesNotFitIsRefused) {
    std::string upload = Begin("k");
    auto one = Part("k", upload, 1, "small").value().ETag.value();
    auto two = Part("k", upload, 2, "tail").value().ETag.value();
    EXPECT_EQ(CodeOf(Complete("k", upload, {{1, one}, {2, two}})), "EntityTooSmall");
    EXPECT_EQ(CodeOf(Complete("k", upload, {{2, two}, {1, one}})), "InvalidPartOrder");
    EXPECT_EQ(CodeOf(Complete("k", upload, {{1, one}, {1, one}})), "InvalidPartOrder");
    EXPECT_EQ(CodeOf(Complete("k", upload, {{1, two}})), "InvalidPart");
    EXPECT_EQ(CodeOf(Complete("k", upload, {{3, one}})), "InvalidPart");
    EXPECT_EQ(CodeOf(Complete("k", upload, {})), "MalformedXML");
    auto sized = Completion("k", upload, {{2, two}});
    sized.MpuObjectSize = 5;
    EXPECT_EQ(CodeOf(Call(&S3Service::CompleteMultipartUpload, std::move(sized))), "InvalidRequest");
    EXPECT_EQ(CodeOf(Complete("k", upload, {{2, two}})), "");
    EXPECT_EQ(BodyOf("k"), "tail");
}

TEST_F(MultipartTest, APartSentAgainReplacesTheFormer) {
    std::string upload = Begin("k");
    auto old = Part("k", upload, 1, "old").value().ETag.value();
    auto fresh = Part("k", upload, 1, "fresh").value().ETag.value();
    EXPECT_EQ(CodeOf(Complete("k", upload, {{1, old}})), "InvalidPart");
    EXPECT_EQ(CodeOf(Complete("k", upload, {{1, fresh}})), "");
    EXPECT_EQ(BodyOf("k"), "fresh");
}

TEST_F(MultipartTest, AnAbortedUploadTakesNoPartsAndIsNotListed) {
    std::string upload = Begin("k");
    Part("k", upload, 1, "x").value();
    s3::AbortMultipartUploadRequest abort;
    abort.Bucket = "lake";
    abort.Key = "k";
    abort.UploadId = upload;
    EXPECT_EQ(CodeOf(Call(&S3Service::AbortMultipartUpload, abort)), "");
    EXPECT_EQ(CodeOf(Call(&S3Service::AbortMultipartUpload, abort)), "NoSuchUpload");
    EXPECT_EQ(CodeOf(Part("k", upload, 2, "x")), "NoSuchUpload");
    EXPECT_TRUE(env::RunTask(objects_->List(kPartsBucket, {})).value().empty());
    s3::ListMultipartUploadsRequest list;
    list.Bucket = "lake";
    EXPECT_FALSE(Call(&S3Service::ListMultipartUploads, std::move(list))->Uploads);
}

TEST_F(MultipartTest, ChecksumsOfPartsMakeThatOfTheWhole) {
    const std::string whole = big_ + "tail";
    std::string upload = Begin("full", "CRC32", "FULL_OBJECT");
    auto one = Part("full", upload, 1, big_).value();
    auto two = Part("full", upload, 2, "tail").value();
    EXPECT_EQ(one.ChecksumCRC32, ChecksumOf(ChecksumAlgorithm::kCrc32, big_));
    auto claim = Completion("full", upload, {{1, *one.ETag}, {2, *two.ETag}});
    claim.ChecksumCRC32 = "AAAAAA==";
    EXPECT_EQ(CodeOf(Call(&S3Service::CompleteMultipartUpload, std::move(claim))), "BadDigest");
    auto done = Complete("full", upload, {{1, *one.ETag}, {2, *two.ETag}}).value();
    EXPECT_EQ(done.ChecksumCRC32, ChecksumOf(ChecksumAlgorithm::kCrc32, whole));
    EXPECT_EQ(done.ChecksumType, "FULL_OBJECT");

    upload = Begin("parts", "SHA256");
    auto a = Part("parts", upload, 1, "a").value();
    EXPECT_EQ(CodeOf(Complete("parts", upload, {{1, *a.ETag}})), "InvalidRequest");
    auto with = Completion("parts", upload, {{1, *a.ETag}});
    with.MultipartUpload->Parts->at(0).ChecksumSHA256 = a.ChecksumSHA256;
    auto composite = Call(&S3Service::CompleteMultipartUpload, std::move(with)).value();
    EXPECT_TRUE(composite.ChecksumSHA256->ends_with("-1"));
    EXPECT_EQ(composite.ChecksumType, "COMPOSITE");
}

TEST_F(MultipartTest, UploadsAndPartsAreListedByPages) {
    std::string upload = Begin("a/1");
    Begin("a/2");
    Begin("b");
    for (int i = 1; i <= 5; ++i) Part("a/1", upload, i, "x").value();
    s3::ListPartsRequest parts;
    parts.Bucket = "lake";
    parts.Key = "a/1";
    parts.UploadId = upload;
    parts.MaxParts = 2;
    auto page = Call(&S3Service::ListParts, parts).value();
    EXPECT_EQ(page.Parts->size(), 2u);
    EXPECT_EQ(page.IsTruncated, true);
    EXPECT_EQ(page.NextPartNumberMarker, 2);
    parts.PartNumberMarker = 4;
    page = Call(&S3Service::ListParts, parts).value();
    EXPECT_EQ(page.Parts->size(), 1u);
    EXPECT_EQ(page.IsTruncated, false);

    s3::ListMultipartUploadsRequest uploads;
    uploads.Bucket = "lake";
    uploads.MaxUploads = 2;
    auto first = Call(&S3Service::ListMultipartUploads, uploads).value();
    EXPECT_EQ(first.Uploads->size(), 2u);
    EXPECT_EQ(first.NextKeyMarker, "a/2");
    uploads.KeyMarker = first.NextKeyMarker;
    uploads.UploadIdMarker = first.NextUploadIdMarker;
    auto second = Call(&S3Service::ListMultipartUploads, uploads).value();
    EXPECT_EQ(second.Uploads->at(0).Key, "b");
    s3::ListMultipartUploadsRequest grouped;
    grouped.Bucket = "lake";
    grouped.Delimiter = "/";
    auto groups = Call(&S3Service::ListMultipartUploads, std::move(grouped)).value();
    EXPECT_EQ(groups.CommonPrefixes->at(0).Prefix, "a/");
    EXPECT_EQ(groups.Uploads->size(), 1u);
}

TEST_F(MultipartTest, APartMayBeARangeOfAnObject) {
    Put("source", "0123456789").value();
    std::string upload = Begin("k");
    s3::UploadPartCopyRequest copy;
    copy.Bucket = "lake";
    copy.Key = "k";
    copy.UploadId = upload;
    copy.PartNumber = 1;
    copy.CopySource = "lake/source";
    copy.CopySourceRange = "bytes=2-4";
    auto part = Call(&S3Service::UploadPartCopy, copy).value();
    copy.CopySourceRange = "bytes=8-20";
    EXPECT_EQ(CodeOf(Call(&S3Service::UploadPartCopy, copy)), "InvalidRange");
    copy.CopySourceRange = "bytes=8-";
    EXPECT_EQ(CodeOf(Call(&S3Service::UploadPartCopy, copy)), "InvalidArgument");
    ASSERT_TRUE(Complete("k", upload, {{1, *part.CopyPartResult->ETag}}));
    EXPECT_EQ(BodyOf("k"), "234");
}

TEST_F(MultipartTest, AnUploadGoesOnAfterARestart) {
    std::string upload = Begin("k");
    auto one = Part("k", upload, 1, "x").value().ETag.value();
    Reopen();
    env::RunTask(service_->CollectAbandonedParts());
    EXPECT_EQ(CodeOf(Complete("k", upload, {{1, one}})), "");
    EXPECT_EQ(BodyOf("k"), "x");
}

}  // namespace
}  // namespace wellhead::services::s3
