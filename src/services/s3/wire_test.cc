// S3 as clients write it: methods, paths, headers and XML.

#include <gmock/gmock.h>

#include "apis/s3/service.h"
#include "services/s3/service_fixture.h"

namespace wellhead::services::s3 {
namespace {

using testing::HasSubstr;
using testing::Not;

class WireTest : public S3Test {
  protected:
    struct Answer {
        int status = 0;
        std::map<std::string, std::string> headers;
        std::string body;
    };
    Answer Send(const std::string& method, const std::string& target, std::string body = "",
                api::WireHeaders headers = {}) {
        api::WireRequest request;
        size_t question = std::min(target.find('?'), target.size());
        request.method = method;
        request.path = target.substr(0, question);
        if (question < target.size()) request.query = target.substr(question + 1);
        request.headers = std::move(headers);
        request.body = api::MakeByteStream(std::move(body));
        auto response = env::RunTask(wire_->Call(context_, std::move(request)));
        Answer answer;
        answer.status = response.status;
        for (auto& [name, value] : response.headers) answer.headers[name] = value;
        if (auto* bytes = std::get_if<base::Bytes>(&response.body)) {
            answer.body = *bytes;
        } else {
            answer.body = ReadBody(std::get<api::StreamBody>(response.body));
        }
        return answer;
    }
    std::string OperationOf(const std::string& method, const std::string& target, api::WireHeaders headers = {}) {
        api::WireRequest request;
        size_t question = std::min(target.find('?'), target.size());
        request.method = method;
        request.path = target.substr(0, question);
        if (question < target.size()) request.query = target.substr(question + 1);
        request.headers = std::move(headers);
        return std::string(wire_->OperationOf(request));
    }
    std::unique_ptr<api::Service> wire_ = s3::MakeService(*service_);
};

TEST_F(WireTest, EachFormOfARequestIsItsOperation) {
    EXPECT_EQ(OperationOf("GET", "/"), "ListBuckets");
    EXPECT_EQ(OperationOf("GET", "/lake"), "ListObjects");
    EXPECT_EQ(OperationOf("GET", "/lake/"), "ListObjects");
    EXPECT_EQ(OperationOf("GET", "/lake?list-type=2&prefix="), "ListObjectsV2");
    EXPECT_EQ(OperationOf("GET", "/lake?location"), "GetBucketLocation");
    EXPECT_EQ(OperationOf("GET", "/lake?notification"), "GetBucketNotificationConfiguration");
    EXPECT_EQ(OperationOf("PUT", "/lake"), "CreateBucket");
    EXPECT_EQ(OperationOf("PUT", "/lake/k?x-id=PutObject"), "PutObject");
    EXPECT_EQ(OperationOf("PUT", "/lake/k", {{"x-amz-copy-source", "a/b"}}), "CopyObject");
    EXPECT_EQ(OperationOf("PUT", "/lake/k?partNumber=1&uploadId=u"), "UploadPart");
    EXPECT_EQ(OperationOf("PUT", "/lake/k?partNumber=1&uploadId=u", {{"x-amz-copy-source", "a/b"}}), "UploadPartCopy");
    EXPECT_EQ(OperationOf("POST", "/lake/k?uploads"), "CreateMultipartUpload");
    EXPECT_EQ(OperationOf("POST", "/lake/k?uploadId=u"), "CompleteMultipartUpload");
    EXPECT_EQ(OperationOf("DELETE", "/lake/k?uploadId=u"), "AbortMultipartUpload");
    EXPECT_EQ(OperationOf("DELETE", "/lake/k"), "DeleteObject");
    EXPECT_EQ(OperationOf("GET", "/lake/k?uploadId=u"), "ListParts");
    EXPECT_EQ(OperationOf("GET", "/lake/k?tagging"), "GetObjectTagging");
    EXPECT_EQ(OperationOf("POST", "/lake?delete"), "DeleteObjects");
    EXPECT_EQ(OperationOf("HEAD", "/lake/k"), "HeadObject");
}

TEST_F(WireTest, ASubresourceThatIsNotServedNeverFallsThrough) {
    MakeBucket("lake");
    EXPECT_EQ(OperationOf("PUT", "/lake?replication"), "PutBucketReplication");
    auto answer = Send("PUT", "/lake?replication");
    EXPECT_EQ(answer.status, 501);
    EXPECT_THAT(answer.body, HasSubstr("PutBucketReplication"));
    EXPECT_EQ(Send("HEAD", "/lake").status, 200);
}

TEST_F(WireTest, ObjectsGoInAndOut) {
    EXPECT_EQ(Send("PUT", "/lake").status, 200);
    auto put = Send("PUT", "/lake/a%20b/%C3%A4//c", "hello",
                    {{"content-type", "text/plain"}, {"x-amz-meta-well", "07"}, {"content-encoding", "aws-chunked"}});
    EXPECT_EQ(put.status, 200) << put.body;
    EXPECT_EQ(put.headers["etag"], "\"5d41402abc4b2a76b9719d911017c592\"");
    auto got = Send("GET", "/lake/a%20b/%C3%A4//c");
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.body, "hello");
    EXPECT_EQ(got.headers["content-type"], "text/plain");
    EXPECT_EQ(got.headers["x-amz-meta-well"], "07");
    EXPECT_THAT(got.headers["last-modified"], testing::EndsWith(" GMT"));
    EXPECT_FALSE(got.headers.contains("content-encoding"));
    auto part = Send("GET", "/lake/a%20b/%C3%A4//c", "", {{"range", "bytes=1-2"}});
    EXPECT_EQ(part.status, 206);
    EXPECT_EQ(part.headers["content-range"], "bytes 1-2/5");
    EXPECT_EQ(part.body, "el");
    auto head = Send("HEAD", "/lake/a%20b/%C3%A4//c");
    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(head.headers["content-length"], "5");
    EXPECT_EQ(head.body, "");
    auto same = Send("GET", "/lake/a%20b/%C3%A4//c", "", {{"if-none-match", put.headers["etag"]}});
    EXPECT_EQ(same.status, 304);
    EXPECT_EQ(same.body, "");
    EXPECT_EQ(same.headers["etag"], put.headers["etag"]);
    EXPECT_EQ(Send("DELETE", "/lake/a%20b/%C3%A4//c").status, 204);
}

TEST_F(WireTest, ErrorsAreS3s) {
    auto missing = Send("GET", "/lake/k");
    EXPECT_EQ(missing.status, 404);
    EXPECT_THAT(missing.body, HasSubstr("<Error><Code>NoSuchBucket</Code>"));
    EXPECT_THAT(missing.body, HasSubstr("<BucketName>lake</BucketName>"));
    EXPECT_EQ(Send("HEAD", "/lake/k").body, "");
    MakeBucket("lake");
    auto range = Send("GET", "/lake/k?partNumber=x");
    EXPECT_EQ(range.status, 400);
    Put("k", "0123456789").value();
    auto unsatisfiable = Send("GET", "/lake/k", "", {{"range", "bytes=20-"}});
    EXPECT_EQ(unsatisfiable.status, 416);
    EXPECT_THAT(unsatisfiable.body, HasSubstr("<ActualObjectSize>10</ActualObjectSize>"));
    auto broken = Send("POST", "/lake?delete", "<Delete><Object>");
    EXPECT_EQ(broken.status, 400);
    EXPECT_THAT(broken.body, HasSubstr("MalformedXML"));
    auto digest = Send("POST", "/lake?delete", "<Delete/>", {{"content-md5", "AAAAAAAAAAAAAAAAAAAAAA=="}});
    EXPECT_THAT(digest.body, HasSubstr("BadDigest"));
}

TEST_F(WireTest, ListsAreS3s) {
    MakeBucket("lake");
    Put("a", "x").value();
    Put("b/1", "x").value();
    auto list = Send("GET", "/lake?list-type=2&delimiter=%2F&encoding-type=url");
    EXPECT_THAT(list.body, HasSubstr("<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"));
    EXPECT_THAT(list.body, HasSubstr("<Contents><Key>a</Key>"));
    EXPECT_THAT(list.body, HasSubstr("<CommonPrefixes><Prefix>b/</Prefix></CommonPrefixes>"));
    EXPECT_THAT(list.body, HasSubstr("<KeyCount>2</KeyCount>"));
    auto buckets = Send("GET", "/");
    EXPECT_THAT(buckets.body, HasSubstr("<ListAllMyBucketsResult"));
    EXPECT_THAT(buckets.body, HasSubstr("<Buckets><Bucket><Name>lake</Name>"));
    EXPECT_THAT(Send("GET", "/lake?location").body, HasSubstr("<LocationConstraint xmlns="));
    auto acl = Send("GET", "/lake?acl");
    EXPECT_THAT(acl.body, HasSubstr("<AccessControlPolicy"));
    EXPECT_THAT(acl.body, HasSubstr("xsi:type=\"CanonicalUser\""));
    EXPECT_THAT(acl.body, HasSubstr("xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\""));
}

TEST_F(WireTest, AMultipartUploadGoesThrough) {
    MakeBucket("lake");
    auto begun = Send("POST", "/lake/k?uploads");
    EXPECT_THAT(begun.body, HasSubstr("<InitiateMultipartUploadResult"));
    size_t at = begun.body.find("<UploadId>") + 10;
    std::string upload = begun.body.substr(at, begun.body.find("</UploadId>") - at);
    auto part = Send("PUT", "/lake/k?partNumber=1&uploadId=" + upload, "hello");
    EXPECT_EQ(part.status, 200) << part.body;
    auto done = Send("POST", "/lake/k?uploadId=" + upload,
                     "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Part><PartNumber>1"
                     "</PartNumber><ETag>&quot;5d41402abc4b2a76b9719d911017c592&quot;</ETag></Part>"
                     "</CompleteMultipartUpload>");
    EXPECT_EQ(done.status, 200) << done.body;
    EXPECT_THAT(done.body, HasSubstr("<CompleteMultipartUploadResult"));
    EXPECT_EQ(Send("GET", "/lake/k").body, "hello");
}

TEST_F(WireTest, DeletesOfManyReportEach) {
    MakeBucket("lake");
    Put("a", "x").value();
    Put("b&c", "x").value();
    auto deleted = Send("POST", "/lake?delete",
                        "<Delete><Object><Key>a</Key></Object><Object><Key>b&amp;c</Key></Object></Delete>");
    EXPECT_EQ(deleted.status, 200);
    EXPECT_THAT(deleted.body, HasSubstr("<DeleteResult"));
    EXPECT_THAT(deleted.body, HasSubstr("<Deleted><Key>b&amp;c</Key></Deleted>"));
    EXPECT_THAT(Send("GET", "/lake?list-type=2").body, Not(HasSubstr("<Contents>")));
    auto quiet = Send("POST", "/lake?delete", "<Delete><Quiet>true</Quiet><Object><Key>a</Key></Object></Delete>");
    EXPECT_THAT(quiet.body, Not(HasSubstr("<Deleted>")));
}

TEST_F(WireTest, SettingsAreReadFromXml) {
    MakeBucket("lake");
    EXPECT_EQ(Send("PUT", "/lake?tagging", "<Tagging><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tagging>")
                  .status,
              200);
    EXPECT_THAT(Send("GET", "/lake?tagging").body, HasSubstr("<TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet>"));
    EXPECT_EQ(Send("PUT", "/lake?tagging", "").status, 400);
    EXPECT_EQ(Send("PUT", "/lake?publicAccessBlock",
                   "<PublicAccessBlockConfiguration><BlockPublicAcls>TRUE</BlockPublicAcls></PublicAccessBlockConfiguration>")
                  .status,
              200);
    EXPECT_THAT(Send("GET", "/lake?publicAccessBlock").body, HasSubstr("<BlockPublicAcls>true</BlockPublicAcls>"));
    EXPECT_EQ(Send("PUT", "/lake?versioning",
                   "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>")
                  .status,
              200);
    EXPECT_THAT(Send("GET", "/lake?versioning").body, HasSubstr("<Status>Enabled</Status>"));
}

TEST_F(WireTest, SettingsThatWouldHaveNoEffectAreRefused) {
    MakeBucket("lake");
    EXPECT_EQ(Send("PUT", "/lake?logging", "<BucketLoggingStatus><LoggingEnabled><TargetBucket>b</TargetBucket>"
                   "<TargetPrefix/></LoggingEnabled></BucketLoggingStatus>").status, 501);
    EXPECT_EQ(Send("PUT", "/lake?requestPayment", "<RequestPaymentConfiguration><Payer>Requester</Payer>"
                   "</RequestPaymentConfiguration>").status, 501);
    EXPECT_THAT(Send("PUT", "/lake?lifecycle", "<LifecycleConfiguration><Rule><Status>Enabled</Status><Prefix/>"
                     "<Transition><Days>1</Days><StorageClass>GLACIER</StorageClass></Transition></Rule>"
                     "</LifecycleConfiguration>").body,
                HasSubstr("NotImplemented"));
    EXPECT_THAT(Send("PUT", "/lake?cors", "<CORSConfiguration/>").body, HasSubstr("MalformedXML"));
    EXPECT_THAT(Send("GET", "/lake?inventory&id=x").body, HasSubstr("NoSuchConfiguration"));
    EXPECT_EQ(Send("GET", "/lake?inventory").status, 200);
}

TEST_F(WireTest, RulesComeBackAsTheyWereGiven) {
    MakeBucket("lake");
    EXPECT_EQ(Send("PUT", "/lake?lifecycle", "<LifecycleConfiguration><Rule><ID>old</ID><Status>Enabled</Status>"
                   "<Filter><And><Prefix>logs/</Prefix><Tag><Key>k</Key><Value>v</Value></Tag></And></Filter>"
                   "<Expiration><Days>7</Days></Expiration></Rule></LifecycleConfiguration>").status, 200);
    EXPECT_THAT(Send("GET", "/lake?lifecycle").body, HasSubstr("<Expiration><Days>7</Days></Expiration><ID>old</ID>"));
    EXPECT_EQ(Send("PUT", "/lake?encryption", "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>"
                   "<SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule>"
                   "</ServerSideEncryptionConfiguration>").status, 200);
    EXPECT_THAT(Send("GET", "/lake?encryption").body, HasSubstr("<SSEAlgorithm>AES256</SSEAlgorithm>"));
    Reopen();
    wire_ = s3::MakeService(*service_);
    EXPECT_THAT(Send("GET", "/lake?lifecycle").body, HasSubstr("<Days>7</Days>"));
    EXPECT_EQ(Send("PUT", "/lake/k", "x").headers.at("x-amz-server-side-encryption"), "AES256");
    EXPECT_EQ(Send("DELETE", "/lake?lifecycle").status, 204);
    EXPECT_THAT(Send("GET", "/lake?lifecycle").body, HasSubstr("NoSuchLifecycleConfiguration"));
}

TEST_F(WireTest, AVersionedKeyKeepsItsPast) {
    MakeBucket("lake");
    auto first = Send("PUT", "/lake/k", "null version");
    EXPECT_FALSE(first.headers.contains("x-amz-version-id"));
    auto versioning = [&](const std::string& status) {
        Send("PUT", "/lake?versioning", "<VersioningConfiguration><Status>" + status + "</Status></VersioningConfiguration>");
    };
    versioning("Enabled");
    const std::string one = Send("PUT", "/lake/k", "one").headers.at("x-amz-version-id");
    const std::string two = Send("PUT", "/lake/k", "two").headers.at("x-amz-version-id");
    EXPECT_EQ(Send("GET", "/lake/k").body, "two");
    EXPECT_EQ(Send("GET", "/lake/k?versionId=" + one).body, "one");
    EXPECT_EQ(Send("GET", "/lake/k?versionId=null").body, "null version");
    auto marked = Send("DELETE", "/lake/k");
    EXPECT_EQ(marked.status, 204);
    EXPECT_EQ(marked.headers.at("x-amz-delete-marker"), "true");
    const std::string marker = marked.headers.at("x-amz-version-id");
    auto gone = Send("GET", "/lake/k");
    EXPECT_EQ(gone.status, 404);
    EXPECT_EQ(gone.headers.at("x-amz-delete-marker"), "true");
    EXPECT_EQ(Send("HEAD", "/lake/k?versionId=" + marker).status, 405);
    EXPECT_THAT(Send("GET", "/lake").body, Not(HasSubstr("<Key>")));
    auto listed = Send("GET", "/lake?versions").body;
    EXPECT_THAT(listed, HasSubstr("<VersionId>" + one + "</VersionId>"));
    EXPECT_THAT(listed, HasSubstr("<VersionId>" + marker + "</VersionId><IsLatest>true</IsLatest>"));
    EXPECT_THAT(listed, HasSubstr("<VersionId>null</VersionId>"));
    EXPECT_THAT(Send("DELETE", "/lake").body, HasSubstr("BucketNotEmpty"));
    EXPECT_EQ(Send("DELETE", "/lake/k?versionId=" + marker).headers.at("x-amz-delete-marker"), "true");
    EXPECT_EQ(Send("GET", "/lake/k").body, "two");
    versioning("Suspended");
    EXPECT_EQ(Send("PUT", "/lake/k", "suspended").headers.at("x-amz-version-id"), "null");
    EXPECT_EQ(Send("GET", "/lake/k?versionId=null").body, "suspended");
    EXPECT_EQ(Send("GET", "/lake/k?versionId=" + two).body, "two");
    auto page = Send("GET", "/lake?versions&max-keys=1").body;
    EXPECT_THAT(page, HasSubstr("<NextVersionIdMarker>null</NextVersionIdMarker>"));
    page = Send("GET", "/lake?versions&max-keys=1&key-marker=k&version-id-marker=null").body;
    EXPECT_THAT(page, HasSubstr("<VersionId>" + two + "</VersionId>"));
    EXPECT_THAT(page, HasSubstr("<IsLatest>false</IsLatest>"));
    auto copied = Send("PUT", "/lake/copy", "", {{"x-amz-copy-source", "lake/k?versionId=" + one}});
    EXPECT_EQ(copied.headers.at("x-amz-copy-source-version-id"), one);
    EXPECT_EQ(Send("GET", "/lake/copy").body, "one");
}

}  // namespace
}  // namespace wellhead::services::s3
