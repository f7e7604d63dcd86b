#include "services/s3/listing.h"
#include "services/s3/service_fixture.h"

namespace wellhead::services::s3 {
namespace {

class BucketsTest : public S3Test {
  protected:
    template <class Request>
    static Request Of(const std::string& bucket) {
        Request request;
        request.Bucket = bucket;
        return request;
    }
    struct Listed {
        std::vector<std::string> keys;
        std::vector<std::string> prefixes;
        bool operator==(const Listed&) const = default;
    };
    Listed List(const std::string& prefix, const std::string& delimiter, int page_size = 1000) {
        Listed all;
        std::optional<std::string> token;
        for (int pages = 0; pages < 100; ++pages) {
            auto request = Of<s3::ListObjectsV2Request>("lake");
            request.Prefix = prefix;
            request.Delimiter = delimiter;
            request.MaxKeys = page_size;
            request.ContinuationToken = token;
            auto page = Call(&S3Service::ListObjectsV2, std::move(request)).value();
            if (page.Contents) {
                for (auto& object : *page.Contents) all.keys.push_back(*object.Key);
            }
            if (page.CommonPrefixes) {
                for (auto& group : *page.CommonPrefixes) all.prefixes.push_back(*group.Prefix);
            }
            if (!*page.IsTruncated) return all;
            token = page.NextContinuationToken;
        }
        ADD_FAILURE() << "the list does not end";
        return all;
    }
};

TEST_F(BucketsTest, NamesAreThoseThatAwsAllows) {
    auto create = [&](const std::string& name) {
        return CodeOf(Call(&S3Service::CreateBucket, Of<s3::CreateBucketRequest>(name)));
    };
    for (const char* good : {"abc", "a.b-c", "123", "a1234567890123456789012345678901234567890123456789012345678901"}) {
        EXPECT_EQ(create(good), "") << good;
    }
    for (const char* bad : {"ab", "Abc", "a_b", "-abc", "abc-", "a..b", "192.168.0.1", "xn--abc", "abc-s3alias", ".uploads",
                            "abc/def", "..", "a12345678901234567890123456789012345678901234567890123456789012345"}) {
        EXPECT_EQ(create(bad), "InvalidBucketName") << bad;
    }
}

TEST_F(BucketsTest, CreatingAgainIsFineInTheFirstRegionAndDeletingNeedsAnEmptyOne) {
    MakeBucket("lake");
    MakeBucket("lake");
    Put("k", "x").value();
    EXPECT_EQ(CodeOf(Call(&S3Service::DeleteBucket, Of<s3::DeleteBucketRequest>("lake"))), "BucketNotEmpty");
    auto remove = Of<s3::DeleteObjectRequest>("lake");
    remove.Key = "k";
    Call(&S3Service::DeleteObject, std::move(remove)).value();
    EXPECT_EQ(CodeOf(Call(&S3Service::DeleteBucket, Of<s3::DeleteBucketRequest>("lake"))), "");
    EXPECT_EQ(CodeOf(Call(&S3Service::HeadBucket, Of<s3::HeadBucketRequest>("lake"))), "NoSuchBucket");
    auto elsewhere = Of<s3::CreateBucketRequest>("else");
    elsewhere.CreateBucketConfiguration.emplace().LocationConstraint = "eu-west-1";
    EXPECT_EQ(CodeOf(Call(&S3Service::CreateBucket, std::move(elsewhere))), "IllegalLocationConstraintException");
}

TEST_F(BucketsTest, BucketsAndTheirSettingsSurviveARestart) {
    MakeBucket("lake");
    auto tagging = Of<s3::PutBucketTaggingRequest>("lake");
    auto& tag = tagging.Tagging.TagSet.emplace_back();
    tag.Key = "k";
    tag.Value = "v";
    ASSERT_EQ(CodeOf(Call(&S3Service::PutBucketTagging, std::move(tagging))), "");
    auto block = Of<s3::PutPublicAccessBlockRequest>("lake");
    block.PublicAccessBlockConfiguration.BlockPublicAcls = true;
    ASSERT_EQ(CodeOf(Call(&S3Service::PutPublicAccessBlock, std::move(block))), "");
    Reopen();
    auto got = Call(&S3Service::GetBucketTagging, Of<s3::GetBucketTaggingRequest>("lake"));
    EXPECT_EQ(got->TagSet.at(0).Value, "v");
    auto access = Call(&S3Service::GetPublicAccessBlock, Of<s3::GetPublicAccessBlockRequest>("lake"));
    EXPECT_EQ(access->PublicAccessBlockConfiguration->BlockPublicAcls, true);
    EXPECT_EQ(access->PublicAccessBlockConfiguration->IgnorePublicAcls, false);
    auto buckets = Call(&S3Service::ListBuckets, s3::ListBucketsRequest{});
    ASSERT_EQ(buckets->Buckets->size(), 1u);
    EXPECT_EQ(buckets->Buckets->at(0).Name, "lake");
}

TEST_F(BucketsTest, WhatIsNotConfiguredIsNotFound) {
    MakeBucket("lake");
    EXPECT_EQ(CodeOf(Call(&S3Service::GetBucketTagging, Of<s3::GetBucketTaggingRequest>("lake"))), "NoSuchTagSet");
    EXPECT_EQ(CodeOf(Call(&S3Service::GetBucketPolicy, Of<s3::GetBucketPolicyRequest>("lake"))), "NoSuchBucketPolicy");
    EXPECT_EQ(CodeOf(Call(&S3Service::GetBucketCors, Of<s3::GetBucketCorsRequest>("lake"))), "NoSuchCORSConfiguration");
    EXPECT_EQ(CodeOf(Call(&S3Service::GetPublicAccessBlock, Of<s3::GetPublicAccessBlockRequest>("lake"))),
              "NoSuchPublicAccessBlockConfiguration");
    EXPECT_EQ(CodeOf(Call(&S3Service::GetBucketEncryption, Of<s3::GetBucketEncryptionRequest>("lake"))),
              "ServerSideEncryptionConfigurationNotFoundError");
    auto versioning = Of<s3::PutBucketVersioningRequest>("lake");
    versioning.VersioningConfiguration.MFADelete = "Enabled";
    EXPECT_EQ(CodeOf(Call(&S3Service::PutBucketVersioning, std::move(versioning))), "NotImplemented");
}

TEST_F(BucketsTest, ListsGroupByDelimiterAndGoOnByPages) {
    MakeBucket("lake");
    for (const char* key : {"a", "b/1", "b/2", "b/c/3", "d", "d/", "e/1"}) Put(key, "x").value();
    const Listed whole{{"a", "d"}, {"b/", "d/", "e/"}};
    for (int size : {1, 2, 3, 1000}) EXPECT_EQ(List("", "/", size), whole) << size;
    for (int size : {1, 2, 1000}) EXPECT_EQ(List("b/", "/", size), (Listed{{"b/1", "b/2"}, {"b/c/"}})) << size;
    EXPECT_EQ(List("", "", 2).keys.size(), 7u);
    EXPECT_EQ(List("b", "", 2), (Listed{{"b/1", "b/2", "b/c/3"}, {}}));
    auto none = Of<s3::ListObjectsV2Request>("lake");
    none.MaxKeys = 0;
    auto empty = Call(&S3Service::ListObjectsV2, std::move(none)).value();
    EXPECT_EQ(empty.IsTruncated, false);
    EXPECT_EQ(empty.KeyCount, 0);
    auto foreign = Of<s3::ListObjectsV2Request>("lake");
    foreign.ContinuationToken = "not-ours";
    EXPECT_EQ(CodeOf(Call(&S3Service::ListObjectsV2, std::move(foreign))), "InvalidArgument");
    auto after = Of<s3::ListObjectsV2Request>("lake");
    after.StartAfter = "b/2";
    EXPECT_EQ(*Call(&S3Service::ListObjectsV2, std::move(after))->Contents->at(0).Key, "b/c/3");
}

TEST_F(BucketsTest, TheFirstVersionOfListsGoesOnByMarker) {
    MakeBucket("lake");
    for (const char* key : {"a", "b/1", "b/2", "c"}) Put(key, "x").value();
    std::string seen;
    std::string marker;
    for (int pages = 0; pages < 10; ++pages) {
        auto request = Of<s3::ListObjectsRequest>("lake");
        request.Delimiter = "/";
        request.MaxKeys = 1;
        request.Marker = marker;
        auto page = Call(&S3Service::ListObjects, std::move(request)).value();
        if (page.Contents) seen += *page.Contents->at(0).Key + " ";
        if (page.CommonPrefixes) seen += *page.CommonPrefixes->at(0).Prefix + " ";
        if (!*page.IsTruncated) break;
        marker = *page.NextMarker;
    }
    EXPECT_EQ(seen, "a b/ c ");
}

TEST_F(BucketsTest, NamesAreEncodedInListsWhenAskedFor) {
    MakeBucket("lake");
    Put("a b\n/\xc3\xa4", "x").value();
    auto request = Of<s3::ListObjectsV2Request>("lake");
    request.EncodingType = "url";
    auto page = Call(&S3Service::ListObjectsV2, std::move(request)).value();
    EXPECT_EQ(page.Contents->at(0).Key, "a%20b%0A/%C3%A4");
    EXPECT_EQ(page.EncodingType, "url");
    auto wrong = Of<s3::ListObjectsV2Request>("lake");
    wrong.EncodingType = "xml";
    EXPECT_EQ(CodeOf(Call(&S3Service::ListObjectsV2, std::move(wrong))), "InvalidArgument");
}

class RecordingListener final : public ObjectEventListener {
  public:
    bool Serves(const std::string& target) const override { return target.starts_with("arn:aws:lambda:"); }
    Task<void> OnObjectEvent(ObjectEvent event) override {
        events.push_back(event.name + " " + event.key + " " + event.target_arn);
        co_return;
    }
    std::vector<std::string> events;
};

TEST_F(BucketsTest, EventsReachTheTargetsWhoseFilterTheyPass) {
    RecordingListener listener;
    service_->SetListener(&listener);
    MakeBucket("lake");
    auto request = [&](const std::string& target) {
        auto put = Of<s3::PutBucketNotificationConfigurationRequest>("lake");
        auto& rule = put.NotificationConfiguration.LambdaFunctionConfigurations.emplace().emplace_back();
        rule.LambdaFunctionArn = target;
        rule.Events = {"s3:ObjectCreated:*"};
        auto& filter = rule.Filter.emplace().Key.emplace().FilterRules.emplace().emplace_back();
        filter.Name = "suffix";
        filter.Value = ".parquet";
        return put;
    };
    EXPECT_EQ(CodeOf(Call(&S3Service::PutBucketNotificationConfiguration, request("arn:aws:sqs:x"))), "InvalidArgument");
    EXPECT_EQ(CodeOf(Call(&S3Service::PutBucketNotificationConfiguration, request("arn:aws:lambda:f"))), "");
    Put("a.parquet", "x").value();
    Put("a.json", "x").value();
    auto remove = Of<s3::DeleteObjectRequest>("lake");
    remove.Key = "a.parquet";
    Call(&S3Service::DeleteObject, std::move(remove)).value();
    EXPECT_EQ(listener.events, std::vector<std::string>{"ObjectCreated:Put a.parquet arn:aws:lambda:f"});
    auto got = Call(&S3Service::GetBucketNotificationConfiguration,
                    Of<s3::GetBucketNotificationConfigurationRequest>("lake"));
    EXPECT_EQ(got->LambdaFunctionConfigurations->at(0).Filter->Key->FilterRules->at(0).Value, ".parquet");
}

TEST(Listing, TokensAreOpaqueAndOnlyOurOwn) {
    for (const std::string& from : {std::string(), std::string("a/b"), std::string("\0\xff", 2)}) {
        EXPECT_EQ(ReadToken(MakeToken(from)), from);
    }
    EXPECT_EQ(ReadToken("AAAA"), std::nullopt);
    EXPECT_EQ(ReadToken(MakeToken("x") + "A"), std::nullopt);
}

}  // namespace
}  // namespace wellhead::services::s3
